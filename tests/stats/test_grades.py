"""Grades at their borders, probabilities against draws of the error, shares against scipy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from bactools.stats.burden import burden
from bactools.stats.grades import Grades, grades
from bactools.stats.reliability import measurement_error
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube

EDGES = [0, 1e-9, 10, np.nextafter(10, 11), 25, np.nextafter(25, 26), 1e6]


def test_a_value_at_a_cut_off_has_the_lower_grade() -> None:
    found = grades(EDGES)
    assert list(found.table["grade"]) == ["none", "mild", "mild", "moderate", "moderate", "severe", "severe"]
    assert found.table["grade"].cat.ordered
    assert found.shares["n"].tolist() == [1, 2, 2, 2]
    assert found.cuts == (0, 10, 25)
    assert found.units == "mm2"


def test_cut_offs_and_labels_of_ones_own() -> None:
    found = grades([0.0, 1.0, 2.0], cuts=[1.0], labels=["low", "high"], scheme="cuts", units="mg")
    assert list(found.table["grade"]) == ["low", "low", "high"]
    assert "low (up to 1 mg)" in found.interpret()


def test_quantiles_keep_zero_apart_and_may_come_from_a_reference() -> None:
    values = np.concatenate([np.zeros(40), np.arange(1.0, 61)])
    found = grades(values, scheme="quantile")
    assert found.shares["n"].tolist() == [40, 20, 20, 20]
    quarters = grades(
        np.arange(1.0, 101), scheme="quantile", cuts=[0.25, 0.5, 0.75], labels=["q1", "q2", "q3", "q4"]
    )
    assert quarters.shares["n"].tolist() == [25, 25, 25, 25]
    later = grades(values + 30, scheme="quantile", reference=values)
    assert later.cuts == found.cuts
    assert later.shares["n"].tolist()[0] == 0
    tripled = grades(3 * values, scheme="quantile")
    assert list(tripled.table["grade"]) == list(found.table["grade"])


def test_shares_have_wilsons_interval_and_that_of_women_where_they_repeat() -> None:
    random = np.random.default_rng(1)
    values = random.choice([0.0, 5.0, 15.0, 30.0], 60)
    once = grades(values).shares
    for row in once.itertuples():
        exact = stats.binomtest(row.n, 60).proportion_ci(method="wilson")
        assert (row.ci_low, row.ci_high) == pytest.approx((exact.low, exact.high))
    copies = np.repeat(values, 6)
    naive, nested = grades(copies).shares, grades(copies, subject=np.repeat(np.arange(60), 6)).shares
    width, narrow, wide = ((t["ci_high"] - t["ci_low"]).to_numpy() for t in (once, naive, nested))
    assert (narrow < 0.5 * width).all()
    assert (wide > 0.95 * width).all()
    assert nested["n_subjects"].tolist() == once["n"].tolist()


def test_a_share_of_none_or_all_has_an_interval_by_women() -> None:
    shares = grades(np.zeros(40), subject=np.repeat(np.arange(10), 4)).shares
    exact = stats.binomtest(10, 10).proportion_ci(method="wilson")
    assert shares["share"].tolist() == [1, 0, 0, 0]
    assert shares["ci_low"].iloc[0] == pytest.approx(exact.low)
    assert shares["ci_high"].iloc[3] == pytest.approx(1 - exact.low)


def test_the_interval_of_a_share_covers_the_truth_with_alike_women() -> None:
    truth = stats.norm.sf(0.5 / np.sqrt(1.25))
    hits = 0
    for seed in range(150):
        random = np.random.default_rng(seed)
        values = 10 + np.repeat(random.normal(0, 1, 25), 4) + random.normal(0, 0.5, 100)
        row = grades(
            values, cuts=[10.5], labels=["low", "high"], scheme="cuts", subject=np.repeat(np.arange(25), 4)
        ).shares.iloc[1]
        hits += row["ci_low"] <= truth <= row["ci_high"]
    assert hits / 150 > 0.89


@pytest.mark.parametrize("measured", [0.5, 9.0, 11.0, 24.0, 40.0])
def test_probabilities_are_those_of_a_normal_cut_off_at_zero(measured: float) -> None:
    found = grades([measured], error=3.0)
    true = stats.truncnorm(-measured / 3, np.inf, loc=measured, scale=3)
    expected = np.diff([0, *true.cdf([0, 10, 25]), 1])
    assert found.probability()[0] == pytest.approx(expected, abs=1e-12)
    drawn = np.random.default_rng(1).normal(measured, 3, 200_000)
    drawn = drawn[drawn > 0]
    assert found.probability()[0, 3] == pytest.approx((drawn > 25).mean(), abs=0.005)


def test_probabilities_add_up_and_a_measured_zero_is_certain() -> None:
    values = np.array([0.0, 1e-3, 10, 25, 1e5])
    for error, kind in ((2.0, "sd"), (0.3, "cv"), (1e-6, "sd"), (1e4, "sd")):
        chances = grades(values, error=error, error_kind=kind).probability()
        assert chances.sum(axis=1) == pytest.approx(1)
        assert (chances >= 0).all()
        assert chances[0].tolist() == [1, 0, 0, 0]
        assert (chances[1:, 0] == 0).all()


def test_an_error_in_proportion_grows_with_the_value() -> None:
    chances = grades([20.0], error=0.25, error_kind="cv").probability()[0]
    assert chances[3] == pytest.approx(stats.norm.sf(1) / stats.norm.cdf(4))


def test_expected_misclassification_is_what_the_probabilities_say() -> None:
    random = np.random.default_rng(2)
    true = random.uniform(0, 60, 6000)
    measured = true + random.normal(0, 4, 6000)
    true, measured = true[measured > 0], measured[measured > 0]
    found = grades(measured, error=4.0)
    assert found.confusion is not None
    assert found.confusion.to_numpy().sum() == pytest.approx(found.n)
    assert found.confusion.sum(axis=1).tolist() == pytest.approx(found.shares["n"].tolist())
    assert found.confusion.sum().to_numpy() / found.n == pytest.approx(
        found.shares["expected_share"].to_numpy()
    )
    wrong = 1 - np.trace(found.confusion.to_numpy()) / found.n
    assert found.misclassified.value == pytest.approx(wrong)
    # a flat truth is what the probabilities take for granted: they must come true
    really = (list(grades(true).table["grade"]) != found.table["grade"].astype(str)).mean()
    assert found.misclassified.value == pytest.approx(really, abs=0.01)
    assert found.misclassified.low < found.misclassified.value < found.misclassified.high


def test_the_error_may_come_from_replicates() -> None:
    random = np.random.default_rng(3)
    replicates = random.uniform(20, 40, (50, 1)) + random.normal(0, 2, (50, 2))
    error = measurement_error(replicates, units="mm2")
    found = grades([9.0, 30.0], error=error)
    assert found.error == error.within_sd.value
    assert grades([9.0, 30.0], error=error, error_kind="cv").error == error.cv.value
    unknown = grades([9.0, 30.0], error=measurement_error([[1.0], [2.0]]))
    assert unknown.estimable
    assert unknown.misclassified.reason == "no woman has two measurements"
    with pytest.raises(StatsError, match="no probabilities: no woman has two measurements"):
        unknown.probability()
    with pytest.raises(StatsError, match="the error is in 1, the values in mm2"):
        grades([9.0], error=measurement_error(replicates, units="1"))
    exact = grades([9.0, 30.0], error=measurement_error(np.ones((3, 2))))
    assert exact.misclassified.value == 0


def test_a_burden_brings_its_table_unit_and_note() -> None:
    cube = simulate_cube(12, n_exam=3)
    b = burden(cube, "tam_100_mm2", normalise=False)
    found = grades(b, error=1.0)
    assert len(found.table) == len(b.table)
    assert {"subject", "date", "exam", "years", "ckd", "value", "grade", "p_none"} <= set(found.table)
    assert found.n_subjects == 12
    assert found.name == b.name
    assert "simulated numbers" in found.interpret()
    with pytest.raises(StatsError, match="the cut-offs are in mm²: grade a metric in mm²"):
        grades(burden(cube))
    assert grades(burden(cube), scheme="quantile").estimable


def test_an_array_of_a_cube_brings_keys_lazily_too() -> None:
    cube = simulate_cube(8, n_exam=2, missing_views=0.1)
    array = cube["am_mm2"]
    eager, lazy = grades(array, error=1.0), grades(array.chunk(subject=3), error=1.0)
    pd.testing.assert_frame_equal(eager.table, lazy.table)
    row = eager.table.iloc[9]
    assert row["value"] == float(array.sel(subject=row["subject"], view=row["view"], exam=row["exam"]))
    assert eager.n_dropped == int(array.isnull().sum())
    with pytest.raises(StatsError, match="tam_100 is in pixels or a share"):
        grades(cube["tam_100"])


@pytest.mark.parametrize(
    ("values", "options", "match"),
    [
        ([], {}, "there is no value"),
        ([np.nan, np.nan], {}, "there is no value"),
        (np.zeros(9), {"scheme": "quantile"}, "only 0 values above 0 for 3 grades"),
        ([0, 0, 0, 0, 1, 2], {"scheme": "quantile", "cuts": [1 / 4, 1 / 2, 3 / 4]}, "begin cuts with 0"),
        ([0, 5, 5, 5, 5], {"scheme": "quantile"}, "many values above 0 are 5"),
    ],
)
def test_what_cannot_be_graded_says_so(values: list, options: dict, match: str) -> None:
    found = grades(values, **options)
    assert isinstance(found, Grades)
    assert match in found.reason
    assert match in found.interpret()
    assert match in repr(found)


@pytest.mark.parametrize(
    ("values", "options", "match"),
    [
        ([1.0, -2.0], {}, "1 values of burden are negative"),
        ([1.0], {"cuts": [0, 25, 10]}, "increasing"),
        ([1.0], {"cuts": [0, 10, 10]}, "increasing"),
        ([1.0], {"cuts": [-1, 10, 20]}, "none below 0"),
        ([1.0], {"cuts": [0, 10, np.inf]}, "increasing"),
        ([1.0], {"cuts": [0, 10, np.nan]}, "increasing"),
        ([1.0], {"cuts": []}, "at least one"),
        ([1.0], {"cuts": ["a"]}, "give increasing numbers"),
        ([1.0], {"cuts": [5]}, "4 labels for 1 cut-offs: give 2"),
        ([1.0], {"labels": ["a", "a", "b", "c"]}, "a name of its own"),
        ([1.0], {"scheme": "cuts"}, "give cuts="),
        ([1.0], {"scheme": "quantile", "cuts": [0, 0.5, 1]}, "lie below 1"),
        ([1.0], {"scheme": "cm2"}, "scheme='cm2'"),
        ([1.0], {"error": -1}, "error=-1"),
        ([1.0], {"error": np.nan}, "error=nan"),
        ([1.0], {"error": 1, "error_kind": "percent"}, "error_kind='percent'"),
        (["a"], {}, "not a number"),
        ([1.0], {"units": "cm2"}, "burden is in cm2"),
    ],
)
def test_bad_input_is_refused_in_words(values: list, options: dict, match: str) -> None:
    with pytest.raises(StatsError, match=match):
        grades(values, **options)


def test_a_negative_value_is_named_by_its_image() -> None:
    array = xr.DataArray(
        [1.0, -1.0], dims="subject", coords={"subject": ["p", "q"], "view": "LCC"}, name="am"
    )
    with pytest.raises(StatsError, match=r"1 values of am are negative \(the first: q, LCC\)"):
        grades(array)
