"""What an analysis of agreement found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bactools.stats.agreement.differences import Scale
from bactools.stats.agreement.nested import Estimator
from bactools.stats.inputs import FloatArray
from bactools.stats.lines import Line
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
        Standard deviation of a single difference; of the logarithms with scale "log" and "ratio".
    lower, upper : Estimate
        Limits of agreement; with ``limits="regression"`` those at the mean of the data.
    intercept, slope : Estimate
        Of the differences on the means: proportional bias. Cluster-robust where women repeat; between
        logarithms with scale "log" and "ratio".
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
        Shapiro and Wilk's test of the differences, as if independent; NaN above 5,000.
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
        """Half the distance between the limits; on the ratio scale the factor either way."""
        if self.scale == "ratio":
            return math.sqrt(self.upper.value / self.lower.value)
        return (self.upper.value - self.lower.value) / 2

    @property
    def observed_level(self) -> float:
        """Share of the pairs that lie between the limits; near `level` if the limits suit the data."""
        if not self.estimable:
            return math.nan
        _, low, high = self.limits_at(self.points["mean"])
        return float(self.points["difference"].between(low, high).mean())

    def limits_at(self, mean: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return bias, lower and upper limit at given means, of shape `mean`.

        Parameters
        ----------
        mean : array
            As in `points`. Only with ``limits="regression"`` does the answer depend on it.
        """
        at = np.asarray(mean, dtype=np.float64)
        if self.limits != "regression":
            low, middle, high = (np.full_like(at, e.value) for e in (self.lower, self.bias, self.upper))
            return middle, low, high
        position = np.log(at) if self.scale == "ratio" else at
        middle = self.intercept.value + self.slope.value * position
        half = half_width(self.level, self.residual_sd, self.spread, position)
        found = middle, middle - half, middle + half
        if self.scale != "ratio":
            return found
        bias, lower, upper = map(np.exp, found)
        return bias, lower, upper

    def share_within(self, distance: float) -> float:
        """Return the share of pairs that differ by at most `distance` (a TDI's inverse).

        On the ratio scale `distance` is a factor: 2 asks for ratios from one half to two.
        """
        apart = self.points["difference"]
        if self.scale == "ratio":
            apart, distance = np.log(apart), math.log(distance)
        return float((apart.abs() <= distance).mean())

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
        logarithmic = self.scale in ("log", "ratio")
        table = frame(
            {
                "bias": self.bias,
                "lower limit": self.lower,
                "upper limit": self.upper,
                "SD of log ratios" if logarithmic else "SD of differences": self.sd,
                "slope on the log mean" if logarithmic else "slope on the mean": self.slope,
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
                f" {number(self.naive.upper.value)}, with intervals that do not allow for it."
            )
        elif self.n_subjects < self.n:
            told.append(
                f"Careful: {self.n} pairs of only {self.n_subjects} women were taken as independent, so the"
                " intervals are too narrow."
            )
        told += [*self._weight_words(), *self._slope_words()]
        if self.normality_p < 0.05 and self.limits == "parametric":
            positive = bool((self.points[["a", "b"]] > 0).all(axis=None)) and self.scale == "difference"
            advice = "scale='log' or limits='nonparametric'" if positive else "limits='nonparametric'"
            if self.nested and self.interval != "bootstrap":
                advice += "; at least interval='bootstrap' for the intervals of the limits"
            told.append(
                f"The differences are not normally distributed ({p_words(self.normality_p)}, Shapiro-Wilk):"
                f" consider {advice}."
            )
        if self.n_subjects < 30:
            told.append(f"{self.n_subjects} women are few for limits of agreement.")
        if self.n_dropped:
            told.append(f"{self.n_dropped} pairs were left out because a value is missing.")
        return " ".join(told)

    def _weight_words(self) -> list[str]:
        """Say so if one woman outweighs the others."""
        if self.naive is None or self.repeats != "varying" or self.estimator != "anova":
            return []
        share = float(self.points["subject"].value_counts(normalize=True).max())
        if share <= max(0.2, 2 / self.n_subjects):
            return []
        return [
            f"One woman gives {100 * share:.0f} % of the pairs and weighs as much in the bias: consider"
            " estimator='means'."
        ]

    def _slope_words(self) -> list[str]:
        if not self.slope.estimable or not self.slope.p < 0.05:
            return []
        seen = (
            f"The difference changes with the size of what is measured (slope {self.slope.words()},"
            f" {p_words(self.slope.p)})"
        )
        advice = ", as these limits do." if self.limits == "regression" else (
            ": consider limits='regression' or another scale."
        )  # fmt: skip
        return [seen + advice]

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
        what = "ratios" if self.scale == "ratio" else "differences"
        where = " at the mean of the data" if self.limits == "regression" else ""
        return (
            f"{100 * self.level:g} % of {what} are expected between"
            f" {self.lower.words(units=self._unit())} and {self.upper.words(units=self._unit())}{where};"
            f" {100 * self.observed_level:.1f} % of these {self.n} do."
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
