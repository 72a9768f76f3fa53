"""Survival and incidence: by hand, against statsmodels, laws, and what cannot be had."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff

from bactools.stats.result import StatsError
from bactools.stats.survival.kaplan_meier import cumulative_incidence, kaplan_meier

from .survival_data import women

# remission of leukaemia, 6-mercaptopurine and placebo [weeks]: Freireich 1963, as in Cox 1972
DRUG = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
DRUG_CENSORED = [3, 5, 7, 8, 11, 12, 13, 16, 17, 18, 19, 20]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def leukaemia() -> pd.DataFrame:
    event = np.ones(21, dtype=int)
    event[DRUG_CENSORED] = 0
    drug = pd.DataFrame({"time": DRUG, "event": event, "arm": "6-MP"})
    return pd.concat([drug, pd.DataFrame({"time": PLACEBO, "event": 1, "arm": "placebo"})])


def test_the_published_trial() -> None:
    """Medians 23 and 8 weeks, log-rank chi-squared 16.79 (Kleinbaum and Klein, Survival Analysis)."""
    data = leukaemia()
    found = kaplan_meier(data["time"], data["event"], group=data["arm"], units="weeks")
    assert found.medians["6-MP"].value == 23
    assert found.medians["placebo"].value == 8
    assert found.log_rank.value == pytest.approx(16.79, abs=0.005)
    at = found.survival_at([10, 23]).set_index(["group", "time"])["survival"]
    # printed in the book: 0.7529 after 10 weeks, 0.4482 after 23
    assert at["6-MP", 10] == pytest.approx(0.7529, abs=5e-5)
    assert at["6-MP", 23] == pytest.approx(0.4482, abs=5e-5)
    assert found.n == {"6-MP": 21, "placebo": 21}
    assert found.n_events == {"6-MP": 9, "placebo": 21}


@pytest.mark.parametrize("delayed", [False, True])
def test_statsmodels_agrees(delayed: bool) -> None:
    data = women(300, whole=True, seed=1)
    entry = np.where(np.arange(300) % 2, 0.0, 0.5) if delayed else None
    found = kaplan_meier(data["time"], data["event"], entry=entry)
    theirs = SurvfuncRight(data["time"], data["event"].astype(float), entry=entry)
    ours = found.curves[found.curves["n_event"] > 0]
    assert ours["survival"].to_numpy() == pytest.approx(theirs.surv_prob)
    assert ours["se"].to_numpy() == pytest.approx(theirs.surv_prob_se)
    assert ours["n_risk"].to_numpy() == pytest.approx(theirs.n_risk)


def test_the_log_rank_test_is_that_of_statsmodels() -> None:
    data = women(400, whole=True, seed=2)
    found = kaplan_meier(data["time"], data["event"], group=data["grade"])
    value, p = survdiff(data["time"], data["event"].astype(float), data["grade"].astype(str))
    assert found.log_rank.value == pytest.approx(value)
    assert found.log_rank.p == pytest.approx(p)
    assert found.log_rank.df == 3
    entry = np.full(400, 0.0)
    late = kaplan_meier(data["time"], data["event"], group=data["grade"], entry=entry)
    assert late.log_rank.value == pytest.approx(value)


def test_intervals_are_greenwoods_on_each_scale() -> None:
    time, event = [1.0, 2, 3, 4, 5], [1, 1, 0, 1, 0]
    z, survival = 1.959963984540054, 0.6
    se = survival * math.sqrt(1 / (5 * 4) + 1 / (4 * 3))
    reach = z * se / (survival * math.log(survival))
    expected = {
        "plain": (survival - z * se, min(1.0, survival + z * se)),
        "log": (survival * math.exp(-z * se / survival), min(1.0, survival * math.exp(z * se / survival))),
        "log-log": (survival ** math.exp(-reach), survival ** math.exp(reach)),
    }
    for interval, ends in expected.items():
        found = kaplan_meier(time, event, interval=interval)  # type: ignore[arg-type]
        row = found.survival_at([2.5]).iloc[0]
        assert row["survival"] == pytest.approx(survival)
        assert sorted([row["low"], row["high"]]) == pytest.approx(sorted(ends))
        assert row["low"] < row["high"]


def test_numbers_at_risk_are_counted() -> None:
    found = kaplan_meier([1.0, 2, 2, 3, 5], [1, 0, 1, 1, 0], group=["a", "a", "b", "b", "b"])
    table = found.at_risk([0, 2, 2.5, 5, 6])
    assert list(table.loc["a"]) == [2, 1, 0, 0, 0]
    assert list(table.loc["b"]) == [3, 3, 2, 1, 0]
    assert table.to_numpy().dtype.kind == "i"


def test_a_median_in_the_middle_of_a_step_and_none() -> None:
    # survival is exactly one half from 2 to 3: R gives the middle
    assert kaplan_meier([1.0, 2, 3, 4], [1, 1, 1, 1]).medians["all"].value == 2.5
    none = kaplan_meier([1.0, 2, 3, 4], [1, 0, 0, 0])
    assert not none.medians["all"].estimable
    assert "not reached" in none.interpret()
    assert "fewer than half" in none.to_frame()["reason"].iloc[0]
    last = kaplan_meier([1.0, 2], [1, 1])
    assert last.curves["survival"].iloc[-1] == 0
    assert math.isnan(last.curves["se"].iloc[-1])


def test_groups_keep_the_order_of_grades_and_missing_ones_are_counted() -> None:
    data = women(200, seed=3)
    grade = data["grade"].cat.set_categories(["none", "mild", "moderate", "severe", "extreme"])
    grade.iloc[:5] = np.nan
    time = data["time"].copy()
    time.iloc[5:8] = np.nan
    found = kaplan_meier(time, data["event"], group=grade)
    assert found.groups == ("none", "mild", "moderate", "severe")
    assert found.n_dropped == 8
    assert "8 women were left out" in found.interpret()
    assert sum(found.n.values()) == 192
    mixed = np.random.default_rng(0).permutation(200)
    again = kaplan_meier(time.iloc[mixed], data["event"].iloc[mixed], group=grade.iloc[mixed])
    pd.testing.assert_frame_equal(again.curves, found.curves)


def test_what_cannot_be_is_refused_and_what_is_not_there_said() -> None:
    with pytest.raises(StatsError, match="time is -1 at position 1: count time from baseline"):
        kaplan_meier([2, -1], [1, 0])
    with pytest.raises(StatsError, match="event holds 2: code it 1 .happened. and 0"):
        kaplan_meier([2, 1], [1, 2])
    with pytest.raises(StatsError, match="event holds words"):
        kaplan_meier([2, 1], ["dead", "alive"])
    with pytest.raises(StatsError, match="2 times and 3 events"):
        kaplan_meier([2, 1], [1, 0, 0])
    with pytest.raises(StatsError, match="1 women enter when they leave or later"):
        kaplan_meier([2, 1], [1, 0], entry=[0, 3])
    nothing = kaplan_meier([np.nan], [1])
    assert not nothing.estimable
    assert "no woman" in nothing.interpret()
    assert not cumulative_incidence([1.0, 2.0], [0, 0]).estimable
    assert kaplan_meier([1.0, 2, 3], [0, 0, 0], group=["a", "b", "b"]).log_rank.reason == "there is no event"


def test_incidence_is_that_of_statsmodels() -> None:
    data = women(300, whole=True, competing=True, seed=4)
    # the last woman is censored: statsmodels divides by zero where everybody left has an event
    data.loc[len(data)] = data.iloc[0].to_dict() | {"time": 99.0, "code": 0}
    code = data["code"].to_numpy(int)
    found = cumulative_incidence(data["time"], code)
    theirs = CumIncidenceRight(data["time"].to_numpy(), code)
    for at, cause in enumerate(found.causes):
        curve = found.curve("all", cause).iloc[1:]
        assert curve["incidence"].to_numpy() == pytest.approx(theirs.cinc[at])
        assert curve["se"].to_numpy() == pytest.approx(theirs.cinc_se[at])


def test_incidences_and_survival_add_up_to_everybody() -> None:
    data = women(250, whole=True, competing=True, seed=5)
    words = data["code"].map({0: "alive", 1: "CVD", 2: "died"})
    found = cumulative_incidence(data["time"], words, censored="alive", group=data["race"], name="race")
    assert found.causes == ("CVD", "died")
    free = kaplan_meier(data["time"], data["code"] > 0, group=data["race"])
    for group in found.groups:
        total = sum(found.curve(group, cause)["incidence"].to_numpy() for cause in found.causes)
        assert total + free.curve(group)["survival"].to_numpy() == pytest.approx(np.ones(len(total)))
    # a competing event taken as censoring overstates the incidence
    naive = kaplan_meier(data["time"], data["code"] == 1).survival_at([8])["survival"].iloc[0]
    assert (
        cumulative_incidence(data["time"], data["code"]).incidence_at("1", [8])["incidence"].iloc[0]
        < 1 - naive
    )
    assert found.title == "Cumulative incidence by race (Aalen-Johansen)"
    assert "AA, CVD:" in found.interpret()


def test_one_cause_alone_is_kaplan_and_meier_upside_down() -> None:
    data = women(200, whole=True, seed=6)
    found = cumulative_incidence(data["time"], data["event"].astype(int)).curve("all", "1")
    plain = kaplan_meier(data["time"], data["event"]).curves
    assert found["incidence"].to_numpy() == pytest.approx(1 - plain["survival"].to_numpy())
    # their variances differ in small terms: Greenwood's and the multinomial one
    assert found["se"].iloc[5] == pytest.approx(plain["se"].iloc[5], rel=0.02)
