"""Missing views counted against the cube itself; absent and failed are kept apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.conventions import ABSENT, DONE, FAILED, STATUS
from bactools.cube import on_dates
from bactools.stats.cohort.exam_table import exam_table
from bactools.stats.cohort.missingness import missingness
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube


@pytest.fixture
def cube() -> xr.Dataset:
    made = simulate_cube(20, missing_views=0.2, one_exam=0.3)
    fails = np.random.default_rng(0).random(made["status"].shape) < 0.1
    made["status"] = made["status"].where(~(fails & (made["status"] == 1).values), 2)
    return made


def test_the_codes_are_the_conventions() -> None:
    assert {ABSENT: "absent", DONE: "done", FAILED: "failed"} == STATUS


def test_counts_by_view_and_year_are_the_cubes(cube: xr.Dataset) -> None:
    found = missingness(cube)
    years = cube["date"].dt.year
    for row in found.by_view.itertuples():
        held = (years == row.year).values
        status = cube["status"].sel(view=row.view).values[held]
        assert row.exams == held.sum()
        assert (row.absent, row.done, row.failed) == tuple((status == code).sum() for code in (0, 1, 2))
        assert row.share_absent == pytest.approx(row.absent / row.exams)
    assert found.by_view[["done", "absent", "failed"]].sum().sum() == 4 * found.n_exams
    assert found.n_exams == int((~np.isnat(cube["date"].values)).sum())
    assert found.totals()["exams"].eq(found.n_exams).all()


def test_patterns_and_women_add_up(cube: xr.Dataset) -> None:
    found = missingness(cube)
    assert found.patterns["exams"].sum() == found.n_exams
    assert found.patterns["share"].sum() == pytest.approx(1)
    whole = found.patterns[(found.patterns["absent"] == "") & (found.patterns["failed"] == "")]
    assert whole["exams"].iloc[0] == found.n_complete == int((cube["status"] == 1).all("view").sum())
    assert found.women["women"].sum() == found.women["complete"].sum() == found.n_women
    assert (found.women["exams"] * found.women["women"]).sum() == found.n_exams
    assert (found.women["exams"] * found.women["complete"]).sum() == found.n_complete


def test_views_missing_together_are_one_pattern() -> None:
    cube = simulate_cube(3, n_exam=2).load()
    status = cube["status"].values.copy()
    status[0, :2, 0] = 0
    status[1, 3, 1] = 2
    cube["status"] = (cube["status"].dims, status)
    found = missingness(cube)
    assert found.patterns.drop(columns="share").to_numpy().tolist() == [
        ["", "", 4, 3],
        ["", "RMLO", 1, 1],
        ["LCC, LMLO", "", 1, 1],
    ]
    assert "2 (8.3 %) do not exist and 1 (4.2 %) could not be measured" in found.interpret()


def test_forms_and_laziness_and_order_do_not_matter(cube: xr.Dataset) -> None:
    expected = missingness(cube)
    shuffled = cube.isel(subject=np.random.default_rng(1).permutation(20))
    for other in (on_dates(cube), cube.chunk({"subject": 3}), shuffled):
        found = missingness(other)
        for table in ("by_view", "patterns", "women"):
            pd.testing.assert_frame_equal(getattr(found, table), getattr(expected, table), check_dtype=False)


@pytest.mark.parametrize("form", [lambda cube: cube, on_dates])
def test_a_part_of_a_cube_is_a_cube(cube: xr.Dataset, form: Callable[[xr.Dataset], xr.Dataset]) -> None:
    whole, subject = form(cube), cube["subject"].values[0]
    views = missingness(whole.sel(view=["LCC"])), missingness(whole.sel(view="LCC"))
    for found in views:
        assert found.views == ("LCC",)
        pd.testing.assert_frame_equal(found.by_view, views[0].by_view)
    her = missingness(whole.sel(subject=subject)), missingness(whole.sel(subject=[subject]))
    assert her[0].n_women == her[1].n_women == 1
    pd.testing.assert_frame_equal(her[0].by_view, her[1].by_view)
    one = whole.sel(view="LCC")
    assert {"ckd", "race"} <= set(exam_table(one).covariates())


def test_one_exam_or_date_is_a_cube(cube: xr.Dataset) -> None:
    assert missingness(cube.isel(exam=0)).n_exams == 20
    day = on_dates(cube).isel(date=5)
    assert missingness(day).n_exams == int((day["status"] != 0).any("view").sum())
    image = missingness(cube.isel(subject=0, view=1, exam=0))
    assert image.by_view["exams"].tolist() == [1]


def test_what_is_no_cube_and_what_is_empty() -> None:
    cube = simulate_cube(3)
    with pytest.raises(StatsError, match="no 'status'"):
        missingness(cube.drop_vars("status"))
    with pytest.raises(StatsError, match="the cube has no view"):
        missingness(cube.isel(view=0, drop=True))
    empty = missingness(cube.isel(subject=[]))
    assert empty.reason == "the cube holds no exam"
    assert "Not estimable" in empty.interpret()
