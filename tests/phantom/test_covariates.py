"""Women of a cohort are as the paper describes them."""

from __future__ import annotations

import numpy as np
import pytest

from bactools.phantom.covariates import OLDEST, YOUNGEST, Covariates, draw_covariates
from bactools.phantom.noise import stream

MANY = 6000


def drawn(cohort: str, *, years: float = 0) -> list[Covariates]:
    random = stream(1, "many", cohort)
    return [draw_covariates(random, cohort, years=years) for _ in range(MANY)]


# mean and standard deviation of age, share African-American, share with kidney disease (paper, II.C)
@pytest.mark.parametrize(
    ("cohort", "mean", "sd", "african", "kidney"),
    [("A", 70, 11, 0.37, 0.35), ("B", 69, 11, 0.0, None), ("C", 65, 12, 0.54, 9 / 26)],
)
def test_the_papers_demographics(
    cohort: str, mean: float, sd: float, african: float, kidney: float | None
) -> None:
    women = drawn(cohort)
    ages = np.array([woman.age_at_first_exam for woman in women])
    assert ages.mean() == pytest.approx(mean, abs=0.7)  # the ends are cut off
    assert ages.std() == pytest.approx(sd, abs=1.2)
    assert np.mean([woman.race == "African-American" for woman in women]) == pytest.approx(african, abs=0.025)
    if kidney is not None:
        assert np.mean([woman.kidney_disease for woman in women]) == pytest.approx(kidney, abs=0.025)


def test_nine_of_ten_of_cohort_b_are_caucasian() -> None:
    assert np.mean([woman.race == "Caucasian" for woman in drawn("B")]) == pytest.approx(0.9, abs=0.02)


def test_cohort_c_has_end_stage_disease_or_a_transplant_or_healthy_kidneys() -> None:
    assert {woman.ckd for woman in drawn("C")} == {"none", "ESRD", "transplant"}


@pytest.mark.parametrize(("cohort", "density", "sd"), [("B", 2.08, 0.76), ("C", 2.19, 0.70)])
def test_densities(cohort: str, density: float, sd: float) -> None:
    numbers = np.array(["ABCD".index(woman.density) + 1 for woman in drawn(cohort)])
    assert numbers.mean() == pytest.approx(density, abs=0.04)
    assert numbers.std() == pytest.approx(sd, abs=0.05)


def test_densities_of_cohort_a() -> None:
    women = drawn("A")
    for letter, share in {"A": 0.072, "B": 0.436, "C": 0.417, "D": 0.075}.items():
        assert np.mean([woman.density == letter for woman in women]) == pytest.approx(share, abs=0.025)


def test_ages_stay_plausible_to_the_last_exam() -> None:
    ages = [woman.age_at_first_exam for woman in drawn("C", years=11)]
    assert min(ages) >= YOUNGEST
    assert max(ages) + 11 <= OLDEST


def test_kidney_disease_goes_with_diabetes_and_blood_pressure() -> None:
    women = drawn("A")
    ill, well = ([w for w in women if w.kidney_disease is state] for state in (True, False))
    diabetic, others = (np.mean([woman.diabetes for woman in group]) for group in (ill, well))
    assert diabetic / others == pytest.approx(2, abs=0.4)
    difference = np.mean([w.systolic_mmhg for w in ill]) - np.mean([w.systolic_mmhg for w in well])
    assert difference == pytest.approx(8, abs=1.5)


def test_there_are_three_cohorts() -> None:
    with pytest.raises(ValueError, match="'Z': choose one of A, B, C"):
        draw_covariates(stream(1), "Z")
