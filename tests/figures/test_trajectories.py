"""Figures of progression show what the result holds, lead to the image, and say why there is nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from bactools.figures.rates import rates
from bactools.figures.trajectories import spaghetti, woman
from bactools.stats.burden import burden
from bactools.stats.result import StatsError
from bactools.stats.trajectories import Trajectories, trajectories
from bactools.testing import simulate_cube


@pytest.fixture(scope="module")
def found() -> Trajectories:
    return trajectories(burden(simulate_cube(30, one_exam=0.2, seed=1)), group="ckd", engine="exact")


def traces(figure: go.Figure) -> dict[str, Any]:
    return {str(trace.name): trace for trace in figure.data if trace.name}


def test_every_exam_is_drawn_once_and_leads_to_its_woman(found: Trajectories) -> None:
    drawn = traces(spaghetti(found))
    marks = [drawn["ckd no"], drawn["ckd yes"]]
    assert sum(len(mark.x) for mark in marks) == found.n
    held = found.points[found.points["group"] == "yes"]
    first = marks[1].customdata[0]
    assert first[0] == held["subject"].iloc[0]
    assert first[2] == held["date"].iloc[0].strftime("%Y-%m-%d")
    assert sorted(marks[1].y) == sorted(held["value"])


def test_mean_lines_are_those_of_the_model(found: Trajectories) -> None:
    line = traces(spaghetti(found, lines=False))["mean, ckd yes"]
    rise = (line.y[-1] - line.y[0]) / (line.x[-1] - line.x[0])
    assert rise == pytest.approx(found.rates["yes"].value, rel=1e-8)
    middle, low, high = found.fitted_at([0.0, 3.0], group="yes")
    assert (low < middle).all()
    assert (middle < high).all()
    overall, *_ = found.fitted_at([0.0])
    assert overall[0] == pytest.approx(found.intercept.value, rel=1e-8)


def test_one_woman_is_brought_out(found: Trajectories) -> None:
    who = found.women["subject"].iloc[1]
    drawn = traces(spaghetti(found, highlight=who))
    exams = found.points[found.points["subject"] == who]
    assert list(drawn[who].y) == list(exams["value"])
    assert list(drawn[f"{who}, fitted"].y) == list(exams["fitted"])
    with pytest.raises(StatsError, match="no woman 'nobody'"):
        spaghetti(found, highlight="nobody")


def test_of_many_women_some_are_drawn_and_that_is_said(found: Trajectories) -> None:
    figure = spaghetti(found, most=10)
    assert f"10 of {found.n_units} women drawn" in figure.layout.title.text
    drawn = {row[0] for name, t in traces(figure).items() if name.startswith("ckd") for row in t.customdata}
    assert len(drawn) == 10


def test_rates_in_order_with_their_intervals(found: Trajectories) -> None:
    told = found.progressed()
    drawn = traces(rates(found))
    marked = next(trace for name, trace in drawn.items() if name.startswith("rose"))
    assert len(marked.x) == told.n_progressed
    assert {row[0] for row in marked.customdata} == set(told.table.loc[told.table["progressed"], "subject"])
    assert (np.diff(marked.x) >= 0).all()
    women = found.women.set_index("subject").loc[[row[0] for row in marked.customdata]]
    assert marked.x + marked.error_x.array == pytest.approx(women["high"].to_numpy())


def test_one_womans_figure(found: Trajectories) -> None:
    row = found.women[found.women["n_exams"] > 3].iloc[0]
    drawn = traces(woman(found, row["subject"]))
    line = drawn["shrunken line"]
    assert line.y[0] == pytest.approx(row["shrunken_level"])
    band = drawn["change that error explains"]
    assert max(band.y) - row["first"] == pytest.approx(found.progressed().sdc.value)
    alone = found.women[found.women["years"] == 0]["subject"].iloc[0]
    assert "tell nothing of her rate" in woman(found, alone).layout.title.text


def test_breasts_are_told_apart_and_no_model_is_needed() -> None:
    cube = simulate_cube(12, seed=2)
    breasts = trajectories(burden(cube, per="breast"), engine="exact")
    drawn = traces(woman(breasts, breasts.women["subject"].iloc[0]))
    assert {"L exams", "R exams"} <= set(drawn)
    own = trajectories(burden(cube), slope="per-woman")
    assert "mean" in traces(spaghetti(own))
    assert "Own rates" in rates(own).layout.title.text


def test_what_is_not_estimable_is_said_in_the_figure() -> None:
    none = trajectories(burden(simulate_cube(6, without_bac=1.0)))
    for figure in (spaghetti(none), rates(none), woman(none, none.women["subject"].iloc[0])):
        texts = [note.text for note in figure.layout.annotations]
        assert any("not estimable: all" in text for text in texts)
        assert any("simulated" in text for text in texts)


def test_names_are_shown_as_they_are() -> None:
    value, years = [1.0, 2.0, 2.5, 4.0, 4.1, 7.0], [0, 1, 2] * 2
    who = ["<b>a</b>"] * 3 + ["c"] * 3
    found = trajectories(value, subject=who, years=years, name="<i>m</i>", engine="exact")
    page = spaghetti(found, highlight="<b>a</b>").to_json() + woman(found, "<b>a</b>").to_json()
    assert "\\u003cb\\u003e" not in page
    assert "<b>" not in page
    assert "<i>" not in page
