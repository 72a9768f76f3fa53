"""Forests draw what a result holds, on the right axis, and say what is not there."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bactools.figures import style
from bactools.figures.forest import forest, ratio_ticks
from bactools.stats.association import association_table, cox, logistic
from bactools.stats.result import StatsError

from ..stats.survival_data import women


def texts(figure: object) -> list[str]:
    return [str(note.text) for note in figure.layout.annotations]  # type: ignore[attr-defined]


def test_ratios_stand_on_a_logarithmic_axis_beside_their_numbers() -> None:
    data = women(300, seed=1)
    found = cox(data["time"], data["event"], data["grade"], covariates={"ckd": data["ckd"]})
    figure = forest(replace(found, note="of <phantoms>"))
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.xaxis.title.text == "hazard ratio"
    assert figure.layout.shapes[0].x0 == 1
    drawn = {name: trace for trace in figure.data if (name := trace.name)}
    assert set(drawn) == {"adjusted", "unadjusted"}
    ratios = found.to_frame().query("model == 'adjusted' and ci_low.notna()")
    assert sorted(drawn["adjusted"].x) == pytest.approx(sorted(ratios["estimate"]))
    assert [drawn["adjusted"].marker.symbol, drawn["unadjusted"].marker.symbol] == list(style.SYMBOLS[1:3])
    mild = found.ratios["grade: mild"]
    assert f"{mild.value:.2f} ({mild.low:.2f} to {mild.high:.2f})" in texts(figure)
    assert "of &lt;phantoms&gt;" in texts(figure)
    shown = [text for text in figure.layout.yaxis.ticktext if text]
    assert shown[:2] == ["grade: none (reference)", "grade: mild"]
    assert shown.count("grade: none (reference)") == 1


def test_models_side_by_side() -> None:
    data = women(300, seed=2)
    table = association_table(
        {"Cox": cox(data["time"], data["event"], data["z"]), "logistic": logistic(data["event"], data["z"])}
    )
    figure = forest(table)
    assert {trace.name for trace in figure.data if trace.name} == {"Cox", "logistic"}
    assert figure.layout.xaxis.title.text == "ratio"
    assert figure.layout.showlegend


def test_agreement_by_subgroup_has_a_plain_axis() -> None:
    table = pd.DataFrame(
        {
            "label": ["GE", "<Hologic>", "Siemens"], "estimate": [0.2, -0.1, np.nan],
            "low": [0.1, -0.3, np.nan], "high": [0.3, 0.1, np.nan], "n": [30, 20, 1],
            "reason": ["", "", "only 1 pair"],
        }
    )  # fmt: skip
    figure = forest(table, name="bias", units="mm2", title="By <vendor>")
    assert figure.layout.xaxis.type == "linear"
    assert figure.layout.shapes[0].x0 == 0
    assert figure.layout.xaxis.title.text == "bias [mm2]"
    assert figure.layout.title.text == "By &lt;vendor&gt;"
    assert list(figure.layout.yaxis.ticktext) == [
        "GE (n = 30)",
        "&lt;Hologic&gt; (n = 20)",
        "Siemens (n = 1)",
    ]
    assert list(figure.layout.yaxis.tickvals) == [2, 1, 0]
    assert "only 1 pair" in texts(figure)
    assert "-0.10 (-0.30 to 0.10)" in texts(figure)
    low, high = figure.layout.xaxis.range
    assert low < -0.3 < 0.3 < high
    assert forest(table, reference=0.25).layout.shapes[0].x0 == 0.25


def test_an_endless_interval_ends_in_an_arrow() -> None:
    table = pd.DataFrame(
        {"label": ["a", "b"], "estimate": [1.2, 2], "low": [0.9, 1], "high": [1.5, math.inf]}
    )
    figure = forest(table, log=True)
    arrows = [trace for trace in figure.data if trace.marker.symbol == "arrow-right"]
    assert len(arrows) == 1
    assert list(arrows[0].y) == [0]
    assert np.isfinite(figure.layout.xaxis.range).all()


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(StatsError, match="no column 'low'"):
        forest(pd.DataFrame({"label": ["a"], "estimate": [1.0]}))
    table = pd.DataFrame({"label": ["a"], "estimate": [1.0], "low": [-1.0], "high": [2.0]})
    with pytest.raises(StatsError, match="not above 0"):
        forest(table, log=True)
    with pytest.raises(StatsError, match="no row"):
        forest(table[:0])
    data = women(100, seed=3)
    lost = cox(data["time"], np.zeros(100), data["z"])
    assert "none of 100 rows has an event" in " ".join(texts(forest(lost))).replace("<br>", " ")
    with pytest.raises(StatsError, match="dose_response"):
        forest(cox(data["time"], data["event"], data["z"], spline=3))


def test_ticks_are_round_and_few() -> None:
    assert ratio_ticks(0.9, 2.1)["tickvals"] == [1, 1.2, 1.5, 2]
    assert ratio_ticks(0.1, 1000)["ticktext"] == ["0.1", "1", "10", "100", "1000"]
