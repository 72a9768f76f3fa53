"""Effect sizes of a paired difference, with intervals by resampling women."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bactools.stats.inputs import FloatArray, between, choice
from bactools.stats.result import Estimate, StatsError

Effect = Literal["d_z", "g_av", "rank-biserial"]
"""Kinds of effect size; see `paired_effect`."""

EFFECTS: tuple[str, ...] = get_args(Effect)

EFFECT_WORDS: dict[str, str] = {
    "d_z": "Cohen's d_z",
    "g_av": "Hedges' g_av",
    "g_s": "Hedges' g",
    "rank-biserial": "matched-pairs rank-biserial correlation",
}
"""What each is called."""

_BLOCK = 4_000_000

Weighted = Callable[[FloatArray], FloatArray]
"""Takes how often each pair counts, shape (resample, pair); returns one value per resample."""


def paired_effect(
    a: FloatArray,
    b: FloatArray,
    *,
    kind: Effect = "d_z",
    subject: NDArray[np.intp] | None = None,
    confidence: float = 0.95,
    n_bootstrap: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Compute the effect size of a - b.

    Parameters
    ----------
    a, b : float array, shape (pair,)
    kind : {"d_z", "g_av", "rank-biserial"}
        ``d_z``: mean difference over the standard deviation of the differences. ``g_av``: over the root
        mean square of both standard deviations, times 1 - 3 / (8 n - 9). ``rank-biserial``: the share of
        the ranks of the distance where a is larger, less the share where b is; equal pairs left out.
    subject : integer array, shape (pair,), optional
        Code of the woman of each pair; without it every pair is of another one.
    confidence : float
    n_bootstrap : int
        Resamples of women for the percentile interval; 0 for none.
    seed : int

    Returns
    -------
    Estimate
        Not estimable with fewer than two pairs, or where the spread that it divides by is 0.

    Raises
    ------
    StatsError
        If shapes differ or an option is unknown.

    References
    ----------
    Lakens D. Front Psychol 2013;4:863. Cumming G. Understanding the New Statistics, 2012. Kerby DS.
    Compr Psychol 2014;3:1.
    """
    choice(kind, EFFECTS, name="kind")
    between(confidence, 0, 1, name="confidence")
    if a.shape != b.shape:
        raise StatsError(f"a has shape {a.shape}, b {b.shape}: give two of one shape")
    if a.size < 2:
        return Estimate.missing(f"only {a.size} pairs, at least 2 are needed")
    weighted = _ranks(a - b) if kind == "rank-biserial" else _moments(a, b, kind)
    value = float(weighted(np.ones((1, a.size)))[0])
    if not np.isfinite(value):
        return Estimate.missing("no spread to divide by")
    codes = np.arange(a.size) if subject is None else subject
    low, high = _interval(weighted, codes, confidence, n_bootstrap, np.random.default_rng(seed))
    return Estimate(value, low, high)


def _interval(
    weighted: Weighted,
    codes: NDArray[np.intp],
    confidence: float,
    n_bootstrap: int,
    random: np.random.Generator,
) -> tuple[float, float]:
    women = int(codes.max()) + 1
    if n_bootstrap == 0 or women < 3:
        return np.nan, np.nan
    share, found = np.full(women, 1 / women), []
    step = max(1, _BLOCK // max(women, codes.size))
    for start in range(0, n_bootstrap, step):
        times = random.multinomial(women, share, min(step, n_bootstrap - start))
        found.append(weighted(times[:, codes].astype(np.float64)))
    drawn = np.concatenate(found)
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size < n_bootstrap / 2:
        return np.nan, np.nan
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _moments(a: FloatArray, b: FloatArray, kind: Effect) -> Weighted:
    """Return d_z or g_av as a function of how often each pair counts."""
    # sums of squares about a value near the mean lose no digits; a spread of rounding errors is none
    centred = [values - values.mean() for values in (a - b, a, b)]
    shift = float((a - b).mean())
    floor = [1e-12 * max(float(np.abs(values).max()), 1e-300) for values in (a - b, a, b)]

    def weighted(times: FloatArray) -> FloatArray:
        n = times.sum(axis=1)
        means = [times @ values / n for values in centred]
        spreads = []
        for values, mean, least in zip(centred, means, floor, strict=True):
            square = np.clip(times @ values**2 - n * mean**2, 0, None) / (n - 1)
            spreads.append(np.where(square > least**2, square, np.nan))
        difference = shift + means[0]
        if kind == "d_z":
            return np.asarray(difference / np.sqrt(spreads[0]))
        corrected = 1 - 3 / (8 * n - 9)
        return np.asarray(corrected * difference / np.sqrt((spreads[1] + spreads[2]) / 2))

    return weighted


def _ranks(d: FloatArray) -> Weighted:
    """Return the rank-biserial correlation as a function of how often each pair counts."""
    kept = np.flatnonzero(d != 0)
    order = kept[np.argsort(np.abs(d[kept]), kind="stable")]
    sign = np.sign(d[order])
    start = np.flatnonzero(np.diff(np.abs(d[order]), prepend=-1.0) > 0)

    def weighted(times: FloatArray) -> FloatArray:
        if not order.size:
            return np.full(len(times), np.nan)
        sorted_ = times[:, order]
        tied = np.add.reduceat(sorted_, start, axis=1)
        rank = np.cumsum(tied, axis=1) - (tied - 1) / 2
        signed = np.add.reduceat(sorted_ * sign, start, axis=1)
        total = (rank * tied).sum(axis=1)
        return np.asarray((rank * signed).sum(axis=1) / np.where(total > 0, total, np.nan))

    return weighted
