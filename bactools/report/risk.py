"""Risk: grades of the first exam, and what happened to the women afterwards where that is known."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bactools.explore import controls
from bactools.explore.outcomes import NEEDED, Outcome, first_exams, follow_up, groups, outcomes
from bactools.explore.progress import error_of
from bactools.explore.variables import measured
from bactools.figures.forest import forest
from bactools.figures.grades import grade_shares
from bactools.figures.survival import kaplan_meier as curves_drawn
from bactools.report.material import Material
from bactools.report.parts import Section
from bactools.stats.association import cox
from bactools.stats.burden import Burden
from bactools.stats.grades import Grades, grades
from bactools.stats.survival.kaplan_meier import kaplan_meier

_GRADED = "am_mm2"
_THIRDS = ("none", "lowest third", "middle third", "highest third")
_FEWEST = 2


def risk(material: Material) -> Section:
    """Return grades, and survival and hazard ratios by them, as the dashboard shows them at first."""
    section, cube = Section("Grades and risk"), material.cube
    metric = _GRADED if _GRADED in cube else next(iter(measured(cube)), "")
    if not metric:
        section.missing("This study holds no metric of calcification to grade.")
        return section
    if metric != _GRADED:
        section.missing(
            "Grades have their limits in mm², and this study holds no area in mm²: its images do not state"
            f" the size of a pixel. Thirds of {metric} are shown."
        )
    section.part("First exam", lambda: _both(section, material, metric))
    return section


def _both(section: Section, material: Material, metric: str) -> None:
    every: Burden = material.cube.bac.burden(metric, incomplete="scale")
    if not len(every.table):
        section.missing(every.interpret())
        return
    burden, error = first_exams(every), error_of(every)
    if burden.units == "mm2":
        found = grades(burden, error=error)
    else:
        found = grades(burden, scheme="quantile", labels=_THIRDS, error=error)
    told = "Each woman's first exam counts; of an exam that lacks a view the others stand in for it."
    if error is not None:
        told += " The measurement error is the SD of exams about the women's own lines."
    section.words(told)
    section.result(found, grade_shares)
    known = outcomes(material.source.cube)
    if not known:
        section.missing(
            "This study holds no outcome, so survival and hazard ratios cannot be shown. They need two"
            f" columns per woman among the covariates: {NEEDED}."
        )
    for outcome in known:
        section.part(
            f"Outcome: {outcome.event}",
            lambda outcome=outcome: _followed(section, material, outcome, burden, found),  # type: ignore[misc]
        )


def _followed(section: Section, material: Material, outcome: Outcome, burden: Burden, found: Grades) -> None:
    followed = follow_up(material.source.cube, outcome, burden)
    section.words(f"{followed.words} Time counts from a woman's first exam in the study.")
    section.words("An association in observed women is not proof of a cause.")
    name = "grade" if burden.units == "mm2" else "burden"
    by = groups(found, followed) if found.estimable else None
    curves = kaplan_meier(followed.time, followed.event, group=by, entry=followed.entry, name=name)
    section.result(replace(curves, note=found.note), curves_drawn)
    if followed.n < _FEWEST:
        section.missing("Hazard ratios need two women who were followed.")
        return
    adjusted = ["age"] if any(known.name == "age" for known in controls(material.source.cube)) else []
    parted = "adjusted for age" if adjusted else "not adjusted"

    def fitted(title: str, exposure: Grades | Burden, called: str) -> None:
        ratios = cox(
            followed.time, followed.event, exposure, covariates=adjusted or None, entry=followed.entry,
            name=called,
        )  # fmt: skip
        section.result(ratios, partial(forest, title=f"{title}, {parted}"))

    titles = {
        name: f"Hazard ratio by {name} of {burden.name}",
        burden.metric: f"Hazard ratio of {burden.name}",
    }
    exposures: dict[str, Grades | Burden] = {name: found} if found.estimable else {}
    for called, exposure in {**exposures, burden.metric: burden}.items():
        section.part(titles[called], partial(fitted, titles[called], exposure, called))
