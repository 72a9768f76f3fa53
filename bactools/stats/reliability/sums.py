"""Statistics made of sums over women, with intervals from leaving women out one at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bactools.stats.inputs import FloatArray

Ends = tuple[float, float]
Map = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Scale:
    """On which an estimate is nearly normal.

    Attributes
    ----------
    to, back : callable
        There and back, increasing.
    low, high : float
        Between which the estimate must lie.
    """

    to: Map
    back: Map
    low: float = -math.inf
    high: float = math.inf


def _as_it_is(x: FloatArray) -> FloatArray:
    return x


PLAIN = Scale(_as_it_is, _as_it_is)
POSITIVE = Scale(np.log, np.exp, 0.0)
FISHER = Scale(np.arctanh, np.tanh, -1.0, 1.0)
"""Of a correlation."""


def by_woman(columns: FloatArray, woman: NDArray[np.intp]) -> FloatArray:
    """Add up columns of each woman.

    Parameters
    ----------
    columns : float array, shape (row, quantity)
    woman : integer array, shape (row,)
        Codes from 0, none left out.

    Returns
    -------
    float array, shape (woman, quantity)
    """
    return np.stack([np.bincount(woman, weights=column) for column in columns.T], axis=1)


def intervals_by_woman(
    sums: FloatArray,
    statistic: Callable[[FloatArray], FloatArray],
    scales: Sequence[Scale],
    *,
    confidence: float,
) -> list[Ends]:
    """Return the jackknife interval of each part of a statistic, women left out one at a time.

    For smooth functions of sums it covers better with few women than percentiles of a bootstrap, and
    is the same every time.

    Parameters
    ----------
    sums : float array, shape (woman, quantity)
    statistic : callable
        Takes totals, shape (row, quantity); returns shape (row, part).
    scales : sequence of Scale
        One per part, on which t with women - 1 degrees of freedom is used.
    confidence : float

    Returns
    -------
    list of (float, float)
        One per part; NaN if without one of the women there is no estimate.

    References
    ----------
    Tukey JW. Ann Math Stat 1958;29:614. Efron B, Tibshirani RJ. An introduction to the bootstrap, 1993,
    chapter 11.
    """
    total = sums.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found, without = statistic(total[None])[0], statistic(total - sums)
        return [
            _interval(float(value), left, scale, confidence)
            for value, left, scale in zip(found, without.T, scales, strict=True)
        ]


def _interval(value: float, without: FloatArray, scale: Scale, confidence: float) -> Ends:
    if not np.isfinite(without).all():
        return math.nan, math.nan
    if np.ptp(without) <= 1e-13 * max(1.0, abs(value)):
        return value, value
    middle, moved = scale.to(np.array([value]))[0], scale.to(without)
    back = scale.back
    # at the end of its range an estimate has no place on that scale
    if not (np.isfinite(middle) and np.isfinite(moved).all()):
        middle, moved, back = value, without, _as_it_is
    n = without.size
    se = math.sqrt((n - 1) / n * float(((moved - moved.mean()) ** 2).sum()))
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * se
    low, high = np.clip(back(np.array([middle - half, middle + half])), scale.low, scale.high)
    return float(low), float(high)
