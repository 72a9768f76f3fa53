"""Risk: grades of burden, and what happened to the women afterwards where that is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import panel_material_ui as pmui
import param

from bactools.explore import controls
from bactools.explore.outcomes import NEEDED, FollowUp, Outcome, first_exams, follow_up, groups, outcomes
from bactools.explore.progress import error_of
from bactools.explore.variables import measured
from bactools.figures.forest import forest
from bactools.figures.grades import grade_shares
from bactools.figures.survival import dose_response
from bactools.figures.survival import kaplan_meier as curves_drawn
from bactools.stats.association import cox
from bactools.stats.association.result import Association
from bactools.stats.burden import Burden
from bactools.stats.grades import Grades, grades
from bactools.stats.survival.kaplan_meier import KaplanMeier, kaplan_meier
from dashboards import parts
from dashboards.base import Page
from dashboards.state import State

_THIRDS = ("none", "lowest third", "middle third", "highest third")
_ANY = ("none", "any")
_FEWEST = 2
_GRADED = ("metric", "incomplete", "by")
"""The options that grades depend on."""


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
        default="grade",
        label="Groups",
        objects={"grades in mm²": "grade", "thirds": "thirds", "any or none": "any"},
    )
    outcome = param.Selector(default="", objects={"none known": ""}, label="Outcome")
    adjust = param.ListSelector(default=["age"], objects=["age"], label="Adjusted for")
    strata = param.Selector(default="", objects={"nothing": ""}, label="Stratified by")
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
        offered = [control for control in controls(cube) if control.name not in taken]
        known = [control.name for control in offered]
        apart = [control.name for control in offered if control.kind == "choice"]
        self.param.strata.objects = {"nothing": "", **{name: name for name in apart}}
        if self.strata not in ("", *apart):
            self.strata = ""
        self.param.adjust.objects = known
        self.adjust = [name for name in self.adjust if name in known]

    def show(self) -> list[Any]:
        """Return grades, then survival and hazard ratios or what they lack."""
        source = self.state.source
        burden, found, error = self.kept("grades", self._graded, of=_GRADED)
        if not len(burden.table):
            return [parts.notice(burden.interpret(), kind="warning")]
        say = "Each woman's first exam counts."
        if error is not None:
            say += " The measurement error is the SD of exams about the women's own lines."
        shown = [parts.words(say)]
        if self.by == "grade" and not _in_mm2(burden):
            say = f"Grades have their limits in mm², and {self.metric} is not in mm²: thirds are shown."
            shown.append(parts.notice(say))
        shown.append(parts.result(found, grade_shares(found), name="grades"))
        if not self._outcomes:
            say = (
                "This study holds no outcome, so survival and hazard ratios cannot be shown. They need two"
                f" columns per woman among the covariates: {NEEDED}."
            )
            return [*shown, parts.heading("Outcome"), parts.notice(say)]
        outcome = self._outcomes.get(self.outcome) or next(iter(self._outcomes.values()))
        followed = self.kept(
            "followed", lambda: follow_up(source.cube, outcome, burden), of=(*_GRADED, "outcome")
        )
        say = f"{followed.words} Time counts from a woman's first exam in the study."
        shown += [parts.heading(f"Outcome: {outcome.event}"), parts.words(say)]
        return [*shown, *self._survival(followed, found), *self._hazards(followed, burden, found)]

    def _graded(self) -> tuple[Burden, Grades, float | None]:
        """Return each woman's first burden, its grade, and the error of measurement."""
        every = self.state.cube(self.metric).bac.burden(self.metric, incomplete=self.incomplete)
        burden, error = first_exams(every), error_of(every) if len(every.table) else None
        if self.by == "any":
            return burden, grades(burden, scheme="cuts", cuts=(0,), labels=_ANY, error=error), error
        if self.by == "grade" and _in_mm2(burden):
            return burden, grades(burden, error=error), error
        return burden, grades(burden, scheme="quantile", labels=_THIRDS, error=error), error

    def _survival(self, followed: FollowUp, found: Grades) -> list[Any]:
        """Return survival by group, of all women if there are no groups."""

        def compute() -> KaplanMeier:
            group = groups(found, followed) if found.estimable else None
            name = "grade" if self.by == "grade" else "burden"
            curves = kaplan_meier(followed.time, followed.event, group=group, entry=followed.entry, name=name)
            return replace(curves, note=found.note)

        curves = self.kept("survival", compute, of=(*_GRADED, "outcome"))
        return [parts.result(curves, curves_drawn(curves), name="survival")]

    def _hazards(self, followed: FollowUp, burden: Burden, found: Grades) -> list[Any]:
        """Return hazard ratios by group, per SD, and along the burden."""
        if followed.n < _FEWEST:
            return [parts.notice("Hazard ratios need two women who were followed.", kind="warning")]
        adjusted = [name for name in self.adjust if name != self.strata]
        given: dict[str, Any] = {"covariates": adjusted or None, "entry": followed.entry}
        parted = "adjusted for " + ", ".join(adjusted) if adjusted else "not adjusted"
        shown = [parts.heading(f"Hazard ratios, {parted}")]
        if self.strata:
            given["strata"] = burden.table.set_index("subject")[self.strata]
            say = f"Women are compared with those of the same {self.strata} only (stratified model)."
            shown.append(parts.words(say))

        def fitted(model: str, exposure: Any, *more: str, **how: Any) -> Association:
            return self.kept(
                model, lambda: cox(followed.time, followed.event, exposure, **given, **how),
                of=(*_GRADED, "outcome", "adjust", "strata", *more),
            )  # fmt: skip

        if found.estimable:
            called = "grade" if self.by == "grade" else "burden"
            by_group = fitted("by group", found, name=called)
            title = f"Hazard ratio by {called} of {burden.name}"
            drawn = forest(by_group, title=title)
            shown.append(parts.result(by_group, drawn, name="hazard-by-group"))
            if not by_group.estimable and self.by == "grade":
                shown.append(parts.words("Thirds of the burden are groups of like size: choose them above."))
        straight = fitted("straight", burden, name=self.metric)
        title = f"Hazard ratio of {burden.name}, per {straight.per}"
        shown.append(parts.result(straight, forest(straight, title=title), name="hazard-per-sd"))
        shown.append(parts.heading("Dose and response"))
        curve = fitted("curve", burden, "knots", spline=self.knots)
        return [*shown, parts.result(curve, dose_response(curve), name="dose-response")]

    def _widget(self, name: str) -> Any:
        if name == "adjust":
            return pmui.MultiChoice.from_param(self.param.adjust, label="Adjusted for", width=300)
        return super()._widget(name)


def _in_mm2(burden: Burden) -> bool:
    return bool(burden.units == "mm2")
