"""Sample sizes for progression: limiting cases, statsmodels' power, and a small simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestIndPower, TTestPower

from bactools.stats.burden import burden
from bactools.stats.design.progression import own_rate_sd, rate_power, sample_size_progression
from bactools.stats.result import StatsError
from bactools.stats.trajectories import trajectories
from bactools.testing import simulate_cube


def test_without_measurement_error_it_is_the_t_test_of_the_rates() -> None:
    found = sample_size_progression(difference=0.5, rate_sd=1.0, residual_sd=0.0, exams=3, years=2)
    theirs = TTestIndPower().solve_power(effect_size=0.5, power=0.8, alpha=0.05)
    assert found.n == math.ceil(theirs) == 64
    assert found.power == pytest.approx(TTestIndPower().power(0.5, 64, 0.05), abs=1e-6)
    one = sample_size_progression(
        difference=-0.5, rate_sd=1.0, residual_sd=0.0, exams=3, years=2, compare="zero"
    )
    assert one.n == math.ceil(TTestPower().solve_power(effect_size=0.5, power=0.8, alpha=0.05))
    assert one.n_total == one.n


def test_the_sd_of_an_own_rate_is_that_of_least_squares() -> None:
    times = np.array([0.0, 1.0, 3.0, 4.0])
    x = np.column_stack([np.ones(4), times])
    of_slope = np.linalg.inv(x.T @ x)[1, 1]
    assert own_rate_sd(times, rate_sd=0.3, residual_sd=2.0) == pytest.approx(
        math.sqrt(0.09 + 4 * of_slope), rel=1e-12
    )


def test_dropout_and_design_cost_what_they_should() -> None:
    options = {"difference": 0.2, "rate_sd": 0.3, "residual_sd": 0.5}
    base = sample_size_progression(**options, exams=5, years=4)  # type: ignore[arg-type]
    lost = sample_size_progression(**options, exams=5, years=4, dropout=0.3)  # type: ignore[arg-type]
    assert base.n < lost.n < base.n / 0.7
    # with two exams whoever is lost is lost altogether
    two = [
        own_rate_sd(np.array([0.0, 2.0]), rate_sd=0.3, residual_sd=0.5, dropout=share) ** -2
        for share in (0.0, 0.4)
    ]
    assert two[1] == pytest.approx(0.6 * two[0])
    longer = sample_size_progression(**options, exams=5, years=8)  # type: ignore[arg-type]
    assert longer.n < base.n
    ends = sample_size_progression(**options, times=[0, 0.1, 2, 3.9, 4])  # type: ignore[arg-type]
    assert ends.n < base.n
    reached = sample_size_progression(**options, exams=5, years=4, n=base.n - 1)  # type: ignore[arg-type]
    assert reached.power < 0.8 <= base.power
    assert "more women help" in base.interpret()


def test_power_is_reached_in_simulated_studies() -> None:
    """Two groups; each study analysed by the mean of own rates, which equals the mixed model's."""
    random, n, times = np.random.default_rng(0), 20, np.arange(4.0)
    about = times - times.mean()
    hits = 0
    for _ in range(2000):
        rates = random.normal(0, 0.3, (2, n)) + np.array([[0.0], [0.35]])
        exams = rates[:, :, None] * times + random.normal(0, 0.5, (2, n, 4)) + random.normal(0, 2, (2, n, 1))
        own = exams @ about / (about @ about)
        hits += stats.ttest_ind(own[0], own[1]).pvalue < 0.05
    planned = sample_size_progression(difference=0.35, rate_sd=0.3, residual_sd=0.5, times=times, n=n)
    assert hits / 2000 == pytest.approx(planned.power, abs=0.035)


def test_a_pilot_gives_the_components() -> None:
    pilot = trajectories(burden(simulate_cube(60, seed=3)), engine="exact")
    found = sample_size_progression(difference=2e-4, like=pilot, exams=4, years=3)
    by_hand = sample_size_progression(
        difference=2e-4, rate_sd=pilot.rate_sd.value, residual_sd=pilot.residual_sd.value, exams=4, years=3
    )
    assert found.n == by_hand.n > 2
    assert found.note == pilot.note
    none = trajectories(burden(simulate_cube(6, without_bac=1.0)))
    lacking = sample_size_progression(difference=2e-4, like=none, exams=4, years=3)
    assert "give rate_sd and residual_sd" in lacking.interpret()


def test_extremes() -> None:
    many = sample_size_progression(difference=1e-6, rate_sd=1, residual_sd=1, exams=2, years=1)
    assert "more than 1000000 women" in many.reason
    assert rate_power(200, effect=20.0) == pytest.approx(1.0)
    flat = sample_size_progression(difference=1, rate_sd=0, residual_sd=0, exams=2, years=1)
    assert "both 0" in flat.reason


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"difference": 0.0}, "not 0"),
        ({"exams": None}, "When are the exams|when are the exams"),
        ({"times": [0, 1]}, "not both"),
        ({"dropout": 1.0}, "dropout"),
        ({"rate_sd": None}, "rate_sd is missing"),
        ({"residual_sd": -1.0}, "residual_sd=-1"),
        ({"exams": 1}, "2 exams or more"),
        ({"n": 1}, "n=1"),
        ({"compare": "three"}, "compare='three'"),
    ],
)
def test_wrong_input_says_what_to_do(options: dict[str, object], said: str) -> None:
    good = {"difference": 1.0, "rate_sd": 1.0, "residual_sd": 1.0, "exams": 3, "years": 2}
    with pytest.raises(StatsError, match=said):
        sample_size_progression(**(good | options))  # type: ignore[arg-type]
