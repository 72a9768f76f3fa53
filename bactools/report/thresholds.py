"""Thresholds: at which X and probability cut burden agrees best with a reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bactools.explore.threshold_search import search
from bactools.figures.thresholds import threshold_slice, threshold_surface
from bactools.report.material import METRIC, Material
from bactools.report.parts import Section

_Against = xr.DataArray | tuple[str, xr.Dataset | None]
"""Values on the cube, or what the dashboard compares with: its name, and the other cube if it is one."""


def thresholds(material: Material) -> Section:
    """Return the surface of the criterion over X and cut, for every reference there is."""
    section = Section("Thresholds")
    if "joint_histogram" not in material.cube:
        section.missing(
            "The study holds no joint histograms of probability and grey level, from which burden is"
            " recomputed at other thresholds."
        )
        return section
    references = _references(material)
    if not references:
        section.missing(
            "There is no reference that burden could be compared with at other thresholds: give a second"
            " study as --truth, or breast-CT readings as --reference."
        )
    for name, reference in references.items():
        section.part(f"Against {name}", lambda reference=reference: _one(section, material, reference))  # type: ignore[misc]
    return section


def _one(section: Section, material: Material, against: _Against) -> None:
    if isinstance(against, xr.DataArray):
        found = material.cube.bac.thresholds(against=against, comparison=material.recipe.comparison)
    else:
        # as on the dashboard's page, of an even choice of women where there are many
        searched = search(
            material.source, material.cohort, against=against[0], theirs=against[1], quantity="tam",
            criterion="r2",
        )  # fmt: skip
        found = searched.found
        if found.estimable:
            section.words(searched.words)
    section.result(found, threshold_surface, threshold_slice)


def _references(material: Material) -> dict[str, _Against]:
    """Return references by name."""
    held: dict[str, _Against] = {}
    measures = material.reference_measures
    if measures is not None and measures.joined.per == "woman":
        for measure in measures.joined.measures:
            held[measure] = on_exams(material.cube, measures.joined.table, measure)
    if material.other is not None:
        theirs = material.other.cube
        if METRIC in theirs:
            held[f"{METRIC} of {material.other.name}"] = (material.other.name, theirs)
    elif METRIC in material.compared:
        against = material.compared[METRIC]
        if isinstance(against, str):
            held[against] = (against, None)
        elif material.drawn is not None:
            name = "drawn masks"
            held[f"{METRIC} of {name}"] = (name, on_images(material.cube, material.drawn))
    return held


def on_exams(cube: xr.Dataset, table: pd.DataFrame, measure: str) -> xr.DataArray:
    """Return a measure of a table with subject and date on (subject, exam) of a cube; NaN elsewhere."""
    values = table.dropna(subset=[measure]).set_index(["subject", "date"])[measure]
    return _placed(cube, values.to_dict(), measure, per_view=False)


def on_images(cube: xr.Dataset, drawn: pd.DataFrame) -> xr.Dataset:
    """Return the report's metric of drawn masks on the cells of a cube, by subject, view and date."""
    column = f"{METRIC}_truth"
    values = drawn.dropna(subset=[column]).set_index(["subject", "date", "view"])[column]
    return (
        _placed(cube, values.to_dict(), METRIC, per_view=True).to_dataset().assign_coords(date=cube["date"])
    )


def _placed(cube: xr.Dataset, values: Mapping[Any, float], name: str, *, per_view: bool) -> xr.DataArray:
    days = cube["date"].transpose("subject", "exam").values
    views = [(str(view),) for view in cube["view"].values] if per_view else [()]
    placed = np.full((*days.shape, len(views)), np.nan)
    for row, subject in enumerate(cube["subject"].values):
        for column in np.flatnonzero(~np.isnat(days[row])):
            day = pd.Timestamp(days[row, column])
            placed[row, column] = [values.get((subject, day, *view), np.nan) for view in views]
    dims, coords = ["subject", "exam", "view"], {n: cube[n] for n in ("subject", "exam", "view")}
    full = xr.DataArray(
        placed, dims=dims, coords=coords if per_view else {n: coords[n] for n in dims[:2]}, name=name
    )
    return full.transpose("subject", "view", "exam") if per_view else full.isel(view=0)
