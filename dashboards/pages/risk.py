"""Risk: grades of burden, and what happened to the women afterwards where that is known."""

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui
import param

from bactools.explore import controls
from bactools.explore.outcomes import NEEDED, FollowUp, Outcome, first_exams, follow_up, groups, outcomes
from bactools.explore.progress import error_of
from bactools.explore.quality import evenly
from bactools.explore.variables import measured
from bactools.figures.forest import forest
from bactools.figures.grades import grade_shares
from bactools.figures.survival import dose_response
from bactools.figures.survival import kaplan_meier as curves_drawn
from bactools.stats.association import cox
from bactools.stats.burden import Burden
from bactools.stats.grades import Grades, grades
from bactools.stats.survival.kaplan_meier import kaplan_meier
from dashboards import parts
from dashboards.base import Page
from dashboards.state import State

_THIRDS = ("none", "lowest third", "middle third", "highest third")
_FEWEST = 2
_MOST_WOMEN = 10_000


class RiskPage(Page):
    """Grades, survival and hazard ratios."""

    slug = "risk"
    title = "Risk"
    icon = "monitor_heart"
    about = (
        "How much calcification women have at their first exam, and whether those with more of it have the"
        " event sooner. An association in observed women is not proof of a cause."
    )

    metric = param.Selector(default="am_mm2", objects=["am_mm2"], label="Metric")
    incomplete = param.Selector(
        default="scale", objects=["scale", "leave out", "as is"], label="Exams lacking a view"
    )
    by = param.Selector(
        default="grade", objects={"grades in mm²": "grade", "thirds": "thirds"}, label="Groups"
    )
    outcome = param.Selector(default="", objects={"none known": ""}, label="Outcome")
    adjust = param.ListSelector(default=["age"], objects=["age"], label="Adjusted for")
    knots = param.Selector(default=3, objects=[3, 4, 5], label="Knots of the curve")

    def __init__(self, state: State, **options: object) -> None:
        self._of: tuple[str, str] = ("", "")
        self._outcomes: dict[str, Outcome] = {}
        super().__init__(state, **options)

    def prepare(self) -> None:
        """Offer what the study holds."""
        source = self.state.source
        if self._of == (source.name, source.version):
            return
        cube = source.cube
        self._of = (source.name, source.version)
        self.param.metric.objects = measured(cube)
        if self.metric not in self.param.metric.objects:
            self.metric = self.param.metric.objects[0]
        self._outcomes = {found.event: found for found in outcomes(cube)}
        first = next(iter(self._outcomes), "none known")
        self.param.outcome.objects = {first: "", **{name: name for name in list(self._outcomes)[1:]}}
        if self.outcome not in ("", *self._outcomes):
            self.outcome = ""
        taken = {name for found in self._outcomes.values() for name in (found.event, found.time)}
        known = [control.name for control in controls(cube) if control.name not in taken]
        self.param.adjust.objects = known
        self.adjust = [name for name in self.adjust if name in known]

    def show(self) -> list[Any]:
        """Return grades, then survival and hazard ratios or what they lack."""
        cube = self.state.cube(self.metric)
        some = evenly(cube, _MOST_WOMEN)
        every = some.bac.burden(self.metric, incomplete=self.incomplete)
        burden = first_exams(every)
        if not len(burden.table):
            return [parts.notice(burden.interpret(), kind="warning")]
        by, told = self._by(burden)
        error = error_of(every)
        found = self._graded(burden, by, error)
        say = "Each woman's first exam counts."
        if error is not None:
            say += " The measurement error is the SD of exams about the women's own lines."
        if some is not cube:
            n, of = some.sizes["subject"], cube.sizes["subject"]
            told.append(parts.notice(f"From {n:,} of {of:,} women, evenly chosen: all would take long."))
        shown = [parts.words(say), *told]
        shown.append(parts.result(found, grade_shares(found), name="grades"))
        if not self._outcomes:
            say = (
                "This study holds no outcome, so survival and hazard ratios cannot be shown. They need two"
                f" columns per woman among the covariates: {NEEDED}."
            )
            return [*shown, parts.heading("Outcome"), parts.notice(say)]
        outcome = self._outcomes.get(self.outcome) or next(iter(self._outcomes.values()))
        followed = follow_up(self.state.source.cube, outcome, burden)
        shown += [parts.heading(f"Outcome: {outcome.event}"), parts.words(followed.words)]
        return [*shown, *self._survival(followed, found, by), *self._hazards(followed, burden, found)]

    def _by(self, burden: Burden) -> tuple[str, list[Any]]:
        if self.by == "grade" and burden.units != "mm2":
            say = f"Grades have their limits in mm², and {self.metric} is not in mm²: thirds are shown."
            return "thirds", [parts.notice(say)]
        return self.by, []

    def _graded(self, burden: Burden, by: str, error: float | None) -> Grades:
        if by == "grade":
            return grades(burden, error=error)
        return grades(burden, scheme="quantile", labels=_THIRDS, error=error)

    def _survival(self, followed: FollowUp, found: Grades, by: str) -> list[Any]:
        """Return survival by group, of all women if there are no groups."""
        group = groups(found, followed) if found.estimable else None
        name = "grade" if by == "grade" else "burden"
        curves = kaplan_meier(followed.time, followed.event, group=group, entry=followed.entry, name=name)
        return [parts.result(curves, curves_drawn(curves), name="survival")]

    def _hazards(self, followed: FollowUp, burden: Burden, found: Grades) -> list[Any]:
        """Return hazard ratios by group, per SD, and along the burden."""
        if followed.n < _FEWEST:
            return [parts.notice("Hazard ratios need two women who were followed.", kind="warning")]
        given: dict[str, Any] = {"covariates": list(self.adjust) or None, "entry": followed.entry}
        time, event = followed.time, followed.event
        parted = "adjusted for " + ", ".join(self.adjust) if self.adjust else "not adjusted"
        shown = [parts.heading(f"Hazard ratios, {parted}")]
        if found.estimable:
            by_group = cox(time, event, found, **given)
            shown.append(parts.result(by_group, forest(by_group), name="hazard-by-group"))
            if not by_group.estimable and self.by == "grade":
                shown.append(parts.words("Thirds of the burden are groups of like size: choose them above."))
        straight = cox(time, event, burden, **given)
        shown.append(parts.result(straight, forest(straight), name="hazard-per-sd"))
        shown.append(parts.heading("Dose and response"))
        curve = cox(time, event, burden, spline=self.knots, **given)
        return [*shown, parts.result(curve, dose_response(curve), name="dose-response")]

    def _widget(self, name: str) -> Any:
        if name == "adjust":
            return pmui.MultiChoice.from_param(self.param.adjust, label="Adjusted for", width=300)
        return super()._widget(name)
