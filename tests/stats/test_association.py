"""Association: closed forms, known hazards, tables, and what has no answer, in words."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.discrete.discrete_model import Logit
from statsmodels.genmod.families import Poisson
from statsmodels.genmod.generalized_linear_model import GLM

from bactools.phantom.covariates import Covariates, draw_covariates
from bactools.phantom.outcomes import LOG_HAZARD_CKD, LOG_HAZARD_PER_LOG_MG, LOG_HAZARD_PER_YEAR, draw_outcome
from bactools.stats.association import association_table, baseline, cox, fine_gray, logistic, poisson
from bactools.stats.burden import burden
from bactools.stats.grades import grades
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube

from .survival_data import women


def two_by_two() -> tuple[np.ndarray, np.ndarray]:
    """20 of 50 exposed and 10 of 60 not exposed have the event."""
    exposed = np.repeat([1, 1, 0, 0], [20, 30, 10, 50])
    return exposed, np.repeat([1, 0, 1, 0], [20, 30, 10, 50])


def test_the_odds_ratio_of_a_two_by_two_table_is_woolfs() -> None:
    exposed, event = two_by_two()
    found = logistic(event, exposed, name="exposed")
    ratio, se = 20 * 50 / (30 * 10), math.sqrt(1 / 20 + 1 / 30 + 1 / 10 + 1 / 50)
    assert found.value.value == pytest.approx(ratio)
    assert found.coefficients["exposed"].se == pytest.approx(se, rel=1e-6)
    assert found.value.low == pytest.approx(ratio * math.exp(-1.959963984540054 * se), rel=1e-6)
    assert found.intercept.value == pytest.approx(math.log(10 / 50))
    assert found.per == "exposed being present"
    assert "the odds of the event are" in found.interpret()


def test_the_risk_ratio_and_its_robust_error_are_those_of_the_table() -> None:
    exposed, event = two_by_two()
    found = poisson(event, exposed, name="exposed")
    assert found.ratio == "risk ratio"
    assert found.value.value == pytest.approx((20 / 50) / (10 / 60))
    expected = math.sqrt(1 / 20 - 1 / 50 + 1 / 10 - 1 / 60)
    assert found.coefficients["exposed"].se == pytest.approx(expected, rel=1e-6)
    naive = poisson(event, exposed, robust=False, name="exposed").coefficients["exposed"]
    assert naive.se == pytest.approx(math.sqrt(1 / 20 + 1 / 10), rel=1e-6)


def test_the_rate_ratio_is_that_of_events_per_time() -> None:
    events, time, exposed = [3, 5, 1, 2], [10.0, 20.0, 15.0, 40.0], [1, 1, 0, 0]
    found = poisson(events, exposed, time=time, robust=False, name="exposed")
    assert found.ratio == "rate ratio"
    assert found.value.value == pytest.approx((8 / 30) / (3 / 55))
    assert found.coefficients["exposed"].se == pytest.approx(math.sqrt(1 / 8 + 1 / 3), rel=1e-6)
    assert found.intercept.value == pytest.approx(math.log(3 / 55))
    assert found.person_time == 85
    assert found.n_events == 11


def test_another_route_through_statsmodels_agrees() -> None:
    data = women(400, seed=1)
    x = np.column_stack([np.ones(400), data["z"], data["ckd"], data["race"] == "C"]).astype(float)
    cov = {"ckd": data["ckd"], "race": data["race"]}
    ours = logistic(data["event"], data["z"], covariates=cov, per="unit")
    theirs = Logit(data["event"].to_numpy(float), x).fit(disp=False)
    for at, term in enumerate(["z", "ckd", "race: C"], 1):
        assert ours.coefficients[term].value == pytest.approx(theirs.params[at], rel=1e-6)
        assert ours.coefficients[term].se == pytest.approx(theirs.bse[at], rel=1e-5)
    assert ours.log_likelihood == pytest.approx(theirs.llf)
    assert ours.likelihood_ratio.p == pytest.approx(theirs.llr_pvalue)
    clustered = poisson(
        data["event"], data["z"], time=data["time"], covariates=cov, per="unit",
        subject=np.arange(400) // 4,
    )  # fmt: skip
    rates = GLM(data["event"].to_numpy(float), x, family=Poisson(), offset=np.log(data["time"])).fit(
        cov_type="cluster", cov_kwds={"groups": np.arange(400) // 4}
    )
    assert clustered.coefficients["z"].se == pytest.approx(rates.bse[1], rel=1e-5)
    assert clustered.n_subjects == 100
    assert "several rows of one woman" in clustered.interpret()


def test_the_area_under_the_curve_is_mann_and_whitneys() -> None:
    data = women(150, seed=2)
    found = logistic(data["event"], data["z"])
    ill, well = data.loc[data["event"], "z"].to_numpy(), data.loc[~data["event"], "z"].to_numpy()
    assert found.concordance.value == pytest.approx((ill[:, None] > well).mean())


def test_per_sd_per_unit_and_per_ten_are_one_line() -> None:
    data = women(300, seed=3)
    held: dict[str, Any] = {"covariates": {"ckd": data["ckd"]}, "units": "mm2"}
    by = {per: cox(data["time"], data["event"], data["z"], per=per, **held) for per in ("sd", "unit", 10.0)}
    one = by["unit"].coefficients["z"].value
    assert by["sd"].coefficients["z"].value == pytest.approx(one * data["z"].std())
    assert by[10.0].coefficients["z"].value == pytest.approx(10 * one)
    assert by[10.0].per == "10 mm2 of z"
    assert by["sd"].per.startswith("SD of z (")
    p = [found.coefficients["z"].p for found in by.values()]
    assert p == pytest.approx([p[0]] * 3, rel=1e-9)
    # the SD is that of the complete rows
    z = data["z"].copy()
    z.iloc[:100] = np.nan
    part = cox(data["time"], data["event"], z, **held)
    assert part.n_dropped == 100
    assert "100 rows were left out" in part.interpret()
    unit = cox(data["time"], data["event"], z, per="unit", **held).coefficients["z"].value
    assert part.coefficients["z"].value == pytest.approx(unit * data["z"].iloc[100:].std())


def test_grades_have_a_reference_and_a_trend() -> None:
    data = women(800, seed=4)
    found = cox(data["time"], data["event"], data["grade"], covariates={"ckd": data["ckd"]})
    assert found.exposure == ("grade: mild", "grade: moderate", "grade: severe")
    assert found.references == {"grade": "none"}
    table = found.to_frame()
    assert table.loc[table["model"] == "adjusted", "term"].iloc[0] == "grade: none (reference)"
    steps = cox(
        data["time"], data["event"], data["grade"].cat.codes, covariates={"ckd": data["ckd"]}, per="unit"
    )
    assert found.trend.value == pytest.approx(next(iter(steps.coefficients.values())).value, rel=1e-9)
    other = cox(data["time"], data["event"], data["grade"], references={"grade": "severe"})
    plain = cox(data["time"], data["event"], data["grade"])
    assert other.ratios["grade: none"].value == pytest.approx(1 / plain.ratios["grade: severe"].value)
    assert other.overall.value == pytest.approx(plain.overall.value)
    assert list(found.levels["n"]) == list(data["grade"].value_counts(sort=False))
    assert found.levels["n_events"].sum() == found.n_events
    assert "Against none" in found.interpret()
    words = cox(data["time"], data["event"], data["race"])
    assert not words.trend.estimable


def test_adjusted_and_unadjusted_stand_side_by_side_in_the_same_women() -> None:
    data = women(300, seed=5)
    ckd = data["ckd"].astype(object)
    ckd.iloc[:20] = None
    found = cox(data["time"], data["event"], data["z"], covariates={"ckd": ckd})
    assert found.n == 280
    assert found.unadjusted is not None
    assert found.unadjusted.n == 280
    alone = cox(data["time"][20:], data["event"][20:], data["z"][20:])
    assert found.unadjusted.value.value == pytest.approx(alone.value.value)
    lost = logistic(np.zeros(300), data["z"])
    fg = fine_gray(data["time"], data["event"].astype(int), data["z"])
    table = association_table({"Cox": found, "logistic": lost, "Fine-Gray": fg})
    frame = table.to_frame()
    assert list(dict.fromkeys(frame["model"])) == ["Cox, unadjusted", "Cox", "logistic", "Fine-Gray"]
    assert frame.loc[frame["model"] == "logistic", "reason"].iloc[0] == "none of 300 rows has an event"
    printed = table.printed()
    assert list(printed["term"]) == ["z", "ckd"]
    assert printed.loc[1, "Cox, unadjusted"] == ""
    assert printed.loc[0, "Cox"].startswith(f"{found.value.value:.2f} (")
    assert "not fitted to the same women" in table.interpret()
    assert "not estimable, none of 300 rows" in table.interpret()
    with pytest.raises(StatsError, match="no model"):
        association_table({})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event": 0}, "none of 60 rows has an event"),
        ({"ckd": True}, "ckd is 1 in every row"),
        ({"z": 3.0}, "z is 3 in every row"),
        ({"race": np.nan}, "no row without a missing value"),
        ({"age": "z"}, "age follows from z, ckd, race: C, so they cannot be told apart"),
    ],
)
def test_what_has_no_answer_says_why(change: dict[str, Any], reason: str) -> None:
    data = women(60, seed=6).assign(age=np.random.default_rng(0).normal(65, 8, 60))
    data = data[["time", "event", "z", "ckd", "race", "age"]]
    data = data.assign(
        **{name: data[value] * 2 + 1 if value == "z" else value for name, value in change.items()}
    )
    cov = data[["ckd", "race", "age"]]
    for found in (
        cox(data["time"], data["event"], data["z"], covariates=cov),
        logistic(data["event"], data["z"], covariates=cov),
        poisson(data["event"], data["z"], time=data["time"], covariates=cov),
        fine_gray(data["time"], data["event"].astype(int), data["z"], covariates=cov)
        if change != {"event": 0} else cox(data["time"], data["event"], data["z"]),
    ):  # fmt: skip
        assert not found.estimable
        assert reason in found.interpret()
        assert not found.value.estimable
        assert "not estimable" in repr(found)


def test_separation_is_named() -> None:
    data = women(200, seed=7)
    event = data["event"] & (data["grade"] != "severe")
    for found in (
        cox(data["time"], event, data["grade"], covariates={"z": data["z"]}),
        logistic(event, data["grade"]),
        poisson(event, data["grade"], time=data["time"]),
        fine_gray(data["time"], event.astype(int), data["grade"]),
    ):
        assert "rows with grade severe has an event" in found.reason
        assert "join it with another level" in found.reason
    whole = logistic(data["z"] > 0.3, data["z"])
    assert "z tell events apart completely" in whole.reason
    assert logistic(np.ones(200), data["z"]).reason.startswith("all of 200 rows have an event")


def test_few_events_are_said() -> None:
    data = women(150, seed=8)
    event = data["event"] & (np.cumsum(data["event"]) <= 12)
    cov = data[["ckd", "race"]]
    found = cox(data["time"], event, data["z"], covariates=cov)
    assert "12 events for 3 terms are 4.0 per term" in found.interpret()
    assert not any("per term" in word for word in cox(data["time"], data["event"], data["z"]).warnings)
    two = cox(data["time"], data["event"] & (np.cumsum(data["event"]) <= 2), data["z"], covariates=cov)
    assert two.reason == "only 2 events for 3 terms"
    assert logistic([1, 0], [1.0, 2.0]).reason == "only 2 rows for 1 terms"


def test_malformed_input_is_refused_in_words() -> None:
    data = women(30, seed=9)
    z, time, event = data["z"], data["time"], data["event"]
    with pytest.raises(StatsError, match="event holds 2: code it"):
        cox(time, event + 1, z)
    with pytest.raises(StatsError, match="time is -1 at position 0"):
        cox(time.where(time.index > 0, -1), event, z)
    with pytest.raises(StatsError, match="30 outcomes for 29 exposures"):
        logistic(event, z[1:])
    with pytest.raises(StatsError, match="29 values of time for 30 events"):
        cox(time[1:], event, z)
    with pytest.raises(StatsError, match="29 values of ckd for 30 rows"):
        logistic(event, z, covariates={"ckd": data["ckd"][1:]})
    with pytest.raises(StatsError, match="covariate 'z' has the name of the exposure"):
        logistic(event, z, covariates={"z": z})
    with pytest.raises(StatsError, match="is no level of race: choose one of AA, C"):
        logistic(event, z, covariates={"race": data["race"]}, references={"race": "B"})
    with pytest.raises(StatsError, match="references name 'rase'"):
        logistic(event, z, references={"rase": "B"})
    with pytest.raises(StatsError, match="per='sds'"):
        logistic(event, z, per="sds")
    with pytest.raises(StatsError, match="entry is not before time at position 0"):
        cox(time, event, z, entry=time)
    with pytest.raises(StatsError, match="events holds -1"):
        poisson(-event.astype(int), z)
    with pytest.raises(StatsError, match="time at risk is 0"):
        poisson(event, z, time=np.zeros(30))
    with pytest.raises(StatsError, match="grade has levels, so there is no curve"):
        cox(time, event, data["grade"], spline=3)
    with pytest.raises(StatsError, match="ties='exact'"):
        cox(time, event, z, ties="exact")  # type: ignore[arg-type]
    with pytest.raises(StatsError, match="need a Burden"):
        cox(time, event, z, covariates=["age"])


def test_a_burden_finds_its_women_by_subject() -> None:
    cube = simulate_cube(300, n_exam=2, seed=1)
    measured = burden(cube)
    first = baseline(measured)
    random = np.random.default_rng(2)
    outcome = pd.DataFrame(
        {"time": random.exponential(5, 300), "event": random.random(300) < 0.5}, index=first.index
    )
    mixed = outcome.sample(frac=1, random_state=0)
    found = cox(mixed["time"], mixed["event"], measured, covariates=["age", "ckd"])
    direct = cox(
        outcome["time"],
        outcome["event"],
        first["value"],
        covariates=first[["age", "ckd"]],
        name=measured.name,
    )
    assert found.value.value == direct.value.value
    assert found.name == measured.name
    assert found.note == measured.note != ""
    assert "Note: simulated" in found.interpret()
    fewer = cox(mixed["time"][:200], mixed["event"][:200], measured)
    assert (fewer.n, fewer.n_dropped) == (200, 100)
    more = pd.concat([mixed, mixed[:3].rename(index=lambda name: f"other {name}")])
    told = cox(more["time"], more["event"], measured)
    assert "3 women with an outcome have no exam" in told.interpret()
    graded = grades(measured, scheme="quantile")
    by_grade = cox(mixed["time"], mixed["event"], graded)
    assert by_grade.exposure[0].startswith("grade of ")
    with pytest.raises(StatsError, match="give a Series with subjects as index"):
        cox(outcome["time"].to_numpy(), outcome["event"], measured)
    with pytest.raises(StatsError, match="several rows of one woman"):
        cox(outcome["time"], pd.concat([outcome["event"]] * 2), measured)
    with pytest.raises(StatsError, match="no covariate 'bmi'"):
        cox(outcome["time"], outcome["event"], measured, covariates=["bmi"])
    with pytest.raises(StatsError, match="use per='woman'"):
        cox(outcome["time"], outcome["event"], burden(cube, per="breast"))


def phantom_women(n: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        known: Covariates = draw_covariates(random, "A")
        calcium = float(random.lognormal(2, 1.5)) if random.random() < 0.7 else 0.0
        outcome = draw_outcome(random, known, calcium)
        rows.append(
            (
                outcome.years,
                outcome.event,
                calcium,
                known.age_at_first_exam,
                known.kidney_disease,
                known.diabetes,
            )
        )
    return pd.DataFrame(rows, columns=["years", "event", "mg", "age", "ckd", "diabetes"])


def test_the_phantoms_known_hazard_is_found() -> None:
    data = phantom_women(4000, seed=1)
    found = cox(
        data["years"], data["event"], np.log1p(data["mg"]), covariates=data[["age", "ckd", "diabetes"]],
        per="unit", name="log calcium",
    )  # fmt: skip
    truth = {"log calcium": LOG_HAZARD_PER_LOG_MG, "age": LOG_HAZARD_PER_YEAR, "ckd": LOG_HAZARD_CKD}
    for term, value in truth.items():
        estimate = found.coefficients[term]
        assert estimate.low < value < estimate.high
    assert found.proportionality["global"].p > 0.01
    assert found.value.p < 1e-6


def test_ratios_that_a_computer_cannot_write_are_endless() -> None:
    data = women(100, seed=10)
    found = cox(data["time"], data["event"], data["z"] * 1e-6, per="unit", name="tiny")
    assert math.isinf(found.value.high)
    assert found.coefficients["tiny"].estimable
    assert "inf" in found.interpret()
    whole = replace(found, note="of phantoms")
    assert "Note: of phantoms." in whole.interpret()


def test_one_woman_gets_words() -> None:
    assert not cox([1.0], [1], [2.0]).estimable
    assert not logistic([1], [2.0]).estimable
