"""Who the women of a cohort are: age, race, kidneys, diabetes, smoking, blood pressure, density."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bactools.phantom.woman import DENSITIES

CKD = ("none", "CKD", "ESRD", "transplant")
"""Kidney disease: none, chronic, end-stage, or a transplant."""

YOUNGEST, OLDEST = 40.0, 89.0
"""Ages are kept within these at the first exam, and at the last one too [years]."""


@dataclass(frozen=True)
class Demography:
    """What a cohort's women are like on average.

    Attributes
    ----------
    age_mean, age_sd : float
        At the first exam [years].
    race : mapping of str to float
        Shares.
    ckd : mapping of str to float
        Shares of the kinds of kidney disease `CKD`.
    density : mapping of str to float
        Shares of the BI-RADS densities.
    """

    age_mean: float
    age_sd: float
    race: Mapping[str, float]
    ckd: Mapping[str, float]
    density: Mapping[str, float]


DEMOGRAPHY: Mapping[str, Demography] = {
    "A": Demography(
        70,
        11,
        {"African-American": 0.37, "Caucasian": 0.55, "other": 0.08},
        {"none": 0.65, "CKD": 0.18, "ESRD": 0.09, "transplant": 0.08},
        DENSITIES,
    ),
    "B": Demography(
        69,
        11,
        {"Caucasian": 0.9, "other": 0.1},
        {"none": 0.9, "CKD": 0.1, "ESRD": 0.0, "transplant": 0.0},
        {"A": 0.19, "B": 0.58, "C": 0.19, "D": 0.04},
    ),
    "C": Demography(
        65,
        12,
        {"African-American": 0.54, "Caucasian": 0.38, "other": 0.08},
        {"none": 17 / 26, "CKD": 0.0, "ESRD": 5 / 26, "transplant": 4 / 26},
        {"A": 0.14, "B": 0.56, "C": 0.27, "D": 0.03},
    ),
}
"""Of the three cohorts, after the paper where it says: mean and standard deviation of the age; race; kidney
disease (35 % in A, 9 of 26 in C); mean density 2.08 in B and 2.19 in C. What it does not say is assumed: the
kinds of kidney disease in A, one woman in ten with it in B, other races.

References: Guo X, et al. Med Phys 2021;48:5851-5861, section II.C.
"""


@dataclass(frozen=True)
class Covariates:
    """What is known of a woman at her first exam.

    Attributes
    ----------
    age_at_first_exam : float
        [years]
    race : str
    ckd : {"none", "CKD", "ESRD", "transplant"}
    diabetes, smoker : bool
    systolic_mmhg : float
        Systolic blood pressure [mmHg].
    density : {"A", "B", "C", "D"}
        BI-RADS composition.
    """

    age_at_first_exam: float
    race: str
    ckd: str
    diabetes: bool
    smoker: bool
    systolic_mmhg: float
    density: str

    @property
    def kidney_disease(self) -> bool:
        """Whether she has any."""
        return self.ckd != "none"


def draw_covariates(random: np.random.Generator, cohort: str, *, years: float = 0.0) -> Covariates:
    """Draw a woman's covariates.

    Parameters
    ----------
    random : numpy.random.Generator
    cohort : {"A", "B", "C"}
    years : float
        From the first to the last exam.

    Returns
    -------
    Covariates
        Diabetes is twice as common with kidney disease (0.2 and 0.4, assumed); blood pressure rises
        with age and kidney disease; calcium plays no part.

    Raises
    ------
    ValueError
        If there is no such cohort.
    """
    if cohort not in DEMOGRAPHY:
        raise ValueError(f"cohort {cohort!r}: choose one of {', '.join(DEMOGRAPHY)}")
    who = DEMOGRAPHY[cohort]
    age = float(np.clip(random.normal(who.age_mean, who.age_sd), YOUNGEST, OLDEST - years))
    race, ckd, density = (_choose(random, shares) for shares in (who.race, who.ckd, who.density))
    diseased = ckd != "none"
    diabetes = bool(random.uniform() < (0.4 if diseased else 0.2))
    smoker = bool(random.uniform() < 0.12)
    systolic = 128 + 0.4 * (age - 65) + 8 * diseased + random.normal(0, 14)
    return Covariates(
        age_at_first_exam=round(age, 2),
        race=race,
        ckd=ckd,
        diabetes=diabetes,
        smoker=smoker,
        systolic_mmhg=round(float(np.clip(systolic, 90, 220))),
        density=density,
    )


def _choose(random: np.random.Generator, shares: Mapping[str, float]) -> str:
    chances = np.array(list(shares.values()))
    return str(random.choice(list(shares), p=chances / chances.sum()))
