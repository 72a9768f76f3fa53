"""Trajectories: how burden changes with the years, and in whom by more than error explains."""

from __future__ import annotations

from functools import partial
from typing import Any

from bactools.explore.progress import evenly
from bactools.figures.rates import rates
from bactools.figures.trajectories import spaghetti
from bactools.report.material import METRIC, Material
from bactools.report.parts import Section
from bactools.stats.result import StatsError

_MOST_STRANDS, _MOST_RATES = 300, 200


def progression(material: Material) -> Section:
    """Return trajectories, women's rates, and who progressed."""
    section = Section("Trajectories")
    section.part("Burden over the years", lambda: _fitted(section, material))
    return section


def _fitted(section: Section, material: Material) -> None:
    options = {"group": material.group} if material.group else {}
    try:
        found = material.cube.bac.trajectories(METRIC, engine="exact", **options)
    except StatsError as error:
        if not options:
            raise
        section.missing(f"Not split by {material.group}: {error}.")
        found = material.cube.bac.trajectories(METRIC, engine="exact")
    section.result(found, partial(spaghetti, most=_MOST_STRANDS))
    if not found.estimable:
        return
    section.part("Who progressed", lambda: _progressed(section, found))


def _progressed(section: Section, found: Any) -> None:
    who = found.progressed()
    if not who.estimable:
        section.missing(who.interpret())
        return
    some, theirs = evenly(found, who, most=_MOST_RATES)
    told = who.interpret()
    if some is not found:
        told += f"\n{len(some.women):,} of {who.n:,} are drawn, evenly chosen by their rate."
    section.figure(rates(some, theirs), told)
    section.table(who.to_frame(), who.title)
