"""Correlation against scipy, and its interval where women repeat."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bactools.stats.correlation import correlation, fisher_interval
from bactools.stats.resampling import resample
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube

RANDOM = np.random.default_rng(0)
X = RANDOM.lognormal(size=40)
Y = X * RANDOM.lognormal(0, 0.5, 40)


def test_pearson_and_its_interval_are_scipys() -> None:
    found, theirs = correlation(X, Y), stats.pearsonr(X, Y)
    assert (found.r.value, found.r.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert (found.r.low, found.r.high) == pytest.approx(tuple(theirs.confidence_interval()))


@pytest.mark.parametrize("method", ["spearman", "kendall"])
def test_ranks_do_not_care_for_the_scale(method: str) -> None:
    plain, bent = (correlation(x, np.log(Y), method=method).r for x in (X, X**3))  # type: ignore[arg-type]
    assert plain == bent
    expected = {"spearman": stats.spearmanr, "kendall": stats.kendalltau}[method](X, Y)
    assert plain.value == pytest.approx(expected.statistic)


def test_bonett_and_wrights_interval_of_ranks() -> None:
    """Standard error of z: sqrt((1 + r²/2) / (n - 3)), of Kendall's sqrt(0.437 / (n - 4))."""
    low, high = fisher_interval(0.6, 30, method="spearman")
    half = 1.959964 * math.sqrt((1 + 0.18) / 27)
    assert (low, high) == pytest.approx(
        (math.tanh(math.atanh(0.6) - half), math.tanh(math.atanh(0.6) + half))
    )
    low, _ = fisher_interval(0.6, 30, method="kendall")
    assert low == pytest.approx(math.tanh(math.atanh(0.6) - 1.959964 * math.sqrt(0.437 / 26)))
    assert fisher_interval(1.0, 30) == (1.0, 1.0)


def test_the_interval_over_resampled_women_is_that_of_resampling_them_one_by_one() -> None:
    subject = np.arange(40) // 4
    random = np.random.default_rng(1)
    by_hand = []
    for _ in range(3000):
        chosen = resample(subject, random)
        by_hand.append(np.corrcoef(X[chosen], Y[chosen])[0, 1])
    found = correlation(X, Y, subject=subject, n_bootstrap=4000)
    expected = np.quantile(by_hand, [0.025, 0.975])
    assert (found.r.low, found.r.high) == pytest.approx(tuple(expected), abs=0.04)
    assert math.isnan(found.r.p)
    assert "10 women, who were resampled" in found.interpret()


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_a_womans_copies_narrow_the_naive_interval_only(method: str) -> None:
    copies = {"x": np.repeat(X, 5), "y": np.repeat(Y, 5)}
    naive = correlation(**copies, method=method).r  # type: ignore[arg-type]
    women = np.repeat(np.arange(40), 5)
    honest = correlation(**copies, method=method, subject=women, n_bootstrap=400).r  # type: ignore[arg-type]
    once = correlation(X, Y, method=method).r  # type: ignore[arg-type]
    assert naive.value == pytest.approx(once.value)
    assert naive.high - naive.low < 0.6 * (once.high - once.low)
    assert honest.high - honest.low > naive.high - naive.low


@given(shift=st.floats(-1e6, 1e6), scale=st.floats(1e-3, 1e3))
def test_shift_and_scale_do_not_matter(shift: float, scale: float) -> None:
    subject = np.arange(40) // 4
    plain = correlation(X, Y, subject=subject, n_bootstrap=100).r
    moved = correlation(scale * X + shift, Y, subject=subject, n_bootstrap=100).r
    assert (moved.value, moved.low, moved.high) == pytest.approx(
        (plain.value, plain.low, plain.high), abs=1e-5
    )


def test_what_cannot_be_had_is_said_in_words() -> None:
    assert "only 4 pairs" in correlation(X[:4], Y[:4]).interpret()
    assert "a is 2 everywhere" in correlation(np.full(9, 2.0), Y[:9]).interpret()
    assert "40 pairs of only 1 woman" in correlation(X, Y, subject=["S1"] * 40).interpret()


def test_missing_values_are_left_out_and_counted() -> None:
    x = X.copy()
    x[3] = np.nan
    found, expected = correlation(x, Y), correlation(np.delete(X, 3), np.delete(Y, 3))
    assert found.r == expected.r
    assert (found.n, found.n_dropped) == (39, 1)


def test_a_lazy_cube_gives_the_same_answer() -> None:
    cube = simulate_cube(12, n_exam=3, seed=1)
    eager, lazy = (
        correlation(c["tam_100"], c["true_tam_100"], n_bootstrap=200) for c in (cube, cube.chunk(subject=5))
    )
    assert eager.r.value == lazy.r.value
    assert (eager.r.low, eager.r.high) == (lazy.r.low, lazy.r.high)
    assert eager.n_subjects == 12


def test_unknown_options_are_refused() -> None:
    with pytest.raises(StatsError, match="method='phi'"):
        correlation(X, Y, method="phi")  # type: ignore[arg-type]
    with pytest.raises(StatsError, match="confidence=95"):
        correlation(X, Y, confidence=95)
