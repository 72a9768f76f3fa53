"""Non-parametric limits of agreement: quantiles of the differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bactools.stats.inputs import FloatArray
from bactools.stats.result import Estimate


def quantile_limits(
    values: FloatArray,
    *,
    subject: NDArray[np.intp] | None = None,
    level: float = 0.95,
    confidence: float = 0.95,
    n_bootstrap: int = 2000,
    seed: int = 0,
) -> tuple[Estimate, Estimate, Estimate]:
    """Return median, lower and upper quantile that hold `level` of the values between them.

    Parameters
    ----------
    values : float array, shape (n,)
    subject : integer array, shape (n,), optional
        With it, intervals are percentiles over resampled women; else they are by order statistics.
    level, confidence : float
    n_bootstrap, seed : int

    Returns
    -------
    median, lower, upper : Estimate
        Quantiles of type 6 (Weibull), as Bland and Altman's; an end of an interval that lies beyond the
        data is not estimable with so few and stays NaN.
    """
    shares = [0.5, (1 - level) / 2, (1 + level) / 2]
    found = np.quantile(values, shares, method="weibull")
    if subject is None:
        ends = [_order_statistics(np.sort(values), share, confidence) for share in shares]
    else:
        drawn = _resampled(values, subject, shares, n_bootstrap, seed)
        tails = [(1 - confidence) / 2, (1 + confidence) / 2]
        ends = [(float(low), float(high)) for low, high in np.quantile(drawn, tails, axis=0).T]
    middle, lower, upper = (Estimate(float(at), *end) for at, end in zip(found, ends, strict=True))
    return middle, lower, upper


def _order_statistics(ordered: FloatArray, share: float, confidence: float) -> tuple[float, float]:
    """Return the order statistics between which the quantile lies, by the binomial distribution."""
    n, tail = ordered.size, (1 - confidence) / 2
    low = int(stats.binom.ppf(tail, n, share)) - 1
    high = int(stats.binom.isf(tail, n, share))
    padded = np.concatenate([[np.nan], ordered, [np.nan]])
    return float(padded[max(low, -1) + 1]), float(padded[min(high, n) + 1])


def _resampled(
    values: FloatArray, subject: NDArray[np.intp], shares: list[float], n_bootstrap: int, seed: int
) -> FloatArray:
    """Return quantiles of every resample of women, shape (resample, share)."""
    random = np.random.default_rng(seed)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    # women numbered by their least value: the answer does not depend on the order of the rows
    woman = pd.factorize(subject[order])[0]
    women = int(woman.max()) + 1
    drawn = np.empty((n_bootstrap, len(shares)))
    for at in range(n_bootstrap):
        times = np.bincount(random.integers(0, women, women), minlength=women)
        reached = np.cumsum(times[woman])
        n = int(reached[-1])
        position = np.clip(np.array(shares) * (n + 1), 1, n)
        below = np.floor(position)
        low, high = (ordered[np.searchsorted(reached, rank)] for rank in (below, np.minimum(below + 1, n)))
        drawn[at] = low + (position - below) * (high - low)
    return drawn
