"""Variance of differences between and within women, where women have several pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from bactools.stats.inputs import FloatArray, choice

Estimator = Literal["anova", "means", "reml"]
"""How components are estimated; see `components`."""

ESTIMATORS: tuple[str, ...] = get_args(Estimator)

_NOTHING = 1e-24
"""Share of the variance that is rounding."""

_NO_RATIO = 1e-8
"""Of the variance between to within women: below it, the former is 0."""


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
    df : float
        Degrees of freedom of that standard error.
    between, within : float
        Variance between and within women; a negative estimate of the former is given as 0.
    between_se, within_se : float
        Their standard errors.
    mean_square_between : float
        As in the analysis of variance.
    divisor : float
        Pairs per woman: the weight of `within` in the mean square.
    parts : tuple of (float, float)
        Independent mean squares that add up to the variance, each with its degrees of freedom.

    Notes
    -----
    `variance` is the sum of `parts` also where `between` was negative: cut off at 0, it would be too
    large on average and its interval would miss the truth too often.
    """

    bias: float
    se: float
    df: float
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
        Alike for all three if every woman has as many pairs. Else the degrees of freedom of the first two
        are Satterthwaite's.

    Raises
    ------
    StatsError
        If the estimator is unknown.

    References
    ----------
    Bland JM, Altman DG. J Biopharm Stat 2007;17:571-582. Zou GY. Stat Methods Med Res
    2013;22:630-642. Satterthwaite FE. Biometrics Bull 1946;2:110-114.
    """
    choice(estimator, ESTIMATORS, name="estimator")
    n, total, within = groups.n, groups.total, groups.within
    pooled = float(groups.size @ groups.mean) / total
    msb = float(groups.size @ (groups.mean - pooled) ** 2) / (n - 1)
    divisor = (total - float(groups.size @ groups.size) / total) / (n - 1)
    if estimator == "anova":
        between = max(0.0, (msb - within) / divisor)
        bias, weight, square = pooled, divisor, msb / divisor
        square_df = _satterthwaite(groups.size, between + within / groups.size)
        share = float(groups.size @ groups.size) / total**2
        se = math.sqrt(between * share + within / total)
        # se² is made of both mean squares; unless women have unequal numbers, of the first only
        of_within = within * (1 / total - share / divisor)
        df = se**4 / ((share * square) ** 2 / square_df + of_within**2 / (total - n)) if se > 0 else n - 1
        df = min(df, n - 1.0)
    elif estimator == "means":
        bias, square, weight = float(groups.mean.mean()), float(groups.mean.var(ddof=1)), groups.harmonic
        between = max(0.0, square - within / weight)
        square_df = df = _satterthwaite(np.ones(n), between + within / groups.size)
        se = math.sqrt(square / n)
    else:
        between, within = _reml(groups)
        each = 1 / (between + within / groups.size)
        bias, se = float(each @ groups.mean / each.sum()), math.sqrt(1 / float(each.sum()))
        weight, square_df, df = groups.harmonic, n - 1.0, n - 1.0
        square = between + within / weight
    within_se = within * math.sqrt(2 / (total - n))
    return Components(
        bias,
        se,
        df,
        between,
        within,
        between_se=math.sqrt(2 * square**2 / square_df + (within_se / weight) ** 2),
        within_se=within_se,
        mean_square_between=msb,
        divisor=divisor,
        parts=((square, square_df), ((1 - 1 / weight) * within, total - n)),
    )


def _satterthwaite(weight: FloatArray, variance: FloatArray) -> float:
    """Return the degrees of freedom of a weighted sum of squares of means about their mean.

    Parameters
    ----------
    weight : float array, shape (subject,)
    variance : float array, shape (subject,)
        Of the means.
    """
    if not variance.any():
        return weight.size - 1.0
    total, part = weight.sum(), weight * variance
    expected = float(part.sum() - weight @ part / total)
    spread = float(part @ part - 2 * (weight * part) @ part / total + (weight @ part / total) ** 2)
    return min(expected**2 / spread, weight.size - 1.0)


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
        n - 1.0,
        between,
        within,
        between_se=square * math.sqrt(2 / (n - 1)),
        within_se=within_se,
        mean_square_between=square,
        divisor=1.0,
        parts=((square, n - 1), *(((1 - 1 / m) * variance, df) for variance, m, df in single)),
    )


def _reml(groups: Groups) -> tuple[float, float]:
    """Return variance between and within women by restricted maximum likelihood."""
    spread = groups.mean.var(ddof=1)
    if groups.squares.sum() <= _NOTHING * groups.total * spread:
        return float(spread), 0.0

    def at(log_ratio: float) -> tuple[float, float]:
        """Return minus twice the profiled log-likelihood, and the variance within."""
        weight = groups.size / (1 + groups.size * math.exp(log_ratio))
        bias = float(weight @ groups.mean / weight.sum())
        within = float(groups.squares.sum() + weight @ (groups.mean - bias) ** 2) / (groups.total - 1)
        determinant = np.log1p(groups.size * math.exp(log_ratio)).sum() + math.log(weight.sum())
        return float((groups.total - 1) * math.log(within) + determinant), within

    # flat far out on both sides, where a search would stop: a look at all of it first
    places = np.linspace(-20, 32, 105)
    best = int(np.argmin([at(place)[0] for place in places]))
    around = places[max(best - 1, 0)], places[min(best + 1, places.size - 1)]
    found = optimize.minimize_scalar(
        lambda x: at(x)[0], bounds=around, method="bounded", options={"xatol": 1e-10}
    )
    within, ratio = at(float(found.x))[1], math.exp(float(found.x))
    return (ratio * within if ratio > _NO_RATIO else 0.0), within
