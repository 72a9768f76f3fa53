"""One woman of a cohort: all that is drawn of her before an image is made."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bactools.phantom.calcium import Course
from bactools.phantom.covariates import Covariates, draw_covariates
from bactools.phantom.header import Exam
from bactools.phantom.noise import stream
from bactools.phantom.outcomes import Outcome, draw_outcome
from bactools.phantom.plan import DESIGNS, Views
from bactools.phantom.woman import SIDES, Woman, draw_course

LEAST_MG = 1.0
"""Least calcium of both breasts at the first exam of a woman whose arteries have begun to calcify [mg]; her
onset moves back to an age that gives it, which happens in small breasts (`scale`) only."""

CKD_RATE = 1.3
"""How much faster arteries calcify with kidney disease; assumed."""

_FIRST_DAY = dt.date(2005, 1, 3)
_DAYS_OF_ENTRY = 1500


@dataclass(frozen=True)
class Subject:
    """A woman of a cohort.

    Attributes
    ----------
    covariates : Covariates
    woman : Woman
    exams : tuple of Exam
    views : tuple of tuple of str
        Of each exam.
    calcium_mg : float
        In the arteries of both breasts at the first exam [mg].
    outcome : Outcome
    """

    covariates: Covariates
    woman: Woman
    exams: tuple[Exam, ...]
    views: tuple[Views, ...]
    calcium_mg: float
    outcome: Outcome

    @property
    def patient_id(self) -> str:
        """Such as ``PHANTOM-A-0001``."""
        return self.exams[0].patient_id

    def row(self) -> dict[str, Any]:
        """Return her row of ``truth/subjects.csv``."""
        course, known = self.woman.course, self.covariates
        return {
            "patient_id": self.patient_id,
            "age_at_first_exam": round(self.exams[0].age, 2),
            "race": known.race,
            "ckd": known.ckd,
            "diabetes": int(known.diabetes),
            "smoker": int(known.smoker),
            "systolic_mmhg": known.systolic_mmhg,
            "density": known.density,
            "breast_size_mm": round(self.woman.size, 1),
            "exams": len(self.exams),
            "onset_age": round(course.onset, 2) if math.isfinite(course.onset) else None,
            "rate": round(course.rate, 4),
            "calcium_mg": round(self.calcium_mg, 4),
            "event_time_years": round(self.outcome.years, 4),
            "event": int(self.outcome.event),
        }


def draw_subject(
    cohort: str, number: int, *, seed: int, scale: float = 1.0, views: tuple[Views, ...]
) -> Subject:
    """Draw a woman of a cohort; she depends on cohort, seed, scale and her number alone.

    Parameters
    ----------
    cohort : {"A", "B", "C"}
    number : int
        From 1.
    seed : int
        Of the cohort.
    scale : float
        See `bactools.phantom.woman.Woman`.
    views : tuple of tuple of str
        Of each of her exams, see `bactools.phantom.plan.plan`.
    """
    random = stream(seed, "subject", cohort, number)
    known = draw_covariates(random, cohort, years=len(views) - 1)
    age = known.age_at_first_exam
    design = DESIGNS[cohort]
    share = design.calcified_ckd if known.kidney_disease else design.calcified
    course = draw_course(random, age=age, share=share)
    if known.kidney_disease:
        course = replace(course, rate=course.rate * CKD_RATE)
    size = float(np.clip(random.normal(92, 13), 62, 125))
    woman = Woman(int(random.integers(2**62)), known.density, size, course, scale)
    first = _FIRST_DAY + dt.timedelta(int(random.integers(_DAYS_OF_ENTRY)))
    gaps = 365 + np.clip(random.normal(15, 30, len(views) - 1), -45, 90)
    days = np.concatenate([[0], np.cumsum(gaps)])
    birth = first - dt.timedelta(round(age * 365.25))
    exams = tuple(
        Exam(
            patient_id=f"PHANTOM-{cohort}-{number:04d}",
            woman=number,
            number=which,
            date=first + dt.timedelta(round(float(after))),
            birth=birth,
            origin=f"{cohort}|{seed}|{scale:g}",
        )
        for which, after in enumerate(days)
    )
    woman, calcium = _calcified(woman, exams[0].age)
    outcome = draw_outcome(stream(seed, "outcome", cohort, number), known, calcium)
    return Subject(known, woman, exams, views, calcium, outcome)


def _calcified(woman: Woman, age: float) -> tuple[Woman, float]:
    """Move the onset back until there is calcium; return it too [mg]."""
    course: Course = woman.course
    calcium = both_mg(woman, age)
    while math.isfinite(course.onset) and calcium < LEAST_MG and course.onset > -100:
        course = replace(course, onset=course.onset - 3)
        woman = replace(woman, course=course)
        calcium = both_mg(woman, age)
    return woman, calcium


def both_mg(woman: Woman, age: float) -> float:
    """Return the calcium in the arteries of both breasts at an age [mg]."""
    return math.fsum(woman.calcium_mg(side, age) for side in SIDES)
