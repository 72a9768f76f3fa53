"""Curves of survival draw what the result holds, with numbers at risk beneath."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bactools.figures import style
from bactools.figures.survival import cumulative_incidence, dose_response, kaplan_meier
from bactools.stats.association import cox
from bactools.stats.result import StatsError
from bactools.stats.survival import kaplan_meier as stats

from ..stats.survival_data import LABELS, women


def texts(figure: object) -> str:
    return " ".join(str(note.text) for note in figure.layout.annotations)  # type: ignore[attr-defined]


def test_survival_by_grade() -> None:
    data = women(300, seed=1)
    found = stats.kaplan_meier(data["time"], data["event"], group=data["grade"])
    figure = kaplan_meier(replace(found, note="of <phantoms>"), times=[0, 5, 10], censored=True)
    lines = [trace for trace in figure.data if trace.name]
    assert [line.name for line in lines] == LABELS
    assert [line.line.color for line in lines] == list(style.COLOURS[:4])
    assert [line.line.dash for line in lines] == list(style.DASHES[:4])
    assert {line.line.shape for line in lines} == {"hv"}
    mild = found.curve("mild")
    assert list(lines[1].y) == list(mild["survival"])
    numbers = figure.data[-1]
    assert numbers.mode == "text"
    assert list(numbers.text) == [str(n) for n in found.at_risk([0, 5, 10]).to_numpy().ravel()]
    assert list(numbers.x[:3]) == [0, 5, 10]
    assert list(numbers.y[::3]) == [3, 2, 1, 0]
    assert list(figure.layout.yaxis2.ticktext) == LABELS
    assert "log-rank p" in figure.layout.title.text
    assert figure.layout.xaxis.title.text == "time [years]"
    assert "of &lt;phantoms&gt;" in texts(figure)
    assert figure.layout.legend.title.text == "grade"


def test_the_band_is_that_of_the_result() -> None:
    found = stats.kaplan_meier([1.0, 2, 3, 4, 5], [1, 1, 0, 1, 0])
    figure = kaplan_meier(found)
    band = next(trace for trace in figure.data if trace.fill == "toself")
    curve = found.curves.dropna()
    assert set(np.round(band.y, 12)) == set(np.round([*curve["low"], *curve["high"]], 12))
    assert not figure.layout.showlegend
    assert all(trace.fill != "toself" for trace in kaplan_meier(found, band=False).data)


def test_incidence_by_group_or_by_cause() -> None:
    data = women(300, competing=True, seed=2)
    words = data["code"].map({0: "alive", 1: "CVD", 2: "died"})
    by_grade = stats.cumulative_incidence(data["time"], words, censored="alive", group=data["grade"])
    figure = cumulative_incidence(by_grade, cause="died")
    lines = [trace for trace in figure.data if trace.name]
    assert [line.name for line in lines] == LABELS
    assert list(lines[3].y) == list(by_grade.curve("severe", "died")["incidence"])
    assert figure.layout.yaxis.title.text == "cumulative incidence of died"
    together = cumulative_incidence(stats.cumulative_incidence(data["time"], words, censored="alive"))
    assert [trace.name for trace in together.data if trace.name] == ["CVD", "died"]
    assert together.layout.legend.title.text == "cause"
    with pytest.raises(StatsError, match="cause='x': choose one of 'CVD', 'died'"):
        cumulative_incidence(by_grade, cause="x")


def test_a_curve_of_ratios() -> None:
    data = women(400, seed=3)
    found = cox(data["time"], data["event"], data["z"], spline=4, units="mm2")
    figure = dose_response(found, reference=0.5)
    line = next(trace for trace in figure.data if trace.mode == "lines" and trace.fill is None)
    table = found.dose_response(reference=0.5)
    assert list(line.y) == list(table["ratio"])
    assert figure.layout.yaxis.type == "log"
    assert "reference 0.5" in figure.layout.title.text
    assert len([shape for shape in figure.layout.shapes if shape.x0 == shape.x1]) == 4
    rug = figure.data[-1]
    assert sum(rug.y) == 400
    assert rug.x[0] - rug.width[0] / 2 == pytest.approx(min(data["z"]))
    assert figure.layout.xaxis2.title.text == "z [mm2]"
    alone = dose_response(found, rug=False)
    assert alone.layout.xaxis.title.text == "z [mm2]"
    with pytest.raises(StatsError, match="draw a forest"):
        dose_response(cox(data["time"], data["event"], data["grade"]))


def test_what_is_not_estimable_says_so() -> None:
    data = women(50, seed=4)
    assert "no woman" in texts(kaplan_meier(stats.kaplan_meier([np.nan], [1])))
    assert "no follow-up" in texts(cumulative_incidence(stats.cumulative_incidence([1.0], [0])))
    assert "has an event" in texts(dose_response(cox(data["time"], np.zeros(50), data["z"]))).replace(
        "<br>", " "
    )
    with pytest.raises(StatsError, match="9 curves are more than 8 colours"):
        kaplan_meier(stats.kaplan_meier(np.arange(1.0, 10), np.ones(9), group=list("abcdefghi")))


def test_a_curve_of_many_women_is_thinned_but_right() -> None:
    rng = np.random.default_rng(4)
    time = rng.weibull(1.5, 30_000) * 10
    found = stats.kaplan_meier(time, rng.random(30_000) < 0.3)
    whole = found.curve(found.groups[0])
    line = next(trace for trace in kaplan_meier(found).data if trace.mode == "lines" and trace.fill is None)
    assert len(line.x) < 2_000 < len(whole)
    for ends in (0, -1):
        assert (line.x[ends], line.y[ends]) == (whole["time"].iloc[ends], whole["survival"].iloc[ends])
    step = time.max() / 1_000
    at = rng.uniform(step, time.max(), 500)

    def value(x: object, y: object, at: np.ndarray) -> np.ndarray:
        return np.asarray(y)[np.searchsorted(np.asarray(x), at, side="right") - 1]

    drawn = value(line.x, line.y, at)
    # nowhere is it further behind than a screen shows
    assert (drawn >= value(whole["time"], whole["survival"], at)).all()
    assert (drawn <= value(whole["time"], whole["survival"], at - step)).all()
