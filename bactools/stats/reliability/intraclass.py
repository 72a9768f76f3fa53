"""Intraclass correlation: what share of the spread of ratings is the women's own."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bactools.stats.inputs import FloatArray, Values, between, choice
from bactools.stats.reliability.intraclass_result import FTest, IntraclassCorrelation
from bactools.stats.reliability.ratings import Ratings
from bactools.stats.reliability.sums import Scale, by_woman, intervals_by_woman
from bactools.stats.result import Estimate, StatsError, number

__all__ = ["FTest", "IntraclassCorrelation", "icc"]

Missing = Literal["leave out", "refuse"]

_OF_A_MEAN = Scale(lambda x: -np.log(1 - x), lambda y: 1 - np.exp(-y), high=1.0)


def icc(
    values: Values | pd.DataFrame,
    *,
    rater: str | Sequence[Any] | ArrayLike | None = None,
    target: Sequence[Any] | ArrayLike | None = None,
    subject: Sequence[Any] | ArrayLike | None = None,
    missing: Missing = "leave out",
    confidence: float = 0.95,
) -> IntraclassCorrelation:
    """Compute the six intraclass correlations, with F tests and intervals.

    Parameters
    ----------
    values : array, DataFrame or DataArray
        A matrix (target, rater); or a vector with `target` (or `subject`) and `rater`; or a DataArray
        with ``rater="view"`` (any of its dimensions), whose other dimensions make up the targets.
    rater : str or sequence, optional
        Dimension of a DataArray, or the rater of each value of a vector.
    target : sequence, optional
        What each value of a vector is a rating of; by default the woman.
    subject : sequence, optional
        The woman of each row of a matrix, or of each value of a vector. Where women have several
        targets, intervals are by leaving out each woman in turn (jackknife).
    missing : {"leave out", "refuse"}
        What to do with targets not rated by all.
    confidence : float

    Returns
    -------
    IntraclassCorrelation
        Not estimable with fewer than two raters or three targets (women, where they repeat), if all
        values are alike, or if raters differ by a constant only.

    Raises
    ------
    StatsError
        If values have the wrong shape, a target is rated twice by one rater, or (with "refuse") a
        rating is missing.

    References
    ----------
    Shrout PE, Fleiss JL. Psychol Bull 1979;86:420-428. McGraw KO, Wong SP. Psychol Methods 1996;1:30-46.
    Liljequist D et al. PLoS One 2019;14:e0219854.
    """
    choice(missing, get_args(Missing), name="missing")
    between(confidence, 0, 1, name="confidence")
    ratings = Ratings.of(values, rater=rater, target=target, subject=subject)
    if missing == "refuse" and ratings.n_dropped:
        raise StatsError(
            f"{ratings.n_dropped} targets were not rated by all: complete them, or use missing='leave out'"
        )
    reason = _obstacle(ratings)
    if reason:
        none, test = Estimate.missing(reason), FTest(*(math.nan,) * 4)
        return _build([none] * 6, [test] * 3, ratings, confidence, reason)
    found, one, two = _by_pingouin(ratings.values)
    shift = _shift(ratings.values)
    n, k = ratings.values.shape
    ends = _by_f(found[1], (one, two, shift), n, k, confidence)
    if ratings.repeated:
        sums = by_woman(_columns(ratings.values), ratings.woman)
        single = _of_one_rating(k)
        ends = intervals_by_woman(sums, _six, [single] * 3 + [_OF_A_MEAN] * 3, confidence=confidence)
    tests = (one, two, two) * 2
    six = [Estimate(value, *end, p=test.p) for value, end, test in zip(found, ends, tests, strict=True)]
    return _build(six, [one, two, shift], ratings, confidence)


def _build(
    six: list[Estimate], tests: list[FTest], ratings: Ratings, confidence: float, reason: str = ""
) -> IntraclassCorrelation:
    return IntraclassCorrelation(
        *(six[0], six[1], six[2], six[3], six[4], six[5]),
        *(tests[0], tests[1], tests[2]),
        n=ratings.n,
        n_raters=ratings.values.shape[1],
        n_subjects=ratings.n_subjects,
        n_dropped=ratings.n_dropped,
        names=ratings.names,
        confidence=confidence,
        reason=reason,
    )


def _obstacle(ratings: Ratings) -> str:
    values = ratings.values
    if values.shape[1] < 2:
        return f"only {values.shape[1]} rater, at least 2 are needed"
    units, what = (ratings.n_subjects, "women") if ratings.repeated else (ratings.n, "targets")
    if units < 3:
        left = (
            f" ({ratings.n_dropped} were left out because a rating is missing)" if ratings.n_dropped else ""
        )
        return f"only {units} {what} rated by all, at least 3 are needed{left}"
    if np.ptp(values) == 0:
        return f"every rating is {number(float(values[0, 0]))}, so there is nothing to tell women apart by"
    means = values.mean(axis=1, keepdims=True)
    if np.ptp(means) <= 1e-12 * np.abs(values).max():
        return (
            f"the mean of the raters is {number(float(means[0, 0]))} for every target, so they do not differ"
        )
    apart = values - means
    apart -= apart.mean(axis=0)
    if np.abs(apart).max() <= 1e-12 * np.abs(values).max():
        return "raters differ by a constant only, so there is no error to measure consistency against"
    return ""


def _by_pingouin(values: FloatArray) -> tuple[list[float], FTest, FTest]:
    """Return the six coefficients and both F tests."""
    n, k = values.shape
    table = pd.DataFrame(
        {"target": np.repeat(np.arange(n), k), "rater": np.tile(np.arange(k), n), "value": values.ravel()}
    )
    with warnings.catch_warnings():
        # pingouin 0.7 calls pandas by arguments that pandas is about to drop
        warnings.simplefilter("ignore", DeprecationWarning)
        from pingouin import intraclass_corr

        found = intraclass_corr(table, targets="target", raters="rater", ratings="value")
    tests = [FTest(*(float(found.at[row, name]) for name in ("F", "df1", "df2", "pval"))) for row in (0, 1)]
    return [float(value) for value in found["ICC"]], tests[0], tests[1]


def _by_f(
    icc2: float, tests: tuple[FTest, FTest, FTest], n: int, k: int, confidence: float
) -> list[tuple[float, float]]:
    """Return the six intervals from the F tests; pingouin's own are rounded, and of 95 % only."""
    one, two, shift = tests
    tail = (1 + confidence) / 2
    ends = {}
    for name, test in (("1", one), ("3", two)):
        low = test.f / float(stats.f.ppf(tail, test.df1, test.df2))
        high = test.f * float(stats.f.ppf(tail, test.df2, test.df1))
        ends[name] = [(f - 1) / (f + k - 1) for f in (low, high)]
        ends[name + "k"] = [1 - 1 / f for f in (low, high)]
    raters = shift.f
    share = n * (1 + (k - 1) * icc2) - k * icc2
    df = two.df2 * (k * icc2 * raters + share) ** 2
    df /= (n - 1) * (k * icc2 * raters) ** 2 + share**2
    rest = k * raters + k * n - k - n
    upper, lower = (float(stats.f.ppf(tail, *both)) for both in ((n - 1, df), (df, n - 1)))
    ends["2"] = [
        n * (two.f - upper) / (upper * rest + n * two.f),
        n * (lower * two.f - 1) / (rest + n * lower * two.f),
    ]
    ends["2k"] = [k * end / (1 + (k - 1) * end) for end in ends["2"]]
    return [(ends[name][0], ends[name][1]) for name in ("1", "2", "3", "1k", "2k", "3k")]


def _shift(values: FloatArray) -> FTest:
    """Return the test that raters do not differ on average."""
    n, k = values.shape
    apart = values - values.mean(axis=1, keepdims=True)
    of_raters = apart.mean(axis=0)
    df = (n - 1) * (k - 1)
    error = float(((apart - of_raters) ** 2).sum()) / df
    f = n * float((of_raters**2).sum()) / (k - 1) / error
    return FTest(f, k - 1, df, float(stats.f.sf(f, k - 1, df)))


def _of_one_rating(k: int) -> Scale:
    """Return Fisher's scale of a coefficient of one rating out of k: the logarithm of an F ratio."""
    return Scale(
        lambda x: np.log((1 + (k - 1) * x) / (1 - x)),
        lambda y: 1 - k / (np.exp(y) + k - 1),
        -1 / (k - 1),
        1.0,
    )


def _columns(values: FloatArray) -> FloatArray:
    """Return what must be added up for the mean squares, shape (target, 3 + rater)."""
    about = values - values.mean()
    row = about.sum(axis=1)
    return np.column_stack([np.ones(len(about)), row**2, (about**2).sum(axis=1), about])


def _six(totals: FloatArray) -> FloatArray:
    """Return the six coefficients of each row of totals, shape (row, 6)."""
    n, squared_rows, squares = totals[:, :3].T
    columns = totals[:, 3:]
    k = columns.shape[1]
    centre = columns.sum(axis=1) ** 2 / (n * k)
    of_rows = squared_rows / k - centre
    of_raters = (columns**2).sum(axis=1) / n - centre
    within = squares - centre - of_rows
    women, raters = of_rows / (n - 1), of_raters / (k - 1)
    one_way, error = within / (n * (k - 1)), (within - of_raters) / ((n - 1) * (k - 1))
    apart = (raters - error) / n
    return np.stack(
        [
            (women - one_way) / (women + (k - 1) * one_way),
            (women - error) / (women + (k - 1) * error + k * apart),
            (women - error) / (women + (k - 1) * error),
            (women - one_way) / women,
            (women - error) / (women + apart),
            (women - error) / women,
        ],
        axis=1,
    )
