"""A click leads to the image that was drawn there, and to none where many were."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from bactools.figures.aggregate import counts
from bactools.figures.clicked import clicked
from bactools.figures.style import KEYS


@pytest.fixture
def points() -> pd.DataFrame:
    random = np.random.default_rng(3)
    n = 6_000
    return pd.DataFrame(
        {
            "x": random.lognormal(3, 1, n), "y": random.lognormal(3, 1, n),
            "subject": [f"S{at:05d}" for at in range(n)], "view": "LCC", "date": "2020-01-02",
            "image_id": [f"i{at}" for at in range(n)],
        }
    )  # fmt: skip


@pytest.mark.parametrize("log", [False, True])
def test_a_square_that_holds_one_image_leads_to_it(points: pd.DataFrame, log: bool) -> None:
    drawn = go.Figure(counts(points, "x", "y", log=log, lines=("x", "y")))
    trace = drawn.data[0]
    held = np.asarray(trace.text)
    found = {}
    for row, column in np.argwhere(held == 1):
        # as plotly tells it: a place inside the square, and no data of ours
        place = {
            "x": float(np.mean(trace.x[column : column + 2])),
            "y": float(np.mean(trace.y[row : row + 2])),
        }
        found[(row, column)] = clicked(drawn, {"curveNumber": 0, **place})["subject"]
    assert len(found) > 50
    for (row, column), subject in found.items():
        x, y = points.loc[points["subject"] == subject, ["x", "y"]].iloc[0]
        assert trace.x[column] <= x <= trace.x[column + 1]
        assert trace.y[row] <= y <= trace.y[row + 1]


def test_a_square_of_many_leads_nowhere(points: pd.DataFrame) -> None:
    drawn = go.Figure(counts(points, "x", "y", lines=("x", "y")))
    row, column = np.unravel_index(np.argmax(drawn.data[0].text), np.shape(drawn.data[0].text))
    place = {"x": float(drawn.data[0].x[column]) + 1e-9, "y": float(drawn.data[0].y[row]) + 1e-9}
    assert clicked(drawn, {"curveNumber": 0, **place}).get("subject", "") == ""


def test_a_point_says_itself(points: pd.DataFrame) -> None:
    told = ["S1", "LCC", "2020-01-02", "i1"]
    assert clicked(go.Figure(), {"customdata": told}) == dict(zip(KEYS, told, strict=True))


@pytest.mark.parametrize(
    "point",
    [
        {}, {"customdata": ["S1"]}, {"customdata": "S1"}, {"curveNumber": 7, "x": 1, "y": 1},
        {"curveNumber": -1, "x": 1, "y": 1}, {"curveNumber": "0", "x": 1, "y": 1},
        {"curveNumber": 0, "x": float("nan"), "y": 1}, {"curveNumber": 0, "x": 1e300, "y": 1},
        {"curveNumber": 0, "x": -1e9, "y": -1e9}, {"curveNumber": 0, "x": "1", "y": [1]},
        {"curveNumber": 0, "x": True, "y": 1},
    ],
)  # fmt: skip
def test_what_a_browser_may_make_up_leads_nowhere(points: pd.DataFrame, point: dict[str, object]) -> None:
    drawn = go.Figure(counts(points, "x", "y", lines=("x", "y")))
    assert clicked(drawn, point).get("subject", "") == ""
