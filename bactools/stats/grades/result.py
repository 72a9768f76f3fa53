"""Grades of burden, and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from bactools.stats.grades.grading import Scheme
from bactools.stats.inputs import FloatArray
from bactools.stats.result import Estimate, Result, StatsError, number

ErrorKind = Literal["sd", "cv"]


@dataclass(frozen=True, eq=False, repr=False)
class Grades(Result):
    """Each value's grade, shares of the grades, and how likely each grade is given the error.

    Attributes
    ----------
    table : DataFrame
        One row per value: what is known of it, ``value``, ``grade`` (ordered categorical) and, with an
        error, ``p_<label>``: the probability that the true value has that grade.
    shares : DataFrame
        One row per grade: ``grade``, ``above`` and ``up_to`` (its bounds), ``n``, ``n_subjects`` ever
        in it, ``share`` with ``ci_low`` and ``ci_high``, and ``expected_share`` (NaN without an error).
    misclassified : Estimate
        Expected share of values whose true grade is another; the error is taken as known.
    confusion : DataFrame or None
        Expected numbers: grade given in rows, true grade in columns.
    labels : tuple of str
    cuts : tuple of float
        In the unit of the values; a value at a cut-off has the lower grade.
    scheme : {"mm2", "cuts", "quantile"}
    error : float
        SD or coefficient of variation used; NaN if none.
    error_kind : {"sd", "cv"}
    name, units : str
    n, n_subjects, n_dropped : int
        Values, women, and missing values.
    confidence : float
    reason, note : str
    """

    table: pd.DataFrame
    shares: pd.DataFrame
    misclassified: Estimate
    confusion: pd.DataFrame | None
    labels: tuple[str, ...]
    cuts: tuple[float, ...]
    scheme: Scheme
    error: float
    error_kind: ErrorKind
    name: str
    units: str
    n: int
    n_subjects: int
    n_dropped: int
    confidence: float
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"Grades of {self.name}"

    def to_frame(self) -> pd.DataFrame:
        """Return the shares, one row per grade."""
        return self.shares

    def probability(self) -> FloatArray:
        """Return the probability of each grade of each value, shape (value, grade).

        Raises
        ------
        StatsError
            If no error was given, or it is not estimable.
        """
        if self.confusion is None:
            raise StatsError(f"no probabilities: {self.misclassified.reason}; call grades() with error=")
        return self.table[[f"p_{label}" for label in self.labels]].to_numpy(dtype=np.float64)

    def _words(self) -> str:
        percent = 100 * self.shares[["share", "ci_low", "ci_high"]].to_numpy(dtype=np.float64)
        parts = [
            f"{label} ({self._bounds(at)}) {share:.0f} % ({low:.0f} to {high:.0f})"
            for at, (label, (share, low, high)) in enumerate(zip(self.labels, percent, strict=True))
        ]
        told = f"Of {self.n} values from {self.n_subjects} women: {'; '.join(parts)}."
        if self.n_subjects < self.n:
            told += " Intervals allow for women with several values."
        if self.scheme == "quantile":
            told += " The cut-offs are quantiles of these data and mean nothing elsewhere."
        if self.n_dropped:
            told += f" {self.n_dropped} missing values have no grade."
        return f"{told} {self._error_words()}"

    def _error_words(self) -> str:
        if self.confusion is None:
            return f"How sure a grade is was not computed: {self.misclassified.reason}."
        size = f"a coefficient of variation of {number(self.error)}"
        if self.error_kind == "sd":
            size = f"an SD of {number(self.error)} {self.units if self.units != '1' else ''}".rstrip()
        share = self.misclassified.mapped(lambda value: 100 * value)
        return (
            f"With a measurement error of {size}, {share.words(units='%')} of values are expected to belong"
            " to another grade. The true value is taken as normal about the measured one, cut off at 0; a"
            " measured 0 is taken as 0, since the error of repeats says nothing of calcification that is"
            " missed altogether."
        )

    def _bounds(self, at: int) -> str:
        unit = f" {self.units}" if self.units not in ("", "1") else ""
        if at == 0:
            return "0" if self.cuts[0] == 0 else f"up to {number(self.cuts[0])}{unit}"
        if at == len(self.cuts):
            return f"above {number(self.cuts[-1])}{unit}"
        return f"above {number(self.cuts[at - 1])} to {number(self.cuts[at])}{unit}"
