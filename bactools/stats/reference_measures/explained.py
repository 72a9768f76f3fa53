"""The coefficient of determination with an interval that knows of women."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bactools.stats.inputs import FloatArray
from bactools.stats.result import Estimate


def r2_by_woman(
    x: FloatArray,
    y: FloatArray,
    subject: NDArray[np.intp],
    *,
    confidence: float = 0.95,
    n_bootstrap: int = 2000,
    seed: int = 0,
) -> tuple[Estimate, FloatArray, FloatArray]:
    """Estimate R² of a straight line, whole women resampled.

    Parameters
    ----------
    x, y : float array, shape (pair,)
        Neither of them constant.
    subject : integer array, shape (pair,)
        The woman of each pair, from 0.
    confidence : float
    n_bootstrap, seed : int
        The same seed draws the same women, so that resamples of several x can be compared.

    Returns
    -------
    r2 : Estimate
        With a bias-corrected and accelerated interval.
    resampled : float array, shape (n_bootstrap,)
        NaN where the women drawn are all alike.
    without : float array, shape (woman,)
        Without each of them.

    References
    ----------
    Efron B. J Am Stat Assoc 1987;82:171-185.
    """
    # centred and scaled, sums of squares keep their digits
    a, b = ((values - values.mean()) / values.std() for values in (x, y))
    n = int(subject.max()) + 1
    terms = (np.ones_like(a), a, b, a * a, b * b, a * b)
    sums = np.array([np.bincount(subject, weights=term, minlength=n) for term in terms]).T
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), n_bootstrap)
    value = float(_share_explained(np.ones((1, n)) @ sums)[0])
    resampled = _share_explained(counts @ sums)
    without = _share_explained((1 - np.eye(n)) @ sums)
    low, high = _bca(value, resampled[~np.isnan(resampled)], without[~np.isnan(without)], confidence)
    return Estimate(value, low, high), resampled, without


def _share_explained(sums: FloatArray) -> FloatArray:
    """Return R² from weighted sums of 1, x, y, x², y², xy, shape (resample, 6); NaN of a constant."""
    n, x, y, xx, yy, xy = sums.T
    about_x, about_y = xx - x**2 / n, yy - y**2 / n
    varies = (about_x > 1e-9 * n) & (about_y > 1e-9 * n)
    product = np.where(varies, about_x * about_y, 1.0)
    return np.where(varies, np.clip((xy - x * y / n) ** 2 / product, 0, 1), np.nan)


def _bca(value: float, resampled: FloatArray, without: FloatArray, confidence: float) -> tuple[float, float]:
    """Return the bias-corrected and accelerated percentiles; NaN where resamples are too few."""
    if resampled.size < 100 or without.size < 3:
        return math.nan, math.nan
    about = without.mean() - without
    spread = float((about**2).sum()) ** 1.5
    acceleration = float((about**3).sum()) / (6 * spread) if spread > 0 else 0.0
    below = float(np.clip((resampled < value).mean(), 1 / resampled.size, 1 - 1 / resampled.size))
    shift = float(stats.norm.ppf(below))
    reach = shift + stats.norm.ppf([(1 - confidence) / 2, (1 + confidence) / 2])
    low, high = np.quantile(resampled, stats.norm.cdf(shift + reach / (1 - acceleration * reach)))
    return float(low), float(high)
