"""How well a predictor ranks women by when their event comes: Harrell's C."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bactools.stats.inputs import FloatArray
from bactools.stats.result import Estimate

IntArray = NDArray[np.intp]


def harrell_c(
    predictor: FloatArray,
    stop: FloatArray,
    event: NDArray[np.bool_],
    *,
    entry: FloatArray | None = None,
    stratum: IntArray | None = None,
    cluster: IntArray | None = None,
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
    agree, usable = _pairs(predictor, stop, event, entry, stratum)
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


def _pairs(
    predictor: FloatArray,
    stop: FloatArray,
    event: NDArray[np.bool_],
    entry: FloatArray | None,
    stratum: IntArray | None,
) -> tuple[FloatArray, FloatArray]:
    """Return in how many usable pairs each row is, and in how many of these it agrees.

    All pairs are counted by sorting: in the time of n log n, where looking at each takes that of n².
    """
    n = stop.size
    times = np.unique(stop if entry is None else np.concatenate([stop, entry]))
    layer = np.zeros(n, dtype=np.intp) if stratum is None else stratum
    span = 2 * times.size + 1
    start = layer * span
    # women without an event leave just after those who have one at that time
    left = start + 2 * np.searchsorted(times, stop) + ~event
    came = start - 1 if entry is None else start + 2 * np.searchsorted(times, entry)
    rank = np.unique(predictor, return_inverse=True)[1].astype(np.intp)
    # one rank beyond the highest is asked for too
    most = int(rank.max(initial=0)) + 1
    own, rest = np.flatnonzero(event), np.flatnonzero(left > came)
    agree: FloatArray = np.zeros(n)
    usable: FloatArray = np.zeros(n)

    def add(
        rows: IntArray, points: _Ranked, begin: IntArray, end: IntArray, *, sign: int, high: bool
    ) -> None:
        below, upto = (points.below(begin, end, rank[rows] + more) for more in (0, 1))
        halves = below + upto if high else 2 * (end - begin) - below - upto
        usable[rows] += sign * (end - begin)
        agree[rows] += sign * halves / 2

    # of each event, those who leave later, but not those of them who come later
    by_exit = _Ranked.of(left[rest], rank[rest], most)
    ends = by_exit.place(start[own] + span)
    add(own, by_exit, by_exit.place(left[own] + 1), ends, sign=1, high=True)
    if entry is not None:
        by_entry = _Ranked.of(came[rest], rank[rest], most)
        add(own, by_entry, by_entry.place(left[own]), ends, sign=-1, high=True)
    # of each woman, the events while she was there
    events = _Ranked.of(left[own], rank[own], most)
    add(rest, events, events.place(came[rest] + 1), events.place(left[rest]), sign=1, high=False)
    return agree, usable


@dataclass(frozen=True, eq=False)
class _Ranked:
    """Ranks in the order of a key; how many within a stretch of it are below a rank is known at once.

    Attributes
    ----------
    key : int array, shape (n,)
        In order.
    levels : list of (int array, int)
        A wavelet matrix: by bit of the rank, highest first, how many zeros come before each place, and
        how many zeros there are.
    """

    key: IntArray
    levels: list[tuple[IntArray, int]]

    @classmethod
    def of(cls, key: IntArray, rank: IntArray, most: int) -> _Ranked:
        """Sort ranks by a key; no rank, also of those asked for, is above `most`."""
        order = np.argsort(key, kind="stable")
        held, levels = rank[order], []
        for bit in reversed(range(most.bit_length())):
            zero = (held >> bit) & 1 == 0
            before = np.concatenate([[0], np.cumsum(zero)]).astype(np.intp)
            levels.append((before, int(before[-1])))
            held = np.concatenate([held[zero], held[~zero]])
        return cls(key[order], levels)

    def place(self, key: IntArray) -> IntArray:
        """Return where keys of this size begin."""
        return np.asarray(np.searchsorted(self.key, key), dtype=np.intp)

    def below(self, begin: IntArray, end: IntArray, rank: IntArray) -> IntArray:
        """Return how many of the places from `begin` up to before `end` have a lower rank."""
        found = np.zeros(rank.size, dtype=np.intp)
        top = len(self.levels) - 1
        for level, (before, zeros) in enumerate(self.levels):
            one = (rank >> (top - level)) & 1 == 1
            low, high = before[begin], before[end]
            found += np.where(one, high - low, 0)
            begin = np.where(one, zeros + begin - low, low)
            end = np.where(one, zeros + end - high, high)
        return found
