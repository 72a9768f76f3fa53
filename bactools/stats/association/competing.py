"""Competing risks: subdistribution hazard ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bactools.stats.association.fits import Outcome, Subdistribution
from bactools.stats.association.outcomes import causes, kinds_of, times_of
from bactools.stats.association.plan import Plan
from bactools.stats.association.result import Association
from bactools.stats.association.risk_sets import Ties
from bactools.stats.association.rows import Covariates, Exposure, Rows
from bactools.stats.inputs import Values, choice
from bactools.stats.result import StatsError


def fine_gray(
    time: Values,
    event: Sequence[Any] | ArrayLike | pd.Series,
    exposure: Exposure,
    *,
    cause: object = 1,
    censored: object = 0,
    covariates: Covariates = None,
    per: str | float = "sd",
    spline: int | Sequence[float] | None = None,
    references: Mapping[str, object] | None = None,
    ties: Ties = "efron",
    name: str | None = None,
    units: str | None = None,
    confidence: float = 0.95,
) -> Association:
    """Estimate subdistribution hazard ratios of an exposure where other events compete.

    Parameters
    ----------
    time : array or Series, shape (woman,)
    event : sequence, shape (woman,)
        How follow-up ended: a code or word for each cause.
    cause, censored : object
        Which of them is the event of interest, and which the end of follow-up without any; all others
        compete.
    exposure, covariates, per, spline, references, name, units, confidence
        See `bactools.stats.association.models.logistic`.
    ties : {"efron", "breslow"}

    Returns
    -------
    Association
        See `bactools.stats.association.models.logistic`. Standard errors are robust and allow for
        the weights being estimated.

    Raises
    ------
    StatsError
        If no follow-up ended so, a time is negative, lengths differ, or an option is unknown.

    References
    ----------
    Fine JP, Gray RJ. J Am Stat Assoc 1999;94:496-509.
    """
    choice(ties, get_args(Ties), name="ties")
    rows = Rows.of(exposure, event, covariates, name=name, units=units)
    ended = causes(rows.place(event, "event"), censored=censored)
    when = times_of(rows.place(time, "time"), ended.size)
    kinds = kinds_of(ended)
    if kinds and cause not in kinds:
        raise StatsError(f"cause={cause!r}: no follow-up ended so, but with {', '.join(map(repr, kinds))}")
    own, gone = (np.array([value == kind for value in ended], dtype=bool) for kind in (cause, censored))
    known = np.array([value is not None for value in ended], dtype=bool) & ~np.isnan(when)
    competing = known & ~own & ~gone

    def outcome(held: NDArray[np.bool_], cluster: NDArray[np.intp]) -> Outcome:
        return Subdistribution(
            own[held].astype(np.float64), cluster, True, confidence, when[held], competing[held], ties
        )

    return Plan.of(
        "fine-gray", "subdistribution hazard ratio", rows, known=known, outcome=outcome, subject=None,
        references=references, per=per, spline=spline, confidence=confidence, competing=competing,
    ).answer()  # fmt: skip
