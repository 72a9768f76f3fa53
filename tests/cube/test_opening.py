"""Opening: the cube the user sees, and its way there and back."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.conventions import VIEWS
from bactools.cube import assemble, on_dates, on_exams, open_cube, write_cube

from .made import row, study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("study")
    write_cube(assemble(*study(6, names=("pm", "tam_100")))[0], path / "cube.zarr")
    return path


def test_the_sentence_of_the_mission(folder):
    rows = study(6)[0].set_index("image_id")
    cube = open_cube(folder)
    got = cube.tam_100.sel(subject="S003", view="LCC", date=slice("2012", "2016"))
    wanted = rows[(rows.subject == "S003") & (rows["view"] == "LCC") & (rows.status == "done")]
    wanted = wanted[wanted.date.dt.year.between(2012, 2016)].set_index("date").tam_100.sort_index()
    assert len(wanted) > 0
    found = got.dropna("date")
    np.testing.assert_array_equal(found.date, wanted.index.to_numpy())
    np.testing.assert_array_equal(found, wanted)


def test_literal_axes_are_sorted_and_distinct(folder):
    cube = open_cube(folder)
    assert cube.tam_100.dims == ("subject", "view", "date")
    assert tuple(cube.view.values) == VIEWS
    assert cube.indexes["date"].is_monotonic_increasing
    assert cube.indexes["date"].is_unique
    assert ((cube.status != 0).any("view") == (cube.exam >= 0)).all()
    assert "joint_histogram" not in cube
    assert cube.tam_100.attrs["units"] == "1"


def test_stored_to_literal_and_back_is_the_same(folder):
    stored = open_cube(folder, axis="exam").drop_vars("joint_histogram")
    literal = on_dates(stored)
    xr.testing.assert_identical(on_exams(literal), stored)
    xr.testing.assert_identical(on_dates(on_exams(literal)), literal)
    assert int((literal.status == 1).sum()) == int((stored.status == 1).sum())
    np.testing.assert_allclose(literal.pm.sum(("view", "date")), stored.pm.sum(("view", "exam")), rtol=1e-12)


def test_covariates_come_along_and_missing_ones_stay_missing(folder):
    stored = open_cube(folder, axis="exam").drop_vars("joint_histogram")
    stored["race"] = ("subject", np.arange(6))
    stored["age"] = (("subject", "exam"), np.arange(6 * stored.sizes["exam"]).reshape(6, -1))
    literal = on_dates(stored)
    assert literal.race.dims == ("subject",)
    assert literal.age.isnull().sum() == (literal.exam < 0).sum()
    back = on_exams(literal).age
    np.testing.assert_array_equal(back, stored.age.where(stored.date.notnull()))


def test_a_cube_cut_by_date_starts_anew_at_exam_0(folder):
    stored, literal = open_cube(folder, axis="exam"), open_cube(folder)
    second = stored.date.sel(subject="S003", exam=1).values
    part = on_exams(literal.sel(date=slice(second, None)))
    assert part.date.sel(subject="S003", exam=0) == second
    assert not (part.date < second).any()
    kept = stored.status.where(stored.date >= second, 0)
    assert int((part.status != 0).sum()) == int((kept != 0).sum()) < int((stored.status != 0).sum())


def test_the_stored_form_has_a_lazy_histogram_and_may_be_wholly_lazy(folder):
    ready, lazy = open_cube(folder, axis="exam"), open_cube(folder, axis="exam", chunks={})
    assert ready.tam_100.chunks is None
    assert ready.joint_histogram.chunks is not None
    assert lazy.tam_100.chunks is not None
    xr.testing.assert_identical(ready.compute(), lazy.compute())


def test_subjects_are_opened_in_the_order_asked_for(folder):
    cube = open_cube(folder, subjects=["S004", "S001", "S004"])
    assert cube.subject.values.tolist() == ["S004", "S001"]
    assert open_cube(folder, subjects="S002").sizes["subject"] == 1
    whole = open_cube(folder)
    part = whole.sel(subject=["S004", "S001"], date=cube.date)
    xr.testing.assert_identical(part, cube)


def test_unknown_subjects_are_named_up_to_five(folder):
    with pytest.raises(ValueError, match=r"^7 subjects are not in the cube: X0, X1, X2, X3, X4, …$"):
        open_cube(folder, subjects=["S001", *(f"X{k}" for k in range(7))])


def test_where_takes_a_function_an_array_or_a_series(folder):
    def with_four_exams(cube):
        return cube.date.notnull().sum("exam") == 4

    wanted = ["S003"]
    series = pd.Series({f"S{k:03d}": k == 3 for k in (3, 5, 0, 1, 2, 4)})
    for where in (with_four_exams, with_four_exams(open_cube(folder, axis="exam")), series):
        assert open_cube(folder, where=where).subject.values.tolist() == wanted
    bare = xr.DataArray(series.sort_index().to_numpy(), dims="subject")
    assert open_cube(folder, where=bare, axis="exam").subject.values.tolist() == wanted
    assert open_cube(folder, where=lambda cube: cube.date.isnull().all("exam")).sizes["subject"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"where": lambda cube: cube.tam_100 > 0}, "one True or False per subject"),
        ({"where": lambda cube: cube.tam_100.sum(("view", "exam"))}, "one True or False per subject"),
        ({"where": pd.Series({"S000": True})}, "5 subjects are not in the cube: S001"),
        ({"where": xr.DataArray([True], dims="subject")}, "1 answers for 6 subjects"),
        ({"axis": "day"}, "choose 'date' or 'exam'"),
        ({"chunks": {}}, "axis='exam'"),
    ],
)
def test_wrong_options_say_what_to_do(folder, options, message):
    if isinstance(options.get("where"), pd.Series):
        message = "not in the cube"
    with pytest.raises(ValueError, match=message):
        open_cube(folder, **options)


def test_a_literal_cube_beyond_the_limit_is_refused_with_advice(folder):
    size = sum(v.nbytes for v in open_cube(folder).data_vars.values())
    assert open_cube(folder, memory_limit=size).sizes["subject"] == 6
    with pytest.raises(
        ValueError, match=r"6 subjects x 4 views x \d+ dates needs .* limit .*subjects= or where=.*exam"
    ):
        open_cube(folder, memory_limit=size - 1)


def test_ten_thousand_women_of_eight_exams_take_seconds(tmp_path):
    rng = np.random.default_rng(0)
    n = 10_000
    days = np.sort(rng.integers(0, 4383, (n, 8)), axis=1).ravel()
    first = pd.DataFrame(
        {
            "subject": np.repeat([f"S{k:05d}" for k in range(n)], 8),
            "date": np.datetime64("2008-01-01", "s") + days * np.timedelta64(86400, "s"),
        }
    )
    rows = first.merge(pd.DataFrame({"view": VIEWS}), how="cross")
    rows = rows.assign(image_id=[f"{k:08x}" for k in range(len(rows))], status="done")
    rows["tam_100"] = rng.poisson(5, len(rows)).astype(float)
    start = time.process_time()
    cube, told = assemble(rows)
    write_cube(cube, tmp_path / "cube.zarr")
    few = open_cube(tmp_path, subjects=["S00007", "S09999"])
    with pytest.raises(ValueError, match="10000 subjects"):
        open_cube(tmp_path)
    assert time.process_time() - start < 15  # about 2 s measured; the margin is for a busy machine
    assert told.in_cube.sum() + (told.not_in_cube_reason == "repeat_view").sum() == 320_000
    kept = told[told.in_cube & told.subject.isin(["S00007", "S09999"])]
    assert few.tam_100.sum() == kept.tam_100.sum()


def test_date_stays_usable_after_choosing_a_subject_in_the_stored_form(folder):
    one = open_cube(folder, axis="exam").tam_100.sel(subject="S003").swap_dims(exam="date")
    assert one.sel(date=slice("2010", "2020")).sizes["date"] == 4
    assert row(0, "A", "LCC", "2020-01-01")["view"] in one.view
