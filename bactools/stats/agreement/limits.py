"""Confidence intervals of limits of agreement, for one pair per subject."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from scipy import optimize, stats

from bactools.stats.inputs import choice
from bactools.stats.result import Estimate

Interval = Literal["exact", "exact-pair", "mover", "approximate-1999", "approximate-1986"]
"""How the intervals of the limits are made; see `limits_of_agreement`."""

INTERVALS: tuple[str, ...] = get_args(Interval)


def limits_of_agreement(
    bias: float,
    sd: float,
    n: int,
    *,
    interval: Interval = "exact",
    level: float = 0.95,
    confidence: float = 0.95,
) -> tuple[Estimate, Estimate]:
    """Compute the limits of agreement with their confidence intervals from mean and SD of differences.

    Parameters
    ----------
    bias : float
        Mean difference.
    sd : float
        Standard deviation of the differences, over n - 1; above 0.
    n : int
        Number of independent differences, at least 2.
    interval : {"exact", "exact-pair", "mover", "approximate-1999", "approximate-1986"}
        ``exact``: each limit by itself, noncentral t. ``exact-pair``: both limits together, two-sided
        tolerance factors. ``mover``: variance estimates recovery. ``approximate-1999`` and
        ``approximate-1986``: Bland and Altman's two large-sample formulas, with t.
    level : float
        Share of differences that lie between the limits.
    confidence : float

    Returns
    -------
    lower, upper : Estimate
        Unit of the differences. ``exact`` intervals are not symmetric about the limit.

    Raises
    ------
    StatsError
        If the interval is unknown.

    References
    ----------
    Bland JM, Altman DG. Lancet 1986;i:307-310; Stat Methods Med Res 1999;8:135-160. Carkeet A. Optom
    Vis Sci 2015;92:e71-e80. Zou GY. Stat Methods Med Res 2013;22:630-642.
    """
    choice(interval, INTERVALS, name="interval")
    z = float(stats.norm.ppf((1 + level) / 2))
    inner, outer = _factors(interval, n, z, level, confidence)
    se = sd * math.sqrt(1 / n + z**2 / (2 * (n - 1)))
    lower = Estimate(bias - z * sd, bias - outer * sd, bias - inner * sd, se=se)
    upper = Estimate(bias + z * sd, bias + inner * sd, bias + outer * sd, se=se)
    return lower, upper


def variance_interval(df: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the factors by which a variance estimate is multiplied to get the ends of its interval.

    Parameters
    ----------
    df : float
        Degrees of freedom.
    confidence : float

    Returns
    -------
    low, high : float
    """
    tails = (1 + confidence) / 2, (1 - confidence) / 2
    low, high = (df / float(stats.chi2.ppf(tail, df)) for tail in tails)
    return low, high


def _factors(interval: str, n: int, z: float, level: float, confidence: float) -> tuple[float, float]:
    """Return by how many SD the nearer and the farther end of a limit's interval lie from the bias."""
    tails = (1 - confidence) / 2, (1 + confidence) / 2
    if interval == "exact":
        inner, outer = (float(stats.nct.ppf(tail, n - 1, z * math.sqrt(n))) / math.sqrt(n) for tail in tails)
        return inner, outer
    if interval == "exact-pair":
        return tolerance_factor(n, tails[0], level), tolerance_factor(n, tails[1], level)
    if interval == "mover":
        return _mover(n, z, confidence)
    variance = 3 / n if interval == "approximate-1986" else 1 / n + z**2 / (2 * (n - 1))
    half = float(stats.t.ppf(tails[1], n - 1)) * math.sqrt(variance)
    return z - half, z + half


def _mover(n: int, z: float, confidence: float) -> tuple[float, float]:
    low, high = (math.sqrt(factor) for factor in variance_interval(n - 1, confidence=confidence))
    of_bias = float(stats.norm.ppf((1 + confidence) / 2)) ** 2 / n
    return z - math.sqrt(of_bias + (z * (1 - low)) ** 2), z + math.sqrt(of_bias + (z * (high - 1)) ** 2)


@lru_cache(maxsize=256)
def tolerance_factor(n: int, gamma: float, level: float = 0.95) -> float:
    """Compute the exact two-sided tolerance factor: Carkeet's coefficient for a pair of limits.

    Parameters
    ----------
    n : int
        Sample size, at least 2.
    gamma : float
        Probability with which mean ± factor x SD holds at least `level` of the population.
    level : float
        Share of the population.

    Returns
    -------
    float

    References
    ----------
    Carkeet A. Optom Vis Sci 2015;92:e71-e80. Odeh RE. Commun Stat Simul 1978;7:183-201.
    """
    nodes, weights = np.polynomial.legendre.leggauss(80)
    shift, weights = 4 * (nodes + 1), 4 * weights
    half = np.array([_half_width(float(m), level) for m in shift / math.sqrt(n)])
    density = 2 * weights * stats.norm.pdf(shift)

    def excess(log_k: float) -> float:
        held = stats.chi2.sf((n - 1) * half**2 * math.exp(-2 * log_k), n - 1)
        return float(density @ held) - gamma

    return math.exp(float(optimize.brentq(excess, math.log(1e-3), math.log(1e6), xtol=1e-13)))


def _half_width(mean: float, level: float) -> float:
    """Return r such that a normal with this mean has `level` of its mass within ± r of 0, mirrored."""

    def missing(r: float) -> float:
        return float(stats.norm.cdf(mean + r) - stats.norm.cdf(mean - r)) - level

    return float(optimize.brentq(missing, 0, abs(mean) + 10, xtol=1e-13))
