"""The slopes between all pairs of points, and their ranks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bactools.stats.inputs import FloatArray

_BLOCK = 2_000_000


@dataclass(frozen=True, eq=False)
class Slopes:
    """Slopes between points i < j.

    Attributes
    ----------
    values : float array, shape (slope,)
        In no order; without those that do not count.
    below : int
        By how many ranks the median is shifted: slopes below -1, if shifted.
    shifted : bool
    """

    values: FloatArray
    below: int
    shifted: bool

    @classmethod
    def of(cls, x: FloatArray, y: FloatArray, *, shifted: bool) -> Slopes:
        """Compute the slopes, a block of rows at a time.

        Parameters
        ----------
        x, y : float array, shape (n,)
        shifted : bool
            Whether as Passing and Bablok: slopes of exactly -1 do not count, vertical ones do, and ranks
            are shifted by the number of slopes below -1. Else vertical ones do not count.
        """
        parts = [slopes[~np.isnan(slopes)] for _, slopes in _by_rows(x, y, shifted=shifted)]
        values = np.concatenate(parts) if len(parts) > 1 else parts[0]
        return cls(values, int((values < -1).sum()) if shifted else 0, shifted)

    @staticmethod
    def scores(x: FloatArray, y: FloatArray, slope: float, *, shifted: bool) -> FloatArray:
        """Return of each point how many slopes to others are steeper than `slope` less those flatter.

        Shape (n,). A slope below -1 is steeper than any if shifted.
        """
        near = 1e-12 * max(1.0, abs(slope))
        found = np.zeros(x.size)
        for rows, slopes in _by_rows(x, y, shifted=shifted, square=True):
            off = slopes - slope
            sign = np.where(np.abs(off) <= near, 0.0, np.sign(off))
            if shifted:
                sign[slopes < -1] = 1.0
            found[rows] = np.nansum(sign.reshape(rows.size, -1), axis=1)
        return found

    def ranked(self, *ranks: int) -> list[float]:
        """Return the slopes of given ranks from 1, shifted; infinite beyond either end."""
        places = [rank + self.below - 1 for rank in ranks]
        within = [place for place in places if self.below <= place < self.values.size]
        parted = np.partition(self.values, within) if within else self.values
        return [
            -math.inf
            if place < self.below
            else math.inf
            if place >= self.values.size
            else float(parted[place])
            for place in places
        ]

    def median(self) -> float:
        """Return the shifted median; NaN if there is no slope."""
        n = self.values.size
        if not n:
            return math.nan
        return _middle(*self.ranked((n + 1) // 2, n // 2 + 1))

    def interval(self, sd: float, confidence: float) -> tuple[float, float]:
        """Return the interval by ranks, from the standard deviation of Kendall's score.

        Sen's ranks; if shifted, ranks as far from the median's to either side and, like the median, between
        two slopes where need be. Passing and Bablok round to whole ranks instead; published answers by the
        software of Bablok's own laboratory do not.
        """
        n = self.values.size
        reach = float(stats.norm.ppf((1 + confidence) / 2)) * sd
        if not self.shifted:
            first = round((n - reach) / 2)
            low, high = self.ranked(first, n - first + 1)
            return low, high
        twice = round(n - reach) + 1
        ranks = (twice // 2, (twice + 1) // 2)
        found = self.ranked(*ranks, *(n + 1 - rank for rank in ranks))
        return _middle(*found[:2]), _middle(*found[2:])


def _middle(low: float, high: float) -> float:
    return low if low == high else (low + high) / 2


def tie_free_variance(x: FloatArray, y: FloatArray, *, ties: bool) -> float:
    """Return the variance of Kendall's score of independent pairs; with `ties` corrected for them."""
    n = float(x.size)
    total = n * (n - 1) * (2 * n + 5)
    if ties:
        for values in (x, y):
            size = np.unique(values, return_counts=True)[1].astype(np.float64)
            total -= float((size * (size - 1) * (2 * size + 5)).sum())
    return total / 18


def _by_rows(
    x: FloatArray, y: FloatArray, *, shifted: bool, square: bool = False
) -> Iterator[tuple[np.ndarray[tuple[int], np.dtype[np.intp]], FloatArray]]:
    """Yield rows and the slopes from them to later points (to all points if square), flattened.

    Those that do not count are NaN.
    """
    n = x.size
    step = max(1, _BLOCK // n)
    # decimals such as 0.1 are not exact, so neither are differences of them
    near = 8 * np.finfo(float).eps * float(max(np.abs(x).max(), np.abs(y).max()))
    for start in range(0, n, step):
        rows = np.arange(start, min(start + step, n))
        dx, dy = x - x[rows, None], y - y[rows, None]
        if not square:
            later = np.arange(n) > rows[:, None]
            dx, dy = dx[later], dy[later]
        with np.errstate(all="ignore"):
            slopes = (dy / dx).ravel()
        dx, dy = dx.ravel(), dy.ravel()
        level = dx == 0
        if shifted:
            slopes[level & (dy != 0)] = math.inf
            slopes[np.abs(dx + dy) <= near] = math.nan
        else:
            slopes[level] = math.nan
        yield rows, slopes
