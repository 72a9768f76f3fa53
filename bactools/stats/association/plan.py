"""From rows and an outcome to an association: complete cases, terms, fits, and why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bactools.stats.association.fits import Fitted, Outcome, wald
from bactools.stats.association.outcomes import codes
from bactools.stats.association.partial_likelihood import NoMaximum
from bactools.stats.association.result import Association, DoseCurve, Kind
from bactools.stats.association.rows import Rows
from bactools.stats.association.terms import Terms, Variable, variables
from bactools.stats.chi_squared import ChiSquared
from bactools.stats.inputs import between
from bactools.stats.result import Estimate, StatsError

Flags = NDArray[np.bool_]
_FEW_EVENTS = 10
"""Events per term below which a model is said to be thin."""


@dataclass(frozen=True, eq=False)
class Plan:
    """One analysis: its data and options.

    Attributes
    ----------
    kind : {"logistic", "poisson", "cox", "fine-gray"}
    ratio : str
    rows : Rows
    known : bool array, shape (row,)
        Rows whose outcome is known.
    outcome : callable
        Makes the outcome of some rows.
    competing : bool array, shape (row,)
    subject : int array, shape (row,)
        -1 if missing.
    exposure : Variable
    covariates : sequence of Variable
    per : str or float
    spline : int, sequence of float or None
    confidence : float
    """

    kind: Kind
    ratio: str
    rows: Rows
    known: Flags
    outcome: Callable[[Flags, NDArray[np.intp]], Outcome]
    competing: Flags
    subject: NDArray[np.intp]
    exposure: Variable
    covariates: Sequence[Variable]
    per: str | float
    spline: int | Sequence[float] | None
    confidence: float

    @classmethod
    def of(
        cls,
        kind: Kind,
        ratio: str,
        rows: Rows,
        *,
        known: Flags,
        outcome: Callable[[Flags, NDArray[np.intp]], Outcome],
        subject: Any,
        references: Mapping[str, object] | None,
        per: str | float,
        spline: int | Sequence[float] | None,
        confidence: float,
        competing: Flags | None = None,
    ) -> Plan:
        """Check and name everything.

        Raises
        ------
        StatsError
            If lengths differ, or an option is unknown.
        """
        between(confidence, 0, 1, name="confidence")
        if known.size != rows.n:
            raise StatsError(f"{known.size} outcomes for {rows.n} exposures: give one of each per row")
        told = dict(references or {})
        exposure = Variable.of(rows.exposure, name=rows.name, n=rows.n, reference=told.get(rows.name))
        if exposure.levels and spline is not None:
            raise StatsError(f"{rows.name} has levels, so there is no curve: leave spline out")
        who = np.arange(rows.n) if subject is None else codes(subject, rows.n, name="subject")[0]
        return cls(
            kind, ratio, rows, known, outcome, np.zeros(rows.n, bool) if competing is None else competing,
            who, exposure, variables(rows.covariates, n=rows.n, taken=rows.name, references=told), per,
            spline, confidence,
        )  # fmt: skip

    def answer(self) -> Association:
        """Return the association, with the unadjusted one beside an adjusted."""
        complete = self.known & (self.subject >= 0)
        for variable in (self.exposure, *self.covariates):
            complete = complete & ~np.isnan(variable.values)
        cluster = np.unique(self.subject[complete], return_inverse=True)[1]
        dropped = int((~complete).sum())
        if not complete.any():
            return self.nothing(complete, "there is no row without a missing value")
        outcome = self.outcome(complete, cluster)
        held = replace(
            self, exposure=self.exposure.kept(complete),
            covariates=[variable.kept(complete) for variable in self.covariates],
        )  # fmt: skip
        found = held.fitted(complete, outcome)
        if self.covariates and found.estimable:
            crude = replace(held, covariates=[]).fitted(complete, outcome)
            found = replace(found, unadjusted=replace(crude, n_dropped=dropped))
        return replace(found, n_dropped=dropped)

    def fitted(self, complete: Flags, outcome: Outcome) -> Association:
        """Return the association in complete rows."""
        try:
            terms = Terms.of(
                self.exposure, self.covariates, per=self.per, spline=self.spline, units=self.rows.units
            )
        except StatsError as error:
            # where quantiles coincide it is the data that have no answer, not the question
            if not isinstance(self.spline, int) or "coincide" not in str(error):
                raise
            return self.nothing(complete, str(error), outcome)
        reason = self.obstacle(terms, outcome)
        if reason:
            return self.nothing(complete, reason, outcome)
        columns = {name: terms.of_variable(name) for name in dict.fromkeys(terms.variable)}
        try:
            fit = outcome.fit(terms.matrix, columns)
        except NoMaximum as error:
            return self.nothing(complete, self.separated(terms, outcome, error.columns), outcome)
        return self.built(complete, outcome, terms, fit)

    def obstacle(self, terms: Terms, outcome: Outcome) -> str:
        """Return why there is no answer, or nothing."""
        if self.exposure.levels and len(self.exposure.levels) < 2:
            return f"{self.exposure.name} is {self.exposure.levels[0]} in every row"
        if not outcome.n_events:
            return f"none of {outcome.event.size} rows has an event"
        if not outcome.informative:
            return f"all of {outcome.event.size} rows have an event, so there is nothing to tell apart"
        if outcome.event.size < len(terms.names) + 2:
            return f"only {outcome.event.size} rows for {len(terms.names)} terms"
        if outcome.n_events < len(terms.names):
            return f"only {outcome.n_events} events for {len(terms.names)} terms"
        if outcome.robust and int(outcome.cluster.max()) + 1 <= len(terms.names):
            return f"only {int(outcome.cluster.max()) + 1} women for {len(terms.names)} terms"
        return terms.obstacle()

    def separated(self, terms: Terms, outcome: Outcome, columns: Sequence[int]) -> str:
        """Say whose ratio has no finite estimate."""
        for variable in (self.exposure, *self.covariates):
            for code, level in enumerate(variable.levels):
                held = variable.values == code
                if not outcome.event[held].any():
                    return (
                        f"none of the {int(held.sum())} rows with {variable.name} {level} has an event, so"
                        " its ratio has no finite estimate: join it with another level"
                    )
        names = [terms.names[at] for at in columns] or list(terms.names)
        return (
            f"{' and '.join(names)} tell events apart completely, so there is no finite estimate: join levels"
            " or leave something out"
        )

    def built(self, complete: Flags, outcome: Outcome, terms: Terms, fit: Fitted) -> Association:
        """Return the association of a fitted model."""
        own = terms.of_variable(self.exposure.name)
        block = np.ix_(own, own)
        curve = None
        if not self.exposure.levels:
            curve = DoseCurve(
                terms.knots, terms.scale, fit.beta[own], fit.covariance[block], self.exposure.values
            )
        bent = own[1:] if terms.knots else []
        return self.result(
            complete, outcome,
            coefficients=self.estimates(terms, fit, naive=False),
            naive=self.estimates(terms, fit, naive=True) if outcome.robust else None,
            exposure=tuple(terms.names[at] for at in own), intercept=fit.intercept, curve=curve,
            per=terms.per, trend=self.trend(outcome),
            overall=ChiSquared.wald(fit.beta[own], fit.covariance[block]),
            nonlinearity=ChiSquared.wald(fit.beta[bent], fit.covariance[np.ix_(bent, bent)])
            if bent else ChiSquared.missing("the exposure is not a curve"),
            concordance=fit.concordance, proportionality=fit.proportionality,
            log_likelihood=fit.log_likelihood, log_likelihood_null=fit.log_likelihood_null,
            warnings=self.rows.warnings + self.cautions(terms, outcome),
        )  # fmt: skip

    def estimates(self, terms: Terms, fit: Fitted, *, naive: bool) -> dict[str, Estimate]:
        """Return the coefficients, robust or naive."""
        errors = np.sqrt(np.diag(fit.plain if naive else fit.covariance))
        return {
            name: wald(float(value), float(se), self.confidence)
            for name, value, se in zip(terms.names, fit.beta, errors, strict=True)
        }

    def trend(self, outcome: Outcome) -> Estimate:
        """Return the coefficient of grades counted 0, 1, 2 …, from a model of its own."""
        if not self.exposure.ordered or len(self.exposure.levels) < 3:
            return Estimate.missing("the exposure has no three ordered levels")
        steps = Variable(self.exposure.name, self.exposure.values)
        terms = Terms.of(steps, self.covariates, per="unit", spline=None, units="")
        try:
            fit = outcome.fit(terms.matrix, {})
        except NoMaximum:
            return Estimate.missing("grades tell events apart completely")
        return self.estimates(terms, fit, naive=False)[terms.names[0]]

    def cautions(self, terms: Terms, outcome: Outcome) -> tuple[str, ...]:
        """Return what to be careful with."""
        told, each = [], outcome.informative / len(terms.names)
        if each < _FEW_EVENTS:
            what = "events" if outcome.informative == outcome.n_events else "rows without an event"
            told.append(
                f"{outcome.informative} {what} for {len(terms.names)} terms are {each:.1f} per term, fewer"
                f" than {_FEW_EVENTS}: ratios tend to be too far from 1"
            )
        women = int(outcome.cluster.max()) + 1
        if outcome.robust and women < 50:
            told.append(f"robust standard errors of {women} women tend to be too small")
        return tuple(told)

    def nothing(self, complete: Flags, reason: str, outcome: Outcome | None = None) -> Association:
        """Return an answer that could not be had."""
        missing, test = Estimate.missing(reason), ChiSquared.missing(reason)
        return self.result(
            complete, outcome, coefficients={}, naive=None, exposure=(), intercept=missing, curve=None,
            per="",
            trend=missing, overall=test, nonlinearity=test, concordance=missing, proportionality={},
            log_likelihood=math.nan, log_likelihood_null=math.nan, warnings=self.rows.warnings, reason=reason,
        )  # fmt: skip

    def result(self, complete: Flags, outcome: Outcome | None, **found: Any) -> Association:
        """Add what does not depend on whether there is an answer."""
        time = None if outcome is None else outcome.person_time
        return Association(
            kind=self.kind, ratio=self.ratio,
            references={v.name: v.reference for v in (self.exposure, *self.covariates) if v.levels},
            unadjusted=None, levels=self.levels(outcome), n=int(complete.sum()),
            n_events=0 if outcome is None else outcome.n_events,
            n_competing=int(self.competing[complete].sum()),
            n_subjects=np.unique(self.subject[complete]).size, n_dropped=int((~complete).sum()),
            person_time=math.nan if time is None else float(time.sum()),
            robust=outcome is not None and outcome.robust, name=self.exposure.name, units=self.rows.units,
            confidence=self.confidence, note=self.rows.note, **found,
        )  # fmt: skip

    def levels(self, outcome: Outcome | None) -> pd.DataFrame:
        """Return how many rows, events and how much time each level of the exposure has."""
        rows: list[tuple[str, int, int, float]] = []
        if outcome is None:
            return pd.DataFrame(rows, columns=["level", "n", "n_events", "person_time"])
        for code, level in enumerate(self.exposure.levels):
            held = self.exposure.values == code
            time = float(outcome.person_time[held].sum())
            rows.append((level, int(held.sum()), int(outcome.event[held].sum()), time))
        return pd.DataFrame(rows, columns=["level", "n", "n_events", "person_time"])
