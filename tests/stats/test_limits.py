"""Intervals of limits of agreement against the distributions they come from."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bactools.stats.agreement.limits import (
    INTERVALS,
    limits_of_agreement,
    tolerance_factor,
    variance_interval,
)
from bactools.stats.result import StatsError

Z = float(stats.norm.ppf(0.975))


def _drawn(n: int, replicates: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and SD of samples of a standard normal."""
    random = np.random.default_rng(n)
    return random.normal(0, 1 / math.sqrt(n), replicates), np.sqrt(
        random.chisquare(n - 1, replicates) / (n - 1)
    )


@pytest.mark.parametrize("n", [5, 17, 100])
def test_the_exact_interval_holds_the_limit_in_95_percent_of_samples(n: int) -> None:
    lower, upper = limits_of_agreement(0, 1, n, interval="exact")
    mean, sd = _drawn(n)
    for limit, truth in ((lower, -Z), (upper, Z)):
        below, above = mean + limit.low * sd > truth, mean + limit.high * sd < truth
        # each tail by itself: the interval is equal-tailed
        for share in (below.mean(), above.mean()):
            assert share == pytest.approx(0.025, abs=4 * math.sqrt(0.025 * 0.975 / mean.size))


@pytest.mark.parametrize("n", [5, 17, 100])
def test_the_pair_holds_95_percent_of_all_differences_as_often_as_it_says(n: int) -> None:
    lower, upper = limits_of_agreement(0, 1, n, interval="exact-pair")
    mean, sd = _drawn(n)
    for low, high, expected in ((lower.low, upper.high, 0.975), (lower.high, upper.low, 0.025)):
        content = stats.norm.cdf(mean + high * sd) - stats.norm.cdf(mean + low * sd)
        se = math.sqrt(0.025 * 0.975 / mean.size)
        assert (content >= 0.95).mean() == pytest.approx(expected, abs=4 * se)


@pytest.mark.parametrize("interval", ["mover", "approximate-1999"])
def test_approximate_intervals_are_nearly_right_in_samples_of_50(interval: str) -> None:
    _, upper = limits_of_agreement(0, 1, 50, interval=interval)  # type: ignore[arg-type]
    mean, sd = _drawn(50)
    held = (mean + upper.low * sd <= Z) & (mean + upper.high * sd >= Z)
    assert 0.93 < held.mean() < 0.97


def test_carkeets_published_coefficients() -> None:
    """Carkeet 2015, table of exact two-sided 95 % coefficients for pairs of limits."""
    published = {9: (1.3915, 3.7706), 29: (1.5808, 2.6854), 99: (1.7283, 2.2896)}
    for df, (inner, outer) in published.items():
        assert tolerance_factor(df + 1, 0.025) == pytest.approx(inner, abs=5e-5)
        assert tolerance_factor(df + 1, 0.975) == pytest.approx(outer, abs=5e-5)


def test_bland_and_altmans_formulas() -> None:
    """SE sqrt(3 s²/n) in 1986, sqrt((1/n + 1.96²/(2(n-1))) s²) in 1999, with t."""
    n, sd, t = 17, 38.8, float(stats.t.ppf(0.975, 16))
    _, first = limits_of_agreement(-2.1, sd, n, interval="approximate-1986")
    assert (first.high - first.value) == pytest.approx(t * sd * math.sqrt(3 / n))
    _, later = limits_of_agreement(-2.1, sd, n, interval="approximate-1999")
    assert (later.high - later.value) == pytest.approx(t * sd * math.sqrt(1 / n + Z**2 / (2 * (n - 1))))


@pytest.mark.parametrize("interval", INTERVALS)
def test_a_mirror_image_has_mirrored_limits(interval: str) -> None:
    ours, theirs = (limits_of_agreement(bias, 2, 12, interval=interval) for bias in (3, -3))  # type: ignore[arg-type]
    for one, other in ((ours[0], theirs[1]), (ours[1], theirs[0])):
        assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low))


@pytest.mark.parametrize("interval", INTERVALS)
def test_more_confidence_and_fewer_pairs_give_wider_intervals(interval: str) -> None:
    def width(n: int, confidence: float) -> float:
        _, upper = limits_of_agreement(0, 1, n, interval=interval, confidence=confidence)  # type: ignore[arg-type]
        return upper.high - upper.low

    assert width(10, 0.95) > width(40, 0.95) > width(40, 0.8) > 0


def test_all_intervals_meet_in_large_samples() -> None:
    n = 100_000
    ends = [
        limits_of_agreement(0, 1, n, interval=interval)[1]
        for interval in ("exact", "mover", "approximate-1999")
    ]  # type: ignore[arg-type]
    for end in ends:
        assert (end.low, end.high) == pytest.approx((ends[0].low, ends[0].high), abs=1e-4)


def test_the_interval_of_a_variance_is_by_chi_square() -> None:
    low, high = variance_interval(10)
    assert 10 / low == pytest.approx(20.483, abs=1e-3)  # upper 2.5 % point of chi-square, any table
    assert 10 / high == pytest.approx(3.247, abs=1e-3)


def test_an_unknown_interval_is_refused() -> None:
    with pytest.raises(StatsError, match="interval='t': choose one of 'exact'"):
        limits_of_agreement(0, 1, 10, interval="t")  # type: ignore[arg-type]
