"""Correlation, with intervals that know of women."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bactools.stats.inputs import FloatArray, Pairs, Values, between, choice
from bactools.stats.resampling import resample, resampled_sums
from bactools.stats.result import Estimate, Result, frame, number

Kind = Literal["pearson", "spearman", "kendall"]
_SPREAD = 1e-20


@dataclass(frozen=True, eq=False, repr=False)
class Correlation(Result):
    """How closely two measurements go together.

    Attributes
    ----------
    r : Estimate
        The coefficient; its p-value is of none. Where women repeat there is no p-value.
    method : {"pearson", "spearman", "kendall"}
    n, n_subjects, n_dropped : int
        Pairs, women, and pairs left out because one value was missing.
    names : (str, str)
    reason, note : str
    """

    r: Estimate
    method: Kind
    n: int
    n_subjects: int
    n_dropped: int
    names: tuple[str, str]
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"{self.method.capitalize()} correlation of {self.names[0]} and {self.names[1]}"

    def to_frame(self) -> pd.DataFrame:
        """Return the coefficient as one row."""
        return frame({self.method: self.r})

    def _words(self) -> str:
        told = f"The {self.title} is {self.r.words()}, over {self.n} pairs."
        if self.n_subjects < self.n:
            told += f" They come from {self.n_subjects} women, who were resampled for the interval."
        return f"{told} Correlation is not agreement: one may be twice the other."


def correlation(
    x: Values,
    y: Values,
    *,
    method: Kind = "pearson",
    subject: Sequence[Any] | ArrayLike | None = None,
    names: tuple[str, str] | None = None,
    confidence: float = 0.95,
    n_bootstrap: int = 2000,
    seed: int = 0,
) -> Correlation:
    """Compute a correlation coefficient with its interval.

    Parameters
    ----------
    x, y : array, Series or DataArray
        Of one shape; incomplete pairs are left out and counted.
    method : {"pearson", "spearman", "kendall"}
    subject : sequence, optional
        The woman of each pair. Where women repeat, the interval is a percentile one over resampled
        women; else it is by Fisher's z, for ranks with the standard errors of Bonett and Wright.
    names : (str, str), optional
    confidence : float
    n_bootstrap, seed : int

    Returns
    -------
    Correlation
        Not estimable with fewer than five pairs, fewer than five women where they repeat, or a constant.

    Raises
    ------
    StatsError
        If an option is unknown or shapes differ.

    References
    ----------
    Bonett DG, Wright TA. Psychometrika 2000;65:23-28.
    """
    choice(method, get_args(Kind), name="method")
    between(confidence, 0, 1, name="confidence")
    pairs = Pairs.of(x, y, subject=subject, names=names)
    reason = _obstacle(pairs)
    if reason:
        r = Estimate.missing(reason)
    else:
        found = _TESTS[method](pairs.a, pairs.b)
        low, high = (
            _by_woman(pairs, method, confidence, n_bootstrap, seed)
            if pairs.repeated
            else fisher_interval(float(found.statistic), len(pairs), method=method, confidence=confidence)
        )
        # of pairs that are alike within women the usual p-value is wrong
        p = math.nan if pairs.repeated else float(found.pvalue)
        r = Estimate(float(found.statistic), low, high, p=p)
    return Correlation(r, method, len(pairs), pairs.n_subjects, pairs.n_dropped, pairs.names, reason=reason)


def fisher_interval(
    r: float, n: int, *, method: Kind = "pearson", confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval of a correlation by Fisher's z.

    Parameters
    ----------
    r : float
    n : int
        Independent pairs, at least 4 (5 for Kendall's).
    method : {"pearson", "spearman", "kendall"}
    confidence : float

    Returns
    -------
    low, high : float
    """
    if abs(r) >= 1:
        return r, r
    spread = {"pearson": 1.0, "spearman": 1 + r**2 / 2, "kendall": 0.437}[method]
    se = math.sqrt(spread / (n - (4 if method == "kendall" else 3)))
    half = float(stats.norm.ppf((1 + confidence) / 2)) * se
    return math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)


def _by_woman(
    pairs: Pairs, method: Kind, confidence: float, n_bootstrap: int, seed: int
) -> tuple[float, float]:
    subject, random = np.asarray(pairs.subject), np.random.default_rng(seed)
    if method == "pearson":
        found = _pearson(pairs, subject, random, n_bootstrap)
    else:
        found = np.full(n_bootstrap, np.nan)
        for at in range(n_bootstrap):
            chosen = resample(subject, random)
            a, b = pairs.a[chosen], pairs.b[chosen]
            if np.ptp(a) > 0 and np.ptp(b) > 0:
                found[at] = _TESTS[method](a, b).statistic
    found = found[~np.isnan(found)]
    if not found.size:
        return math.nan, math.nan
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _pearson(
    pairs: Pairs, subject: NDArray[np.intp], random: np.random.Generator, n_bootstrap: int
) -> FloatArray:
    """Return Pearson's coefficient of every resample of women, NaN of one without spread."""
    # about the means and in units of the SD, for sums of squares to keep their digits
    a, b = ((side - side.mean()) / side.std() for side in (pairs.a, pairs.b))
    parts = (np.ones_like(a), a, b, a * a, b * b, a * b)
    sums = resampled_sums(
        np.stack([np.bincount(subject, weights=part) for part in parts], axis=1), random, n_bootstrap
    )
    n, of_a, of_b, of_aa, of_bb, of_ab = sums.T
    spread = (of_aa - of_a**2 / n) * (of_bb - of_b**2 / n)
    usable = spread > _SPREAD * n**2
    return np.where(usable, (of_ab - of_a * of_b / n) / np.sqrt(np.where(usable, spread, 1)), np.nan)


def _obstacle(pairs: Pairs) -> str:
    if len(pairs) < 5:
        return f"only {len(pairs)} pairs, at least 5 are needed"
    if pairs.repeated and pairs.n_subjects < 5:
        who = "1 woman" if pairs.n_subjects == 1 else f"{pairs.n_subjects} women"
        return f"{len(pairs)} pairs of only {who}, at least 5 women are needed"
    for values, name in zip((pairs.a, pairs.b), pairs.names, strict=True):
        if np.ptp(values) == 0:
            return f"{name} is {number(float(values[0]))} everywhere"
    return ""


_TESTS: dict[str, Callable[[FloatArray, FloatArray], Any]] = {
    "pearson": stats.pearsonr,
    "spearman": stats.spearmanr,
    "kendall": stats.kendalltau,
}
