"""Images are added up by the rule that was asked for, and nothing is lost unsaid."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.cube import on_dates, to_table
from bactools.stats.burden import burden
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return simulate_cube(30, n_exam=5, missing_views=0.08, seed=3)


def _by_hand(cube: xr.Dataset, value: str, keys: list[str], how: str) -> pd.Series:
    """Add up the long table with pandas: another way to the same numbers."""
    table = to_table(cube).assign(breast=lambda t: t["view"].str[0])
    return table.groupby([*keys, "date"])[value].agg(how)


def test_the_default_is_the_papers_final_measure(cube: xr.Dataset) -> None:
    """TAM_100 divided by the breast area of each image, summed over four views; complete exams only."""
    found = burden(cube)
    table = to_table(cube).assign(share=lambda t: t["tam_100"] / t["breast_area"])
    exams = table.groupby(["subject", "date"])["share"].agg(["sum", "count"])
    expected = exams.loc[exams["count"] == 4, "sum"]
    ours = found.table.set_index(["subject", "date"])["value"]
    pd.testing.assert_series_equal(ours, expected, check_names=False, check_index_type=False)
    assert found.n_left_out == found.n_incomplete == (exams["count"] < 4).sum() > 0
    assert found.name == "tam_100 / breast area, sum of 4 views"
    assert str(found.n_left_out) in found.interpret()


@pytest.mark.parametrize(("per", "key"), [("woman", []), ("breast", ["breast"]), ("view", ["view"])])
@pytest.mark.parametrize("combine", ["sum", "mean"])
def test_every_level_agrees_with_pandas(cube: xr.Dataset, per: str, key: list[str], combine: str) -> None:
    found = burden(cube, "am_mm2", per=per, combine=combine, incomplete="as is")  # type: ignore[arg-type]
    expected = _by_hand(cube, "am_mm2", ["subject", *key], combine)
    ours = found.table.set_index(["subject", *key, "date"])["value"]
    pd.testing.assert_series_equal(ours, expected, check_names=False, check_index_type=False)
    assert found.units == "mm2"
    assert not found.normalised


def test_breasts_add_up_to_women(cube: xr.Dataset) -> None:
    whole = burden(cube, incomplete="as is").table.set_index(["subject", "date"])["value"]
    parts = burden(cube, per="breast", incomplete="as is").table.groupby(["subject", "date"])["value"].sum()
    pd.testing.assert_series_equal(whole, parts, check_names=False)


def test_scaling_for_a_missing_view_keeps_the_mean(cube: xr.Dataset) -> None:
    total, mean = (
        burden(cube, combine=combine, incomplete="scale").table["value"] for combine in ("sum", "mean")
    )
    np.testing.assert_allclose(total, 4 * mean)


def test_the_literal_form_gives_the_same_table(cube: xr.Dataset) -> None:
    stored, literal = (burden(form).table for form in (cube, on_dates(cube)))
    pd.testing.assert_frame_equal(stored, literal[list(stored)], check_dtype=False)


def test_a_lazy_cube_gives_the_same_table(cube: xr.Dataset) -> None:
    pd.testing.assert_frame_equal(burden(cube.chunk({"subject": 7})).table, burden(cube).table)


def test_years_count_from_her_first_exam_kept(cube: xr.Dataset) -> None:
    table = burden(cube).table
    first = table.groupby("subject")["years"].min()
    assert (first == 0).all()
    span = table.groupby("subject")["date"].agg(lambda d: (d.max() - d.min()).days / 365.25)
    pd.testing.assert_series_equal(table.groupby("subject")["years"].max(), span, check_names=False)


def test_covariates_come_along_at_their_exam(cube: xr.Dataset) -> None:
    row = burden(cube).table.iloc[-1]
    cell = cube.sel(subject=row["subject"], exam=row["exam"])
    assert row["age"] == float(cell["age"])
    assert row["race"] == cell["race"].item()
    assert "breast_area" not in row


def test_what_a_study_tells_of_images_becomes_the_exams(cube: xr.Dataset) -> None:
    """A study's cube has age and vendor per image; a burden has one of each per exam."""
    per_image = cube.copy(deep=True)
    age = cube["age"].expand_dims(view=cube["view"]).transpose("subject", "view", "exam")
    per_image["age"] = age.where(per_image["status"] == 1)
    per_image["vendor"][0, 1, 0] = "GE HEALTHCARE"
    table = burden(per_image, incomplete="as is").table
    pd.testing.assert_series_equal(table["age"], burden(cube, incomplete="as is").table["age"])
    vendor = table.set_index(["subject", "exam"])["vendor"]
    assert vendor["S00000", 0] == "several"
    assert set(vendor) == {"several", "GE", "HOLOGIC"}


def test_one_woman_and_one_exam_are_still_exams(cube: xr.Dataset) -> None:
    whole = burden(cube, incomplete="as is").table
    one = burden(cube.isel(subject=4), incomplete="as is").table
    assert one["value"].tolist() == whole.loc[whole["subject"] == "S00004", "value"].tolist()
    third = burden(cube.isel(exam=2), incomplete="as is").table
    assert third["value"].tolist() == whole.loc[whole["exam"] == 2, "value"].tolist()
    assert (third["years"] == 0).all()


def test_views_that_were_chosen_are_all_that_is_needed(cube: xr.Dataset) -> None:
    found = burden(cube.sel(view=["LCC", "RCC"]))
    assert found.n_needed == 2
    assert found.name.endswith("sum of 2 views")
    one = burden(cube.sel(view="LCC"))
    assert one.name == "tam_100 / breast area"
    assert {"ckd", "race", "age"} <= set(one.table)
    assert burden(cube.sel(view="LCC"), "true_tam_100").n_needed == 1


def test_an_image_without_a_breast_area_is_missing_not_infinite(cube: xr.Dataset) -> None:
    broken = cube.copy(deep=True)
    broken["breast_area"][0, 0, 0] = 0
    assert np.isfinite(burden(broken, incomplete="as is").table["value"]).all()
    assert burden(broken).n_incomplete == burden(cube).n_incomplete + 1


def test_nothing_left_is_said_in_words(cube: xr.Dataset) -> None:
    three = cube.copy(deep=True)
    three["tam_100"][:, 0] = np.nan
    found = burden(three)
    assert not found.estimable
    assert "in all 4 views: use incomplete='scale'" in found.interpret()
    assert burden(cube.isel(subject=[])).reason == "the cube holds no exam"


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"metric": "tam_1"}, "no 'tam_1': its variables per image are"),
        ({"per": "man"}, "per='man': choose one of 'woman'"),
        ({"metric": "tam_100_norm", "normalise": True}, "divided by the breast area already"),
        ({"metric": "am_mm2", "normalise": True}, "no 'breast_area_mm2' to divide"),
        ({"metric": "age"}, "not a number per image"),
    ],
)
def test_bad_requests_are_refused_in_words(cube: xr.Dataset, options: dict, match: str) -> None:
    with pytest.raises(StatsError, match=match):
        burden(cube, **options)


def test_a_cube_says_what_its_weights_are(cube: xr.Dataset) -> None:
    assert "simulated numbers" in burden(cube).interpret()
