"""The models behind an association: each fits a matrix of terms and says why it cannot."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bactools.stats.association.discrimination import harrell_c
from bactools.stats.association.partial_likelihood import NoMaximum, fit_cox
from bactools.stats.association.risk_sets import RiskSets, Ties
from bactools.stats.association.subdistribution import fit_fine_gray
from bactools.stats.chi_squared import ChiSquared
from bactools.stats.inputs import FloatArray
from bactools.stats.result import Estimate
from bactools.stats.survival.steps import survival_before

IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model.

    Attributes
    ----------
    beta : float array, shape (term,)
    covariance, plain : float array, shape (term, term)
        As wanted, and that which takes rows as independent and the model as right.
    log_likelihood, log_likelihood_null : float
    intercept : Estimate
    concordance : Estimate
    proportionality : mapping of str to ChiSquared
    """

    beta: FloatArray
    covariance: FloatArray
    plain: FloatArray
    log_likelihood: float
    log_likelihood_null: float
    intercept: Estimate
    concordance: Estimate
    proportionality: Mapping[str, ChiSquared]


@dataclass(frozen=True, eq=False)
class Outcome(ABC):
    """What happened, and how it is modelled.

    Attributes
    ----------
    event : float array, shape (n,)
        1 or 0; a number of events of a Poisson model.
    cluster : int array, shape (n,)
        The woman of each row.
    robust : bool
        Whether standard errors are robust, to her rows being alike if she has several.
    confidence : float
    """

    event: FloatArray
    cluster: IntArray
    robust: bool
    confidence: float

    @property
    def n_events(self) -> int:
        """How many events there were."""
        return int(self.event.sum())

    @property
    def informative(self) -> int:
        """The number that limits how many terms a model can have."""
        return self.n_events

    @property
    def person_time(self) -> FloatArray:
        """Time at risk of each row; NaN where there is none."""
        return np.full(self.event.size, np.nan)

    @abstractmethod
    def fit(self, x: FloatArray, terms: Mapping[str, Sequence[int]]) -> Fitted:
        """Fit the model.

        Parameters
        ----------
        x : float array, shape (n, term)
        terms : mapping of str to sequence of int
            Columns of each variable.

        Raises
        ------
        NoMaximum
            If coefficients run off to infinity.
        """


@dataclass(frozen=True, eq=False)
class Generalised(Outcome):
    """Logistic or Poisson regression, by statsmodels.

    Attributes
    ----------
    poisson : bool
    time : float array, shape (n,), or None
        At risk; rates are per unit of it.
    """

    poisson: bool = False
    time: FloatArray | None = None

    @property
    def informative(self) -> int:
        """Events, or women without one if they are fewer."""
        return self.n_events if self.poisson else min(self.n_events, self.event.size - self.n_events)

    @property
    def person_time(self) -> FloatArray:
        """Time at risk of each row."""
        return super().person_time if self.time is None else self.time

    def fit(self, x: FloatArray, terms: Mapping[str, Sequence[int]]) -> Fitted:
        """Fit the model."""
        from statsmodels.genmod.families import Binomial, Poisson
        from statsmodels.genmod.generalized_linear_model import GLM

        centre, spread = x.mean(axis=0), x.std(axis=0)
        design = np.column_stack([np.ones(len(x)), (x - centre) / spread])
        family = Poisson() if self.poisson else Binomial()
        offset = None if self.time is None else np.log(self.time)
        model = GLM(self.event, design, family=family, offset=offset)
        with warnings.catch_warnings():
            # separation and slow convergence are looked for below, and said in words
            warnings.simplefilter("ignore")
            plain = model.fit(maxiter=100, tol=1e-12)
            null = GLM(self.event, design[:, :1], family=family, offset=offset).fit(tol=1e-12)
            robust = self._robust(model) if self.robust else plain
            fitted = plain.fittedvalues
        _check_maximum(design, self.event - fitted, fitted, poisson=self.poisson)
        back = np.diag(np.concatenate([[1.0], 1 / spread]))
        back[0, 1:] = -centre / spread
        beta = back @ plain.params
        covariance, simple = (back @ fit.cov_params() @ back.T for fit in (robust, plain))
        return Fitted(
            beta[1:], covariance[1:, 1:], simple[1:, 1:], float(plain.llf), float(null.llf),
            wald(float(beta[0]), math.sqrt(covariance[0, 0]), self.confidence),
            self._concordance(design @ plain.params), {},
        )  # fmt: skip

    def _robust(self, model: Any) -> Any:
        repeated = self.event.size > int(self.cluster.max()) + 1
        kind = (
            {"cov_type": "cluster", "cov_kwds": {"groups": self.cluster}} if repeated else {"cov_type": "HC0"}
        )
        return model.fit(maxiter=100, tol=1e-12, **kind)

    def _concordance(self, predictor: FloatArray) -> Estimate:
        if self.poisson:
            return Estimate.missing("of a logistic or Cox model only")
        # those with the event count as the earlier ones
        return harrell_c(
            predictor, 2 - self.event, self.event > 0, cluster=self.cluster, confidence=self.confidence
        )


@dataclass(frozen=True, eq=False)
class Hazards(Outcome):
    """Cox's model.

    Attributes
    ----------
    time : float array, shape (n,)
    entry : float array, shape (n,), or None
    stratum : int array, shape (n,), or None
    ties : {"efron", "breslow"}
    """

    time: FloatArray
    entry: FloatArray | None
    stratum: IntArray | None
    ties: Ties

    @property
    def person_time(self) -> FloatArray:
        """Time at risk of each row."""
        return self.time if self.entry is None else self.time - self.entry

    def fit(self, x: FloatArray, terms: Mapping[str, Sequence[int]]) -> Fitted:
        """Fit the model."""
        happened = self.event > 0
        sets = RiskSets.of(self.time, happened, entry=self.entry, stratum=self.stratum, ties=self.ties)
        found = fit_cox(x, sets)
        plain = found.covariance
        # R's default scale of time: one minus Kaplan and Meier's survival of all
        scale = 1 - survival_before(self.time[sets.events], self.time, happened, entry=self.entry)
        return Fitted(
            found.beta, found.robust(self.cluster) if self.robust else plain, plain,
            found.log_likelihood, found.log_likelihood_null,
            Estimate.missing("a Cox model has no intercept"),
            harrell_c(
                x @ found.beta, self.time, happened, entry=self.entry, stratum=self.stratum,
                cluster=self.cluster, confidence=self.confidence,
            ),
            found.proportionality(scale, terms),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Subdistribution(Outcome):
    """Fine and Gray's model; standard errors are always robust.

    Attributes
    ----------
    time : float array, shape (n,)
    competing : bool array, shape (n,)
    ties : {"efron", "breslow"}
    """

    time: FloatArray
    competing: NDArray[np.bool_]
    ties: Ties

    @property
    def person_time(self) -> FloatArray:
        """Time at risk of each row."""
        return self.time

    def fit(self, x: FloatArray, terms: Mapping[str, Sequence[int]]) -> Fitted:
        """Fit the model."""
        found = fit_fine_gray(x, self.time, self.event > 0, self.competing, ties=self.ties)
        nothing = "of a Cox model only"
        return Fitted(
            found.cox.beta, found.covariance(self.cluster), found.cox.covariance, found.cox.log_likelihood,
            found.cox.log_likelihood_null, Estimate.missing("a hazard model has no intercept"),
            Estimate.missing(nothing), {},
        )  # fmt: skip


def wald(value: float, se: float, confidence: float) -> Estimate:
    """Return an estimate with its normal interval, and the p-value of its being 0."""
    from scipy import stats

    half = float(stats.norm.ppf((1 + confidence) / 2)) * se
    return Estimate(
        value,
        value - half,
        value + half,
        se=se,
        p=float(2 * stats.norm.sf(abs(value) / se)) if se > 0 else 1.0,
    )


def _check_maximum(design: FloatArray, residuals: FloatArray, fitted: FloatArray, *, poisson: bool) -> None:
    """Refuse coefficients from which one more step still leads far away."""
    weight = fitted if poisson else fitted * (1 - fitted)
    try:
        step = np.linalg.solve(design.T @ (weight[:, None] * design), design.T @ residuals)
    except np.linalg.LinAlgError:
        raise NoMaximum([]) from None
    longest = float(np.abs(step[1:]).max(initial=0))
    if not longest < 1e-2:
        raise NoMaximum([int(at) for at in np.flatnonzero(np.abs(step[1:]) > 0.1 * longest)])
