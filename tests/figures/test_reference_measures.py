"""Figures of the comparison with a reference measure hold its numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.figures.reference_measures import reference_forest, reference_scatter
from bactools.stats.reference_measures import ReferenceMeasures, reference_measures
from bactools.testing import simulate_cube


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return simulate_cube(10, n_exam=1, without_bac=0.0)


@pytest.fixture(scope="module")
def found(cube: xr.Dataset) -> ReferenceMeasures:
    am = cube["am"].sum("view").values.ravel()
    mass = am * 1e-3 * np.exp(np.random.default_rng(0).normal(0, 0.4, 10))
    table = pd.DataFrame({"subject": cube["subject"].values, "mass_mg": mass, "other<b>": mass**2})
    return reference_measures(cube, table)


def test_the_forest_holds_estimates_intervals_and_what_was_published(found: ReferenceMeasures) -> None:
    figure = reference_forest(found)
    table = found.to_frame().query("measure == 'mass_mg'")
    here = figure.data[0]
    assert list(here.x) == table["r2"].tolist()
    assert np.asarray(here.x) + here.error_x.array == pytest.approx(table["ci_high"].to_numpy())
    assert np.asarray(here.x) - here.error_x.arrayminus == pytest.approx(table["ci_low"].to_numpy())
    published = [trace for trace in figure.data if "published" in trace.name]
    assert len(published) == 1  # nothing is published of the other measure
    assert list(published[0].x) == [0.866, 0.873, 0.840, 0.774, 0.798]
    assert "other&lt;b&gt;" in [note.text for note in figure.layout.annotations]


def test_points_lead_to_women_and_lines_are_the_fits(found: ReferenceMeasures) -> None:
    figure = reference_scatter(found)
    points, line = figure.data[0], figure.data[1]
    assert [row[0] for row in points.customdata] == found.joined.table["subject"].tolist()
    fit = found.fit("pm", "mass_mg")
    assert list(line.y) == pytest.approx([fit.intercept.value + fit.slope.value * x for x in line.x])
    assert len(figure.data) == 20


def test_what_is_not_estimable_is_told(cube: xr.Dataset, found: ReferenceMeasures) -> None:
    stranger = pd.DataFrame({"subject": ["nobody"], "mass": [1.0]})
    for draw in (reference_forest, reference_scatter):
        figure = draw(reference_measures(cube, stranger))
        assert "no reading goes with" in figure.layout.annotations[0].text
    flat = pd.DataFrame({"subject": cube["subject"].values, "mass": 1.0, "voxels": np.arange(10.0)})
    part = reference_measures(cube, flat)
    told = [note.text for note in reference_forest(part).layout.annotations]
    assert told.count("mass is 1 everywhere") == 5
    assert "not estimable" in [note.text for note in reference_scatter(part).layout.annotations]
