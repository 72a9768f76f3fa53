"""Intervals of a line by leaving women out, or by drawing them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bactools.stats.inputs import FloatArray, Pairs
from bactools.stats.lines import t_estimate
from bactools.stats.method_comparison.result import Interval, Method, MethodComparison
from bactools.stats.result import Estimate

Line = tuple[float, float]
"""Intercept and slope."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """One comparison: its data and options, and how answers are put together.

    Attributes
    ----------
    pairs : Pairs
    method : {"deming", "weighted deming", "passing-bablok", "theil-sen"}
    interval : {"jackknife", "bootstrap", "analytic"}
    confidence : float
    ratio : float
    """

    pairs: Pairs
    method: Method
    interval: Interval
    confidence: float
    ratio: float = np.nan

    def by_formula(self, line: Line, covariance: FloatArray, df: int, **more: Any) -> MethodComparison:
        """Return the answer with t intervals from a covariance of intercept and slope."""
        intercept, slope = (
            t_estimate(value, float(np.sqrt(covariance[at, at])), df, confidence=self.confidence, null=null)
            for at, (value, null) in enumerate(zip(line, (0.0, 1.0), strict=True))
        )
        return self.answer(intercept, slope, covariance=covariance, df=df, **more)

    def by_jackknife(self, line: Line, left_out: FloatArray, **more: Any) -> MethodComparison:
        """Return the answer with intervals from the lines without each woman, shape (woman, 2)."""
        women = len(left_out)
        if not np.isfinite(left_out).all():
            return self.nothing("without one of the women there is no line, so the jackknife has no answer")
        about = left_out - left_out.mean(axis=0)
        covariance = np.asarray((women - 1) / women * about.T @ about)
        return self.by_formula(line, covariance, women - 2, **more)

    def by_bootstrap(self, line: Line, draws: FloatArray, **more: Any) -> MethodComparison:
        """Return the answer with percentile intervals of the lines of resamples, shape (resample, 2)."""
        known = draws[np.isfinite(draws).all(axis=1)]
        if len(known) < 0.9 * len(draws):
            return self.nothing(f"{len(draws) - len(known)} of {len(draws)} resamples have no line")
        tails = [(1 - self.confidence) / 2, (1 + self.confidence) / 2]
        ends, spread = np.quantile(known, tails, axis=0), known.std(axis=0, ddof=1)
        intercept, slope = (
            Estimate(value, float(ends[0, at]), float(ends[1, at]), se=float(spread[at]))
            for at, value in enumerate(line)
        )
        return self.answer(intercept, slope, draws=known, **more)

    def nothing(self, reason: str) -> MethodComparison:
        """Return an answer that could not be had."""
        missing = Estimate.missing(reason)
        return self.answer(missing, missing, reason=reason)

    def answer(self, intercept: Estimate, slope: Estimate, **more: Any) -> MethodComparison:
        """Return the answer with what does not depend on the method."""
        x, y = self.pairs.a, self.pairs.b
        fitted = intercept.value + slope.value * x
        options: dict[str, Any] = {
            "method": self.method, "interval": self.interval, "ratio": self.ratio, "linearity_p": np.nan,
            "naive": None, "n": len(self.pairs), "n_subjects": self.pairs.n_subjects,
            "n_dropped": self.pairs.n_dropped, "df": 0, "names": self.pairs.names,
            "units": self.pairs.units, "confidence": self.confidence,
            "points": self.pairs.keys.assign(x=x, y=y, fitted=fitted, residual=y - fitted),
        }  # fmt: skip
        return MethodComparison(intercept, slope, **(options | more))
