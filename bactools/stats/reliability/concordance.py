"""Lin's concordance: how far two measurements lie on the line of identity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bactools.stats.correlation import fisher_interval
from bactools.stats.inputs import FloatArray, Pairs, Values, between
from bactools.stats.reliability.sums import FISHER, PLAIN, POSITIVE, by_woman, intervals_by_woman
from bactools.stats.result import Estimate, Result, frame, number

_LEAST = 4
_SCALES = (FISHER, FISHER, FISHER, POSITIVE, PLAIN)


@dataclass(frozen=True, eq=False, repr=False)
class Concordance(Result):
    """Lin's concordance correlation coefficient of y with x, and what it is made of.

    Attributes
    ----------
    ccc : Estimate
        1 where y = x throughout; by Lin's z-transform, or by leaving out women in turn where they repeat.
    precision : Estimate
        Pearson's r: how closely the pairs lie on some line.
    accuracy : Estimate
        C_b = ccc / r: how near that line is to identity.
    scale_shift, location_shift : Estimate
        SD of y / SD of x (ideally 1), and (mean of y - mean of x) / geometric mean of the SDs (ideally 0).
    naive : Estimate or None
        The coefficient with the interval for independent pairs, where women repeat.
    n, n_subjects, n_dropped : int
        Pairs, women, and pairs left out because one value was missing.
    names : (str, str)
        What x and y are called.
    reason, note : str
    """

    ccc: Estimate
    precision: Estimate
    accuracy: Estimate
    scale_shift: Estimate
    location_shift: Estimate
    naive: Estimate | None
    n: int
    n_subjects: int
    n_dropped: int
    names: tuple[str, str]
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"Lin's concordance of {self.names[1]} with {self.names[0]}"

    def to_frame(self) -> pd.DataFrame:
        """Return coefficient, parts and shifts, one row each."""
        rows = {
            "concordance (CCC)": self.ccc,
            "precision (Pearson r)": self.precision,
            "accuracy (C_b)": self.accuracy,
            "scale shift": self.scale_shift,
            "location shift": self.location_shift,
        }
        return frame(rows | ({} if self.naive is None else {"CCC, pairs as independent": self.naive}))

    def _words(self) -> str:
        x, y = self.names
        told = (
            f"Lin's concordance of {y} with {x} is {self.ccc.words()}, over {self.n} pairs: precision"
            f" {number(self.precision.value)} (how closely they lie on a line) times accuracy"
            f" {number(self.accuracy.value)} (how near that line is to identity)."
            f" {self._cause()}"
        )
        if self.naive is not None:
            told += (
                f" The interval is by leaving out each of {self.n_subjects} women in turn; pairs taken as"
                f" independent would give {number(self.naive.low)} to {number(self.naive.high)}, which is not"
                " to be trusted."
            )
        if math.isnan(self.ccc.low):
            told += " It has no interval: without one of the women there is nothing to estimate."
        if self.n_subjects < 20:
            told += f" {self.n_subjects} women are few for such an interval."
        if self.n_dropped:
            told += f" {self.n_dropped} pairs were left out because a value is missing."
        return f"{told} It depends on how much women differ: the same error gives less in a uniform group."

    def _cause(self) -> str:
        x, y = self.names
        if self.precision.value <= 0:
            return f"{y} does not rise with {x}."
        if self.precision.value <= self.accuracy.value:
            return "What is lost is lost to scatter more than to a shift."
        return (
            f"What is lost is lost to a shift more than to scatter: the SD of {y} is"
            f" {number(self.scale_shift.value)} times that of {x}, the means differ by"
            f" {number(self.location_shift.value)} SD."
        )


def concordance(
    x: Values,
    y: Values,
    *,
    subject: Sequence[Any] | ArrayLike | None = None,
    names: tuple[str, str] | None = None,
    confidence: float = 0.95,
) -> Concordance:
    """Compute Lin's concordance correlation coefficient.

    Parameters
    ----------
    x, y : array, Series or DataArray
        Of one shape; incomplete pairs are left out and counted. DataArrays bring the subject.
    subject : sequence, optional
        The woman of each pair. Where women repeat, intervals are by leaving out each woman in turn
        (jackknife), and the naive one stands beside them.
    names : (str, str), optional
    confidence : float

    Returns
    -------
    Concordance
        Not estimable with fewer than four pairs (women, where they repeat) or a constant.

    Raises
    ------
    StatsError
        If an option is out of range or shapes differ.

    References
    ----------
    Lin LI. Biometrics 1989;45:255-268; correction 2000;56:324-325.
    """
    between(confidence, 0, 1, name="confidence")
    pairs = Pairs.of(x, y, subject=subject, names=names)
    reason = _obstacle(pairs)
    if reason:
        missing = Estimate.missing(reason)
        return Concordance(
            *(missing,) * 5, None, len(pairs), pairs.n_subjects, pairs.n_dropped, pairs.names, reason=reason
        )
    sums = _sums(pairs)
    values = [float(part) for part in _parts(sums.sum(axis=0)[None])[0]]
    parts = [Estimate(value) for value in values]
    naive = _by_z(values, len(pairs), confidence)
    parts[0], parts[1] = (
        naive,
        Estimate(values[1], *fisher_interval(values[1], len(pairs), confidence=confidence)),
    )
    if pairs.repeated:
        grouped = by_woman(sums, np.asarray(pairs.subject))
        ends = intervals_by_woman(grouped, _parts, _SCALES, confidence=confidence)
        parts = [Estimate(value, *end) for value, end in zip(values, ends, strict=True)]
    return Concordance(
        parts[0],
        parts[1],
        parts[2],
        parts[3],
        parts[4],
        naive if pairs.repeated else None,
        len(pairs),
        pairs.n_subjects,
        pairs.n_dropped,
        pairs.names,
    )


def _obstacle(pairs: Pairs) -> str:
    units, what = (pairs.n_subjects, "women") if pairs.repeated else (len(pairs), "pairs")
    if units < _LEAST:
        return f"only {units} {what}, at least {_LEAST} are needed"
    for values, name in zip((pairs.a, pairs.b), pairs.names, strict=True):
        if np.ptp(values) == 0:
            return f"{name} is {number(float(values[0]))} everywhere"
    return ""


def _sums(pairs: Pairs) -> FloatArray:
    """Return what must be added up, shape (pair, 6), about a common centre so that squares stay exact."""
    centre = (pairs.a.mean() + pairs.b.mean()) / 2
    a, b = pairs.a - centre, pairs.b - centre
    return np.stack([np.ones(a.size), a, b, a * a, b * b, a * b], axis=1)


def _parts(totals: FloatArray) -> FloatArray:
    """Return ccc, r, C_b, scale and location shift, shape (row, 5); variances are over n, as Lin's."""
    n = totals[:, 0]
    mean_a, mean_b, square_a, square_b, product = (totals[:, 1:] / n[:, None]).T
    var_a, var_b = (np.clip(s - m**2, 0, None) for s, m in ((square_a, mean_a), (square_b, mean_b)))
    cov, both = product - mean_a * mean_b, np.sqrt(var_a * var_b)
    r = np.clip(cov / both, -1, 1)
    location = (mean_b - mean_a) / np.sqrt(both)
    scale = np.sqrt(var_b / var_a)
    accuracy = 2 / (scale + 1 / scale + location**2)
    return np.stack([r * accuracy, r, accuracy, scale, location], axis=1)


def _by_z(parts: Sequence[float], n: int, confidence: float) -> Estimate:
    """Return the coefficient with Lin's z-transformed interval for independent pairs."""
    ccc, r, accuracy, _, location = parts
    u2 = location**2
    variance = (
        (1 - r**2) * accuracy**2 * (1 - ccc**2)
        + 2 * ccc**2 * accuracy * (1 - ccc) * u2
        - 0.5 * (ccc * accuracy) ** 2 * u2**2
    ) / (n - 2)
    if abs(ccc) >= 1 or variance <= 0:
        return Estimate(ccc, ccc, ccc, se=0.0)
    se = math.sqrt(variance)
    half = float(stats.norm.ppf((1 + confidence) / 2)) * se / (1 - ccc**2)
    middle = math.atanh(ccc)
    return Estimate(ccc, math.tanh(middle - half), math.tanh(middle + half), se=se)
