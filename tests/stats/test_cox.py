"""Cox's model: against statsmodels, a risk-set matrix written out, and what cannot be fitted."""

from __future__ import annotations

import time as clock

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.hazard_regression import PHReg

from bactools.stats.association import cox
from bactools.stats.association.discrimination import harrell_c
from bactools.stats.association.partial_likelihood import CoxFit, NoMaximum, fit_cox
from bactools.stats.association.risk_sets import RiskSets
from bactools.stats.chi_squared import ChiSquared

from .survival_data import FloatArray, women


def matrix(data: pd.DataFrame) -> FloatArray:
    return data[["z", "ckd"]].to_numpy(np.float64)


def fitted(data: pd.DataFrame, **options: object) -> CoxFit:
    sets = RiskSets.of(data["time"].to_numpy(), data["event"].to_numpy(), **options)  # type: ignore[arg-type]
    return fit_cox(matrix(data), sets)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("strata", [False, True])
@pytest.mark.parametrize("delayed", [False, True])
def test_statsmodels_agrees(ties: str, strata: bool, delayed: bool) -> None:
    data = women(300, whole=True, seed=3)
    layer = np.arange(300) % 3 if strata else None
    entry = np.where(np.arange(300) % 2, 0.0, 0.5) if delayed else None
    ours = fitted(data, ties=ties, stratum=layer, entry=entry)
    model = PHReg(
        data["time"].to_numpy(), matrix(data), status=data["event"].astype(float).to_numpy(), ties=ties,
        strata=layer, entry=entry,
    )  # fmt: skip
    theirs = model.fit()
    assert ours.beta == pytest.approx(theirs.params, rel=1e-5)
    assert np.sqrt(np.diag(ours.covariance)) == pytest.approx(theirs.bse, rel=1e-4)
    assert ours.log_likelihood == pytest.approx(theirs.llf, rel=1e-8)


def test_robust_errors_are_those_of_statsmodels_without_ties() -> None:
    data = women(200, seed=4)
    cluster = np.arange(200) // 2
    ours = fitted(data).robust(cluster)
    model = PHReg(data["time"].to_numpy(), matrix(data), status=data["event"].astype(float).to_numpy())
    theirs = model.fit(groups=cluster)
    assert np.sqrt(np.diag(ours)) == pytest.approx(theirs.bse, rel=1e-4)


def test_score_residuals_add_up_to_nothing_and_follow_what_a_woman_changes() -> None:
    data = women(80, whole=True, seed=5)
    found = fitted(data)
    pulls = found.score_residuals()
    assert pulls.sum(axis=0) == pytest.approx(np.zeros(2), abs=1e-8)
    without = np.array([fitted(data.drop(index=row)).beta for row in range(80)])
    influence = pulls @ found.covariance
    for at in range(2):
        assert np.corrcoef(influence[:, at], found.beta[at] - without[:, at])[0, 1] > 0.99


def test_sums_over_risk_sets_are_those_of_the_matrix_written_out() -> None:
    random = np.random.default_rng(1)
    n = 40
    stop, entry = random.integers(2, 9, n).astype(float), random.integers(0, 2, n).astype(float)
    event, layer = random.random(n) < 0.6, random.integers(0, 2, n)
    carry = np.where(event, 0.0, random.random(n) * (random.random(n) < 0.5))
    kept_at = (np.array([3.0, 6.0]), np.array([1.0, 0.7, 0.4]))
    for late in (None, entry):
        sets = RiskSets.of(stop, event, entry=late, stratum=layer, ties="efron", carry=carry, kept_at=kept_at)
        weight = np.zeros((n, sets.events.size))
        for column, own in enumerate(sets.events):
            alike = layer == layer[own]
            at_risk = alike & (stop >= stop[own]) & (True if late is None else late < stop[own])
            tied = alike & (stop == stop[own]) & event
            factor = kept_at[1][np.searchsorted(kept_at[0], stop[own])]
            weight[:, column] = at_risk - sets.fraction[column] * tied
            weight[:, column] += factor * carry * (alike & (stop < stop[own]))
        values, terms = random.normal(size=(n, 2)), random.normal(size=(sets.events.size, 2))
        assert sets.sums(values) == pytest.approx(weight.T @ values, abs=1e-12)
        assert sets.spread(terms) == pytest.approx(weight @ terms, abs=1e-12)
        assert sets.spread(terms[:, 0]) == pytest.approx(weight @ terms[:, 0], abs=1e-12)


def test_the_order_of_rows_and_the_unit_of_x_do_not_matter() -> None:
    data = women(150, whole=True, seed=6)
    mixed = data.sample(frac=1, random_state=0)
    first, second = fitted(data), fitted(mixed)
    assert first.beta == pytest.approx(second.beta, rel=1e-10)
    sets = RiskSets.of(data["time"].to_numpy(), data["event"].to_numpy())
    scaled = fit_cox(matrix(data) * [1e-6, 1e4] + [5, -3e5], sets)
    assert scaled.beta * [1e-6, 1e4] == pytest.approx(first.beta, rel=1e-6)


def test_splitting_follow_up_changes_nothing() -> None:
    data = women(120, seed=7)
    whole = cox(data["time"], data["event"], data["z"], covariates={"ckd": data["ckd"]}, per="unit")
    early = data.assign(entry=0.0, subject=data.index)
    late = early[early["time"] > 3].assign(entry=3.0)
    early = early.assign(event=early["event"] & (early["time"] <= 3), time=early["time"].clip(upper=3))
    both = pd.concat([early, late])
    split = cox(
        both["time"], both["event"], both["z"], covariates={"ckd": both["ckd"]}, entry=both["entry"],
        subject=both["subject"], per="unit",
    )  # fmt: skip
    assert split.robust
    assert split.n_subjects == 120
    assert split.coefficients["z"].value == pytest.approx(whole.coefficients["z"].value, rel=1e-9)
    assert split.naive is not None
    assert split.naive["z"].se == pytest.approx(whole.coefficients["z"].se, rel=1e-9)
    assert split.person_time == pytest.approx(whole.person_time)
    robust = cox(
        data["time"], data["event"], data["z"], covariates={"ckd": data["ckd"]}, robust=True, per="unit"
    )
    assert split.coefficients["z"].se == pytest.approx(robust.coefficients["z"].se, rel=1e-9)


def test_a_woman_written_down_twice_narrows_the_naive_interval_only() -> None:
    data = women(200, seed=8)
    twice = pd.concat([data.assign(subject=data.index)] * 2)
    once = cox(data["time"], data["event"], data["z"], robust=True, ties="breslow")
    both = cox(twice["time"], twice["event"], twice["z"], subject=twice["subject"], ties="breslow")
    ours, naive = both.coefficients["z"], both.naive
    assert naive is not None
    assert ours.se == pytest.approx(once.coefficients["z"].se, rel=0.01)
    assert naive["z"].se < 0.75 * ours.se


def test_harrells_c_counts_pairs() -> None:
    random = np.random.default_rng(2)
    n = 60
    stop, event = random.integers(1, 12, n).astype(float), random.random(n) < 0.5
    score = random.integers(0, 8, n).astype(float)
    agree = usable = 0.0
    for i in range(n):
        for j in range(n):
            if event[i] and (stop[j] > stop[i] or (stop[j] == stop[i] and not event[j])):
                usable += 1
                agree += 1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0
    found = harrell_c(score, stop, event)
    assert found.value == pytest.approx(agree / usable)
    assert harrell_c(-score, stop, event).value == pytest.approx(1 - agree / usable)
    assert not harrell_c(score, stop, np.zeros(n, dtype=bool)).estimable
    blocked = harrell_c(score, stop, event, stratum=np.zeros(n, dtype=np.intp), entry=np.zeros(n))
    assert blocked.se == pytest.approx(found.se)


def test_the_error_of_c_is_the_bootstraps() -> None:
    data = women(150, seed=9)
    score, stop, event = (data[name].to_numpy() for name in ("z", "time", "event"))
    found = harrell_c(score, stop, event)
    random = np.random.default_rng(0)
    drawn = [random.integers(0, 150, 150) for _ in range(400)]
    spread = np.std([harrell_c(score[at], stop[at], event[at]).value for at in drawn])
    assert found.se == pytest.approx(spread, rel=0.15)


def test_hazards_that_cross_are_not_proportional() -> None:
    random = np.random.default_rng(3)
    n = 800
    group = np.arange(n) % 2
    # the second group's hazard rises with time, the first's is constant
    time = np.where(group == 1, 3 * np.sqrt(random.exponential(size=n)), 3 * random.exponential(size=n))
    end = random.uniform(1, 6, n)
    found = cox(np.minimum(time, end), time <= end, group, name="group")
    assert found.proportionality["group"].p < 1e-6
    assert "changes with time" in found.interpret()
    data = women(800, seed=10)
    fine = cox(data["time"], data["event"], data["z"], covariates={"grade of race": data["race"]})
    assert set(fine.proportionality) == {"z", "grade of race", "global"}
    assert fine.proportionality["global"].p > 0.01


def test_what_has_no_maximum_says_so() -> None:
    time, event = np.arange(1.0, 21), np.ones(20, dtype=bool)
    noise = np.random.default_rng(0).normal(size=20)
    with pytest.raises(NoMaximum) as caught:
        fit_cox(np.column_stack([noise, -time]), RiskSets.of(time, event))
    assert 1 in caught.value.columns
    none = (np.arange(40) < 8).astype(float)
    happened = (none == 0) & (np.arange(40) % 2 == 0)
    with pytest.raises(NoMaximum) as caught:
        fit_cox(
            np.column_stack([none, np.random.default_rng(1).normal(size=40)]),
            RiskSets.of(np.arange(40) % 13 + 1.0, happened),
        )
    assert caught.value.columns == [0]


def test_many_women_do_not_take_long() -> None:
    data = women(20_000, seed=11)
    started = clock.perf_counter()
    found = cox(data["time"], data["event"], data["z"], covariates=data[["ckd", "race"]])
    assert found.estimable
    assert clock.perf_counter() - started < 30


def test_a_chi_squared_that_cannot_be_had_has_no_p() -> None:
    singular = ChiSquared.wald(np.ones(2), np.ones((2, 2)))
    assert np.isnan(singular.p)
    assert "singular" in singular.words()
    assert ChiSquared(3.841458820694124, 1).p == pytest.approx(0.05)
