"""Trajectories against known truth, laws, closed forms, and what cannot be estimated."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bactools.stats.burden import Burden, burden
from bactools.stats.reliability import measurement_error
from bactools.stats.result import Estimate, StatsError
from bactools.stats.trajectories import Trajectories, trajectories
from bactools.stats.trajectories.progressors import SDC, wilson
from bactools.testing import simulate_cube

YEARLY = 0.8 * 4e-4 * (1 + 0.35 * 0.5)
"""Mean true rate of the simulated population."""


@pytest.fixture(scope="module")
def cohort() -> Burden:
    return burden(simulate_cube(200, one_exam=0.2, missing_views=0.02, seed=4))


@pytest.fixture(scope="module")
def found(cohort: Burden) -> Trajectories:
    return trajectories(cohort, engine="exact")


def vectors(cohort: Burden) -> dict[str, np.ndarray]:
    return {name: cohort.table[name].to_numpy() for name in ("value", "subject", "years")}


def test_the_known_rate_is_found_and_women_are_in_order(found: Trajectories) -> None:
    assert found.rate.low < YEARLY < found.rate.high
    true = found.points.drop_duplicates("unit")["true_rate"].to_numpy()
    followed = (found.women["years"] > 0).to_numpy()
    shrunken = found.women["shrunken_rate"].to_numpy()
    assert stats.pearsonr(true[followed], shrunken[followed]).statistic > 0.95
    covered = (found.women["low"] <= true) & (true <= found.women["high"])
    assert covered[followed].mean() > 0.88
    assert found.optimiser
    assert f"optimiser {found.optimiser}" in found.interpret()


def test_shrinkage_draws_own_rates_towards_the_mean_and_more_so_with_fewer_exams(found: Trajectories) -> None:
    women = found.women[found.women["years"] > 0]
    assert women["shrunken_rate"].std() < women["rate"].std()
    alone = found.women[found.women["years"] == 0]
    assert alone["rate"].isna().all()
    # with one exam there is only her level to go by
    assert alone["shrunken_rate"].std() < 0.5 * women["shrunken_rate"].std()
    assert alone["se"].min() > women["se"].max()


def test_nearly_nothing_is_learnt_of_rates_from_women_with_one_exam(
    cohort: Burden, found: Trajectories
) -> None:
    data = cohort.table[cohort.table.groupby("subject")["value"].transform("size") > 1]
    without = trajectories(data["value"], subject=data["subject"], years=data["years"], engine="exact")
    assert without.n_one_exam == 0
    assert found.n_one_exam > 20
    assert found.rate.value == pytest.approx(without.rate.value, rel=0.05)
    assert found.rate.se == pytest.approx(without.rate.se, rel=0.05)
    assert "one time only and inform the level only" in found.interpret()


def test_shift_scale_order_and_calendar(cohort: Burden, found: Trajectories) -> None:
    data = vectors(cohort)
    shifted = trajectories(data["value"] + 1, subject=data["subject"], years=data["years"], engine="exact")
    assert shifted.rate.value == pytest.approx(found.rate.value, rel=1e-6)
    assert shifted.rate.se == pytest.approx(found.rate.se, rel=1e-5)
    assert shifted.intercept.value == pytest.approx(found.intercept.value + 1, rel=1e-9)
    scaled = trajectories(1e4 * data["value"], subject=data["subject"], years=data["years"], engine="exact")
    assert scaled.rate.low == pytest.approx(1e4 * found.rate.low, rel=1e-6)
    assert scaled.residual_sd.value == pytest.approx(1e4 * found.residual_sd.value, rel=1e-6)
    mixed_up = np.random.default_rng(0).permutation(len(data["value"]))
    other = trajectories(
        data["value"][mixed_up], subject=data["subject"][mixed_up], years=2008 + data["years"][mixed_up],
        engine="exact",
    )  # fmt: skip
    assert other.rate.value == pytest.approx(found.rate.value, rel=1e-6)
    text = cohort.table["date"].dt.strftime("%Y-%m-%d").tolist()
    for date in (text, cohort.table["date"].dt.date, cohort.table["date"].to_numpy()):
        same = trajectories(cohort.table["value"], subject=data["subject"], date=date, engine="exact")
        assert same.rate.value == pytest.approx(found.rate.value, rel=1e-8)
    dated = trajectories(cohort.table["value"], subject=data["subject"], date=cohort.table["date"])
    assert dated.rate.value == pytest.approx(found.rate.value, rel=1e-5)
    assert list(dated.women["subject"]) == list(found.women["subject"])


def test_groups_with_their_own_rates(cohort: Burden) -> None:
    found = trajectories(cohort, group="ckd", engine="exact")
    assert list(found.rates) == ["no", "yes"]
    difference = found.differences["yes - no"]
    assert difference.value == pytest.approx(found.rates["yes"].value - found.rates["no"].value, rel=1e-8)
    assert difference.low < 0.8 * 4e-4 * 0.5 < difference.high
    assert found.differ() == difference.p
    # swapping the names mirrors the difference
    swapped = trajectories(cohort, group=np.where(cohort.table["ckd"], "a", "b"), engine="exact")
    assert swapped.differences["b - a"].value == pytest.approx(-difference.value, rel=1e-6)
    assert swapped.differences["b - a"].p == pytest.approx(difference.p, rel=1e-6)
    weights = [float((~cohort.baseline()["ckd"]).mean()), float(cohort.baseline()["ckd"].mean())]
    both = weights[0] * found.rates["no"].value + weights[1] * found.rates["yes"].value
    assert found.rate.value == pytest.approx(both, rel=1e-8)


def test_groups_that_scatter_differently_are_compared_as_by_welch() -> None:
    random = np.random.default_rng(2)
    subject, years = np.repeat(np.arange(40), 5), np.tile(np.arange(5.0), 40)
    few = subject < 12
    rate = random.normal(0, np.where(np.arange(40) < 12, 3.0, 0.3))
    value = random.normal(0, 2, 40)[subject] + rate[subject] * years + random.normal(0, 0.2, 200)
    mixed, own = (
        trajectories(value, subject=subject, years=years, group=few, slope=slope, engine="exact")
        for slope in ("random", "per-woman")
    )
    assert mixed.errors == "robust"
    naive = trajectories(value, subject=subject, years=years, group=few, engine="exact", errors="model")
    for ours, theirs, much in (
        (mixed.differences["yes - no"], own.differences["yes - no"], naive.differences["yes - no"]),
        (mixed.rates["yes"], own.rates["yes"], naive.rates["yes"]),
    ):
        assert ours.value == pytest.approx(theirs.value, rel=1e-6)
        assert ours.high - ours.low == pytest.approx(theirs.high - theirs.low, rel=0.08)
        assert much.high - much.low < 0.8 * (theirs.high - theirs.low)


def test_three_groups_are_tested_together(cohort: Burden) -> None:
    third = pd.factorize(cohort.table["subject"])[0] % 3
    found = trajectories(cohort, group=third, engine="exact")
    assert found.levels == ("0", "1", "2")
    assert 0.001 < found.differ() < 1


def test_covariates_shift_level_and_rate(cohort: Burden) -> None:
    data = cohort.table
    weight = np.random.default_rng(1).normal(70, 10, data["subject"].nunique())[
        pd.factorize(data["subject"])[0]
    ]
    value = data["value"] + 1e-3 * weight + 1e-4 * weight * data["years"]
    found = trajectories(
        value, subject=data["subject"], years=data["years"], covariates=pd.DataFrame({"weight": weight}),
        by_time=["weight"], engine="exact",
    )  # fmt: skip
    assert found.effects["weight"].value == pytest.approx(1e-3, rel=0.15)
    assert found.effects["years x weight"].value == pytest.approx(1e-4, rel=0.1)
    named = trajectories(cohort, covariates=["race", "age"], engine="exact")
    assert set(named.effects) == {"race Caucasian", "age"}


def test_own_rates_averaged_agree_with_scipy(cohort: Burden) -> None:
    found = trajectories(cohort, slope="per-woman", group="ckd")
    rows = [
        (part["ckd"].iloc[0], np.polyfit(part["years"], part["value"], 1)[0])
        for _, part in cohort.table.groupby("subject")
        if len(part) > 1
    ]
    own = pd.DataFrame(rows, columns=["ckd", "rate"])
    plain = stats.ttest_1samp(own["rate"], 0)
    assert found.rate.value == pytest.approx(own["rate"].mean(), rel=1e-8)
    assert (found.rate.low, found.rate.high) == pytest.approx(tuple(plain.confidence_interval()), rel=1e-8)
    welch = stats.ttest_ind(own["rate"][own["ckd"]], own["rate"][~own["ckd"]], equal_var=False)
    assert found.differences["yes - no"].p == pytest.approx(welch.pvalue, rel=1e-8)
    assert found.model is None


def test_balanced_data_give_one_answer_by_both_ways() -> None:
    cohort = burden(simulate_cube(30, seed=2))
    data = cohort.table.assign(years=cohort.table["exam"].astype(float))
    by = {
        slope: trajectories(data["value"], subject=data["subject"], years=data["years"], slope=slope)
        for slope in ("random", "per-woman", "fixed")
    }
    assert by["random"].rate.value == pytest.approx(by["per-woman"].rate.value, rel=1e-6)
    assert by["random"].rate.se == pytest.approx(by["per-woman"].rate.se, rel=1e-4)
    # one rate for all ignores that women differ
    assert by["fixed"].rate.se < by["random"].rate.se
    assert by["fixed"].rate.value == pytest.approx(by["random"].rate.value, rel=1e-6)


def test_breasts_are_nested_in_women() -> None:
    cube = simulate_cube(60, seed=5)
    woman = trajectories(burden(cube), engine="exact")
    breast = trajectories(burden(cube, per="breast"), engine="exact")
    assert breast.errors == "robust"
    assert breast.n_units == 2 * breast.n_subjects == 120
    # the sum of two breasts grows twice as fast, with an interval no narrower for being told twice
    assert 2 * breast.rate.value == pytest.approx(woman.rate.value, rel=0.02)
    assert 2 * breast.rate.se == pytest.approx(woman.rate.se, rel=0.05)
    naive = trajectories(burden(cube, per="breast"), engine="exact", errors="model")
    assert naive.rate.se < 0.8 * breast.rate.se


def test_who_progressed_beyond_error(cohort: Burden, found: Trajectories) -> None:
    told = found.progressed()
    lines = [
        (len(p) - 2, np.polyfit(p["years"], p["value"], 1, full=True)[1])
        for _, p in cohort.table.groupby("subject")
        if len(p) > 2 and np.ptp(p["value"]) > 0
    ]
    sd = math.sqrt(sum(float(np.sum(squares)) for _, squares in lines) / sum(df for df, _ in lines))
    assert told.sdc.value == pytest.approx(SDC * sd, rel=1e-4)
    # women with 0 at every exam show no error, and would make everybody else look changed
    assert told.sdc.value > SDC * found.residual_sd.value
    change = found.women.loc[found.women["years"] > 0, "change"]
    assert told.n_progressed == int((change > told.sdc.value).sum())
    assert told.n == int((found.women["years"] > 0).sum())
    assert told.share.low < told.n_progressed / told.n < told.share.high
    by_line = found.progressed(by="fitted")
    assert by_line.n_fell == 0
    assert found.progressed(1.0).n_progressed == 0
    assert "as given" in found.progressed(Estimate(1.0)).interpret()
    replicates = measurement_error([[1.0, 1.2], [2.0, 2.1], [0.5, 0.4]])
    assert found.progressed(replicates).sdc.value == pytest.approx(replicates.repeatability.value)
    with pytest.raises(StatsError, match="above 0"):
        found.progressed(-1.0)


def test_wilson_is_scipys() -> None:
    for k, n in ((0, 12), (5, 12), (12, 12)):
        theirs = stats.binomtest(k, n).proportion_ci(method="wilson")
        ours = wilson(k / n, n)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_growth_in_percent() -> None:
    random = np.random.default_rng(0)
    subject, years = np.repeat(np.arange(40), 5), np.tile(np.arange(5.0), 40)
    value = np.exp(random.normal(0, 1, 40)[subject] + math.log(1.1) * years + random.normal(0, 0.05, 200))
    found = trajectories(value, subject=subject, years=years, scale="log")
    percent = found.percent_per_year()
    assert percent.low < 10 < percent.high
    assert "% per year" in found.interpret()
    with pytest.raises(StatsError, match="scale='log'"):
        trajectories(value, subject=subject, years=years).percent_per_year()


@pytest.mark.parametrize(
    ("value", "subject", "years", "reason"),
    [
        ([1, 2, 3], [1, 2, 3], [0, 0, 0], "0 of 3 women have two exams at different times"),
        ([1, 2, 3], [1, 1, 1], [0, 1, 2], "1 of 1 woman has two exams"),
        ([1, 2, 3, 4], [1, 1, 2, 2], [0, 0, 5, 5], "0 of 2 women"),
        ([0, 0, 0, 0], [1, 1, 2, 2], [0, 1, 0, 1], "nothing can change"),
        ([3, 3, 3, 3], [1, 1, 2, 2], [0, 1, 0, 1], "all 4 values are 3"),
        ([0, 1, 2, 4], [1, 1, 2, 2], [0, 1, 0, 1], "no woman has more than two exams"),
        ([0, 1, 2, 0, 2, 4], [1] * 3 + [2] * 3, [0, 1, 2] * 2, "exactly on a line"),
        ([], [], [], "no exam has a value"),
        ([np.nan, np.nan], [1, 1], [0, 1], "no exam has a value"),
    ],
)
def test_what_cannot_be_estimated_says_why(
    value: list[float], subject: list[int], years: list[float], reason: str
) -> None:
    found = trajectories(value, subject=subject, years=years)
    assert reason in found.reason
    assert reason in found.interpret()
    assert reason in found.rate.reason
    assert not found.progressed().estimable
    assert len(found.points) == int(np.isfinite(value).sum())


def test_cohorts_without_calcification_or_follow_up() -> None:
    none = trajectories(burden(simulate_cube(8, without_bac=1.0)), group="ckd", covariates=["age"])
    assert "no woman has any" in none.reason
    once = trajectories(burden(simulate_cube(8, one_exam=1.0)))
    assert "0 of 8 women" in once.reason
    zeros = trajectories(burden(simulate_cube(8, seed=1, without_bac=0.5)), scale="log")
    assert "have no logarithm" in zeros.reason


def test_two_exams_leave_the_mean_of_own_rates() -> None:
    change = np.array([0.0, 1.0, 3.0, 4.0])
    subject, years = np.repeat(np.arange(4), 2), np.tile([0.0, 2.0], 4)
    value = np.repeat([1.0, 5.0, 2.0, 7.0], 2) + np.outer(change, [0, 1]).ravel()
    found = trajectories(value, subject=subject, years=years, slope="per-woman")
    expected = stats.ttest_1samp(change / 2, 0)
    assert found.rate.p == pytest.approx(expected.pvalue)
    assert "three exams" in found.rate_sd.reason
    assert not found.progressed().estimable
    assert found.progressed(2.0).n_progressed == 2


def test_a_small_group_is_named() -> None:
    cohort = burden(simulate_cube(12, seed=3))
    first = cohort.table["subject"] == cohort.table["subject"].iloc[0]
    found = trajectories(cohort, group=np.where(first, "x", "y"))
    assert "1 woman has two exams in group x" in found.reason
    constant = trajectories(cohort, covariates=pd.DataFrame({"site": np.ones(len(cohort.table))}))
    assert "site is 1" in constant.reason


def test_wrong_input_says_what_to_do(cohort: Burden) -> None:
    with pytest.raises(StatsError, match="subject="):
        trajectories([1.0, 2.0], years=[0, 1])
    with pytest.raises(StatsError, match="years= "):
        trajectories([1.0, 2.0], subject=[1, 1])
    with pytest.raises(StatsError, match="knows its women"):
        trajectories(cohort, subject=[1])
    with pytest.raises(StatsError, match="group='smoker'"):
        trajectories(cohort, group="smoker")
    with pytest.raises(StatsError, match="too many for groups"):
        trajectories(cohort, group="age")
    with pytest.raises(StatsError, match="by_time='age'"):
        trajectories(cohort, by_time=["age"])
    with pytest.raises(StatsError, match="takes no covariates"):
        trajectories(cohort, covariates=["age"], slope="per-woman")
    with pytest.raises(StatsError, match="not a date"):
        trajectories([1.0, 2.0], subject=[1, 1], date=["soon", "later"])


def test_intervals_of_the_rate_cover_it() -> None:
    """A small version of the benchmark: 60 studies of 26 women with 5 exams."""
    hit = 0
    for seed in range(60):
        found = trajectories(burden(simulate_cube(26, n_exam=5, seed=seed)), engine="exact")
        hit += found.rate.low <= YEARLY <= found.rate.high
    low, high = stats.binom.ppf([0.001, 0.999], 60, 0.95)
    assert low <= hit <= high
