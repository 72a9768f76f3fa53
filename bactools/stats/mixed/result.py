"""What a linear mixed model found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bactools.stats.inputs import FloatArray
from bactools.stats.lines import t_estimate
from bactools.stats.mixed.components import correlation, singular_words, variances
from bactools.stats.mixed.inference import Inference
from bactools.stats.mixed.search import Attempt, Found
from bactools.stats.result import Estimate, Result, StatsError, frame, number


@dataclass(frozen=True, eq=False, repr=False)
class Mixed(Result):
    """A fitted linear mixed model.

    Attributes
    ----------
    coefficients : dict of str to Estimate
        Fixed effects: the intercept, then as given.
    covariance : float array, shape (term, term)
        Of the coefficients.
    intercept_variance, slope_variance, residual_variance : Estimate
        Between and within women; Wald intervals of the logarithm, or from 0 where a variance is near it.
    random_covariance : float
        Between a woman's intercept and slope.
    correlation : Estimate
        The same as a correlation.
    effects : DataFrame
        One row per woman: subject, n, then ``intercept`` and ``slope``: her predicted deviations (BLUPs).
    log_likelihood, aic, bic : float
        Restricted with ``reml``; as R's lme4 counts them.
    r2_marginal, r2_conditional : float
        Share of the variance by fixed effects, and by fixed and random ones (Nakagawa).
    optimiser : str
        The one that won.
    attempts : tuple of Attempt
        What every optimiser tried came to.
    converged : bool
        Whether the likelihood has its maximum there.
    singular : str
        In words, if a variance is zero or a correlation is one; else empty.
    n, n_subjects, n_dropped : int
    terms : tuple of str
    slope : str or None
    reml, errors, confidence
        As asked for.
    reason, note : str
    """

    coefficients: dict[str, Estimate]
    covariance: FloatArray
    intercept_variance: Estimate
    slope_variance: Estimate
    residual_variance: Estimate
    random_covariance: float
    correlation: Estimate
    effects: pd.DataFrame
    log_likelihood: float
    aic: float
    bic: float
    r2_marginal: float
    r2_conditional: float
    optimiser: str
    attempts: tuple[Attempt, ...]
    converged: bool
    singular: str
    n: int
    n_subjects: int
    n_dropped: int
    terms: tuple[str, ...]
    slope: str | None
    reml: bool
    errors: str
    confidence: float
    inference: Inference | None
    reason: str = ""
    note: str = ""

    @classmethod
    def of(
        cls,
        inference: Inference,
        found: Found,
        *,
        labels: ArrayLike,
        x: FloatArray,
        time: FloatArray,
        terms: tuple[str, ...],
        **basis: Any,
    ) -> Mixed:
        """Gather what was found."""
        random, confidence = inference.random, float(basis["confidence"])
        slopes, n = inference.profile.slopes, int(basis["n"])
        parameters = len(terms) + (3 if slopes else 1) + 1
        deviance = inference.state.deviance
        spread = variances(inference, confidence=confidence)
        # Nakagawa's random part: its mean over the observations
        z = np.column_stack([np.ones(n), time])
        by_fixed = float(np.var(x @ inference.coefficients, ddof=1))
        by_random = float(np.einsum("ni,ij,nj->n", z, random, z).mean())
        total = by_fixed + by_random + inference.residual
        effects = pd.DataFrame({"subject": np.asarray(labels), "n": inference.profile.sums.size.astype(int)})
        predicted = inference.effects()
        effects = effects.assign(intercept=predicted[:, 0])
        if slopes:
            effects = effects.assign(slope=predicted[:, 1])
        singular = singular_words(inference)
        self = cls(
            {}, inference.covariance, *spread, random_covariance=float(random[0, 1]) if slopes else 0.0,
            correlation=correlation(random, slopes, singular), effects=effects,
            log_likelihood=-deviance / 2, aic=deviance + 2 * parameters,
            bic=deviance + math.log(n) * parameters, r2_marginal=by_fixed / total,
            r2_conditional=(by_fixed + by_random) / total, optimiser=found.optimiser,
            attempts=found.attempts, converged=found.converged, singular=singular, terms=terms,
            inference=inference, **basis,
        )  # fmt: skip
        for name, contrast in zip(terms, np.eye(len(terms)), strict=True):
            self.coefficients[name] = self.contrast(contrast)
        return self

    @classmethod
    def nothing(cls, reason: str, *, terms: tuple[str, ...], **basis: Any) -> Mixed:
        """Return a model that could not be fitted."""
        missing, nan = Estimate.missing(reason), math.nan
        effects = pd.DataFrame(columns=["subject", "n", "intercept", "slope"])
        return cls(
            dict.fromkeys(terms, missing), np.full((len(terms), len(terms)), nan), missing, missing, missing,
            random_covariance=nan, correlation=missing, effects=effects, log_likelihood=nan, aic=nan,
            bic=nan, r2_marginal=nan, r2_conditional=nan, optimiser="", attempts=(), converged=False,
            singular="", terms=terms, inference=None, reason=reason, **basis,
        )  # fmt: skip

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        random = f"random intercept and slope of {self.slope}" if self.slope else "random intercept"
        return f"Linear mixed model, {random}"

    def degrees_of_freedom(self, contrast: ArrayLike | str) -> float:
        """Return the degrees of freedom of a coefficient by name, or of a contrast of them all."""
        if self.inference is None:
            return math.nan
        return self.inference.degrees_of_freedom(self._weights(contrast))

    def contrast(self, contrast: ArrayLike | str) -> Estimate:
        """Return a weighted sum of the coefficients, with its interval and p-value of its being 0.

        Parameters
        ----------
        contrast : array, shape (term,), or str
            The weights, or the name of one coefficient.

        Raises
        ------
        StatsError
            If there is no such coefficient.
        """
        weights = self._weights(contrast)
        if self.inference is None:
            return Estimate.missing(self.reason)
        se = math.sqrt(max(0.0, float(weights @ self.covariance @ weights)))
        value = float(weights @ self.inference.coefficients)
        df = self.inference.degrees_of_freedom(weights)
        return t_estimate(value, se, df, confidence=self.confidence)

    def predict(self, x: ArrayLike, z: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return x'coefficients + z'(her effects) and its standard error, one per woman of `effects`.

        Parameters
        ----------
        x : array, shape (woman, term)
        z : array, shape (2,)
            Weights of her intercept and slope.

        Raises
        ------
        StatsError
            If the model could not be fitted.
        """
        if self.inference is None:
            raise StatsError(f"nothing to predict from: {self.reason}")
        weights, at = np.asarray(x, dtype=np.float64), np.asarray(z, dtype=np.float64)
        value = weights @ self.inference.coefficients + self.inference.effects() @ at
        return value, self.inference.prediction_error(weights, at)

    def to_frame(self) -> pd.DataFrame:
        """Return fixed effects, then variance components, one row each."""
        parts = {
            "variance of intercepts": self.intercept_variance,
            "variance of slopes": self.slope_variance,
            "correlation": self.correlation,
            "residual variance": self.residual_variance,
        }
        return frame({**self.coefficients, **{k: e for k, e in parts.items() if self.slope or e.estimable}})

    def _words(self) -> str:
        how = "REML" if self.reml else "maximum likelihood"
        told = f"{self.title}, by {how}: {self.n} values of {self.n_subjects} women."
        told += " " + "; ".join(f"{name} {e.words()}" for name, e in self.coefficients.items()) + "."
        told += f" The residual SD is {number(math.sqrt(self.residual_variance.value))}."
        if self.singular:
            told += f" The fit is singular: {self.singular}."
        if not self.converged:
            told += " No optimiser found a clear maximum of the likelihood: do not rely on these numbers."
        return f"{told} Optimiser: {self.optimiser}."

    def _weights(self, contrast: ArrayLike | str) -> FloatArray:
        if not isinstance(contrast, str):
            return np.asarray(contrast, dtype=np.float64)
        if contrast not in self.terms:
            raise StatsError(f"no coefficient {contrast!r}: choose one of {', '.join(self.terms)}")
        return np.asarray(np.eye(len(self.terms))[self.terms.index(contrast)])


def likelihood_ratio(small: Mixed, large: Mixed) -> Estimate:
    """Compare two nested models of the same data.

    Parameters
    ----------
    small, large : Mixed
        Both by maximum likelihood, or both by REML with the same fixed effects.

    Returns
    -------
    Estimate
        The difference of deviances; `p` by chi-squared. Where the two differ by the random slope, the
        truth lies on the boundary, and the p-value is the half-half mixture of 1 and 2 degrees.

    Raises
    ------
    StatsError
        If the two cannot be compared.

    References
    ----------
    Stram DO, Lee JW. Biometrics 1994;50:1171-1177.
    """
    if small.reml != large.reml or small.n != large.n or (small.reml and small.terms != large.terms):
        raise StatsError("these two cannot be compared: fit both to the same rows, with reml=False")
    for model in (small, large):
        if model.reason:
            return Estimate.missing(model.reason)
    value = 2 * (large.log_likelihood - small.log_likelihood)
    df = len(large.terms) - len(small.terms)
    if large.slope and not small.slope:
        p = float(stats.chi2.sf(value, df + 1) + stats.chi2.sf(value, df + 2)) / 2
    else:
        p = float(stats.chi2.sf(value, df)) if df else math.nan
    return Estimate(value, p=p)
