"""What a regression found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bactools.stats.inputs import vector
from bactools.stats.regression.design_matrix import Curve
from bactools.stats.result import Estimate, Result, StatsError, frame, number, p_words

Model = Literal["ols", "cluster", "mixed"]

_MODELS = {
    "ols": "least squares, pairs taken as independent",
    "cluster": "least squares, standard errors robust to women (CR1)",
    "mixed": "mixed model, women (and breasts) as random effects (REML)",
}


@dataclass(frozen=True, eq=False, repr=False)
class Regression(Result):
    """The line, or curve, of y on x.

    Attributes
    ----------
    coefficients : mapping of str to Estimate
        Intercept, x, its powers, covariates; p-values are of 0.
    r2 : Estimate
        Share of the variance of y that is explained; the marginal R² of a mixed model (fixed effects
        only). It has an interval if the model is a straight line of x alone, without weights. Without an
        intercept it is about 0, not about the mean of y, as NIST defines it, and not comparable.
    adjusted_r2 : float
        NaN of a mixed model.
    conditional_r2 : Estimate
        Fixed and random effects together; of a mixed model only.
    residual_sd : float
        Residual standard deviation, over n - coefficients; of one image about her own line if mixed.
    std_err : float
        Standard error of the slope that takes images as independent. This is what
        ``scipy.stats.linregress`` calls ``stderr``, and what the paper's Figure 5 prints as "std err".
    variances : mapping of str to float
        Of a mixed model: between women, between breasts of a woman, residual.
    optimiser : str
        Which one found the mixed model.
    naive : Regression or None
        The answer that takes every pair as independent, beside one that does not.
    points : DataFrame
        One row per pair: x, y, fitted, residual and what is known of the image.
    n, n_subjects, n_dropped : int
        Pairs, women, and pairs left out because a value was missing.
    df : int
        Degrees of freedom of the intervals: n - coefficients, or women - 1.
    names, units : (str, str)
        Of x and y.
    model : {"ols", "cluster", "mixed"}
    degree : int
    weighted : bool
    confidence : float
    curve : Curve or None
        What `predict` reads.
    reason, note : str
    """

    coefficients: Mapping[str, Estimate]
    r2: Estimate
    adjusted_r2: float
    conditional_r2: Estimate
    residual_sd: float
    std_err: float
    variances: Mapping[str, float]
    optimiser: str
    naive: Regression | None
    points: pd.DataFrame
    n: int
    n_subjects: int
    n_dropped: int
    df: int
    names: tuple[str, str]
    units: tuple[str, str]
    model: Model
    degree: int
    weighted: bool
    confidence: float
    curve: Curve | None
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"Regression of {self.names[1]} on {self.names[0]}"

    @property
    def intercept(self) -> Estimate:
        """The intercept; not estimable if the line was made to go through 0."""
        gone = Estimate.missing(self.reason or "the line was made to go through 0")
        return self.coefficients.get("intercept", gone)

    @property
    def slope(self) -> Estimate:
        """The coefficient of x; of its first power, if there are more."""
        return self.coefficients.get(self.names[0], Estimate.missing(self.reason))

    @property
    def nested(self) -> bool:
        """Whether the intervals allow for several pairs per woman."""
        return self.naive is not None

    def predict(self, x: ArrayLike, *, covariates: Mapping[str, ArrayLike] | None = None) -> pd.DataFrame:
        """Return the line at given x with its confidence band and the band of a new image.

        Parameters
        ----------
        x : float array, shape (n,)
        covariates : mapping of str to array of shape (n,) or one number, optional
            Those not given are held at their mean.

        Returns
        -------
        DataFrame
            x, fit, low, high (confidence band), new_low, new_high (prediction band of one image of a new
            woman, at weight 1); no row if the regression is not estimable.

        Raises
        ------
        StatsError
            If a covariate is not in the model, or a value is not a number.
        """
        if self.curve is None:
            return pd.DataFrame(columns=["x", "fit", "low", "high", "new_low", "new_high"], dtype=np.float64)
        at = vector(x, name="x")
        known = self.curve.design.terms[len(self.curve.beta) - self.curve.covariates.size :]
        held = np.tile(self.curve.covariates, (at.size, 1))
        for name, values in (covariates or {}).items():
            if name not in known:
                listed = ", ".join(map(repr, known)) or "none"
                raise StatsError(f"covariate {name!r} is not in the model: it has {listed}")
            held[:, known.index(name)] = vector(values, name=name)
        return self.curve.at(at, held, self.confidence)

    def to_frame(self) -> pd.DataFrame:
        """Return coefficients and fit, one row each; nested and naive in turn if there are both."""
        rows = dict(self.coefficients)
        if self.model == "mixed":
            rows |= {"marginal R2": self.r2, "conditional R2": self.conditional_r2}
            rows |= {f"variance {name}": Estimate(value) for name, value in self.variances.items()}
        else:
            rows |= {"R2": self.r2, "adjusted R2": Estimate(self.adjusted_r2)}
        rows |= {"residual SD": Estimate(self.residual_sd), "std err (linregress)": Estimate(self.std_err)}
        table = frame(rows)
        if self.naive is None:
            return table
        tables = {self.model: table, "naive": self.naive.to_frame()}
        both = pd.concat(tables, names=["analysis"]).reset_index("analysis")
        return both.reset_index(drop=True)

    def _words(self) -> str:
        told = [self._fit_words(), self._slope_words()]
        if self.naive is not None:
            told.append(
                f"The {self.n} pairs come from {self.n_subjects} women, which the intervals allow for"
                f" ({_MODELS[self.model]}); taken as independent the slope would be"
                f" {self.naive.slope.words()}, with an interval not to be trusted."
            )
        elif self.n_subjects < self.n:
            told.append(
                f"Careful: {self.n} pairs of only {self.n_subjects} women were taken as independent, so the"
                " intervals are too narrow: use model='cluster' or 'mixed'."
            )
        if self.model == "mixed":
            told.append(self._mixed_words())
        if self.nested and self.n_subjects < 30:
            told.append(f"{self.n_subjects} women are few; intervals are approximate.")
        if self.n_dropped:
            told.append(f"{self.n_dropped} pairs were left out because a value is missing.")
        told.append("R² is not agreement: a network that always finds half has an R² of 1.")
        return " ".join(told)

    def _fit_words(self) -> str:
        x, y = self.names
        if "intercept" not in self.coefficients:
            return f"R² about 0 is {self.r2.words()}; it is not comparable with one about the mean."
        others = len(self.coefficients) - 1 - self.degree
        what = {0: f"{x} explains", 1: f"{x} and one other predictor explain"}.get(
            others, f"{x} and {others} other predictors explain"
        )
        kind = "marginal R²" if self.model == "mixed" else "R²"
        return (
            f"{what} {100 * self.r2.value:.1f} % of the variance of {y}"
            f" ({kind} {self.r2.words()}, {self.n} pairs)."
        )

    def _slope_words(self) -> str:
        x, y = self.names
        if self.degree > 1:
            return f"The curve is a polynomial of degree {self.degree}; its coefficients mean little alone."
        told = f"Per unit of {x}, {y} changes by {self.slope.words()}, {p_words(self.slope.p)}"
        if self.intercept.estimable:
            told += f", from {self.intercept.words(units=self.units[1])} at 0"
        return (
            f"{told}. The standard error as the paper prints it, images taken as independent, is"
            f" {number(self.std_err)}."
        )

    def _mixed_words(self) -> str:
        parts = ", ".join(f"{name} {number(value)}" for name, value in self.variances.items())
        flat = [name for name, value in self.variances.items() if value == 0]
        more = f" The variance {flat[0]} is estimated as 0." if flat else ""
        return (
            f"With what is common to a woman, {100 * self.conditional_r2.value:.1f} % is explained"
            f" (conditional R²). Variances: {parts}. Optimiser: {self.optimiser}.{more}"
        )
