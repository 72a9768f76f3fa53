"""Non-parametric limits against order statistics and resampling done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bactools.stats.agreement.quantiles import quantile_limits
from bactools.stats.resampling import resample


def test_the_median_of_a_hundred_lies_between_the_40th_and_61st() -> None:
    """Campbell and Gardner (BMJ 1988;296:1454): ranks 40 and 61."""
    values = np.random.default_rng(0).permutation(np.arange(1.0, 101.0))
    median, _, _ = quantile_limits(values)
    assert (median.value, median.low, median.high) == (50.5, 40, 61)


@pytest.mark.parametrize("n", [200, 501])
def test_ranks_cover_by_the_binomial_distribution(n: int) -> None:
    """Values are their own ranks, so that an interval's exact coverage can be read off."""
    values = np.arange(1.0, n + 1)
    for estimate, share in zip(quantile_limits(values), (0.5, 0.025, 0.975), strict=True):
        # the quantile lies in [x(low), x(high)] if from low to high - 1 values are below it
        held = stats.binom.cdf(estimate.high - 1, n, share) - stats.binom.cdf(estimate.low - 1, n, share)
        assert 0.95 <= held < 0.99
        below = stats.binom.cdf(estimate.low - 1, n, share)
        above = stats.binom.sf(estimate.high - 1, n, share)
        assert max(below, above) <= 0.025


def test_quantiles_are_of_type_six() -> None:
    """Position p (n + 1): of 39 values the 2.5 % quantile is the first."""
    _, lower, upper = quantile_limits(np.arange(1.0, 40.0))
    assert (lower.value, upper.value) == pytest.approx((1, 39))


def test_with_few_values_an_end_is_not_known() -> None:
    _, lower, upper = quantile_limits(np.arange(30.0))
    assert math.isnan(lower.low)
    assert math.isnan(upper.high)
    assert not math.isnan(lower.high)


def test_women_are_resampled_where_they_repeat() -> None:
    random = np.random.default_rng(1)
    of_woman = random.normal(0, 1, 60)
    once, _, _ = quantile_limits(of_woman, subject=np.arange(60), n_bootstrap=800)
    five, _, _ = quantile_limits(np.repeat(of_woman, 5), subject=np.repeat(np.arange(60), 5), n_bootstrap=800)
    pooled, _, _ = quantile_limits(np.repeat(of_woman, 5))
    assert five.high - five.low == pytest.approx(once.high - once.low, rel=0.2)
    assert pooled.high - pooled.low < 0.7 * (five.high - five.low)


def test_the_same_seed_gives_the_same_interval() -> None:
    values, subject = np.random.default_rng(2).normal(size=80), np.arange(80) // 4
    first, again, other = (
        quantile_limits(values, subject=subject, n_bootstrap=200, seed=seed)[1] for seed in (1, 1, 2)
    )
    assert (first.low, first.high) == (again.low, again.high) != (other.low, other.high)


def test_resampled_quantiles_are_those_of_women_drawn_one_by_one() -> None:
    random = np.random.default_rng(3)
    subject = np.repeat(np.arange(25), 1 + np.arange(25) % 4)
    values = random.normal(size=25)[subject] + random.normal(size=subject.size)
    by_hand = [
        np.quantile(values[resample(subject, random)], [0.5, 0.975], method="weibull") for _ in range(4000)
    ]
    median, _, upper = quantile_limits(values, subject=subject, n_bootstrap=4000)
    for estimate, drawn in zip((median, upper), np.transpose(by_hand), strict=True):
        low, high = np.quantile(drawn, [0.025, 0.975])
        assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=0.06 * (high - low))
