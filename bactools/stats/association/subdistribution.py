"""Fine and Gray's weighted partial likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bactools.stats.association.partial_likelihood import CoxFit, fit_cox
from bactools.stats.association.risk_sets import RiskSets, Ties
from bactools.stats.inputs import FloatArray

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Censoring:
    """How likely follow-up was to go on: Kaplan and Meier's estimate for censoring.

    Attributes
    ----------
    times : float array, shape (m,)
        Distinct censoring times in order.
    survival : float array, shape (m + 1,)
        Before the first of them, between them, and after the last; events come before censoring at
        the same time.
    n_censored, n_risk : float array, shape (m,)
    """

    times: FloatArray
    survival: FloatArray
    n_censored: FloatArray
    n_risk: FloatArray

    @classmethod
    def of(cls, time: FloatArray, ended: Flags) -> Censoring:
        """Estimate it from times and whether they ended with an event of any kind."""
        times, n_censored = np.unique(time[~ended], return_counts=True)
        # who has an event at that very time cannot be censored at it
        later = time.size - np.searchsorted(np.sort(time), times, side="left")
        own = np.sort(time[ended])
        tied = np.searchsorted(own, times, side="right") - np.searchsorted(own, times, side="left")
        n_risk = (later - tied).astype(np.float64)
        survival = np.concatenate([[1.0], np.cumprod(1 - n_censored / n_risk)])
        return cls(times, survival, n_censored.astype(np.float64), n_risk)

    def before(self, time: FloatArray) -> FloatArray:
        """Return the probability of not being censored before given times."""
        found: FloatArray = self.survival[np.searchsorted(self.times, time, side="left")]
        return found


@dataclass(frozen=True, eq=False)
class FineGrayFit:
    """A fitted subdistribution hazard.

    Attributes
    ----------
    cox : CoxFit
        The weighted partial likelihood.
    residuals : float array, shape (n, p)
        Score residuals, including what the estimated weights add.
    """

    cox: CoxFit
    residuals: FloatArray

    def covariance(self, cluster: NDArray[np.intp]) -> FloatArray:
        """Return the robust covariance, shape (p, p)."""
        return self.cox.robust(cluster, self.residuals)


def fit_fine_gray(
    x: FloatArray, time: FloatArray, event: Flags, competing: Flags, *, ties: Ties = "efron"
) -> FineGrayFit:
    """Fit Fine and Gray's model: women with a competing event stay at risk, with falling weight.

    Parameters
    ----------
    x : float array, shape (n, p)
    time : float array, shape (n,)
    event, competing : bool array, shape (n,)
        Whether it ended with the event of interest, or another; censored if neither.
    ties : {"efron", "breslow"}

    Raises
    ------
    NoMaximum
        If the likelihood has none.

    References
    ----------
    Fine JP, Gray RJ. J Am Stat Assoc 1999;94:496-509. Geskus RB. Biometrics 2011;67:39-49.
    """
    going_on = Censoring.of(time, event | competing)
    carry = np.where(competing, 1 / np.where(competing, going_on.before(time), 1.0), 0.0)
    sets = RiskSets.of(time, event, ties=ties, carry=carry, kept_at=(going_on.times, going_on.survival))
    fit = fit_cox(x, sets)
    return FineGrayFit(fit, fit.score_residuals() + _from_weights(fit, time, event | competing, going_on))


def _from_weights(fit: CoxFit, time: FloatArray, ended: Flags, going_on: Censoring) -> FloatArray:
    """Return what each woman adds to the score through the estimated censoring distribution, (n, p)."""
    sets, at = fit.sets, going_on.times
    carry = np.zeros(time.size) if sets.carry is None else sets.carry
    hazard = sets.kept / fit.sums
    when = time[sets.events]
    # by censoring time: hazards after it, and women carried on from before it
    after = _after(when, hazard, at), _after(when, hazard[:, None] * fit.means, at)
    weight = carry * fit.relative
    held = _upto(time, weight, at), _upto(time, weight[:, None] * fit.x, at)
    pull = held[1] * after[0][:, None] - held[0][:, None] * after[1]
    pull /= going_on.n_risk[:, None]
    passed = np.concatenate(
        [
            np.zeros((1, pull.shape[1])),
            np.cumsum(pull * (going_on.n_censored / going_on.n_risk)[:, None], axis=0),
        ]
    )
    # an event at a censoring time comes before it
    seen = np.where(ended, np.searchsorted(at, time, side="left"), np.searchsorted(at, time, side="right"))
    found: FloatArray = -passed[seen]
    found[~ended] += pull[np.searchsorted(at, time[~ended])]
    return found


def _upto(time: FloatArray, values: FloatArray, at: FloatArray) -> FloatArray:
    """Return sums of the values whose time is at most each of `at`."""
    order = np.argsort(time, kind="stable")
    total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values[order], axis=0)])
    found: FloatArray = total[np.searchsorted(time[order], at, side="right")]
    return found


def _after(time: FloatArray, values: FloatArray, at: FloatArray) -> FloatArray:
    """Return sums of the values whose time is above each of `at`."""
    found: FloatArray = values.sum(axis=0) - _upto(time, values, at)
    return found
