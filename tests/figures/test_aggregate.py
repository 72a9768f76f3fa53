"""Counts instead of very many points."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from bactools.figures.aggregate import MOST_POINTS, counts, many
from bactools.figures.agreement import bland_altman
from bactools.figures.regression import scatter
from bactools.stats.agreement import agreement
from bactools.stats.regression import regression


def _points(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"x": rng.normal(size=n), "y": rng.normal(size=n), "subject": [f"S{i}" for i in range(n)]}
    )


def test_every_point_is_counted_once() -> None:
    drawn = counts(_points(20_000), "x", "y", lines=("x", "y"))
    assert np.sum(drawn.text) == 20_000
    assert np.nansum(10 ** np.asarray(drawn.z)) == pytest.approx(20_000)


def test_what_is_not_known_or_not_above_zero_on_a_logarithmic_axis_is_not_counted() -> None:
    points = pd.DataFrame({"x": [1.0, 2.0, np.nan, -1.0, np.inf], "y": [1.0, 5.0, 1.0, 2.0, 3.0]})
    assert np.sum(counts(points, "x", "y", lines=("x", "y")).text) == 3
    assert np.sum(counts(points, "x", "y", log=True, lines=("x", "y")).text) == 2


def test_a_lone_point_leads_to_its_image_and_a_crowd_to_none() -> None:
    points = pd.DataFrame({"x": [0.0, 0.0, 1.0], "y": [0.0, 0.0, 1.0], "subject": ["A", "B", "C"]})
    drawn = counts(points, "x", "y", lines=("x", "y"))
    assert drawn.customdata[-1][-1][0] == "C"
    assert drawn.customdata[0][0][0] == ""


@pytest.mark.parametrize("n", [MOST_POINTS, MOST_POINTS + 1])
def test_the_figure_of_many_points_does_not_grow(n: int) -> None:
    points = _points(n)
    keys = points[["subject"]]
    figures = (
        scatter(regression(points["x"], points["y"], keys=keys)),
        bland_altman(agreement(points["x"], points["y"], keys=keys)),
    )
    for figure in figures:
        kinds = [type(trace) for trace in figure.data]
        assert (go.Heatmap in kinds) == many(points)
        assert max(len(t.x) for t in figure.data) <= MOST_POINTS
        if many(points):
            heat = next(trace for trace in figure.data if isinstance(trace, go.Heatmap))
            assert f"{n:,} in all" in heat.colorbar.title.text


def test_nothing_and_one_place_are_drawn() -> None:
    assert np.sum(counts(_points(0), "x", "y", lines=("x", "y")).text) == 0
    same = pd.DataFrame({"x": [3.0] * 9, "y": [2.0] * 9})
    assert np.max(counts(same, "x", "y", lines=("x", "y")).text) == 9
