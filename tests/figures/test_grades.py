"""Figures of grades hold the numbers of the result, and say why where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from bactools.figures.grades import grade_probabilities, grade_shares
from bactools.stats.burden import burden
from bactools.stats.grades import Grades, grades
from bactools.testing import simulate_cube


@pytest.fixture(scope="module")
def found() -> Grades:
    return grades(burden(simulate_cube(20, n_exam=3), "tam_100_mm2", normalise=False), error=3.0)


def _texts(figure: object) -> str:
    return " ".join(str(each.text) for each in figure.layout.annotations)  # type: ignore[attr-defined]


def test_bars_are_the_shares_with_their_intervals(found: Grades) -> None:
    figure = grade_shares(found)
    bars, expected = figure.data
    assert list(bars.y) == pytest.approx(list(100 * found.shares["share"]))
    assert list(bars.y + bars.error_y.array) == pytest.approx(list(100 * found.shares["ci_high"]))
    assert list(bars.y - bars.error_y.arrayminus) == pytest.approx(list(100 * found.shares["ci_low"]))
    assert list(expected.y) == pytest.approx(list(100 * found.shares["expected_share"]))
    assert "simulated numbers" in _texts(figure)


def test_every_value_has_its_probabilities_and_leads_to_its_exam(found: Grades) -> None:
    figure = grade_probabilities(found)
    assert [trace.name for trace in figure.data] == list(found.labels)
    table = found.table.sort_values("value")
    for trace, label in zip(figure.data, found.labels, strict=True):
        assert list(trace.y) == pytest.approx(list(100 * table[f"p_{label}"]))
        assert [row[0] for row in trace.customdata] == list(table["subject"])
    assert len(figure.layout.shapes) == len(found.cuts)


def test_one_woman_is_a_stack_per_exam_that_adds_up(found: Grades) -> None:
    subject = str(found.table["subject"].iloc[-1])
    figure = grade_probabilities(found, subject=subject)
    rows = found.table.loc[found.table["subject"] == subject]
    assert np.sum([trace.y for trace in figure.data], axis=0) == pytest.approx([100] * len(rows))
    assert [row[2] for row in figure.data[0].customdata] == list(rows["date"].dt.strftime("%Y-%m-%d"))
    assert figure.layout.barmode == "stack"


def test_a_breast_stands_beside_the_other() -> None:
    b = burden(simulate_cube(4, n_exam=2), "tam_100_mm2", normalise=False, per="breast")
    figure = grade_probabilities(grades(b, error=0.2, error_kind="cv"), subject="S00001")
    assert {*figure.data[0].x[1]} == {"L", "R"}
    assert len(figure.data[0].y) == 4


def test_where_there_is_nothing_to_draw_it_says_why(found: Grades) -> None:
    assert "there is no value" in _texts(grade_shares(grades([])))
    assert "no measurement error was given" in _texts(grade_probabilities(grades([1.0, 2.0])))
    assert "X&lt;b&gt; has no value" in _texts(grade_probabilities(found, subject="X<b>"))
    assert "S1 has no value" in _texts(grade_probabilities(grades([1.0], error=1.0), subject="S1"))


def test_without_an_error_only_the_shares_are_drawn() -> None:
    figure = grade_shares(grades([0, 5, 5, 30], labels=["<0>", "mild", "moderate", "severe"]))
    assert len(figure.data) == 1
    assert figure.data[0].x[0] == "&lt;0&gt;"


def test_other_numbers_of_grades_have_colours_too() -> None:
    figure = grade_shares(grades([0.0, 2.0], cuts=[1], labels=["low", "high"], scheme="cuts"))
    assert len(set(figure.data[0].marker.color)) == 2
