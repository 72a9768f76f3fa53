"""Limits of agreement by resampling: whole women drawn again, or the model simulated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import stats

from bactools.stats.agreement.nested import Components, Groups
from bactools.stats.inputs import FloatArray
from bactools.stats.resampling import BLOCK, Ends, bca, resampled_sums

ClosedForm = Literal["anova", "means"]


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


def bootstrap_limits(
    groups: Groups, sampling: Sampling, *, estimator: ClosedForm = "anova"
) -> tuple[Ends, Ends]:
    """Return BCa bootstrap intervals of both limits, whole women resampled.

    Parameters
    ----------
    groups : Groups
    sampling : Sampling
    estimator : {"anova", "means"}
        As in `bactools.stats.agreement.nested.components`.
    """
    # sorted, so that the answer does not depend on the order of the rows
    order = np.lexsort((groups.squares, groups.size, groups.mean))
    # about a middle, for squares of means to keep their digits
    middle = float(np.median(groups.mean))
    table = _sums(replace(groups, mean=groups.mean - middle), estimator)[order]
    total = table.sum(axis=0, keepdims=True)
    resampled = resampled_sums(table, np.random.default_rng(sampling.seed), sampling.n)
    found, drawn, without = (
        _limits(sums, estimator, sampling.z) for sums in (total, resampled, total - table)
    )
    ends = [
        bca(float(value[0]), resamples, left_out, confidence=sampling.confidence)
        for value, resamples, left_out in zip(found, drawn, without, strict=True)
    ]
    lower, upper = ((middle + low, middle + high) for low, high in ends)
    return lower, upper


def _sums(groups: Groups, estimator: str) -> FloatArray:
    """Return what each woman adds to the sums that limits are made of, shape (subject, 6)."""
    size, weight = groups.size, groups.size if estimator == "anova" else np.ones(groups.n)
    last = size**2 if estimator == "anova" else 1 / size
    parts = (np.ones(groups.n), size, weight * groups.mean, weight * groups.mean**2, groups.squares, last)
    return np.stack(parts, axis=1)


def _limits(sums: FloatArray, estimator: str, z: float) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper limits of sums of shape (resample, 6)."""
    women, total, weighted, square, squares, last = sums.T
    counted = total if estimator == "anova" else women
    bias = weighted / counted
    about = np.maximum(square - counted * bias**2, 0)
    within = squares / np.maximum(total - women, 1)
    # left with one woman only, resamples have no spread between women
    others = np.maximum(women - 1, 1)
    divisor = np.ones_like(total)
    if estimator == "anova":
        divisor = np.maximum((total - last / total) / others, 1)
        share = 1 - 1 / divisor
    else:
        share = 1 - last / women
    sd = np.sqrt(about / others / divisor + share * within)
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
    step = max(1, BLOCK // groups.n)
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
    seen = _studentised(groups, groups.mean[None], np.array([groups.within]), found.divisor, z)
    observed = float(seen[2][0])
    # a negative variance between women is 0 where it is simulated
    simulated, own = (found.between + found.within) ** 0.5, found.variance**0.5
    tails = [(1 + sampling.confidence) / 2, (1 - sampling.confidence) / 2]
    ends = []
    for at, side in enumerate((-z, z)):
        true = found.bias + side * simulated
        scores = np.concatenate([(part[at] - true) / part[2] for part in drawn])
        low, high = found.bias + side * own - np.quantile(scores, tails) * observed
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
    variance = square + (1 - 1 / divisor) * within
    of_bias = between * (groups.size @ groups.size) / total**2 + within / total
    rest = (1 - 1 / divisor) * within
    of_variance = 2 * square**2 / (n - 1) + 2 * rest**2 / (total - n)
    se = np.sqrt(of_bias + z**2 * of_variance / (4 * variance))
    return bias - z * np.sqrt(variance), bias + z * np.sqrt(variance), se
