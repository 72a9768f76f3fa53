"""How far a measurement repeats itself: error within women, and the smallest change beyond it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bactools.stats.agreement.limits import variance_interval
from bactools.stats.agreement.nested import Groups
from bactools.stats.inputs import FloatArray, Values, between, choice, vector
from bactools.stats.result import Estimate, Result, StatsError, frame, p_words

Zeros = Literal["keep", "leave out"]

_Z_PAIR = 1.96 * math.sqrt(2)


@dataclass(frozen=True, eq=False, repr=False)
class MeasurementError(Result):
    """The error of a measurement, from replicates.

    Attributes
    ----------
    within_variance, within_sd : Estimate
        Variance and SD within women: the standard error of measurement.
    repeatability : Estimate
        1.96 √2 SD: two measurements of one woman differ by less in 95 % of cases. It is also the
        smallest detectable change of one woman.
    cv : Estimate
        Coefficient of variation within women, by the root mean square of SD / mean; women whose every
        measurement is 0 have none and do not count.
    growth : Estimate
        Spearman correlation of a woman's SD with her mean: above 0, error grows with burden. Women
        whose every measurement is 0 do not count.
    n, n_subjects, n_dropped : int
        Measurements, women with at least two, and missing values.
    units : str
    n_zero : int
        Women whose every measurement is 0, among those who count.
    reason, note : str
    """

    within_variance: Estimate
    within_sd: Estimate
    repeatability: Estimate
    cv: Estimate
    growth: Estimate
    n: int
    n_subjects: int
    n_dropped: int
    units: str
    n_zero: int = 0
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return "Measurement error within women"

    def smallest_detectable_change(self, *, women: int = 1, measurements: int = 1) -> Estimate:
        """Return the smallest change between two exams that is beyond measurement error in 95 % of cases.

        It is 1.96 √2 SD / √(women x measurements).

        Parameters
        ----------
        women : int
            Of the mean change of that many; one by default.
        measurements : int
            If each exam's value is the mean of that many measurements with independent errors.

        Raises
        ------
        StatsError
            If a number is below 1.
        """
        for value, name in ((women, "women"), (measurements, "measurements")):
            if value < 1:
                raise StatsError(f"{name}={value}: give 1 or more")
        return self.repeatability.mapped(lambda value: value / math.sqrt(women * measurements))

    def to_frame(self) -> pd.DataFrame:
        """Return the estimates, one row each."""
        return frame(
            {
                "SD within women": self.within_sd,
                "repeatability coefficient": self.repeatability,
                "smallest detectable change": self.smallest_detectable_change(),
                "CV within women": self.cv,
                "SD against mean (Spearman)": self.growth,
            }
        )

    def _words(self) -> str:
        told = (
            "Two measurements of the same woman differ by less than"
            f" {self.repeatability.words(units=self.units)} in 95 % of cases; a smaller change of one woman"
            " cannot be told from measurement error."
            f" Within women the SD is {self.within_sd.words(units=self.units)}"
        )
        told += f", the coefficient of variation {self.cv.words()}." if self.cv.estimable else "."
        if self.growth.estimable and self.growth.p < 0.05 and self.growth.value > 0:
            told += (
                f" The error grows with burden (Spearman {self.growth.value:.2f}, {p_words(self.growth.p)}):"
                " one number does not fit all women; consider the log scale or the coefficient of variation."
            )
        told += f" From {self.n} measurements of {self.n_subjects} women."
        if self.n_zero:
            told += (
                f" {self.n_zero} of them are 0 in every measurement and lower the SD, which is then too small"
                " for women with calcification; see zeros='leave out'."
            )
        return told


def measurement_error(
    values: Values,
    *,
    subject: Sequence[Any] | ArrayLike | None = None,
    units: str = "",
    zeros: Zeros = "keep",
    confidence: float = 0.95,
) -> MeasurementError:
    """Estimate the error of a measurement from replicates.

    Parameters
    ----------
    values : array
        Shape (woman, replicate), NaN where one is missing; or, with `subject`, a vector of measurements.
        Replicates measure the same thing: the views of an exam do not, see
        `bactools.stats.reliability.repeated.view_consistency`.
    subject : sequence, optional
        The woman of each measurement.
    units : str
    zeros : {"keep", "leave out"}
        What to do with women whose every measurement is 0.
    confidence : float
        Of the intervals: chi-squared for the SD; for the CV by the spread between women, on the log
        scale, which covers better than the symmetric one of the literature.

    Returns
    -------
    MeasurementError
        Women with one measurement do not count. Not estimable without replicates.

    Raises
    ------
    StatsError
        If values are not two-dimensional and no subject is given, or an option is unknown.

    References
    ----------
    Bland JM, Altman DG. BMJ 1996;312:1654; 1996;313:106; 1996;313:744. de Vet HCW et al. J Clin Epidemiol
    2006;59:1033-1039.
    """
    between(confidence, 0, 1, name="confidence")
    choice(zeros, get_args(Zeros), name="zeros")
    flat, codes, dropped = _replicates(values, subject)
    size = np.bincount(codes, minlength=1)
    empty = np.bincount(codes, weights=np.abs(flat), minlength=1) == 0
    kept = (size > 1) & ~empty if zeros == "leave out" else size > 1
    if not kept.any():
        without = " and is not 0 in all of them" if zeros == "leave out" else ""
        missing = Estimate.missing(f"no woman has two measurements{without}")
        none = (missing, missing, missing, missing, missing)
        return MeasurementError(*none, 0, 0, dropped, units, reason=missing.reason)
    used = kept[codes]
    groups = Groups.of(flat[used], np.unique(codes[used], return_inverse=True)[1])
    df = groups.total - groups.n
    low, high = variance_interval(df, confidence=confidence)
    variance = Estimate(
        groups.within, groups.within * low, groups.within * high, se=groups.within * math.sqrt(2 / df)
    )
    sd = variance.mapped(math.sqrt)
    filled = ~empty[kept]
    held = Groups(groups.size[filled], groups.mean[filled], groups.squares[filled])
    return MeasurementError(
        variance,
        sd,
        sd.mapped(lambda value: _Z_PAIR * value),
        _cv(held, confidence),
        _growth(held),
        groups.total,
        groups.n,
        dropped,
        units,
        n_zero=int((~filled).sum()),
    )


def _replicates(values: Values, subject: Any) -> tuple[FloatArray, np.ndarray[Any, Any], int]:
    """Return measurements, the code of each one's woman, and how many are missing."""
    shape = np.shape(values)
    if subject is None:
        if len(shape) != 2:
            raise StatsError(f"values of shape {shape}: give (woman, replicate), or subject= with a vector")
        subject = np.repeat(np.arange(shape[0]), shape[1])
    flat = vector(values, name="values")
    codes = pd.factorize(np.asarray(subject, dtype=object).ravel())[0]
    if codes.size != flat.size:
        raise StatsError(f"{codes.size} subjects for {flat.size} values: give one of each")
    if (codes < 0).any():
        raise StatsError("a measurement has no subject: give one for each, or leave it out")
    known = ~np.isnan(flat)
    return flat[known], codes[known], int((~known).sum())


def _cv(groups: Groups, confidence: float) -> Estimate:
    if not groups.n:
        return Estimate.missing("every measurement is 0, of which nothing is a share")
    if (groups.mean <= 0).any():
        none = int((groups.mean <= 0).sum())
        return Estimate.missing(f"{none} women have a mean of zero or less, of which nothing is a share")
    df = groups.size - 1
    squares, weight = groups.squares / df / groups.mean**2, df / df.sum()
    square = float(weight @ squares)
    value = math.sqrt(square)
    if groups.n < 2 or value == 0:
        return Estimate(value)
    se = math.sqrt(groups.n / (groups.n - 1) * float(weight**2 @ (squares - square) ** 2))
    # the square is skewed: its logarithm is nearer to normal
    half = float(stats.t.ppf((1 + confidence) / 2, groups.n - 1)) * se / square
    return Estimate(value, value * math.exp(-half / 2), value * math.exp(half / 2))


def _growth(groups: Groups) -> Estimate:
    sd = np.sqrt(groups.squares / (groups.size - 1))
    if groups.n < 5 or np.ptp(sd) == 0 or np.ptp(groups.mean) == 0:
        return Estimate.missing("needs five women whose means and SDs differ")
    found = stats.spearmanr(groups.mean, sd)
    return Estimate(float(found.statistic), p=float(found.pvalue))
