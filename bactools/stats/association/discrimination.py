"""How well a predictor ranks women by when their event comes: Harrell's C."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bactools.stats.inputs import FloatArray
from bactools.stats.result import Estimate

_BLOCK = 4_000_000


def harrell_c(
    predictor: FloatArray,
    stop: FloatArray,
    event: NDArray[np.bool_],
    *,
    entry: FloatArray | None = None,
    stratum: NDArray[np.intp] | None = None,
    cluster: NDArray[np.intp] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Compute the share of usable pairs in which the earlier event has the higher predictor.

    Parameters
    ----------
    predictor : float array, shape (n,)
        Higher for those who are expected to have the event earlier.
    stop : float array, shape (n,)
    event : bool array, shape (n,)
    entry : float array, shape (n,), optional
        A pair is usable if the other was at risk when the event happened.
    stratum : int array, shape (n,), optional
        Pairs are of one stratum.
    cluster : int array, shape (n,), optional
        Rows of one woman, for the standard error.
    confidence : float

    Returns
    -------
    Estimate
        Ties of the predictor count half, tied events not at all; standard error by the infinitesimal
        jackknife, interval on the logit scale. Its p-value is of C = 0.5. Not estimable without a usable
        pair.

    References
    ----------
    Harrell FE, Lee KL, Mark DB. Stat Med 1996;15:361-387. Therneau TM, Watson DA. Mayo Clinic technical
    report 85, 2015.
    """
    n = stop.size
    order = np.argsort(stop, kind="stable")
    rows = order[event[order]]
    agree: FloatArray = np.zeros(n)
    usable: FloatArray = np.zeros(n)
    step = max(1, _BLOCK // max(1, n))
    for begin in range(0, rows.size, step):
        own = rows[begin : begin + step]
        # nobody who left before the first of these events is of use
        rest = order[np.searchsorted(stop[order], stop[own[0]]) :]
        time = stop[own, None]
        pair = (stop[rest] > time) | ((stop[rest] == time) & ~event[rest])
        if entry is not None:
            pair &= entry[rest] < time
        if stratum is not None:
            pair &= stratum[rest] == stratum[own, None]
        for won, share in ((np.greater, 1.0), (np.equal, 0.5)):
            score = pair & won(predictor[own, None], predictor[rest])
            agree[own] += share * np.count_nonzero(score, axis=1)
            agree[rest] += share * np.count_nonzero(score, axis=0)
        usable[own] += np.count_nonzero(pair, axis=1)
        usable[rest] += np.count_nonzero(pair, axis=0)
    total = float(usable.sum()) / 2
    if not total:
        return Estimate.missing("there is no pair of women of whom one had the event first")
    c = float(agree.sum()) / 2 / total
    influence: FloatArray = (agree - c * usable) / total
    if cluster is not None:
        influence = np.bincount(cluster, weights=influence).astype(np.float64)
    se = math.sqrt(float(influence @ influence))
    if not 0 < c < 1 or se == 0:
        return Estimate(c, se=se)
    z = float(stats.norm.ppf((1 + confidence) / 2))
    middle, half = math.log(c / (1 - c)), z * se / (c * (1 - c))
    low, high = (1 / (1 + math.exp(-end)) for end in (middle - half, middle + half))
    return Estimate(c, low, high, se=se, p=float(2 * stats.norm.sf(abs(c - 0.5) / se)))
