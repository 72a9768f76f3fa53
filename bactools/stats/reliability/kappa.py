"""Cohen's kappa, plain and weighted: agreement on grades beyond chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bactools.stats.inputs import FloatArray, between, choice
from bactools.stats.reliability.labels import LabelPairs
from bactools.stats.reliability.sums import PLAIN, intervals_by_woman
from bactools.stats.result import Estimate, Result, StatsError, frame, number

Weights = Literal["none", "linear", "quadratic"]


@dataclass(frozen=True, eq=False, repr=False)
class Kappa(Result):
    """Agreement of two raters on categories beyond chance.

    Attributes
    ----------
    kappa : Estimate
        1 for full agreement, 0 for what chance gives; its p-value is of 0, for independent pairs.
    observed, expected : float
        Share of agreement found and expected by chance, with the weights.
    weights : str
        "none", "linear", "quadratic" or "own".
    table : DataFrame
        Counts, first rater in rows, second in columns.
    naive : Estimate or None
        The coefficient with the interval for independent pairs, where women repeat.
    n, n_subjects, n_dropped : int
        Pairs, women, and pairs left out because one label is missing.
    names : (str, str)
    reason, note : str
    """

    kappa: Estimate
    observed: float
    expected: float
    weights: str
    table: pd.DataFrame
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
        kind = {"none": "Kappa", "own": "Weighted kappa"}.get(self.weights, f"Kappa ({self.weights} weights)")
        return f"{kind} of {self.names[0]} and {self.names[1]}"

    def to_frame(self) -> pd.DataFrame:
        """Return kappa and both shares of agreement, one row each."""
        shares = {
            "observed agreement": Estimate(self.observed),
            "agreement by chance": Estimate(self.expected),
        }
        naive = {} if self.naive is None else {"kappa, pairs as independent": self.naive}
        return frame({"kappa": self.kappa} | shares | naive)

    def _words(self) -> str:
        same = float(np.trace(self.table.to_numpy())) / self.n
        told = (
            f"{self.names[0]} and {self.names[1]} give the same category in {100 * same:.0f} % of {self.n}"
            f" pairs. Beyond chance the agreement is kappa = {self.kappa.words()}{self._weight_words()}."
        )
        if self.naive is not None:
            told += (
                f" The interval is by leaving out each of {self.n_subjects} women in turn; pairs taken as"
                f" independent would give {number(self.naive.low)} to {number(self.naive.high)}, which is not"
                " to be trusted."
            )
        if math.isnan(self.kappa.low):
            told += " It has no interval: without one of the women there is nothing to estimate."
        common = max(self.table.sum(axis=side).max() for side in (0, 1)) / self.n
        if common > 0.8:
            told += (
                f" One category makes up {100 * common:.0f} % of the labels: kappa is then low even if raters"
                " rarely differ, and must not be compared with that of another group."
            )
        if self.n_dropped:
            told += f" {self.n_dropped} pairs were left out because a label is missing."
        return told

    def _weight_words(self) -> str:
        return {
            "none": " (every disagreement counts the same)",
            "linear": " (two grades apart counts twice as much as one)",
            "quadratic": " (two grades apart counts four times as much as one)",
        }.get(self.weights, " (disagreements weighted as given)")


def kappa(
    a: Any,
    b: Any,
    *,
    weights: Weights | ArrayLike = "linear",
    categories: Sequence[Any] | None = None,
    subject: Sequence[Any] | ArrayLike | None = None,
    names: tuple[str, str] | None = None,
    confidence: float = 0.95,
) -> Kappa:
    """Compute Cohen's kappa of two vectors of labels.

    Parameters
    ----------
    a, b : sequence, Series, DataArray or Grades
        Labels of the same things; pairs with a missing label are left out and counted. Two `Grades` are
        joined by their keys, and bring the order of grades and the subject.
    weights : {"none", "linear", "quadratic"} or array
        How much a disagreement counts; or a matrix of disagreements, 0 on the diagonal.
    categories : sequence, optional
        All categories in order. Numbers and ordered categoricals know theirs.
    subject : sequence, optional
        The woman of each pair. Where women repeat, the interval is by leaving out each woman in turn
        (jackknife), and the naive one stands beside it.
    names : (str, str), optional
    confidence : float

    Returns
    -------
    Kappa
        Not estimable with fewer than two pairs (women, where they repeat), or if all labels are one.

    Raises
    ------
    StatsError
        If lengths differ, a label is not among the categories, categories have no order but weights
        need one, or weights are malformed.

    References
    ----------
    Cohen J. Educ Psychol Meas 1960;20:37-46; Psychol Bull 1968;70:213-220. Fleiss JL, Cohen J, Everitt BS.
    Psychol Bull 1969;72:323-327.
    """
    between(confidence, 0, 1, name="confidence")
    pairs = LabelPairs.of(a, b, categories=categories, subject=subject, names=names)
    if isinstance(weights, str) and weights in ("linear", "quadratic") and not pairs.ordered:
        raise StatsError(
            f"weights={weights!r} needs an order of {', '.join(map(repr, pairs.categories[:6]))}: give"
            " categories= in order, or use weights='none'"
        )
    k = len(pairs.categories)
    disagreement = _disagreement(weights, k)
    counts = np.bincount(pairs.a * k + pairs.b, minlength=k * k).reshape(k, k).astype(np.float64)
    found = _of_counts(counts, disagreement, confidence)
    naive = None
    if pairs.repeated and found.estimable:
        naive = found
        ends = _by_woman(pairs, disagreement, confidence)
        found = Estimate(found.value, *ends, p=found.p)
        if pairs.n_subjects < 3:
            found, naive = Estimate.missing(f"only {pairs.n_subjects} women, at least 3 are needed"), None
    return _build(
        found, counts, disagreement, weights, pairs.categories, naive,
        (len(pairs.a), pairs.n_subjects, pairs.n_dropped), pairs.names,
    )  # fmt: skip


def kappa_of_table(
    table: ArrayLike | pd.DataFrame,
    *,
    weights: Weights | ArrayLike = "linear",
    n: int | None = None,
    names: tuple[str, str] = ("first rater", "second rater"),
    confidence: float = 0.95,
) -> Kappa:
    """Compute Cohen's kappa of a cross table.

    Parameters
    ----------
    table : array or DataFrame, shape (category, category)
        Counts, first rater in rows; or shares that add up to 1, with `n`. Categories in order.
    weights : {"none", "linear", "quadratic"} or array
        As for `kappa`.
    n : int, optional
        Pairs behind a table of shares.
    names : (str, str)
    confidence : float

    Returns
    -------
    Kappa
        Pairs are taken as independent: a table does not say whose they are.

    Raises
    ------
    StatsError
        If the table is not square or has negative cells, or is one of shares without `n`.
    """
    between(confidence, 0, 1, name="confidence")
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.shape[0] < 2:
        raise StatsError(f"a table of shape {counts.shape}: give (category, category), at least two")
    if not (np.isfinite(counts) & (counts >= 0)).all():
        raise StatsError("a cell of the table is negative or missing: give counts, or shares with n=")
    if n is not None:
        if not math.isclose(counts.sum(), 1, abs_tol=0.02):
            raise StatsError(f"n= goes with shares that add up to 1; these add up to {counts.sum():g}")
        counts = counts / counts.sum() * n
    elif (counts != np.round(counts)).any():
        raise StatsError("the table does not hold whole counts: give n= if it holds shares")
    labels: Sequence[Any] = range(len(counts))
    if isinstance(table, pd.DataFrame):
        labels = list(table.columns)
    disagreement = _disagreement(weights, len(counts))
    found = _of_counts(counts, disagreement, confidence)
    total = round(float(counts.sum()))
    return _build(found, counts, disagreement, weights, labels, None, (total, total, 0), names)


def _build(
    found: Estimate, counts: FloatArray, disagreement: FloatArray, weights: Any, labels: Sequence[Any],
    naive: Estimate | None, sizes: tuple[int, int, int], names: tuple[str, str],
) -> Kappa:  # fmt: skip
    table = pd.DataFrame(
        counts, index=pd.Index(labels, name=names[0]), columns=pd.Index(labels, name=names[1])
    )
    share, chance = _shares(counts.ravel()[None], disagreement)
    name = weights if isinstance(weights, str) else "own"
    agree = (1 - float(share[0]), 1 - float(chance[0]))
    return Kappa(found, *agree, name, table, naive, *sizes, names, reason=found.reason)


def _disagreement(weights: Any, k: int) -> FloatArray:
    """Return how much each disagreement counts, at most 1, shape (category, category)."""
    steps = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    if isinstance(weights, str):
        choice(weights, get_args(Weights), name="weights")
        own = {"none": np.minimum(steps, 1), "linear": steps, "quadratic": steps**2}[weights]
    else:
        own = np.asarray(weights, dtype=np.float64)
        if own.shape != (k, k):
            raise StatsError(f"weights of shape {own.shape}: give ({k}, {k}), one of each pair of categories")
        if not (np.isfinite(own) & (own >= 0)).all() or np.diag(own).any() or not own.any():
            raise StatsError("weights count disagreement: give numbers of 0 or more, 0 on the diagonal")
    return own / max(1.0, float(own.max())) if k < 2 else own / float(own.max())


def _of_counts(counts: FloatArray, disagreement: FloatArray, confidence: float) -> Estimate:
    """Return kappa with its large-sample interval, pairs taken as independent."""
    total = float(counts.sum())
    if total < 2:
        return Estimate.missing(f"only {total:.0f} pairs, at least 2 are needed")
    if float(_shares(counts.ravel()[None], disagreement)[1][0]) <= 1e-12:
        return Estimate.missing("both give one and the same category throughout, as chance alone would")
    from statsmodels.stats.inter_rater import cohens_kappa

    # the maximum of kappa, not used here, is 0 / 0 where one rater is of one opinion
    with np.errstate(invalid="ignore", divide="ignore"):
        found = cohens_kappa(counts, weights=disagreement)
    value, se = float(found.kappa), math.sqrt(max(0.0, float(found.var_kappa)))
    half = float(stats.norm.ppf((1 + confidence) / 2)) * se
    null = math.sqrt(max(0.0, float(found.var_kappa0)))
    p = float(2 * stats.norm.sf(abs(value) / null)) if null > 0 else math.nan
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half), se=se, p=p)


def _shares(tables: FloatArray, disagreement: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return weighted disagreement found and expected by chance, of tables (row, category²)."""
    k = len(disagreement)
    shares = tables.reshape(-1, k, k) / np.maximum(tables.sum(axis=1), 1)[:, None, None]
    rows, columns = shares.sum(axis=2), shares.sum(axis=1)
    chance = rows[:, :, None] * columns[:, None, :]
    return (shares * disagreement).sum(axis=(1, 2)), (chance * disagreement).sum(axis=(1, 2))


def _by_woman(pairs: LabelPairs, disagreement: FloatArray, confidence: float) -> tuple[float, float]:
    k = len(disagreement)
    woman: NDArray[np.intp] = np.asarray(pairs.woman)
    cells = np.bincount(woman * k * k + pairs.a * k + pairs.b, minlength=pairs.n_subjects * k * k)
    sums = cells.reshape(-1, k * k).astype(np.float64)

    def statistic(totals: FloatArray) -> FloatArray:
        share, chance = _shares(totals, disagreement)
        return (1 - share / chance)[:, None]

    scale = replace(PLAIN, low=-1.0, high=1.0)
    return intervals_by_woman(sums, statistic, [scale], confidence=confidence)[0]
