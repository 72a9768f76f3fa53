"""``cube.bac`` gives what the statistics give, on both forms of the cube, eager and lazy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.cube import on_dates, to_table
from bactools.stats.agreement import agreement
from bactools.stats.burden import burden
from bactools.stats.grades import grades
from bactools.stats.method_comparison import deming
from bactools.stats.regression import regression
from bactools.stats.result import Result, StatsError
from bactools.stats.trajectories import trajectories
from bactools.testing import simulate_cube


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return simulate_cube(24, n_exam=4, missing_views=0.05, histograms=True, seed=8)


QUESTIONS: dict[str, Callable[[xr.Dataset], Any]] = {
    "agreement": lambda cube: cube.bac.agreement("tam_100", against="true_tam_100"),
    "regression": lambda cube: cube.bac.regression("tam_100", against="true_tam_100"),
    "correlation": lambda cube: cube.bac.correlation("am", against="pm", n_bootstrap=50),
    "deming": lambda cube: cube.bac.method_comparison("tam_100", against="true_tam_100"),
    "burden": lambda cube: cube.bac.burden(per="breast"),
    "trajectories": lambda cube: cube.bac.trajectories("tam_100", group="ckd", incomplete="scale"),
    "grades": lambda cube: cube.bac.grades("am_mm2"),
    "view_consistency": lambda cube: cube.bac.view_consistency("tam_100"),
    "table1": lambda cube: cube.bac.table1(columns=["age", "ckd"]),
    "missingness": lambda cube: cube.bac.missingness(),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_stored_and_literal_eager_and_lazy_give_one_answer(cube: xr.Dataset, question: str) -> None:
    ask = QUESTIONS[question]
    expected = ask(cube)
    assert isinstance(expected, Result)
    assert expected.estimable
    assert "simulated numbers" in expected.interpret()
    for form in (on_dates(cube), cube.chunk({"subject": 5}), on_dates(cube).chunk({"subject": 5})):
        found = ask(form).to_frame()
        pd.testing.assert_frame_equal(found, expected.to_frame()[list(found)], check_dtype=False)


def test_the_accessor_only_fetches(cube: xr.Dataset) -> None:
    """By hand, from the long table, the numbers are the same."""
    table = to_table(cube)
    a, b = table["tam_100"], table["true_tam_100"]
    by_hand = agreement(a, b, subject=table["subject"], repeats="varying")
    ours = cube.bac.agreement("tam_100", against="true_tam_100")
    assert (ours.bias, ours.lower, ours.upper) == (by_hand.bias, by_hand.lower, by_hand.upper)
    line = regression(b, a, subject=table["subject"])
    assert cube.bac.regression("tam_100", against="true_tam_100").slope == line.slope
    both = deming(b, a, subject=table["subject"], ratio=2.0)
    assert cube.bac.method_comparison("tam_100", against="true_tam_100", ratio=2.0).slope == both.slope
    rate = trajectories(burden(cube, "am", per="breast"), engine="exact").rate
    assert cube.bac.trajectories("am", per="breast", engine="exact").rate == rate
    graded = grades(burden(cube, "am_mm2", incomplete="as is")).to_frame()
    pd.testing.assert_frame_equal(cube.bac.grades(incomplete="as is").to_frame(), graded)


def test_points_lead_to_their_image(cube: xr.Dataset) -> None:
    points = cube.bac.agreement("tam_100", against="true_tam_100").points
    assert {"subject", "view", "date", "image_id"} <= set(points)
    row = points.iloc[7]
    cell = cube.sel(subject=row["subject"], view=row["view"]).isel(exam=int(row["exam"]))
    assert row["a"] == float(cell["tam_100"])
    assert row["image_id"] == cell["image_id"].item()


def test_covariates_are_named(cube: xr.Dataset) -> None:
    found = cube.bac.regression("tam_100", against="true_tam_100", covariates=["age", "breast_area"])
    assert {"age", "breast_area"} <= set(found.coefficients)
    with pytest.raises(StatsError, match="no 'weight'"):
        cube.bac.regression("tam_100", against="true_tam_100", covariates=["weight"])


def test_a_second_cube_table_or_array_is_compared_with(cube: xr.Dataset) -> None:
    truth = cube.assign(tam_100=cube["true_tam_100"])
    expected = cube.bac.agreement("tam_100", against="true_tam_100").bias
    for other in (truth, on_dates(truth), to_table(truth), cube["true_tam_100"]):
        assert cube.bac.agreement("tam_100", against=other).bias == expected


def test_thresholds_need_the_stored_form(cube: xr.Dataset) -> None:
    found = cube.bac.thresholds(against="true_tam_100", cuts=[0.5], n_bootstrap=0)
    lazy = cube.chunk({"subject": 5}).bac.thresholds(against=cube["true_tam_100"], cuts=[0.5], n_bootstrap=0)
    np.testing.assert_allclose(found.surface["r2"], lazy.surface["r2"])
    assert "simulated numbers" in found.interpret()
    with pytest.raises(StatsError, match="axis='exam'"):
        on_dates(cube).bac.thresholds(against="true_tam_100")
    with pytest.raises(StatsError, match="no 'nosuch'"):
        cube.bac.thresholds(against="nosuch")


def test_breast_ct_is_joined_by_woman(cube: xr.Dataset) -> None:
    total = burden(cube, "am", normalise=False, incomplete="scale").baseline()
    readings = total[["subject", "date"]].assign(calcium_mass_mg=2 * total["value"] + 1)
    found = cube.bac.reference_measures(readings, metrics=["am"], incomplete="scale", n_bootstrap=100)
    assert found.estimable
    fit = found.fit("am", "calcium_mass_mg")
    assert fit.r2.value == pytest.approx(1)
    assert fit.slope.value == pytest.approx(2)


def test_one_woman_gets_words_and_no_traceback(cube: xr.Dataset) -> None:
    one = cube.isel(subject=[0])
    for question, ask in QUESTIONS.items():
        assert ask(one).interpret(), question
    assert not one.bac.trajectories().rate.estimable


def test_a_cube_from_bactools_has_the_accessor() -> None:
    import bactools

    assert bactools.to_table is not None
    assert hasattr(xr.Dataset(), "bac")
