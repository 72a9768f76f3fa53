"""What comparing every cut and intensity threshold with a reference found."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bactools.stats.result import Estimate, Result, StatsError, number

CRITERIA: dict[str, str] = {
    "r2": "R²",
    "ccc": "Lin's concordance",
    "sd": "SD of differences",
    "rmse": "root mean square difference",
    "bias": "bias",
}
"""What can be best, and what it is called."""

HIGH_IS_GOOD = ("r2", "ccc")
"""Those of which more is better; bias is best at 0."""

UNITLESS = ("r2", "ccc", "slope")
"""Surfaces without the reference's unit."""


@dataclass(frozen=True)
class Cutoff:
    """A probability cut with an intensity threshold.

    Attributes
    ----------
    cut, x : Estimate
        Where it is; the interval of the best one tells where it falls when women are resampled.
    score : Estimate
        The criterion there, its interval by resampling women.
    """

    cut: Estimate
    x: Estimate
    score: Estimate

    @property
    def words(self) -> str:
        """``X = 100, cut 0.5``."""
        return f"X = {number(self.x.value)}, cut {number(self.cut.value)}"


@dataclass(frozen=True, eq=False, repr=False)
class Thresholds(Result):
    """Agreement with a reference at every probability cut and intensity threshold.

    Attributes
    ----------
    surface : Dataset
        On (cut, x): r2, slope and intercept of burden on the reference; bias, sd, lower and upper limit,
        and rmse of burden - reference; ccc; ``score_low`` and ``score_high``, the interval of the
        criterion; ``share`` of resamples of women in which the point is best. All images count alike.
    best : Cutoff
        Of equals the one nearest to X = 100 and cut 0.5.
    published : Cutoff or None
        X = 100 and cut 0.5; None if they are not on the grid.
    gain : Estimate
        By how much the best is better than the published one (nearer 0, for sd, rmse and bias), on the
        same women that chose it.
    optimism : float
        Part of the best score that is owed to choosing it on these women (by the bootstrap); NaN without.
    as_good : tuple of float
        Thresholds that, at the best cut, cannot be told from the best: the interval of the difference
        includes 0. Empty without resamples.
    quantity : {"tam", "tsim"}
    comparison : {">", ">="}
    criterion : str
    n, n_subjects, n_dropped : int
        Images (or sums over views) compared, their women, and those left out although there is a
        reference: there is no image, or a view is missing.
    n_bootstrap : int
    level, confidence : float
    reference, units : str
        What is compared with, and its unit.
    summed : tuple of str
        Dimensions over which burden was summed, such as the views of a woman.
    reason, note : str
    """

    surface: xr.Dataset
    best: Cutoff
    published: Cutoff | None
    gain: Estimate
    optimism: float
    as_good: tuple[float, ...]
    quantity: str
    comparison: str
    criterion: str
    n: int
    n_subjects: int
    n_dropped: int
    n_bootstrap: int
    level: float
    confidence: float
    reference: str
    units: str
    summed: tuple[str, ...] = ()
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"Thresholds of {self.quantity.upper()} against {self.reference}"

    def at(self, cut: float, x: float) -> dict[str, float]:
        """Return every number of the surface at one point.

        Raises
        ------
        StatsError
            If the point is not on the grid.
        """
        row = self._position("cut", cut), self._position("x", x)
        return {str(name): float(values[row]) for name, values in self.surface.data_vars.items()}

    def along_x(self, *, cut: float | None = None) -> pd.DataFrame:
        """Return the surface at one cut, one row per X; the best cut by default.

        Raises
        ------
        StatsError
            If the cut is not on the grid.
        """
        row = self._position("cut", self.best.cut.value if cut is None else cut)
        return self.surface.isel(cut=row).drop_vars("cut").to_dataframe().reset_index()

    def to_frame(self) -> pd.DataFrame:
        """Return the best point and the published one, one row each."""
        rows = []
        for name, point in (("best", self.best), ("published", self.published)):
            if point is None or not self.estimable:
                continue
            there = self.at(point.cut.value, point.x.value)
            score = {
                self.criterion: point.score.value,
                "ci_low": point.score.low,
                "ci_high": point.score.high,
            }
            where = {"point": name, "cut": point.cut.value, "x": point.x.value}
            ends = {"x_low": point.x.low, "x_high": point.x.high}
            kept = ("r2", "slope", "bias", "sd", "lower", "upper", "share")
            rows.append(where | ends | score | {key: there[key] for key in kept if key != self.criterion})
        return pd.DataFrame(rows)

    def _position(self, dim: str, value: float) -> int:
        near = np.abs(self.surface[dim].values - value)
        at = int(near.argmin()) if near.size else 0
        if not near.size or near[at] > 1e-6:
            raise StatsError(f"{dim}={value:g} is not on the grid: give it in {dim}s= when computing")
        return at

    def _words(self) -> str:
        name, best = CRITERIA[self.criterion], self.best
        unit = "" if self.criterion in UNITLESS else self.units
        what = f"sums over {' and '.join(self.summed)}s" if self.summed else "images"
        told = [
            f"{self.quantity.upper()} agrees best with {self.reference} at {best.words}:"
            f" {name} {best.score.words(units=unit)}, over {self.n} {what} of {self.n_subjects} women."
        ]
        if not math.isnan(best.x.low):
            told.append(
                f"When women are resampled ({self.n_bootstrap} times), the best X falls between"
                f" {number(best.x.low)} and {number(best.x.high)}."
            )
        if self.as_good:
            told.append(
                f"At that cut {len(self.as_good)} of {self.surface.sizes['x']} thresholds, X from"
                f" {number(min(self.as_good))} to {number(max(self.as_good))}, cannot be told from the best."
            )
        told += self._published_words(name, unit)
        if self.optimism > 0:
            told.append(
                "The best score was chosen on these women, which flatters it by about"
                f" {number(self.optimism)}."
            )
        if self.criterion == "r2":
            told.append("R² does not see bias or scale: look at bias and limits too.")
        if self.n_dropped:
            told.append(f"{self.n_dropped} were left out because an image is missing.")
        if self.n_subjects < 30:
            told.append(f"{self.n_subjects} women are few for choosing a threshold.")
        return " ".join(told)

    def _published_words(self, name: str, unit: str) -> list[str]:
        if self.published is None:
            return []
        told = [f"The published point ({self.published.words}) has {name} {self.published.score.words()}."]
        if not self.gain.estimable:
            return told
        if self.gain.value == 0:
            return [*told, "None is better."]
        sure = "" if math.isnan(self.gain.low) else ", more than resampling explains"
        if self.gain.low <= 0:
            sure = ", which these women cannot tell from none"
        return [*told, f"The best is better by {self.gain.words(units=unit)}{sure}."]
