"""The cohort: who is in it, who dropped out, how it is composed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from bactools.explore import controls
from bactools.explore.variables import measured
from bactools.figures.cohort import burden_distribution, flow_diagram, missingness_map
from bactools.stats.cohort.burden_by import burden_by
from dashboards import parts
from dashboards.base import Page

FLOW, TABLE, BURDEN, MISSING = "flow", "Table 1", "burden", "missing views"

_MOST_GROUPS = 8
_MOST_POINTS = 4_000
_HIDE_BELOW = 10


class CohortPage(Page):
    """Counts, flow, Table 1, burden by group, missing views."""

    slug = "cohort"
    title = "Cohort"
    icon = "groups"
    about = "Which women and images are looked at, and which were left out and why."

    part = param.Selector(default=FLOW, objects=[FLOW, TABLE, BURDEN, MISSING], label="Show")
    group = param.Selector(default="", objects={"all women": ""}, label="Table 1 by")
    suppress = param.Boolean(default=False, label=f"Hide counts below {_HIDE_BELOW}")
    metric = param.Selector(default="tam_100", objects=["tam_100"], label="Burden")
    by = param.Selector(default="", objects={"age": ""}, label="Burden by")
    log = param.Boolean(default=False, label="Logarithmic")

    def prepare(self) -> None:
        """Offer what the study holds."""
        cube = self.state.source.cube
        known = controls(cube)
        few = [each.name for each in known if each.kind == "choice" and len(each.choices) <= _MOST_GROUPS]
        self.param.group.objects = {"all women": "", **{name: name for name in few}}
        able = [each.name for each in known if "view" not in cube[each.name].dims]
        first = "age" if "age" in able or not able else able[0]
        self.param.by.objects = {first: "", **{name: name for name in able if name != first}}
        self._first = first
        self.param.metric.objects = measured(cube) or ["tam_100"]
        for name in ("group", "by", "metric"):
            held = list(self.param[name].objects)
            if getattr(self, name) not in held:
                setattr(self, name, held[0])

    def show(self) -> list[Any]:
        """Return the counts and the part that is asked for."""
        shown = {FLOW: self._flow, TABLE: self._table, BURDEN: self._burden, MISSING: self._missing}
        return [self._cards(), *shown[self.part]()]

    def _cards(self) -> Any:
        flow = self.state.cube("status")
        status = flow["status"] != 0
        counts = {
            "women": flow.sizes["subject"],
            "exams": int(status.any("view").sum()),
            "images": int(status.sum()),
        }
        cards = [
            pmui.Paper(
                pn.Column(parts.heading(f"{n:,}"), parts.words(unit)), width=170, margin=6, elevation=1
            )
            for unit, n in counts.items()
        ]
        return pn.FlexBox(*cards, sizing_mode="stretch_width")

    def _flow(self) -> list[Any]:
        whole, cube = self.state.source.flow, self.state.cube("status")
        found = self.kept(FLOW, lambda: whole.of_part(cube), of=())
        drawn = self.kept("figure", lambda: flow_diagram(found), of=())
        return [parts.result(found, drawn, name="flow")]

    def _table(self) -> list[Any]:
        below = _HIDE_BELOW if self.suppress else 0
        names = [name for name in ("status", "age", "vendor") if name in self.state.source.cube]
        cube = self.state.cube(*names)
        found = self.kept(
            TABLE,
            lambda: cube.bac.table1(group=self.group or None, suppress_below=below),
            of=("group", "suppress"),
        )
        if not found.estimable:
            return [parts.notice(found.interpret(), kind="warning")]
        return [parts.table(found.to_frame(), name="table-1"), parts.words(found.interpret())]

    def _burden(self) -> list[Any]:
        cube = self.state.cube("status", *dict.fromkeys((self.metric, "breast_area")))
        by = self.by or self._first
        if by not in cube:
            return [parts.notice("No age and no covariate is known to group by.", kind="warning")]
        found = self.kept(BURDEN, lambda: burden_by(cube.bac.burden(self.metric), by), of=("metric", "by"))
        step = -(-len(found.points) // _MOST_POINTS)
        shown = [parts.notice(f"One woman in {step} is drawn; the numbers are of all.")] if step > 1 else []
        drawn = burden_distribution(replace(found, points=found.points[:: max(step, 1)]), log=self.log)
        return [*shown, parts.result(found, drawn, name="burden", click=self.open_exam)]

    def _missing(self) -> list[Any]:
        cube = self.state.cube("status")
        found = self.kept(MISSING, lambda: cube.bac.missingness(), of=())
        return [parts.result(found, missingness_map(found), name="missing-views")]
