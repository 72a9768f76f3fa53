"""Whole women drawn again: what an interval is when no formula is trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bactools.stats.inputs import FloatArray
from bactools.stats.nested import Components, Groups

_BLOCK = 20_000_000

Ends = tuple[float, float]


@dataclass(frozen=True)
class Sampling:
    """How limits are resampled.

    Attributes
    ----------
    level, confidence : float
        Share of differences between the limits, and confidence of the intervals.
    n : int
        Resamples.
    seed : int
    """

    level: float
    confidence: float
    n: int
    seed: int

    @property
    def z(self) -> float:
        """By how many SD the limits lie from the bias."""
        return float(stats.norm.ppf((1 + self.level) / 2))


def resample(subject: NDArray[np.intp], random: np.random.Generator) -> NDArray[np.intp]:
    """Return the positions of the pairs of women drawn with replacement."""
    order = np.argsort(subject, kind="stable")
    size = np.bincount(subject)
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    drawn = random.integers(0, size.size, size.size)
    lengths = size[drawn]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.asarray(order[np.repeat(start[drawn], lengths) + within])


def bootstrap_limits(groups: Groups, sampling: Sampling) -> tuple[Ends, Ends]:
    """Return BCa bootstrap intervals of both limits, whole women resampled; components by ANOVA.

    References
    ----------
    Efron B. J Am Stat Assoc 1987;82:171-185.
    """
    random, z = np.random.default_rng(sampling.seed), sampling.z
    share = np.full(groups.n, 1 / groups.n)
    drawn = _in_blocks(groups, sampling.n, z, lambda rows: random.multinomial(groups.n, share, rows.size))
    without = _in_blocks(groups, groups.n, z, lambda rows: 1 - (rows[:, None] == np.arange(groups.n)))
    found = _resampled(groups, np.ones((1, groups.n), dtype=np.int64), z)
    lower, upper = (
        _bca(float(value[0]), resamples, left_out, sampling.confidence)
        for value, resamples, left_out in zip(found, drawn, without, strict=True)
    )
    return lower, upper


def _in_blocks(
    groups: Groups, n: int, z: float, counts: Callable[[NDArray[np.intp]], NDArray[np.int64]]
) -> list[FloatArray]:
    """Return lower and upper limits of n resamples, a block of them at a time."""
    step = max(1, _BLOCK // groups.n)
    blocks = [np.arange(start, min(start + step, n)) for start in range(0, n, step)]
    parts = [_resampled(groups, counts(rows), z) for rows in blocks]
    return [np.concatenate(side) for side in zip(*parts, strict=True)]


def _bca(value: float, resamples: FloatArray, left_out: FloatArray, confidence: float) -> Ends:
    """Return the bias-corrected and accelerated percentiles."""
    about = left_out.mean() - left_out
    acceleration = float((about**3).sum() / (6 * (about**2).sum() ** 1.5)) if np.ptp(left_out) > 0 else 0.0
    below = np.clip(float((resamples < value).mean()), 1 / resamples.size, 1 - 1 / resamples.size)
    shift = float(stats.norm.ppf(below))
    reach = shift + stats.norm.ppf([(1 - confidence) / 2, (1 + confidence) / 2])
    low, high = np.quantile(resamples, stats.norm.cdf(shift + reach / (1 - acceleration * reach)))
    return float(low), float(high)


def _resampled(groups: Groups, counts: NDArray[np.int64], z: float) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper limits of each resample; counts has shape (resample, subject)."""
    women, total = counts.sum(axis=1), counts @ groups.size
    bias = counts @ (groups.size * groups.mean) / total
    within = counts @ groups.squares / np.maximum(total - women, 1)
    about = counts @ (groups.size * groups.mean**2) - total * bias**2
    divisor = (total - counts @ groups.size**2 / total) / (women - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.clip((about / (women - 1) - within) / divisor, 0, None)
    sd = np.sqrt(between + within)
    return bias - z * sd, bias + z * sd


def parametric_limits(groups: Groups, found: Components, sampling: Sampling) -> tuple[Ends, Ends]:
    """Return bootstrap-t intervals of both limits under the normal random-effects model.

    References
    ----------
    Olofsen E et al. J Clin Monit Comput 2015;29:127-139.
    """
    random, z = np.random.default_rng(sampling.seed), sampling.z
    df = groups.total - groups.n
    spread = np.sqrt(found.between + found.within / groups.size)
    step = max(1, _BLOCK // groups.n)
    sizes = [min(step, sampling.n - start) for start in range(0, sampling.n, step)]
    drawn = [
        _studentised(
            groups,
            found.bias + spread * random.standard_normal((size, groups.n)),
            found.within * random.chisquare(df, size) / df,
            found.divisor,
            z,
        )
        for size in sizes
    ]
    sd = found.variance**0.5
    seen = _studentised(groups, groups.mean[None], np.array([groups.within]), found.divisor, z)
    observed = float(seen[2][0])
    tails = [(1 + sampling.confidence) / 2, (1 - sampling.confidence) / 2]
    ends = []
    for at, value in enumerate((found.bias - z * sd, found.bias + z * sd)):
        scores = np.concatenate([(part[at] - value) / part[2] for part in drawn])
        low, high = value - np.quantile(scores, tails) * observed
        ends.append((float(low), float(high)))
    return ends[0], ends[1]


def _studentised(
    groups: Groups, means: FloatArray, within: FloatArray, divisor: float, z: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return lower limit, upper limit and their standard error; means has shape (resample, subject)."""
    n, total = groups.n, groups.total
    bias = means @ groups.size / total
    square = ((means - bias[:, None]) ** 2 @ groups.size) / (n - 1) / divisor
    between = np.clip(square - within / divisor, 0, None)
    variance = between + within
    of_bias = between * (groups.size @ groups.size) / total**2 + within / total
    rest = (1 - 1 / divisor) * within
    of_variance = 2 * square**2 / (n - 1) + 2 * rest**2 / (total - n)
    se = np.sqrt(of_bias + z**2 * of_variance / (4 * variance))
    return bias - z * np.sqrt(variance), bias + z * np.sqrt(variance), se
