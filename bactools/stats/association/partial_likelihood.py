"""Cox's partial likelihood: coefficients, standard errors, residuals, proportionality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bactools.stats.association.risk_sets import RiskSets
from bactools.stats.chi_squared import ChiSquared
from bactools.stats.inputs import FloatArray

_MOST_STEPS = 60
_SMALL = 1e-13
_LONG = 1e-2
"""A last step of this many SDs that gains nothing leads to infinity, not to a maximum."""


class NoMaximum(ValueError):
    """A partial likelihood without a maximum.

    Attributes
    ----------
    columns : list of int
        Whose coefficients run off to infinity; empty if it is not known.
    """

    def __init__(self, columns: Sequence[int]) -> None:
        super().__init__("the partial likelihood has no maximum")
        self.columns = list(columns)


@dataclass(frozen=True, eq=False)
class CoxFit:
    """A maximised partial likelihood.

    Attributes
    ----------
    beta : float array, shape (p,)
    information : float array, shape (p, p)
        Observed, at the maximum.
    log_likelihood, log_likelihood_null : float
    relative : float array, shape (n,)
        exp(x beta) of each row, for centred x.
    x : float array, shape (n, p)
        Centred.
    sets : RiskSets
    sums : float array, shape (event,)
        Of `relative` over the risk sets.
    means : float array, shape (event, p)
        Weighted means of x over the risk sets.
    """

    beta: FloatArray
    information: FloatArray
    log_likelihood: float
    log_likelihood_null: float
    relative: FloatArray
    x: FloatArray
    sets: RiskSets
    sums: FloatArray
    means: FloatArray

    @property
    def covariance(self) -> FloatArray:
        """The inverse of the information, shape (p, p)."""
        return np.asarray(np.linalg.inv(self.information), dtype=np.float64)

    def schoenfeld(self) -> FloatArray:
        """Return each event's x minus the mean of its risk set, shape (event, p)."""
        return self.x[self.sets.events] - self.means

    def score_residuals(self) -> FloatArray:
        """Return how far each row pulls at the coefficients, shape (n, p)."""
        sets = self.sets
        count = np.bincount(sets.moment)[:, None]
        own = self.x[sets.events] - (sets.by_moment(self.means) / count)[sets.moment]
        hazard = 1 / self.sums
        expected = self.x * sets.spread(hazard)[:, None] - sets.spread(self.means * hazard[:, None])
        found = -self.relative[:, None] * expected
        found[sets.events] += own
        return found

    def robust(self, cluster: NDArray[np.intp], residuals: FloatArray | None = None) -> FloatArray:
        """Return the covariance that allows for rows of one cluster being alike.

        Parameters
        ----------
        cluster : int array, shape (n,)
        residuals : float array, shape (n, p), optional
            By default `score_residuals`.

        References
        ----------
        Lin DY, Wei LJ. J Am Stat Assoc 1989;84:1074-1078.
        """
        pulls = self.score_residuals() if residuals is None else residuals
        summed = np.zeros((int(cluster.max()) + 1, pulls.shape[1]))
        np.add.at(summed, cluster, pulls)
        bread = self.covariance
        return bread @ (summed.T @ summed) @ bread

    def proportionality(self, time: FloatArray, terms: Mapping[str, Sequence[int]]) -> dict[str, ChiSquared]:
        """Return the score tests that effects do not change with time, per term and of all.

        Parameters
        ----------
        time : float array, shape (event,)
            Of each event on the scale on which effects might change.
        terms : mapping of str to sequence of int
            Columns of each term.

        References
        ----------
        Grambsch PM, Therneau TM. Biometrika 1994;81:515-526. Therneau TM. survival 3.x, cox.zph: the
        exact score test, not its approximation by an average information.
        """
        p = self.beta.size
        about = time - time.mean()
        across = information(self, about)
        squared = information(self, about**2)
        pull = about @ self.schoenfeld()
        whole = np.block([[self.information, across], [across, squared]])

        def test(columns: Sequence[int]) -> ChiSquared:
            at = [*range(p), *(p + column for column in columns)]
            score = np.concatenate([np.zeros(p), pull[list(columns)]])
            try:
                value = float(score @ np.linalg.solve(whole[np.ix_(at, at)], score))
            except np.linalg.LinAlgError:
                return ChiSquared.missing("events are too few for this test")
            return ChiSquared(value, len(columns))

        return {name: test(columns) for name, columns in terms.items()} | {"global": test(range(p))}


def information(fit: CoxFit, factor: FloatArray) -> FloatArray:
    """Return the sum over events of the variance of x in its risk set, times a factor.

    Parameters
    ----------
    fit : CoxFit
    factor : float array, shape (event,)

    Returns
    -------
    float array, shape (p, p)
    """
    return _information(fit.x, fit.relative, fit.sets, fit.sums, fit.means, factor)


def fit_cox(x: FloatArray, sets: RiskSets) -> CoxFit:
    """Maximise a partial likelihood by Newton's method.

    Parameters
    ----------
    x : float array, shape (n, p)
        No column constant or dependent on the others.
    sets : RiskSets
        With at least one event.

    Raises
    ------
    NoMaximum
        If the likelihood rises for ever, or is flat.
    """
    spread = x.std(axis=0)
    scaled = (x - x.mean(axis=0)) / spread
    ones = np.ones(sets.events.size)
    beta = np.zeros(x.shape[1])
    now = null = _at(scaled, beta, sets)
    step = beta
    for _ in range(_MOST_STEPS):
        value, relative, sums, means = now
        score = scaled[sets.events].sum(axis=0) - means.sum(axis=0)
        observed = _information(scaled, relative, sets, sums, means, ones)
        try:
            step = np.linalg.solve(observed, score)
        except np.linalg.LinAlgError:
            raise NoMaximum(_longest(step)) from None
        if float(score @ step) < _SMALL:
            break
        size = 1.0
        later = _at(scaled, beta + step, sets)
        while later[0] < value - 1e-9 * abs(value) and size > 1e-6:
            size /= 2
            later = _at(scaled, beta + size * step, sets)
        beta, now = beta + size * step, later
    else:
        raise NoMaximum(_longest(step))
    if np.abs(step).max() > _LONG:
        raise NoMaximum(_longest(step))
    value, relative, sums, means = now
    return CoxFit(
        beta / spread, observed * np.outer(spread, spread), value, null[0], relative, scaled * spread, sets,
        sums, means * spread,
    )  # fmt: skip


_Point = tuple[float, FloatArray, FloatArray, FloatArray]


def _at(x: FloatArray, beta: FloatArray, sets: RiskSets) -> _Point:
    """Return log-likelihood, exp(x beta), and sums and means over risk sets."""
    predictor = x @ beta
    # no predictor of use reaches this far; beyond, exp would overflow
    predictor = np.clip(predictor - predictor.mean(), -300, 300)
    relative = np.exp(predictor)
    sums = np.maximum(sets.sums(relative), 1e-300)
    means = sets.sums(relative[:, None] * x) / sums[:, None]
    return float(predictor[sets.events].sum() - np.log(sums).sum()), relative, sums, means


def _information(
    x: FloatArray,
    relative: FloatArray,
    sets: RiskSets,
    sums: FloatArray,
    means: FloatArray,
    factor: FloatArray,
) -> FloatArray:
    weight = relative * sets.spread(factor / sums)
    found: FloatArray = x.T @ (weight[:, None] * x) - means.T @ (factor[:, None] * means)
    return found


def _longest(step: FloatArray) -> list[int]:
    """Return the columns along which a step leads."""
    longest = float(np.abs(step).max(initial=0))
    return [int(at) for at in np.flatnonzero(np.abs(step) > 0.1 * longest)] if longest > _LONG else []
