"""Regression of one measurement on another, with standard errors that know of women."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bactools.stats.correlation import fisher_interval
from bactools.stats.inputs import FloatArray, Pairs, Values, between, choice
from bactools.stats.lines import t_estimate
from bactools.stats.regression.design_matrix import Curve, Design, Fit
from bactools.stats.regression.mixed_line import RESIDUAL, breasts, fit_mixed
from bactools.stats.regression.predictors import Predictors
from bactools.stats.regression.result import Model, Regression
from bactools.stats.result import Estimate, StatsError, number

__all__ = ["Regression", "regression"]


def regression(
    x: Values,
    y: Values,
    *,
    subject: Sequence[Any] | ArrayLike | None = None,
    breast: Sequence[Any] | ArrayLike | None = None,
    model: Model | None = None,
    covariates: Mapping[str, Values] | pd.DataFrame | None = None,
    weights: Values | None = None,
    intercept: bool = True,
    degree: int = 1,
    keys: pd.DataFrame | None = None,
    names: tuple[str, str] | None = None,
    units: str | tuple[str, str] | None = None,
    confidence: float = 0.95,
) -> Regression:
    """Fit y = intercept + slope x by least squares or a mixed model.

    Parameters
    ----------
    x, y : array, Series or DataArray
        Of one shape; pairs with a NaN are left out and counted. DataArrays are aligned by their
        coordinates, which also name subject and view.
    subject : sequence, optional
        The woman of each pair. Without it every pair is taken to be of another one.
    breast : sequence, optional
        The breast of each pair, for ``model="mixed"``; by default the side of the view, where known.
    model : {"cluster", "ols", "mixed"}, optional
        ``cluster``: standard errors robust to what women's pairs have in common (CR1, t on women - 1);
        the default where women repeat. ``ols``: pairs taken as independent; the default where they do
        not. ``mixed``: random intercepts of women, and of breasts where there are both, by REML;
        optimisers in the order of `bactools.stats.regression.mixed_line.OPTIMISERS`; t on women - 1, which is
        careful. The answer of ``ols`` stands beside as ``naive`` where women repeat.
    covariates : mapping of str to array, or DataFrame, optional
        Further predictors, each of the shape of x, or a DataArray that spreads to it.
    weights : array, optional
        Above 0, inversely proportional to the variance of y; not with ``model="mixed"``.
    intercept : bool
        False makes the line go through 0.
    degree : int
        Of a polynomial in x, at most 10.
    keys : DataFrame, optional
        What is known of each pair, so that a point leads to its image.
    names : (str, str), optional
        What x and y are called.
    units : str or (str, str), optional
        The unit of both, or of x and of y.
    confidence : float

    Returns
    -------
    Regression
        Not estimable with fewer than three pairs (women, if robust), fewer pairs than coefficients + 1,
        x or y constant, or predictors that are linearly dependent.

    Raises
    ------
    StatsError
        If an option is unknown, shapes differ or a weight is not above 0.

    Notes
    -----
    R² of a straight line has the interval of Fisher's z; where women repeat, its standard error is by
    the influence of every woman. The marginal and conditional R² are Nakagawa and Schielzeth's.
    ``mixed`` takes some 5 s per 1,000 women with eight images each; the other models far less than 1 s.

    References
    ----------
    Cameron AC, Miller DL. J Hum Resour 2015;50:317-372. Nakagawa S, Schielzeth H. Methods Ecol Evol
    2013;4:133-142.
    """
    if model is not None:
        choice(model, get_args(Model), name="model")
    between(confidence, 0, 1, name="confidence")
    if degree not in range(1, 11):
        raise StatsError(f"degree={degree}: choose a whole number from 1 to 10")
    if model == "mixed" and weights is not None:
        raise StatsError("model='mixed' takes no weights: use model='cluster'")
    taken = Predictors.of(
        x, y, covariates=covariates, weights=weights, breast=breast,
        subject=subject, keys=keys, names=names, units=units,
    )  # fmt: skip
    model = model or ("cluster" if taken.pairs.repeated else "ols")
    plan = _Plan(taken, model, intercept, degree, confidence, weights is not None)
    return plan.answer()


@dataclass(frozen=True, eq=False)
class _Plan:
    """One analysis: its data and options."""

    data: Predictors
    model: Model
    intercept: bool
    degree: int
    confidence: float
    weighted: bool

    @property
    def pairs(self) -> Pairs:
        """The pairs themselves."""
        return self.data.pairs

    @property
    def straight(self) -> bool:
        """Whether this is a straight line of x alone."""
        return self.intercept and self.degree == 1 and not self.data.names and not self.weighted

    def answer(self) -> Regression:
        """Return what was found, or why not."""
        names = (self.pairs.names[0], *self.data.names)
        terms = len(names) - 1 + self.degree + self.intercept
        reason = self.obstacle(terms)
        if reason:
            return self.nothing(reason)
        x, y = self.pairs.a, self.pairs.b
        design = Design.of(x, self.data.covariates, names=names, degree=self.degree, intercept=self.intercept)
        rows = design.rows(x, self.data.covariates)
        fit = Fit.of(rows, y, self.data.weights)
        if fit is None:
            return self.nothing(f"{', '.join(names)} are linearly dependent, so they cannot be told apart")
        if self.model == "mixed":
            return self.mixed(design, rows, fit)
        return self.least_squares(design, fit)

    def obstacle(self, terms: int) -> str:
        """Return why there is no answer, or nothing."""
        n, women = len(self.pairs), self.pairs.n_subjects
        least = max(3, terms + 1)
        if n < least:
            return f"only {n} pairs, at least {least} are needed"
        if self.model != "ols" and women < least:
            return f"only {women} women, at least {least} are needed with model={self.model!r}"
        if self.model == "mixed" and not self.pairs.repeated:
            return "one pair per woman, so women cannot be told from error: use model='ols'"
        for values, name in zip((self.pairs.a, self.pairs.b), self.pairs.names, strict=True):
            if np.ptp(values) == 0:
                return f"{name} is {number(float(values[0]))} everywhere"
        return ""

    def least_squares(self, design: Design, fit: Fit) -> Regression:
        """Return the answer of least squares, robust or naive."""
        n, terms = len(self.pairs), fit.beta.size
        weights, subject = self.data.weights, self.subject()
        variance = float(weights @ fit.residuals**2) / (n - terms)
        plain = fit.covariance(variance)
        robust = self.model == "cluster"
        df = self.pairs.n_subjects - 1 if robust else n - terms
        covariance = fit.robust(weights, subject) if robust else plain
        r2 = self.r_squared(fit)
        slack = (n - self.intercept) / (n - terms)
        return self.build(
            design, fit.beta, covariance, df, fit.residuals,
            sd=math.sqrt(variance), r2=self.r2_interval(r2, fit), adjusted_r2=1 - (1 - r2) * slack,
            residual_sd=math.sqrt(variance), std_err=self.slope_error(design, plain), naive=self.naive(),
        )  # fmt: skip

    def mixed(self, design: Design, rows: FloatArray, fit: Fit) -> Regression:
        """Return the answer of a mixed model."""
        subject = self.subject()
        found = fit_mixed(rows, self.pairs.b, subject, breasts(self.data.nests, subject))
        if isinstance(found, str):
            return self.nothing(found)
        fitted = rows @ found.beta
        explained, total = float(np.var(fitted, ddof=1)), sum(found.variances.values())
        residual = found.variances[RESIDUAL]
        plain = fit.covariance(float(fit.residuals @ fit.residuals) / (len(fitted) - fit.beta.size))
        return self.build(
            design, found.beta, found.covariance, self.pairs.n_subjects - 1, self.pairs.b - fitted,
            sd=math.sqrt(total), r2=Estimate(explained / (explained + total)),
            conditional_r2=Estimate(1 - residual / (explained + total)), residual_sd=math.sqrt(residual),
            std_err=self.slope_error(design, plain), variances=found.variances,
            optimiser=found.optimiser, naive=self.naive(),
        )  # fmt: skip

    def subject(self) -> NDArray[np.intp]:
        """Return the woman of each pair; one for each if unknown."""
        known = self.pairs.subject
        return np.arange(len(self.pairs)) if known is None else known

    def naive(self) -> Regression | None:
        """Return the answer that takes pairs as independent, where they are not."""
        if self.model == "ols" or not self.pairs.repeated:
            return None
        return _Plan(self.data, "ols", self.intercept, self.degree, self.confidence, self.weighted).answer()

    def slope_error(self, design: Design, covariance: FloatArray) -> float:
        """Return the standard error of the coefficient of x."""
        back = design.back[int(self.intercept)]
        return math.sqrt(float(back @ covariance @ back))

    def r_squared(self, fit: Fit) -> float:
        """Return the share explained: about the mean, or about 0 if there is no intercept."""
        y, weights = self.pairs.b, self.data.weights
        about = y - (float(weights @ y) / float(weights.sum()) if self.intercept else 0.0)
        return 1 - float(weights @ fit.residuals**2) / float(weights @ about**2)

    def r2_interval(self, r2: float, fit: Fit) -> Estimate:
        """Return R² with an interval, if it is of a straight line alone."""
        if not self.straight or len(self.pairs) < 4:
            return Estimate(r2)
        r = math.sqrt(max(0.0, r2))
        if self.model == "cluster":
            low, high = self.r_by_woman(r, self.pairs.b - fit.residuals)
        else:
            low, high = fisher_interval(r, len(self.pairs), confidence=self.confidence)
        ends = sorted([low**2, high**2])
        return Estimate(r2, 0.0 if low < 0 < high else ends[0], ends[1])

    def r_by_woman(self, r: float, fitted: FloatArray) -> tuple[float, float]:
        """Return the interval of a correlation of fitted and observed, women being independent."""
        if r >= 1:
            return r, r
        a, b = ((values - values.mean()) / values.std() for values in (fitted, self.pairs.b))
        influence = np.bincount(self.subject(), a * b - r / 2 * (a**2 + b**2))
        women = influence.size
        se = math.sqrt(women / (women - 1) * float(influence @ influence)) / a.size / (1 - r**2)
        half = float(stats.t.ppf((1 + self.confidence) / 2, women - 1)) * se
        return math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)

    def build(
        self,
        design: Design,
        beta: FloatArray,
        covariance: FloatArray,
        df: int,
        residuals: FloatArray,
        *,
        sd: float,
        **found: Any,
    ) -> Regression:
        """Return the answer in the coefficients that were asked for."""
        values = design.back @ beta
        errors = np.sqrt(np.clip(np.einsum("ij,jk,ik->i", design.back, covariance, design.back), 0, None))
        coefficients = {
            term: t_estimate(float(value), float(se), df, confidence=self.confidence)
            for term, value, se in zip(design.terms, values, errors, strict=True)
        }
        curve = Curve(design, beta, covariance, df, sd, self.data.covariates.mean(axis=0))
        return self.result(residuals, coefficients=coefficients, df=df, curve=curve, **found)

    def nothing(self, reason: str) -> Regression:
        """Return an answer that could not be had."""
        missing = Estimate.missing(reason)
        return self.result(
            np.full(len(self.pairs), np.nan), coefficients={}, r2=missing, conditional_r2=missing,
            reason=reason,
        )  # fmt: skip

    def result(self, residuals: FloatArray, **found: Any) -> Regression:
        """Return the answer with what does not depend on the model."""
        x, y = self.pairs.a, self.pairs.b
        points = self.pairs.keys.assign(x=x, y=y, fitted=y - residuals, residual=residuals)
        options: dict[str, Any] = {
            "adjusted_r2": math.nan, "residual_sd": math.nan, "std_err": math.nan, "variances": {},
            "conditional_r2": Estimate.missing("only a mixed model has one"), "optimiser": "", "naive": None,
            "points": points, "n": len(self.pairs), "n_subjects": self.pairs.n_subjects,
            "n_dropped": self.pairs.n_dropped, "df": 0, "names": self.pairs.names, "units": self.data.units,
            "model": self.model, "degree": self.degree, "weighted": self.weighted,
            "confidence": self.confidence, "curve": None,
        }  # fmt: skip
        return Regression(**(options | found))
