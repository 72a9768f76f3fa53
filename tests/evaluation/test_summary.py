"""Means, regressions, the interval by woman and the table of cuts against independent answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bactools.evaluation.summary import interval_by_woman, regression, spread, table_of_cuts
from bactools.metrics import Scores


def test_spread_leaves_nan_out_and_divides_by_n_minus_one() -> None:
    assert spread([1.0, math.nan, 3.0]) == {"n": 2, "mean": 2.0, "sd": pytest.approx(math.sqrt(2))}
    assert math.isnan(spread([1.0])["sd"])
    assert math.isnan(spread([])["mean"])


def test_regression_recovers_a_line() -> None:
    x = np.array([0.0, 1, 2, 5, math.nan])
    line = regression(x, 3 * x - 2)
    assert line == {
        "n": 4,
        "r2": pytest.approx(1),
        "slope": pytest.approx(3),
        "intercept": pytest.approx(-2),
    }


def test_regression_is_that_of_predicted_on_true() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=40)
    y = 0.5 * x + random.normal(size=40)
    line = regression(x, y)
    assert line["r2"] == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
    assert line["slope"] == pytest.approx(np.cov(x, y)[0, 1] / np.var(x, ddof=1))
    assert line["intercept"] == pytest.approx(y.mean() - line["slope"] * x.mean())
    assert regression(y, x)["slope"] != pytest.approx(line["slope"])


@pytest.mark.parametrize(
    ("x", "y"), [([], []), ([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [4, 4, 4])]
)
def test_regression_without_enough_to_go_by_is_nan(x: list[float], y: list[float]) -> None:
    line = regression(x, y)
    assert line["n"] == len(x)
    assert all(math.isnan(line[name]) for name in ("r2", "slope", "intercept"))


def test_the_interval_covers_as_the_normal_approximation_does() -> None:
    """With one image a woman, the interval of a mean is near mean ± 1.96 SE.

    A 97.5th percentile of 2000 normal draws has a standard error of 0.06 SD; three of them are allowed.
    """
    values = np.random.default_rng(2).normal(0.7, 0.1, 400)
    found = interval_by_woman(values, [f"S{number}" for number in range(400)])
    error = values.std(ddof=1) / 20
    assert found["low"] == pytest.approx(values.mean() - 1.96 * error, abs=0.18 * error)
    assert found["high"] == pytest.approx(values.mean() + 1.96 * error, abs=0.18 * error)


def test_copies_of_an_image_do_not_narrow_the_interval() -> None:
    """Women are resampled, not images: four equal images of each say no more than one."""
    values = np.random.default_rng(3).uniform(0.2, 0.9, 30)
    women = [f"S{number}" for number in range(30)]
    once = interval_by_woman(values, women)
    often = interval_by_woman(np.repeat(values, 4), np.repeat(women, 4).tolist())
    assert often == pytest.approx(once)
    as_if_independent = interval_by_woman(np.repeat(values, 4), [str(number) for number in range(120)])
    width = once["high"] - once["low"]
    assert as_if_independent["high"] - as_if_independent["low"] == pytest.approx(width / 2, rel=0.2)


def test_the_interval_needs_two_women_and_is_always_the_same() -> None:
    one = interval_by_woman([0.5, 0.6], ["S1", "S1"])
    assert one["women"] == 1
    assert math.isnan(one["low"])
    values, women = [0.5, 0.6, math.nan, 0.9], ["S1", "S2", "S3", "S4"]
    assert interval_by_woman(values, women) == interval_by_woman(values, women)
    assert interval_by_woman(values, women)["women"] == 3


def test_table_of_cuts_keeps_images_with_and_without_calcium_apart() -> None:
    scores = [
        [Scores(4, 4, 10, 0), Scores(2, 0, 14, 2)],  # drawn
        [Scores(0, 6, 12, 0), Scores(0, 1, 17, 0)],  # not drawn
    ]
    table = table_of_cuts([0.2, 0.6], scores, [True, False])
    assert table["recall"].tolist() == [1.0, 0.5]
    assert table["precision"].tolist() == [0.5, 1.0]
    assert table["dice"].tolist() == pytest.approx([2 / 3, 2 / 3])
    assert table["false_area"].tolist() == [6, 1]
    assert len(table_of_cuts([], [], [])) == 0
