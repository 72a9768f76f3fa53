"""What share of the spread of ratings is the women's own: all six ways to say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from bactools.stats.result import Estimate, Result, p_words

KINDS = {
    "icc1": ("ICC(1,1)", "ICC(1,1)", "other raters for every woman, one rating"),
    "icc2": ("ICC(2,1)", "ICC(A,1)", "absolute agreement, one rating"),
    "icc3": ("ICC(3,1)", "ICC(C,1)", "consistency, one rating"),
    "icc1k": ("ICC(1,k)", "ICC(1,k)", "other raters for every woman, mean of all ratings"),
    "icc2k": ("ICC(2,k)", "ICC(A,k)", "absolute agreement, mean of all ratings"),
    "icc3k": ("ICC(3,k)", "ICC(C,k)", "consistency, mean of all ratings"),
}
"""Field: Shrout and Fleiss's name, McGraw and Wong's, and what it is."""


class FTest(NamedTuple):
    """An F test.

    Attributes
    ----------
    f, df1, df2, p : float
    """

    f: float
    df1: float
    df2: float
    p: float


@dataclass(frozen=True, eq=False, repr=False)
class IntraclassCorrelation(Result):
    """All six intraclass correlations of Shrout and Fleiss.

    Attributes
    ----------
    icc1, icc2, icc3 : Estimate
        Of one rating: raters differ from woman to woman; absolute agreement; consistency.
    icc1k, icc2k, icc3k : Estimate
        Of the mean of all raters.
    one_way, two_way : FTest
        That women do not differ: of icc1 and icc1k, and of the others.
    shift : FTest
        That raters do not differ on average.
    n, n_raters, n_subjects, n_dropped : int
        Targets rated by all, raters, women they come from, and targets left out because a rating is missing.
    names : tuple of str
        The raters.
    confidence : float
    reason, note : str
    """

    icc1: Estimate
    icc2: Estimate
    icc3: Estimate
    icc1k: Estimate
    icc2k: Estimate
    icc3k: Estimate
    one_way: FTest
    two_way: FTest
    shift: FTest
    n: int
    n_raters: int
    n_subjects: int
    n_dropped: int
    names: tuple[str, ...]
    confidence: float
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"Intraclass correlation of {self.n_raters} raters"

    def to_frame(self) -> pd.DataFrame:
        """Return the six, one row each, with F test and interval."""
        rows = []
        for field, (name, other, what) in KINDS.items():
            estimate: Estimate = getattr(self, field)
            test = self.one_way if field in ("icc1", "icc1k") else self.two_way
            ends = (estimate.value, estimate.low, estimate.high)
            rows.append((name, other, what, *ends, test.f, test.df1, test.df2, estimate.p))
        columns = ["term", "mcgraw_wong", "meaning", "estimate", "ci_low", "ci_high", "f", "df1", "df2", "p"]
        return pd.DataFrame(rows, columns=columns)

    def _words(self) -> str:
        told = (
            f"ICC(2,1), absolute agreement of one rating, is {self.icc2.words()}: that share of the spread is"
            f" women's own, the rest is raters and error. From {self.n} targets, each rated by all"
            f" {self.n_raters}. Report this one if any rater (reader, network, view) may stand for another."
            f" ICC(3,1), consistency, is {self.icc3.words()}: it forgives a rater who is always higher, and"
            " fits if the same rater is used throughout. ICC(1,1) fits only if every woman has raters of her"
            f" own. If the mean of all {self.n_raters} is what is used, take ICC(2,k), {self.icc2k.words()},"
            f" or ICC(3,k), {self.icc3k.words()}."
        )
        if self.shift.p < 0.05:
            told += (
                f" Raters differ on average ({p_words(self.shift.p)}): ICC(1,1) is not valid, give ICC(2,1)"
                " and ICC(3,1) together."
            )
        if self.n_subjects < self.n:
            told += (
                f" The targets come from {self.n_subjects} women, whom the intervals allow for; the F"
                " tests take targets as independent, and their p-values are not to be trusted."
            )
        if self.n_dropped:
            told += f" {self.n_dropped} targets were left out because a rating is missing."
        return f"{told} An ICC depends on how much women differ: it cannot be carried to another group."
