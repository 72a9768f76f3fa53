"""Bland–Altman plots hold what the result holds, and say in words what it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from plotly.subplots import make_subplots

from bactools.figures.agreement import add_bland_altman, bland_altman
from bactools.stats.agreement import Agreement, agreement
from bactools.testing import simulate_cube

WOMEN = np.repeat(np.arange(20), 4)
RANDOM = np.random.default_rng(0)
A = RANDOM.lognormal(1, 1, 80)
B = A * np.exp(RANDOM.normal(-0.1, 0.2, 20)[WOMEN] + RANDOM.normal(0, 0.2, 80))
LIMITS, NAIVE, IMAGES = "95 % limits of agreement", "limits if pairs were independent", "images"


def _found(**options: Any) -> Agreement:
    return agreement(A, B, **({"subject": WOMEN, "repeats": "varying", "units": "mm2"} | options))


def _traces(figure: go.Figure) -> dict[str, list[Any]]:
    held: dict[str, list[Any]] = {}
    for trace in figure.data:
        held.setdefault(trace.name, []).append(trace)
    return held


def _text(figure: go.Figure) -> str:
    return " ".join(str(annotation.text) for annotation in figure.layout.annotations)


def test_lines_points_and_bands_are_those_of_the_result() -> None:
    result = _found()
    traces = _traces(bland_altman(result))
    np.testing.assert_allclose(traces[IMAGES][0].x, result.points["mean"])
    np.testing.assert_allclose(traces[IMAGES][0].y, result.points["difference"])
    assert set(traces["bias"][0].y) == {result.bias.value}
    assert [set(trace.y) for trace in traces[LIMITS]] == [{result.lower.value}, {result.upper.value}]
    for trace, limit in zip(traces["95 % interval of a limit"], (result.lower, result.upper), strict=True):
        assert set(trace.y) == {limit.low, limit.high}
    assert result.naive is not None
    assert [set(trace.y) for trace in traces[NAIVE]] == [
        {result.naive.lower.value}, {result.naive.upper.value},
    ]  # fmt: skip
    assert "trend of the differences" not in traces


def test_what_is_drawn_can_be_chosen() -> None:
    traces = _traces(bland_altman(_found(), bands=False, naive=False, trend=True))
    assert set(traces) == {"no difference", "bias", LIMITS, "trend of the differences", IMAGES}
    result = _found()
    trend = traces["trend of the differences"][0]
    np.testing.assert_allclose(trend.y, result.intercept.value + result.slope.value * np.asarray(trend.x))


def test_one_pair_per_woman_has_no_naive_limits() -> None:
    assert NAIVE not in _traces(bland_altman(agreement(A, B)))


@pytest.mark.parametrize("scale", ["difference", "ratio"])
def test_sloping_limits_slope(scale: str) -> None:
    result = _found(limits="regression", scale=scale)
    traces = _traces(bland_altman(result))
    low, high = traces[LIMITS]
    middle, lower, upper = result.limits_at(low.x)
    np.testing.assert_allclose(traces["bias"][0].y, middle)
    np.testing.assert_allclose(low.y, lower)
    np.testing.assert_allclose(high.y, upper)
    assert upper[0] != upper[-1]
    assert not any("interval" in name for name in traces)
    # nothing is drawn where there are no data
    assert min(low.x) == pytest.approx(result.points["mean"].min())


@pytest.mark.parametrize(
    ("scale", "x", "y", "kind", "none"),
    [
        ("difference", "mean of a and b [mm2]", "a − b [mm2]", "linear", 0),
        ("percent", "mean of a and b [mm2]", "(a − b) / mean [%]", "linear", 0),
        ("log", "mean of ln a and ln b", "ln a − ln b", "linear", 0),
        ("ratio", "geometric mean of a and b [mm2]", "a / b", "log", 1),
    ],
)
def test_axes_say_what_they_show(scale: str, x: str, y: str, kind: str, none: int) -> None:
    figure = bland_altman(_found(scale=scale))
    layout = figure.layout
    assert (layout.xaxis.title.text, layout.yaxis.title.text) == (x, y)
    assert [axis.type or "linear" for axis in (layout.xaxis, layout.yaxis)] == [kind, kind]
    assert set(_traces(figure)["no difference"][0].y) == {none}


def test_numbers_stand_beside_their_lines_also_on_a_logarithmic_axis() -> None:
    result = _found(scale="ratio")
    labels = {str(note.text).split("<br>")[0]: note for note in bland_altman(result).layout.annotations}
    assert labels["upper limit"].y == pytest.approx(np.log10(result.upper.value))
    assert f"{result.upper.value:.4g}" in labels["upper limit"].text


def test_a_click_leads_to_the_image_and_the_note_is_shown() -> None:
    cube = simulate_cube(8, n_exam=2, seed=1)
    result = agreement(cube["tam_100"], cube["true_tam_100"], repeats="varying")
    figure = bland_altman(replace(result, note="simulated <numbers>"))
    points = _traces(figure)[IMAGES][0]
    row = result.points.iloc[5]
    assert list(points.customdata[5][:3]) == [row["subject"], row["view"], f"{row['date']:%Y-%m-%d}"]
    assert "simulated &lt;numbers&gt;" in _text(figure)


def test_names_cannot_be_markup() -> None:
    figure = bland_altman(_found(names=("<b>x</b>", "y"), units="<i>"))
    assert "&lt;b&gt;x" in figure.layout.xaxis.title.text
    assert "<b>" not in figure.layout.title.text + figure.layout.yaxis.title.text


def test_no_limits_are_said_in_words() -> None:
    alike = bland_altman(agreement(A, A))
    assert "not estimable: all 80 differences are 0" in _text(alike).replace("<br>", " ")
    assert set(_traces(alike)) == {IMAGES}
    zeros = bland_altman(agreement(A - A.min(), B, scale="log"))
    assert "Not estimable: 1 of 80 pairs" in _text(zeros).replace("<br>", " ")
    assert not zeros.data
    assert "only 0 pairs" in _text(bland_altman(agreement([], [])))


def test_an_interval_with_one_end_has_no_band() -> None:
    result = agreement(A[:30], B[:30], limits="nonparametric")
    assert np.isnan(result.lower.low)
    traces = _traces(bland_altman(result))
    assert "95 % interval of a limit" not in traces
    assert set(traces["median"][0].y) == {result.bias.value}


def test_panels_of_a_grid_share_one_legend() -> None:
    figure = make_subplots(rows=1, cols=3)
    results = (_found(), _found(scale="ratio"), agreement(A, A))
    for column, result in enumerate(results, 1):
        add_bland_altman(figure, result, row=1, col=column)
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert len(shown) == len(set(shown))
    assert IMAGES in shown
    assert (figure.layout.xaxis.type, figure.layout.xaxis2.type) == (None, "log")
    points = [trace for trace in figure.data if trace.name == IMAGES]
    assert [trace.xaxis for trace in points] == ["x", "x2", "x3"]
    words = next(note for note in figure.layout.annotations if "not estimable" in note.text)
    assert words.xref == "x3 domain"


def test_many_points_are_drawn_by_the_graphics_card() -> None:
    many = np.tile(A, 300)
    figure = bland_altman(agreement(many, many + np.random.default_rng(1).normal(size=many.size)))
    assert isinstance(_traces(figure)[IMAGES][0], go.Heatmap)


def test_images_without_a_name_need_none() -> None:
    result = agreement(A, B, keys=pd.DataFrame(index=range(80)))
    assert _traces(bland_altman(result))[IMAGES][0].customdata is None
