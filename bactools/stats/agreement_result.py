"""What an analysis of agreement found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bactools.stats.differences import Scale
from bactools.stats.inputs import FloatArray
from bactools.stats.lines import Line
from bactools.stats.nested import Estimator
from bactools.stats.result import Estimate, Result, StatsError, frame, number, p_words

Repeats = Literal["refuse", "varying", "constant", "pooled"]
Limits = Literal["parametric", "nonparametric", "regression"]


@dataclass(frozen=True, eq=False, repr=False)
class Agreement(Result):
    """Bias and limits of agreement of a - b.

    Attributes
    ----------
    bias : Estimate
        Mean difference; of the median with ``limits="nonparametric"``. Its p-value is of no bias.
    sd : Estimate
        Standard deviation of a single difference.
    lower, upper : Estimate
        Limits of agreement; with ``limits="regression"`` those at the mean of the data.
    intercept, slope : Estimate
        Of the differences on the means: proportional bias. Cluster-robust where women repeat.
    residual_sd : float
        About that line.
    spread : Line or None
        Of the absolute residuals on the means: whether differences scatter more where values are larger.
    between, within : Estimate
        Variance between and within women; not estimable without repeats.
    naive : Agreement or None
        The answer that takes every pair as independent, beside a nested one.
    points : DataFrame
        One row per pair: a, b, mean, difference and what is known of the image.
    n, n_subjects, n_dropped : int
        Pairs, women, and pairs left out because one value was missing.
    normality_p : float
        Shapiro and Wilk's test of the differences; NaN above 5,000.
    repeats, estimator, scale, limits, interval, level, confidence
        As asked for.
    names : (str, str)
    units : str
    reason, note : str
    """

    bias: Estimate
    sd: Estimate
    lower: Estimate
    upper: Estimate
    intercept: Estimate
    slope: Estimate
    residual_sd: float
    spread: Line | None
    between: Estimate
    within: Estimate
    naive: Agreement | None
    points: pd.DataFrame
    n: int
    n_subjects: int
    n_dropped: int
    normality_p: float
    repeats: Repeats
    estimator: Estimator
    scale: Scale
    limits: Limits
    interval: str
    level: float
    confidence: float
    names: tuple[str, str]
    units: str
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"Agreement of {self.names[0]} and {self.names[1]}"

    @property
    def nested(self) -> bool:
        """Whether the limits allow for several pairs per woman."""
        return self.naive is not None

    @property
    def critical_difference(self) -> float:
        """Half the distance between the limits."""
        return (self.upper.value - self.lower.value) / 2

    def limits_at(self, mean: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return bias, lower and upper limit at given means; they slope with ``limits="regression"`` only."""
        at = np.asarray(mean, dtype=np.float64)
        if self.limits != "regression":
            low, middle, high = (np.full_like(at, e.value) for e in (self.lower, self.bias, self.upper))
            return middle, low, high
        middle = self.intercept.value + self.slope.value * at
        half = half_width(self.level, self.residual_sd, self.spread, at)
        return middle, middle - half, middle + half

    def share_within(self, distance: float) -> float:
        """Return the share of pairs that differ by at most `distance` (a TDI's inverse)."""
        return float((self.points["difference"].abs() <= distance).mean())

    def as_shares_of_the_mean(self) -> dict[str, Estimate]:
        """Return bias and limits on the log scale as a share of the mean: V-shaped limits.

        Raises
        ------
        StatsError
            If ``scale`` is neither "log" nor "ratio".

        References
        ----------
        Euser AM, Dekker FW, le Cessie S. J Clin Epidemiol 2008;61:978-982.
        """
        back = {"log": lambda d: d, "ratio": math.log}.get(self.scale)
        if back is None:
            raise StatsError(f"scale={self.scale!r} has no V-shaped limits: use scale='log' or 'ratio'")
        ends = {"bias": self.bias, "lower": self.lower, "upper": self.upper}
        return {name: end.mapped(lambda d: 2 * math.tanh(back(d) / 2)) for name, end in ends.items()}

    def to_frame(self) -> pd.DataFrame:
        """Return bias, SD, limits and slope, one row each; nested and naive in turn if there are both."""
        table = frame(
            {
                "bias": self.bias,
                "lower limit": self.lower,
                "upper limit": self.upper,
                "SD of differences": self.sd,
                "slope on the mean": self.slope,
            }
        )
        if self.naive is None:
            return table
        parts = frame({"variance between women": self.between, "variance within women": self.within})
        tables = {"nested": pd.concat([table, parts]), "naive": self.naive.to_frame()}
        both = pd.concat(tables, names=["analysis"]).reset_index("analysis")
        return both.reset_index(drop=True)

    def _words(self) -> str:
        a, b = self.names
        told = [self._bias_words(a, b), self._limit_words()]
        if self.naive is not None:
            told.append(
                f"The {self.n} pairs come from {self.n_subjects} women, which these intervals allow for;"
                f" taken as independent the limits would be {number(self.naive.lower.value)} to"
                f" {number(self.naive.upper.value)}, with intervals that are too narrow."
            )
        elif self.n_subjects < self.n:
            told.append(
                f"Careful: {self.n} pairs of only {self.n_subjects} women were taken as independent, so the"
                " intervals are too narrow."
            )
        if self.slope.estimable and self.slope.p < 0.05:
            told.append(
                f"The difference changes with the size of what is measured (slope {self.slope.words()},"
                f" {p_words(self.slope.p)}): consider limits='regression' or another scale."
            )
        if self.normality_p < 0.05 and self.limits == "parametric":
            told.append(
                f"The differences are not normally distributed ({p_words(self.normality_p)}, Shapiro-Wilk):"
                " consider scale='log' or limits='nonparametric'."
            )
        if self.n_subjects < 30:
            told.append(f"{self.n_subjects} women are few for limits of agreement.")
        if self.n_dropped:
            told.append(f"{self.n_dropped} pairs were left out because a value is missing.")
        return " ".join(told)

    def _unit(self) -> str:
        return {"percent": "%", "difference": self.units}.get(self.scale, "")

    def _bias_words(self, a: str, b: str) -> str:
        if self.scale == "ratio":
            return f"{a} is {self.bias.words()} times {b} on average."
        what = {"log": "the logarithm of "}.get(self.scale, "")
        kind = "median" if self.limits == "nonparametric" else "average"
        sure = f", {p_words(self.bias.p)}" if not math.isnan(self.bias.p) else ""
        return f"On {kind}, {what}{a} minus {what}{b} is {self.bias.words(units=self._unit())}{sure}."

    def _limit_words(self) -> str:
        where = " at the mean of the data" if self.limits == "regression" else ""
        return (
            f"{100 * self.level:g} % of differences are expected between"
            f" {self.lower.words(units=self._unit())} and {self.upper.words(units=self._unit())}{where}."
            " Whether that is near enough is a clinical judgement, not a statistical one."
        )


def half_width(level: float, residual_sd: float, spread: Line | None, at: FloatArray) -> FloatArray:
    """Return the distance of sloping limits from their line, shape of `at`.

    Constant unless the absolute residuals depend on the mean (p < 0.05); then 1.96 sqrt(pi/2) times
    their regression line (Bland and Altman 1999, section 3.2).
    """
    z = float(stats.norm.ppf((1 + level) / 2))
    if spread is None or not spread.slope.p < 0.05:
        return np.full_like(at, z * residual_sd)
    expected = spread.intercept.value + spread.slope.value * at
    return z * math.sqrt(math.pi / 2) * np.clip(expected, 0, None)
