"""When a woman has her first cardiovascular event: a hazard that is known, and independent censoring."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bactools.phantom.covariates import Covariates

BASE_HAZARD = 0.006
"""Events per year of a woman of 65 with neither calcium nor kidney disease nor diabetes."""

LOG_HAZARD_PER_LOG_MG = 0.2
"""Per unit of log(1 + mg), true calcium of both breasts at the first exam: a ratio of 2.5 for 100 mg."""

LOG_HAZARD_PER_YEAR = 0.06
"""Per year of age at the first exam."""

LOG_HAZARD_CKD = math.log(2.0)
"""Of kidney disease of any kind."""

LOG_HAZARD_DIABETES = math.log(1.6)
"""Of diabetes."""

FOLLOW_UP = (3.0, 12.0)
"""Follow-up ends for reasons of its own between these, uniformly [years]. All of this is assumed."""


@dataclass(frozen=True)
class Outcome:
    """Time to the first cardiovascular event, or to the end of follow-up.

    Attributes
    ----------
    years : float
        From the first exam.
    event : bool
        Whether it ended with an event.
    """

    years: float
    event: bool


def hazard(known: Covariates, calcium_mg: float) -> float:
    """Return the hazard of a first event, constant in time [1/year].

    Parameters
    ----------
    known : Covariates
    calcium_mg : float
        In the arteries of both breasts at the first exam, 0 or more [mg].
    """
    return BASE_HAZARD * math.exp(
        LOG_HAZARD_PER_LOG_MG * math.log1p(calcium_mg)
        + LOG_HAZARD_PER_YEAR * (known.age_at_first_exam - 65)
        + LOG_HAZARD_CKD * known.kidney_disease
        + LOG_HAZARD_DIABETES * known.diabetes
    )


def draw_outcome(random: np.random.Generator, known: Covariates, calcium_mg: float) -> Outcome:
    """Draw the outcome of a woman: an exponential time under proportional hazards.

    Parameters
    ----------
    random : numpy.random.Generator
        The time is the inverse of the survival function at the first uniform number, so that more
        calcium never makes it longer.
    known : Covariates
    calcium_mg : float
        See `hazard`.

    References
    ----------
    Bender R, Augustin T, Blettner M. Generating survival times to simulate Cox proportional hazards
    models. Stat Med 2005;24:1713-1723.
    """
    time = -math.log1p(-random.uniform()) / hazard(known, calcium_mg)
    end = float(random.uniform(*FOLLOW_UP))
    return Outcome(years=min(time, end), event=time <= end)
