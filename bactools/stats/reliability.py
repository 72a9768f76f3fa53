"""How far a measurement repeats itself: error within women, and intraclass correlation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bactools.stats.inputs import FloatArray, Values, between, vector
from bactools.stats.limits import variance_interval
from bactools.stats.nested import Groups
from bactools.stats.result import Estimate, Result, StatsError, frame, p_words

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
        Coefficient of variation within women, by the root mean square of SD / mean.
    growth : Estimate
        Spearman correlation of a woman's SD with her mean: above 0, error grows with burden.
    n, n_subjects, n_dropped : int
        Measurements, women with at least two, and missing values.
    units : str
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
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return "Measurement error within women"

    def smallest_detectable_change(self, *, women: int = 1) -> Estimate:
        """Return the smallest change that is beyond measurement error in 95 % of cases.

        Parameters
        ----------
        women : int
            Of the mean of that many; one by default.
        """
        return self.repeatability.mapped(lambda value: value / math.sqrt(women))

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
        return f"{told} From {self.n} measurements of {self.n_subjects} women."


def measurement_error(
    values: Values,
    *,
    subject: Sequence[Any] | ArrayLike | None = None,
    units: str = "",
    confidence: float = 0.95,
) -> MeasurementError:
    """Estimate the error of a measurement from replicates.

    Parameters
    ----------
    values : array
        Shape (woman, replicate), NaN where one is missing; or, with `subject`, a vector of measurements.
    subject : sequence, optional
        The woman of each measurement.
    units : str
    confidence : float
        Of the chi-squared intervals.

    Returns
    -------
    MeasurementError
        Women with one measurement do not count. Not estimable without replicates.

    Raises
    ------
    StatsError
        If values are not two-dimensional and no subject is given.

    References
    ----------
    Bland JM, Altman DG. BMJ 1996;312:1654; 1996;313:106. de Vet HCW et al. J Clin Epidemiol
    2006;59:1033-1039.
    """
    between(confidence, 0, 1, name="confidence")
    flat, codes, dropped = _replicates(values, subject)
    size = np.bincount(codes) if codes.size else np.zeros(0, dtype=np.intp)
    kept = size[codes] > 1 if codes.size else np.zeros(0, dtype=bool)
    if not kept.any():
        missing = Estimate.missing("no woman has two measurements")
        none = (missing, missing, missing, missing, missing)
        return MeasurementError(*none, 0, 0, dropped, units, reason=missing.reason)
    groups = Groups.of(flat[kept], np.unique(codes[kept], return_inverse=True)[1])
    df = groups.total - groups.n
    low, high = variance_interval(df, confidence=confidence)
    variance = Estimate(
        groups.within, groups.within * low, groups.within * high, se=groups.within * math.sqrt(2 / df)
    )
    sd = variance.mapped(math.sqrt)
    return MeasurementError(
        variance,
        sd,
        sd.mapped(lambda value: _Z_PAIR * value),
        _cv(groups),
        _growth(groups),
        groups.total,
        groups.n,
        dropped,
        units,
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


def _cv(groups: Groups) -> Estimate:
    if (groups.mean <= 0).any():
        none = int((groups.mean <= 0).sum())
        return Estimate.missing(f"{none} women have a mean of zero or less, of which nothing is a share")
    squares = groups.squares / (groups.size - 1) / groups.mean**2
    value = math.sqrt(float(squares.mean()))
    if groups.n < 2 or value == 0:
        return Estimate(value)
    half = 1.96 * float(squares.std(ddof=1)) / math.sqrt(groups.n)
    low, high = (math.sqrt(max(0.0, value**2 + side * half)) for side in (-1, 1))
    return Estimate(value, low, high)


def _growth(groups: Groups) -> Estimate:
    sd = np.sqrt(groups.squares / (groups.size - 1))
    if groups.n < 5 or np.ptp(sd) == 0 or np.ptp(groups.mean) == 0:
        return Estimate.missing("needs five women whose means and SDs differ")
    found = stats.spearmanr(groups.mean, sd)
    return Estimate(float(found.statistic), p=float(found.pvalue))
