"""Association of burden with outcomes: logistic, Poisson and Cox regression, and Fine and Gray's model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bactools.stats.association.competing import fine_gray
from bactools.stats.association.fits import Generalised, Hazards, Outcome
from bactools.stats.association.outcomes import codes, counts, events, times_of
from bactools.stats.association.plan import Plan
from bactools.stats.association.result import Association, association_table
from bactools.stats.association.risk_sets import Ties
from bactools.stats.association.rows import Covariates, Exposure, Rows, baseline
from bactools.stats.inputs import Values, choice
from bactools.stats.result import StatsError

__all__ = ["Association", "association_table", "baseline", "cox", "fine_gray", "logistic", "poisson"]

Flags = NDArray[np.bool_]
IntArray = NDArray[np.intp]
Labels = Sequence[Any] | ArrayLike | pd.Series
Knots = int | Sequence[float]


def logistic(
    event: Values,
    exposure: Exposure,
    *,
    covariates: Covariates = None,
    per: str | float = "sd",
    spline: Knots | None = None,
    references: Mapping[str, object] | None = None,
    subject: Labels | None = None,
    robust: bool | None = None,
    name: str | None = None,
    units: str | None = None,
    confidence: float = 0.95,
) -> Association:
    """Estimate odds ratios of an exposure.

    Parameters
    ----------
    event : array or Series, shape (row,)
        1 or True where it happened, else 0.
    exposure : array, Series, Burden or Grades
        Numbers, truth values or categories, shape (row,). A Burden or Grades stands for each woman's
        first exam; everything else is then a Series with subjects as index.
    covariates : mapping of str to sequence, DataFrame, or sequence of str, optional
        Numbers, truth values or categories, shape (row,); of a Burden also names of its own columns.
    per : {"sd", "unit"} or float
        For what difference in a numeric exposure the ratio is: its SD in the complete rows, 1, or so
        many units.
    spline : int or sequence of float, optional
        Knots of a restricted cubic spline of the exposure, or how many (3 to 7).
    references : mapping of str to object, optional
        Reference level by variable; by default the first, see `association_terms.Variable.of`.
    subject : sequence, shape (row,), optional
        The woman of each row. Without it every row is taken to be of another one.
    robust : bool, optional
        Whether standard errors are robust; by default where women repeat, and then they allow for her
        rows being alike.
    name, units : str, optional
        Of the exposure.
    confidence : float

    Returns
    -------
    Association
        Rows with a missing value are left out and counted. Not estimable, with the reason in words,
        without events, if a term is constant or follows from others, or tells events apart completely.

    Raises
    ------
    StatsError
        If an event is not coded 0 or 1, lengths differ, or an option is unknown.

    References
    ----------
    Hosmer DW, Lemeshow S, Sturdivant RX. Applied Logistic Regression, 3rd ed. Wiley 2013.
    """
    rows = Rows.of(exposure, event, covariates, name=name, units=units)
    happened = events(rows.place(event, "event"))
    who = rows.place(subject, "subject")

    def outcome(held: Flags, cluster: IntArray) -> Outcome:
        return Generalised(happened[held], cluster, _robust(robust, cluster), confidence)

    return Plan.of(
        "logistic", "odds ratio", rows, known=~np.isnan(happened), outcome=outcome, subject=who,
        references=references, per=per, spline=spline, confidence=confidence,
    ).answer()  # fmt: skip


def poisson(
    events: Values,
    exposure: Exposure,
    *,
    time: Values | None = None,
    covariates: Covariates = None,
    per: str | float = "sd",
    spline: Knots | None = None,
    references: Mapping[str, object] | None = None,
    subject: Labels | None = None,
    robust: bool = True,
    name: str | None = None,
    units: str | None = None,
    confidence: float = 0.95,
) -> Association:
    """Estimate rate ratios of an exposure, or risk ratios if there is no time and events are 0 or 1.

    Parameters
    ----------
    events : array or Series, shape (row,)
        How many: whole numbers, 0 or more.
    exposure, covariates, per, spline, references, subject, name, units, confidence
        See `logistic`.
    time : array or Series, shape (row,), optional
        At risk, above 0.
    robust : bool
        Robust standard errors hold where events scatter more than a Poisson distribution, which they
        mostly do, or less, as of a risk ratio.

    Returns
    -------
    Association
        See `logistic`.

    Raises
    ------
    StatsError
        If events are not whole numbers, a time is not above 0, lengths differ, or an option is unknown.

    References
    ----------
    Zou G. Am J Epidemiol 2004;159:702-706 (risk ratios).
    """
    rows = Rows.of(exposure, events, covariates, name=name, units=units)
    happened = counts(rows.place(events, "events"))
    known = ~np.isnan(happened)
    at_risk = None if time is None else times_of(rows.place(time, "time"), happened.size)
    if at_risk is not None:
        known &= ~np.isnan(at_risk)
        if (at_risk[known] == 0).any():
            raise StatsError("a time at risk is 0: leave such rows out")
    binary = time is None and bool((happened[known] <= 1).all())

    def outcome(held: Flags, cluster: IntArray) -> Outcome:
        own = None if at_risk is None else at_risk[held]
        return Generalised(happened[held], cluster, robust, confidence, poisson=True, time=own)

    return Plan.of(
        "poisson", "risk ratio" if binary else "rate ratio", rows, known=known, outcome=outcome,
        subject=rows.place(subject, "subject"), references=references, per=per, spline=spline,
        confidence=confidence,
    ).answer()  # fmt: skip


def cox(
    time: Values,
    event: Values,
    exposure: Exposure,
    *,
    covariates: Covariates = None,
    per: str | float = "sd",
    spline: Knots | None = None,
    references: Mapping[str, object] | None = None,
    entry: Values | None = None,
    strata: Labels | None = None,
    subject: Labels | None = None,
    robust: bool | None = None,
    ties: Ties = "efron",
    name: str | None = None,
    units: str | None = None,
    confidence: float = 0.95,
) -> Association:
    """Estimate hazard ratios of an exposure, with the test of proportional hazards and Harrell's C.

    Parameters
    ----------
    time : array or Series, shape (row,)
        From baseline to the event or the end of follow-up, 0 or more, in years.
    event : array or Series, shape (row,)
        1 or True if it ended with the event, else 0.
    exposure, covariates, per, spline, references, subject, robust, name, units, confidence
        See `logistic`.
    entry : array or Series, shape (row,), optional
        When she came under observation; at risk after it. With it a woman may have several rows.
    strata : sequence, shape (row,), optional
        Women are compared within strata, each with a baseline hazard of its own.
    ties : {"efron", "breslow"}

    Returns
    -------
    Association
        See `logistic`.

    Raises
    ------
    StatsError
        If a time is negative, an event is not coded 0 or 1, an entry does not come before its time,
        lengths differ, or an option is unknown.

    Notes
    -----
    statsmodels and lifelines fit this model too, but neither gives the exact test of proportional
    hazards, the standard error of C, nor the weights Fine and Gray need; all come from the same risk
    sets here, and agree with R's survival.

    References
    ----------
    Cox DR. J R Stat Soc B 1972;34:187-220. Efron B. J Am Stat Assoc 1977;72:557-565. Lin DY, Wei LJ.
    J Am Stat Assoc 1989;84:1074-1078. Grambsch PM, Therneau TM. Biometrika 1994;81:515-526.
    """
    choice(ties, get_args(Ties), name="ties")
    rows = Rows.of(exposure, event, covariates, name=name, units=units)
    happened = events(rows.place(event, "event"))
    when = times_of(rows.place(time, "time"), happened.size)
    known = ~(np.isnan(happened) | np.isnan(when))
    start = None if entry is None else times_of(rows.place(entry, "entry"), when.size, name="entry")
    if start is not None:
        known &= ~np.isnan(start)
        late = known & (np.where(known, start, 0) >= np.where(known, when, 1))
        if late.any():
            raise StatsError(
                f"entry is not before time at position {int(late.argmax())}: correct or leave out"
            )
    layer = None
    if strata is not None:
        layer = codes(rows.place(strata, "strata"), when.size, name="strata")[0]
        known &= layer >= 0

    def outcome(held: Flags, cluster: IntArray) -> Outcome:
        return Hazards(
            happened[held], cluster, _robust(robust, cluster), confidence, when[held],
            None if start is None else start[held], None if layer is None else layer[held], ties,
        )  # fmt: skip

    return Plan.of(
        "cox", "hazard ratio", rows, known=known, outcome=outcome,
        subject=rows.place(subject, "subject"), references=references, per=per, spline=spline,
        confidence=confidence,
    ).answer()  # fmt: skip


def _robust(asked: bool | None, cluster: IntArray) -> bool:
    repeated = cluster.size > int(cluster.max(initial=-1)) + 1
    return repeated if asked is None else asked
