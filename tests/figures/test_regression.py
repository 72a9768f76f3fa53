"""Scatters and Figure 5 hold what the results hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from bactools.figures.figure5 import METRICS, grid
from bactools.figures.regression import scatter
from bactools.stats.agreement import agreement
from bactools.stats.method_comparison import deming, passing_bablok
from bactools.stats.regression import regression
from bactools.stats.result import StatsError, number
from bactools.testing.cube import simulate_cube

TRUTH, NETWORK = (simulate_cube(8, n_exam=3, seed=1, error=error) for error in (1e-4, 6e-4))
NAMES = ("truth", "network <b>")


def traces(figure: go.Figure) -> dict[str, go.Scatter]:
    return {str(trace.name): trace for trace in figure.data}


def texts(figure: go.Figure) -> str:
    return "\n".join(str(note.text) for note in figure.layout.annotations)


def test_a_scatter_holds_points_line_band_and_numbers() -> None:
    found = regression(TRUTH["tam_100"], NETWORK["tam_100"], names=NAMES)
    figure = scatter(found, identity=True, prediction=True)
    drawn = traces(figure)
    assert list(drawn["images"].x) == found.points["x"].tolist()
    assert drawn["images"].customdata[0][0] == found.points["subject"][0]
    assert "subject %{customdata[0]}" in drawn["images"].hovertemplate
    ends = found.predict([found.points["x"].min(), found.points["x"].max()])
    assert (drawn["line"].y[0], drawn["line"].y[-1]) == pytest.approx(tuple(ends["fit"]))
    band = np.array(drawn["95 % confidence band"].y)
    assert band[[0, -1]] == pytest.approx(ends.loc[0, ["high", "low"]].to_numpy(dtype=float))
    assert drawn["95 % prediction band"].y[0] == pytest.approx(ends["new_high"][0])
    assert list(drawn["equality"].x) == list(drawn["equality"].y)
    told = texts(figure)
    for part in (f"R² = {found.r2.value:.3f}", f"std err = {number(found.std_err)}", "of 8 women"):
        assert part in told
    assert "<b>" not in figure.layout.title.text + figure.layout.yaxis.title.text
    assert "equality" not in traces(scatter(found))


def test_units_and_the_kind_of_r2_are_told() -> None:
    found = regression(
        TRUTH["am"], NETWORK["am"], model="mixed", names=("voxels", "area"), units=("1", "mm2")
    )
    figure = scatter(replace(found, note="phantom <weights>"))
    assert figure.layout.yaxis.title.text == "area [mm2]"
    assert figure.layout.xaxis.title.text == "voxels"
    assert "marginal R² = " in texts(figure)
    assert "phantom &lt;weights&gt;" in texts(figure)


def test_a_comparison_of_methods_is_drawn_too() -> None:
    found = deming(TRUTH["tam_100"], NETWORK["tam_100"])
    drawn = scatter(found)
    assert f"slope = {found.slope.words()}" in texts(drawn)
    assert "95 % confidence band" in traces(drawn)
    ranks = passing_bablok(TRUTH["tam_100"], NETWORK["tam_100"], interval="analytic")
    assert "95 % confidence band" not in traces(scatter(ranks))


@pytest.mark.parametrize("n", [0, 2, 6])
def test_what_is_not_estimable_says_so(n: int) -> None:
    x = np.arange(float(n))
    figure = scatter(regression(x, 0 * x), identity=True)
    assert "not estimable" in texts(figure).replace("<br>", " ")
    assert "line" not in traces(figure)
    assert "not estimable" in texts(scatter(deming(x, 0 * x))).replace("<br>", " ")


def test_many_points_are_drawn_by_the_graphics_card() -> None:
    x = np.random.default_rng(0).normal(size=20_001)
    assert isinstance(scatter(regression(x, x + 1)).data[0], go.Heatmap)


def test_figure_5_has_a_column_per_metric() -> None:
    results = {m: regression(TRUTH[m], NETWORK[m], names=("truth", "network")) for m in METRICS}
    limits = {m: agreement(TRUTH[m], NETWORK[m], repeats="varying") for m in METRICS}
    results["am"] = regression(TRUTH["am"], 0 * NETWORK["am"])
    limits["sim"] = replace(limits["sim"], note="phantom weights")
    figure = grid(results, limits)
    told = texts(figure)
    for at, metric in enumerate(METRICS, 1):
        assert metric.upper() in told
        lower = [trace for trace in figure.data if trace.xaxis == f"x{at + 5}"]
        points = next(trace for trace in lower if trace.mode == "markers")
        assert list(points.y) == limits[metric].points["difference"].tolist()
        heights = {round(float(trace.y[0]), 6) for trace in lower if trace.mode == "lines"}
        expected = (limits[metric].bias.value, limits[metric].lower.value, limits[metric].upper.value)
        assert {round(value, 6) for value in expected} <= heights
        if metric != "am":
            assert f"R² = {results[metric].r2.value:.3f}" in told
        assert points.customdata is not None
    assert "everywhere" in told
    assert "phantom weights" in told
    one = grid(results, limits, metrics=["tam_100"], identity=False)
    assert {trace.xaxis for trace in one.data} == {"x", "x2"}
    with pytest.raises(StatsError, match="no agreement of pm"):
        grid(results, {})
