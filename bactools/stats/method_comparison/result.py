"""What a comparison of two methods, both with error, found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bactools.stats.inputs import FloatArray, vector
from bactools.stats.result import Estimate, Result, frame, number, p_words

Method = Literal["deming", "weighted deming", "passing-bablok", "theil-sen"]
Interval = Literal["jackknife", "bootstrap", "analytic"]

TITLES = {
    "deming": "Deming regression",
    "weighted deming": "Weighted Deming regression",
    "passing-bablok": "Passing–Bablok regression",
    "theil-sen": "Theil–Sen regression",
}
"""Methods as the field calls them."""


@dataclass(frozen=True, eq=False, repr=False)
class MethodComparison(Result):
    """The line y = intercept + slope x of two methods.

    Attributes
    ----------
    intercept, slope : Estimate
        p-values are of no bias: intercept 0, slope 1; NaN where only the interval tells.
    method : {"deming", "weighted deming", "passing-bablok", "theil-sen"}
    interval : {"jackknife", "bootstrap", "analytic"}
        How the intervals were made; by woman where women repeat.
    ratio : float
        Variance of the error of x over that of y; NaN of rank methods.
    linearity_p : float
        Cusum test of Passing and Bablok; NaN of other methods. It takes pairs as independent.
    naive : MethodComparison or None
        The answer that takes every pair as independent, beside one that does not.
    points : DataFrame
        One row per pair: x, y, fitted, residual and what is known of the image.
    n, n_subjects, n_dropped : int
        Pairs, women, and pairs left out because one value was missing.
    df : int
        Of the t interval of a jackknife or formula.
    names : (str, str)
    units : str
    confidence : float
    covariance : float array, shape (2, 2), or None
        Of intercept and slope, by jackknife or formula.
    draws : float array, shape (resample, 2), or None
        Intercepts and slopes of the bootstrap.
    reason, note : str
    """

    intercept: Estimate
    slope: Estimate
    method: Method
    interval: Interval
    ratio: float
    linearity_p: float
    naive: MethodComparison | None
    points: pd.DataFrame
    n: int
    n_subjects: int
    n_dropped: int
    df: int
    names: tuple[str, str]
    units: str
    confidence: float
    covariance: FloatArray | None = None
    draws: FloatArray | None = None
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"{TITLES[self.method]} of {self.names[1]} on {self.names[0]}"

    @property
    def nested(self) -> bool:
        """Whether the intervals allow for several pairs per woman."""
        return self.naive is not None

    @property
    def proportional_bias(self) -> bool | None:
        """Whether 1 lies outside the interval of the slope; None if there is no interval."""
        return _outside(self.slope, 1.0)

    @property
    def constant_bias(self) -> bool | None:
        """Whether 0 lies outside the interval of the intercept; None if there is no interval."""
        return _outside(self.intercept, 0.0)

    def predict(self, x: ArrayLike) -> pd.DataFrame:
        """Return the line at given x, and the bias y - x there, with their intervals.

        Parameters
        ----------
        x : float array, shape (n,)
            Such as the limits between grades.

        Returns
        -------
        DataFrame
            x, fit, low, high, bias, bias_low, bias_high; intervals are NaN for an analytic one of a rank
            method, which has none; no row if there is no line.
        """
        at = vector(x, name="x") if self.estimable else np.empty(0)
        fit = self.intercept.value + self.slope.value * at
        low = high = np.full_like(at, np.nan)
        if self.draws is not None:
            lines = self.draws[:, :1] + self.draws[:, 1:] * at
            tails = [(1 - self.confidence) / 2, (1 + self.confidence) / 2]
            low, high = np.quantile(lines, tails, axis=0) if at.size else (low, high)
        elif self.covariance is not None:
            rows = np.column_stack([np.ones_like(at), at])
            variance = np.clip(np.einsum("ij,jk,ik->i", rows, self.covariance, rows), 0, None)
            half = float(stats.t.ppf((1 + self.confidence) / 2, self.df)) * np.sqrt(variance)
            low, high = fit - half, fit + half
        return pd.DataFrame(
            {
                "x": at, "fit": fit, "low": low, "high": high,
                "bias": fit - at, "bias_low": low - at, "bias_high": high - at,
            }
        )  # fmt: skip

    def to_frame(self) -> pd.DataFrame:
        """Return intercept and slope, one row each; nested and naive in turn if there are both."""
        table = frame({"intercept": self.intercept, "slope": self.slope})
        if self.naive is None:
            return table
        tables = {"nested": table, "naive": self.naive.to_frame()}
        both = pd.concat(tables, names=["analysis"]).reset_index("analysis")
        return both.reset_index(drop=True)

    def _words(self) -> str:
        x, y = self.names
        told = [
            f"{TITLES[self.method]} gives {y} = {number(self.intercept.value)} +"
            f" {number(self.slope.value)} {x}, over {self.n} pairs.",
            f"Slope {self.slope.words()}: "
            + _verdict(self.proportional_bias, "1", f"{y} is not in proportion to {x}", "proportional bias"),
            f"Intercept {self.intercept.words(units=self.units)}: "
            + _verdict(self.constant_bias, "0", f"{y} is shifted against {x}", "constant bias"),
        ]
        if not (self.proportional_bias or self.constant_bias):
            told.append("No bias shown is not the same as no bias: look at how wide the intervals are.")
        if self.linearity_p < 0.05:
            told.append(
                f"Careful: the points do not follow a straight line ({p_words(self.linearity_p)}, cusum"
                " test): look at the scatter before using either number."
            )
        empty = int(((self.points["x"] == 0) & (self.points["y"] == 0)).sum())
        if empty >= 0.1 * self.n:
            told.append(
                f"{empty} pairs are 0 by both, which draws the line towards 0: see whether it stays without"
                " them."
            )
        if self.naive is not None:
            told.append(
                f"The {self.n} pairs come from {self.n_subjects} women, which the intervals allow for"
                f" ({self.interval}, by woman); taken as independent the slope would be"
                f" {self.naive.slope.words()}."
            )
        if not math.isnan(self.ratio):
            told.append(
                f"This takes the error variance of {x} to be {number(self.ratio)} times that of {y}:"
                " a choice that the data cannot check."
            )
        if self.n_subjects < 40:
            told.append(f"{self.n_subjects} women are few for a comparison of methods.")
        if self.n_dropped:
            told.append(f"{self.n_dropped} pairs were left out because a value is missing.")
        return " ".join(told)


def _outside(estimate: Estimate, value: float) -> bool | None:
    if not estimate.estimable or math.isnan(estimate.low) or math.isnan(estimate.high):
        return None
    return not estimate.low <= value <= estimate.high


def _verdict(outside: bool | None, value: str, meaning: str, name: str) -> str:
    if outside is None:
        return "there is no interval, so nothing can be said of bias."
    if outside:
        return f"the interval excludes {value}, so {meaning} ({name})."
    return f"the interval includes {value}, so no {name} is shown."
