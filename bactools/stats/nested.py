"""Limits of agreement where women have several pairs: variance between and within women."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from bactools.stats.inputs import FloatArray, choice
from bactools.stats.limits import variance_interval
from bactools.stats.result import Estimate

Estimator = Literal["anova", "means", "reml"]
"""How components are estimated; see `nested_limits`."""

NestedInterval = Literal["mover", "approximate", "bootstrap", "parametric-bootstrap"]
ESTIMATORS: tuple[str, ...] = get_args(Estimator)
NESTED_INTERVALS: tuple[str, ...] = get_args(NestedInterval)


@dataclass(frozen=True, eq=False)
class Groups:
    """Differences summed up by woman.

    Attributes
    ----------
    size : float array, shape (subject,)
        Pairs of each.
    mean : float array, shape (subject,)
    squares : float array, shape (subject,)
        Sum of squares about her mean.
    """

    size: FloatArray
    mean: FloatArray
    squares: FloatArray

    @classmethod
    def of(cls, values: FloatArray, subject: NDArray[np.intp]) -> Groups:
        """Sum up values by the code of their subject."""
        size = np.bincount(subject).astype(np.float64)
        mean = np.bincount(subject, weights=values) / size
        squares = np.bincount(subject, weights=(values - mean[subject]) ** 2)
        return cls(size, mean, squares.astype(np.float64))

    @property
    def n(self) -> int:
        """Women."""
        return self.size.size

    @property
    def total(self) -> int:
        """Pairs."""
        return int(self.size.sum())

    @property
    def harmonic(self) -> float:
        """Harmonic mean of the pairs per woman."""
        return float(1 / np.mean(1 / self.size))

    @property
    def within(self) -> float:
        """Mean square within women."""
        return float(self.squares.sum() / (self.total - self.n))


@dataclass(frozen=True)
class Components:
    """Bias, and the variances that make up the spread of a single difference.

    Attributes
    ----------
    bias, se : float
        Mean difference and its standard error.
    between, within : float
        Variance between and within women; a negative estimate of the former is 0.
    between_se, within_se : float
        Their standard errors.
    mean_square_between : float
        As in the analysis of variance.
    divisor : float
        Pairs per woman: the weight of `within` in the mean square.
    parts : tuple of (float, float)
        Independent mean squares that add up to the variance, each with its degrees of freedom.
    """

    bias: float
    se: float
    between: float
    within: float
    between_se: float
    within_se: float
    mean_square_between: float
    divisor: float
    parts: tuple[tuple[float, float], ...]

    @property
    def variance(self) -> float:
        """Variance of a single difference."""
        return sum(part for part, _ in self.parts)


def components(groups: Groups, *, estimator: Estimator = "anova") -> Components:
    """Split the variance of differences into between and within women.

    Parameters
    ----------
    groups : Groups
        At least two women, one of them with two pairs.
    estimator : {"anova", "means", "reml"}
        ``anova``: one-way analysis of variance; every pair counts the same in the bias (Bland and
        Altman 2007). ``means``: every woman counts the same (Zou 2013). ``reml``: the random-intercept
        model, in between.

    Returns
    -------
    Components

    Raises
    ------
    StatsError
        If the estimator is unknown.
    """
    choice(estimator, ESTIMATORS, name="estimator")
    n, total, within = groups.n, groups.total, groups.within
    pooled = float(groups.size @ groups.mean) / total
    msb = float(groups.size @ (groups.mean - pooled) ** 2) / (n - 1)
    divisor = (total - float(groups.size @ groups.size) / total) / (n - 1)
    if estimator == "anova":
        between = max(0.0, (msb - within) / divisor)
        bias = pooled
        se = math.sqrt(between * float(groups.size @ groups.size) / total**2 + within / total)
        square, weight = msb / divisor, divisor
    elif estimator == "means":
        bias, square, weight = float(groups.mean.mean()), float(groups.mean.var(ddof=1)), groups.harmonic
        between = max(0.0, square - within / weight)
        se = math.sqrt(square / n)
    else:
        between, within = _reml(groups)
        each = 1 / (between + within / groups.size)
        bias, se = float(each @ groups.mean / each.sum()), math.sqrt(1 / float(each.sum()))
        weight = groups.harmonic
        square = between + within / weight
    rest = (1 - 1 / weight) * within
    within_se = within * math.sqrt(2 / (total - n))
    return Components(
        bias,
        se,
        between,
        within,
        between_se=math.sqrt(2 * square**2 / (n - 1) + (within_se / weight) ** 2),
        within_se=within_se,
        mean_square_between=msb,
        divisor=divisor,
        parts=((max(square, within / weight), n - 1), (rest, total - n)),
    )


def constant_components(a: Groups, b: Groups, difference: FloatArray) -> Components:
    """Split the variance for replicates of a value that does not change within a woman.

    Parameters
    ----------
    a, b : Groups
        Replicates of the two methods, of the same women; the numbers may differ.
    difference : float array, shape (subject,)
        Difference of her two means.

    Returns
    -------
    Components
        ``within`` is the sum of both methods' variances within women.

    References
    ----------
    Bland JM, Altman DG. Stat Methods Med Res 1999;8:135-160, section 5.1; J Biopharm Stat
    2007;17:571-582.
    """
    n, square = difference.size, float(difference.var(ddof=1))
    single = [(group.within, group.harmonic, group.total - n) for group in (a, b)]
    within = sum(variance for variance, _, _ in single)
    between = max(0.0, square - sum(variance / m for variance, m, _ in single))
    within_se = math.sqrt(sum(2 * variance**2 / df for variance, _, df in single))
    return Components(
        float(difference.mean()),
        math.sqrt(square / n),
        between,
        within,
        between_se=square * math.sqrt(2 / (n - 1)),
        within_se=within_se,
        mean_square_between=square,
        divisor=1.0,
        parts=((square, n - 1), *(((1 - 1 / m) * variance, df) for variance, m, df in single)),
    )


def nested_limits(
    found: Components,
    n: int,
    *,
    interval: NestedInterval = "mover",
    level: float = 0.95,
    confidence: float = 0.95,
) -> tuple[Estimate, Estimate]:
    """Compute limits of agreement from components, with confidence intervals.

    Parameters
    ----------
    found : Components
    n : int
        Women.
    interval : {"mover", "approximate"}
        ``mover``: variance estimates recovery (Zou 2013). ``approximate``: delta method.
    level, confidence : float

    Returns
    -------
    lower, upper : Estimate

    References
    ----------
    Zou GY. Stat Methods Med Res 2013;22:630-642. Olofsen E et al. J Clin Monit Comput
    2015;29:127-139.
    """
    z, q = (float(stats.norm.ppf((1 + share) / 2)) for share in (level, confidence))
    sd = math.sqrt(found.variance)
    of_variance = math.sqrt(sum(2 * part**2 / df for part, df in found.parts))
    se = math.hypot(found.se, z * of_variance / (2 * sd))
    near = far = q * se
    if interval == "mover":
        low, high = _variance_ends(found, confidence)
        near = math.hypot(q * found.se, z * (sd - math.sqrt(low)))
        far = math.hypot(q * found.se, z * (math.sqrt(high) - sd))
    lower, upper = found.bias - z * sd, found.bias + z * sd
    return (
        Estimate(lower, lower - far, lower + near, se=se),
        Estimate(upper, upper - near, upper + far, se=se),
    )


def sd_estimate(found: Components, *, confidence: float = 0.95) -> Estimate:
    """Return the standard deviation of a single difference, with its interval by variance recovery."""
    low, high = _variance_ends(found, confidence)
    sd = math.sqrt(found.variance)
    of_variance = math.sqrt(sum(2 * part**2 / df for part, df in found.parts))
    return Estimate(sd, math.sqrt(low), math.sqrt(high), se=of_variance / (2 * sd))


def _variance_ends(found: Components, confidence: float) -> tuple[float, float]:
    """Return the ends of the interval of a sum of independent mean squares."""
    down = up = 0.0
    for part, df in found.parts:
        low, high = variance_interval(df, confidence=confidence)
        down += (part * (1 - low)) ** 2
        up += (part * (high - 1)) ** 2
    variance = found.variance
    return max(0.0, variance - math.sqrt(down)), variance + math.sqrt(up)


def _reml(groups: Groups) -> tuple[float, float]:
    """Return variance between and within women by restricted maximum likelihood."""

    def at(log_ratio: float) -> tuple[float, float]:
        """Return minus twice the profiled log-likelihood, and the variance within."""
        weight = groups.size / (1 + groups.size * math.exp(log_ratio))
        bias = float(weight @ groups.mean / weight.sum())
        within = float(groups.squares.sum() + weight @ (groups.mean - bias) ** 2) / (groups.total - 1)
        determinant = np.log1p(groups.size * math.exp(log_ratio)).sum() + math.log(weight.sum())
        return float((groups.total - 1) * math.log(within) + determinant), within

    best = optimize.minimize_scalar(
        lambda x: at(x)[0], bounds=(-20, 15), method="bounded", options={"xatol": 1e-10}
    )
    within = at(float(best.x))[1]
    ratio = math.exp(float(best.x))
    return (ratio * within if ratio > 1e-8 else 0.0), within
