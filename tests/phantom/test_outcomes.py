"""Outcomes follow the stated hazard: found again from many women, in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bactools.phantom import outcomes
from bactools.phantom.covariates import Covariates
from bactools.phantom.noise import stream
from bactools.phantom.outcomes import LOG_HAZARD_PER_LOG_MG, draw_outcome, hazard

WOMAN = Covariates(
    age_at_first_exam=65,
    race="other",
    ckd="none",
    diabetes=False,
    smoker=False,
    systolic_mmhg=130,
    density="B",
)
MANY = 20_000


def rate(known: Covariates, calcium_mg: float) -> tuple[float, int]:
    """Events per year of follow-up: what a Poisson or exponential fit gives; and events."""
    random = stream(5, "outcomes", str(known), int(calcium_mg))
    found = [draw_outcome(random, known, calcium_mg) for _ in range(MANY)]
    events = sum(one.event for one in found)
    return events / sum(one.years for one in found), events


def test_times_to_an_event_are_exponential(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "FOLLOW_UP", (1e9, 1e9))
    random = stream(2, "uncensored")
    times = np.array([draw_outcome(random, WOMAN, 50.0).years for _ in range(MANY)])
    expected = 1 / hazard(WOMAN, 50.0)
    assert times.mean() == pytest.approx(expected, rel=4 / np.sqrt(MANY))
    assert np.median(times) == pytest.approx(np.log(2) * expected, rel=0.04)
    assert times.std() == pytest.approx(expected, rel=0.04)


def test_the_slope_on_log_calcium_is_found_again() -> None:
    masses = np.array([0.0, 3.0, 30.0, 300.0, 1500.0])
    rates, events = np.array([rate(WOMAN, mg) for mg in masses]).T
    slope, base = np.polyfit(np.log1p(masses), np.log(rates), 1, w=np.sqrt(events))
    assert slope == pytest.approx(LOG_HAZARD_PER_LOG_MG, abs=0.02)
    assert np.exp(base) == pytest.approx(outcomes.BASE_HAZARD, rel=0.1)


@pytest.mark.parametrize(
    ("change", "ratio"),
    [({"ckd": "CKD"}, 2.0), ({"diabetes": True}, 1.6), ({"age_at_first_exam": 75}, np.exp(0.6))],
)
def test_hazard_ratios_are_found_again(change: dict[str, object], ratio: float) -> None:
    there, here = rate(replace(WOMAN, **change), 100.0)[0], rate(WOMAN, 100.0)[0]  # type: ignore[arg-type]
    assert there / here == pytest.approx(ratio, rel=0.1)


def test_more_calcium_never_makes_an_event_later() -> None:
    for seed in range(200):
        times = [draw_outcome(stream(seed), WOMAN, mg).years for mg in (0, 1, 10, 100, 1000)]
        assert (np.diff(times) <= 0).all()


def test_follow_up_ends_within_its_bounds() -> None:
    random = stream(3)
    found = [draw_outcome(random, WOMAN, 0.0) for _ in range(2000)]
    ends = [one.years for one in found if not one.event]
    assert min(ends) >= 3
    assert max(ends) <= 12
    assert np.mean(ends) == pytest.approx(7.5, abs=0.3)
