"""95 % intervals hold the truth in 95 % of simulated studies; the naive ones do not."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from bactools.certify.coverage import ROLES, Design, coverage, designs, to_text

pytestmark = pytest.mark.slow

REPLICATES = 200


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return coverage(REPLICATES, seed=1)


def test_default_intervals_hold_the_truth(table: pd.DataFrame) -> None:
    """Within binomial error of 93 to 97 %: of 200 studies, by 3 standard errors of 95 %."""
    default = table[table["role"] == "default"]
    error = 3 * math.sqrt(0.95 * 0.05 / REPLICATES)
    off = default[~default["coverage"].between(0.93 - error, 0.97 + error)]
    assert off.empty, off.to_string()
    assert set(default["quantity"]) == {"bias", "SD", "lower limit", "upper limit", "annual rate"}
    # together they are many studies
    assert default["coverage"].mean() == pytest.approx(0.95, abs=0.012)


def test_naive_intervals_are_too_narrow_where_women_repeat(table: pd.DataFrame) -> None:
    naive = table[(table["role"] == "naive")].set_index(["design", "quantity"])["coverage"]
    for design in ("26 women x 4 views", "40 women x 4 views x 1 to 6 exams"):
        for quantity in ("bias", "lower limit", "upper limit"):
            assert naive[design, quantity] < 0.9
    # and only there
    assert naive["100 women x 4 views, not alike", "bias"] > 0.9


def test_resampling_women_does_better_where_differences_are_skewed(table: pd.DataFrame) -> None:
    skewed = table[table["design"].str.contains("skewed")].set_index(["quantity", "interval"])["coverage"]
    assert skewed["upper limit", "mover"] < 0.85 < skewed["upper limit", "bootstrap"]


def test_the_table_says_how_sure_it_is(table: pd.DataFrame) -> None:
    assert set(table["role"]) == set(ROLES)
    assert (table["replicates"] == REPLICATES).all()
    row = table[table["coverage"].between(0.9, 0.96)].iloc[0]
    assert row["mc_se"] == pytest.approx(math.sqrt(row["coverage"] * (1 - row["coverage"]) / REPLICATES))
    assert (table["mc_se"] > 0).all()
    assert (table["right"] == table["coverage"].between(0.93, 0.97)).all()


def test_the_text_holds_the_table_and_a_summary(table: pd.DataFrame) -> None:
    text = to_text(table)
    lines = text.splitlines()
    assert len(lines) == len(table) + 3
    n = (table["role"] == "default").sum()
    right = table.loc[table["role"] == "default", "right"].sum()
    assert f"{right} of {n} default" in lines[-1]
    assert "fewer than 1000 studies" in lines[-1]


def test_the_same_seed_gives_the_same_table() -> None:
    pd.testing.assert_frame_equal(coverage(3, seed=5), coverage(3, seed=5))


@pytest.mark.parametrize("design", designs(), ids=lambda design: design.name)
def test_drawn_differences_have_the_spread_they_say(design: Design) -> None:
    random = np.random.default_rng(0)
    sums = np.zeros(2)
    n = 400
    for _ in range(n):
        a, b = design.draw(random)
        d = (np.log(a / b) if design.logarithmic else a - b) / design.unit
        assert d.size == design.sizes.sum()
        sums += d.mean(), ((d - 2) ** 2).mean()
    assert sums[0] / n == pytest.approx(2, abs=0.1)
    assert sums[1] / n == pytest.approx(design.sd**2, rel=0.1)
