"""Whole women drawn again: what an interval is when no formula is trusted."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bactools.stats.inputs import FloatArray

BLOCK = 2_000_000
"""Numbers held at once."""

Ends = tuple[float, float]


def resample(subject: NDArray[np.intp], random: np.random.Generator) -> NDArray[np.intp]:
    """Return the positions of the pairs of women drawn with replacement."""
    order = np.argsort(subject, kind="stable")
    size = np.bincount(subject)
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    drawn = random.integers(0, size.size, size.size)
    lengths = size[drawn]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.asarray(order[np.repeat(start[drawn], lengths) + within])


def resampled_sums(table: FloatArray, random: np.random.Generator, n: int) -> FloatArray:
    """Return what resampled women add up to.

    Parameters
    ----------
    table : float array, shape (subject, sum)
        What each woman adds.
    random : numpy.random.Generator
    n : int
        Resamples.

    Returns
    -------
    float array, shape (n, sum)
    """
    women = len(table)
    step = max(1, BLOCK // women)
    parts = []
    for start in range(0, n, step):
        rows = min(step, n - start)
        drawn = random.integers(0, women, (rows, women)) + women * np.arange(rows)[:, None]
        parts.append(np.bincount(drawn.ravel(), minlength=rows * women).reshape(rows, women) @ table)
    return np.concatenate(parts)


def bca(value: float, resamples: FloatArray, left_out: FloatArray, *, confidence: float = 0.95) -> Ends:
    """Return the bias-corrected and accelerated interval, widened as few women demand.

    Parameters
    ----------
    value : float
        The estimate.
    resamples : float array, shape (resample,)
    left_out : float array, shape (subject,)
        Estimates without each woman in turn.
    confidence : float

    Notes
    -----
    Percentiles of resamples are too near to each other by sqrt((n - 1) / n) and know of no t: normal
    quantiles are replaced by t ones over that factor (Hesterberg). Of 26 women, 1.96 becomes 2.10.

    References
    ----------
    Efron B. J Am Stat Assoc 1987;82:171-185. Hesterberg TC. Am Stat 2015;69:371-386.
    """
    n, about = left_out.size, left_out.mean() - left_out
    acceleration = float((about**3).sum() / (6 * (about**2).sum() ** 1.5)) if np.ptp(left_out) > 0 else 0.0
    below = np.clip(float((resamples < value).mean()), 1 / resamples.size, 1 - 1 / resamples.size)
    shift = float(stats.norm.ppf(below))
    half = math.sqrt(n / (n - 1)) * float(stats.t.ppf((1 + confidence) / 2, n - 1))
    reach = shift + np.array([-half, half])
    low, high = np.quantile(resamples, stats.norm.cdf(shift + reach / (1 - acceleration * reach)))
    return float(low), float(high)
