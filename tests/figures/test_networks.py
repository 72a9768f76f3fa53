"""Circles of networks, read from the figure's data; the numbers are made up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bactools.figures.networks import parameter_bubbles
from bactools.stats.result import StatsError

TABLE = pd.DataFrame(
    {
        "network": ["A", "B<i>", "C", "D"],
        "parameters": [4e6, 1e5, 1e6, np.nan],
        "score": [0.7, 0.71, 0.65, 0.6],
        "gflops": [30.0, 2.0, np.nan, 1.0],
    }
)


def test_area_goes_with_the_parameters_and_large_ones_lie_below() -> None:
    figure = parameter_bubbles(TABLE, score="Dice", highlight="B<i>", note="Made up.")
    (circles,) = figure.data
    assert list(circles.x) == [4e6, 1e6, 1e5]
    assert list(circles.y) == [0.7, 0.65, 0.71]
    assert circles.marker.sizemode == "area"
    assert list(circles.marker.size) == list(circles.x)
    assert list(circles.text) == ["A", "C", "<b>B&lt;i&gt;</b>"]
    colours = circles.marker.color
    assert colours[0] == colours[1] != colours[2]
    assert "4,000,000 parameters" in circles.hovertext[0]
    assert "30 GFLOP" in circles.hovertext[0]
    assert "GFLOP" not in circles.hovertext[1]
    note = figure.layout.annotations[0].text.replace("<br>", " ")
    assert note.startswith("Without a size or score: D.")
    assert note.endswith("Made up.")
    assert figure.layout.xaxis.type == "log"


def test_the_smallest_circle_is_said_to_be_larger_than_it_should_be() -> None:
    def note(parameters: list[float]) -> str:
        table = pd.DataFrame({"network": ["A", "B"], "parameters": parameters, "score": [0.5, 0.6]})
        return str(parameter_bubbles(table).layout.annotations[0].text)

    assert "no circle is smaller" in note([1e8, 1e5])
    assert "no circle is smaller" not in note([1e6, 1e5])


def test_operations_and_intervals() -> None:
    table = TABLE.assign(score_low=TABLE["score"] - 0.1, score_high=TABLE["score"] + 0.2)
    (circles,) = parameter_bubbles(table, x="gflops").data
    assert list(circles.x) == [30, 2]
    assert list(circles.error_y.array) == pytest.approx([0.2, 0.2])
    assert list(circles.error_y.arrayminus) == pytest.approx([0.1, 0.1])


def test_no_network_at_all() -> None:
    figure = parameter_bubbles(TABLE.iloc[3:])
    assert not figure.data
    assert "no network has" in figure.layout.annotations[0].text


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(StatsError, match="column score is missing"):
        parameter_bubbles(TABLE.drop(columns="score"))
    with pytest.raises(StatsError, match="parameters of A is not positive"):
        parameter_bubbles(TABLE.assign(parameters=0))
    with pytest.raises(StatsError, match="twice"):
        parameter_bubbles(pd.concat([TABLE, TABLE]))
    with pytest.raises(StatsError, match="highlight='E'"):
        parameter_bubbles(TABLE, highlight="E")
    with pytest.raises(StatsError, match="x='size'"):
        parameter_bubbles(TABLE, x="size")  # type: ignore[arg-type]
