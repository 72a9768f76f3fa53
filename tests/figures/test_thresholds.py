"""The surface of thresholds and its slice, read from the figures' data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from bactools.figures.thresholds import threshold_slice, threshold_surface
from bactools.stats.result import StatsError
from bactools.stats.thresholds import Thresholds, thresholds
from bactools.testing import simulate_cube


@pytest.fixture(scope="module")
def found() -> Thresholds:
    cube = simulate_cube(12, n_exam=2, histograms=True, seed=3)
    return thresholds(cube.joint_histogram, cube.true_tam_100, n_bootstrap=100)


def marks(figure: go.Figure) -> dict[str, tuple[float, float]]:
    return {
        trace.name.split(":")[0]: (trace.x[0], trace.y[0])
        for trace in figure.data
        if trace.type == "scatter" and trace.mode == "markers" and trace.showlegend
    }


def test_the_surface_holds_the_numbers_and_marks_both_points(found: Thresholds) -> None:
    figure = threshold_surface(found)
    heat = figure.data[0]
    np.testing.assert_allclose(np.asarray(heat.z, dtype=float), found.surface["r2"].values)
    assert list(heat.x) == list(range(256))
    assert marks(figure) == {
        "published": (100, 0.5),
        "best": (found.best.x.value, found.best.cut.value),
    }
    wide = np.asarray(threshold_surface(found, show="width").data[0].z, dtype=float)
    np.testing.assert_allclose(wide, (found.surface["upper"] - found.surface["lower"]).values)
    bias = threshold_surface(found, show="bias").data[0]
    assert bias.zmin == -bias.zmax
    with pytest.raises(StatsError, match="show='p'"):
        threshold_surface(found, show="p")


def test_the_slice_holds_line_band_marks_and_shares(found: Thresholds) -> None:
    figure = threshold_slice(found, cut=found.best.cut.value)
    traces = {trace.name: trace for trace in figure.data}
    table = found.along_x()
    np.testing.assert_allclose(np.asarray(traces["R²"].y, dtype=float), table["r2"])
    band = traces["95 % interval, women resampled"]
    known = table.dropna(subset="score_low")
    assert list(band.y[: len(known)]) == known["score_high"].to_list()
    assert list(band.y[len(known) :]) == known["score_low"].to_list()[::-1]
    assert marks(figure)["best"] == (found.best.x.value, found.best.score.value)
    shares = traces["share of resamples that choose it"]
    np.testing.assert_allclose(np.asarray(shares.y, dtype=float), table["share"])
    good = traces["cannot be told from the best"]
    drawn = [x for x, y in zip(good.x, good.y, strict=True) if y is not None and not np.isnan(y)]
    assert tuple(drawn) == found.as_good
    assert figure.layout.yaxis.title.text == "R²"


def test_another_cut_has_no_best_point(found: Thresholds) -> None:
    other = next(cut for cut in (0.1, 0.9) if cut != found.best.cut.value)
    figure = threshold_slice(found, cut=other)
    assert marks(figure) == {}
    assert not any(isinstance(trace, go.Bar) for trace in figure.data)
    with pytest.raises(StatsError, match="not on the grid"):
        threshold_slice(found, cut=0.55)


def test_without_resamples_there_is_no_band(found: Thresholds) -> None:
    cube = simulate_cube(12, n_exam=1, histograms=True, seed=3)
    plain = thresholds(cube.joint_histogram, cube.true_tam_100, cuts=(0.5,), n_bootstrap=0, criterion="sd")
    names = [trace.name for trace in threshold_slice(plain).data]
    assert "SD of differences" in names
    assert not any("interval" in name for name in names)
    assert len(threshold_surface(plain).data[0].y) == 1


def test_words_where_there_is_nothing_and_the_note(found: Thresholds) -> None:
    none = simulate_cube(5, n_exam=1, without_bac=1.0, histograms=True)
    nothing = replace(thresholds(none.joint_histogram, none.true_tam_100), note="a <b>note</b>")
    for draw in (threshold_surface, threshold_slice):
        texts = " ".join(note.text for note in draw(nothing).layout.annotations)
        assert "the reference is 0 everywhere" in texts.replace("<br>", " ")
        assert "a &lt;b&gt;note" in texts
        noted = draw(replace(found, note="made up", reference="<i>CT"))
        assert "made up" in [note.text for note in noted.layout.annotations]
        assert "&lt;i&gt;CT" in noted.layout.title.text
