"""Scores and differences, read from the figure's data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from bactools.figures.comparison import scores_and_differences
from bactools.stats.comparison import Comparison, compare
from bactools.stats.comparison.groups import compare_groups


@pytest.fixture(scope="module")
def found() -> Comparison:
    random = np.random.default_rng(0)
    base = random.normal(0.7, 0.05, 60)
    table = pd.DataFrame(
        {
            "SCU-Net": base,
            "<b>U-Net": base + random.normal(0.0, 0.03, 60),
            "SegNet": base + random.normal(-0.1, 0.03, 60),
        }
    )
    table["Copy"] = table["SegNet"]
    table.loc[0, "SegNet"] = table.loc[0, "Copy"] = np.nan
    table["subject"] = [f"S{at // 3}" for at in range(60)]
    table["image_id"] = [f"i{at}" for at in range(60)]
    return compare(table, name="Dice", n_bootstrap=100)


def traces(figure: go.Figure) -> dict[str, go.Scatter]:
    return {trace.name: trace for trace in figure.data if trace.name}


def test_points_lead_to_their_images(found: Comparison) -> None:
    figure = scores_and_differences(found)
    first, third = figure.data[0], figure.data[2]
    assert list(first.x) == found.points["SCU-Net"].to_list()
    assert list(first.customdata[4]) == ["S1", "", "", "i4"]
    assert len(third.x) == 59
    assert third.customdata[0][3] == "i1"
    assert traces(figure)["mean ± SD"].x.tolist() == pytest.approx(found.scores["mean"].to_list())


def test_differences_have_their_intervals_and_colours(found: Comparison) -> None:
    drawn = traces(scores_and_differences(found))
    small = [d for d in found.differences if d.p_adjusted < 0.05]
    trace = drawn["adjusted p &lt; 0.05"]
    assert list(trace.x) == [d.difference.value for d in small]
    assert trace.x + trace.error_x.array == pytest.approx([d.difference.high for d in small])
    assert trace.x - trace.error_x.arrayminus == pytest.approx([d.difference.low for d in small])
    assert len(drawn["adjusted p ≥ 0.05"].x) == 5 - len(small)
    assert found.naive is not None
    naive = drawn["images as independent"]
    assert naive.x + naive.error_x.array == pytest.approx(
        [d.difference.high for d in found.naive.differences if d.difference.estimable]
    )


def test_what_is_not_estimable_says_so_and_names_are_plain(found: Comparison) -> None:
    figure = scores_and_differences(replace(found, note="made up"))
    told = [trace.hovertext for trace in figure.data if trace.mode == "text"]
    assert told == [("SegNet and Copy have the same score on each of 59 images",)]
    assert "&lt;b&gt;U-Net" in figure.layout.yaxis.ticktext
    assert "SCU-Net − &lt;b&gt;U-Net" in figure.layout.yaxis2.ticktext
    assert "made up" in [note.text for note in figure.layout.annotations]
    nothing = scores_and_differences(compare({"a": [1.0, 2, 3], "b": [1.0, 2, 3]}))
    assert not nothing.data
    assert "same score" in nothing.layout.annotations[0].text


def test_groups() -> None:
    random = np.random.default_rng(1)
    values, group = random.normal(0, 1, 30), ["GE"] * 10 + ["HOLOGIC"] * 20
    figure = scores_and_differences(compare_groups(values, group, name="TAM", units="mm2"))
    assert [len(trace.x) for trace in figure.data[:2]] == [10, 20]
    assert figure.layout.xaxis.title.text == "TAM [mm2]"
