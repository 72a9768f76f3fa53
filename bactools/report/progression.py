"""Trajectories: how burden changes with the years, and in whom by more than error explains."""

from __future__ import annotations

from typing import Any

from bactools.figures.rates import rates
from bactools.figures.trajectories import spaghetti
from bactools.report.material import METRIC, Material
from bactools.report.parts import Section
from bactools.stats.result import StatsError

_MOST_WOMEN = 400


def progression(material: Material) -> Section:
    """Return trajectories, women's rates, and who progressed."""
    section = Section("Trajectories")
    section.part("Burden over the years", lambda: _fitted(section, material))
    return section


def _fitted(section: Section, material: Material) -> None:
    options = {"group": material.group} if material.group else {}
    try:
        found = material.cube.bac.trajectories(METRIC, **options)
    except StatsError as error:
        if not options:
            raise
        section.missing(f"Not split by {material.group}: {error}.")
        found = material.cube.bac.trajectories(METRIC)
    section.result(found, spaghetti)
    if not found.estimable:
        return
    section.part("Who progressed", lambda: _progressed(section, found))


def _progressed(section: Section, found: Any) -> None:
    who = found.progressed()
    if not who.estimable:
        section.missing(who.interpret())
        return
    n_women = found.points["subject"].nunique()
    if n_women <= _MOST_WOMEN:
        section.figure(rates(found, who), who.interpret())
    else:
        section.words(who.interpret())
        section.words(f"Rates of {n_women:,} women are too many to draw one by one.", kind="small")
    section.table(who.to_frame(), who.title)
