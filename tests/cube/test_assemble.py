"""Rows to cube: every value where it belongs, one image per cell, whatever the order of rows."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools import metrics
from bactools.conventions import STORED_DIMS, VIEWS
from bactools.cube import assemble, to_table

from .made import CUT, row, study


def test_every_row_is_found_at_its_subject_view_and_date():
    rows, histograms = study()
    cube, told = assemble(rows, histograms, attrs={"recipe": "{}"})
    assert cube.attrs == {"Conventions": "bactools-1", "recipe": "{}"}
    assert told.in_cube.all()
    assert int((cube.status != 0).sum()) == len(rows)
    for _, one in rows.iterrows():
        exam = int(np.flatnonzero(cube.date.sel(subject=one.subject) == one.date)[0])
        cell = cube.sel(subject=one.subject, view=one["view"], exam=exam)
        assert cell.image_id == one.image_id
        assert cell.status == {"done": 1, "failed": 2}[one.status]
        for name in metrics.METRICS:
            np.testing.assert_equal(float(cell[name]), one[name])
        expected = histograms.get(one.image_id, np.zeros((100, 256)))
        np.testing.assert_array_equal(cell.joint_histogram, expected)


def test_exams_are_numbered_by_date_within_the_subject():
    cube, _ = assemble(study(8)[0])
    dates = cube.date.values
    known = ~np.isnat(dates)
    for subject, there in zip(dates, known, strict=True):
        assert (np.diff(subject[there]) > np.timedelta64(0)).all()
        assert there[: there.sum()].all()
    assert cube.exam.values.tolist() == list(range(known.sum(axis=1).max()))


def test_zero_is_an_image_without_bac_and_nan_is_no_image_or_a_failed_one():
    rows = pd.DataFrame(
        [
            row(0, "A", "LCC", "2020-01-01", tam_100=0.0),
            row(1, "A", "RCC", "2020-01-01", tam_100=7.0, status="failed"),
        ]
    )
    cube, _ = assemble(rows)
    np.testing.assert_array_equal(cube.tam_100.values[0, :, 0], [0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(cube.status.values[0, :, 0], [1, 0, 2, 0])
    assert cube.status.dtype == np.int8
    assert cube.status.flag_meanings.split()[cube.status.flag_values.index(2)] == "failed"


def test_metrics_carry_unit_and_meaning_and_recomputing_gives_the_stored_number():
    cube, _ = assemble(*study())
    for variable in metrics.variables():
        assert cube[variable.name].dims == STORED_DIMS
        assert cube[variable.name].attrs == variable.attrs
    again = metrics.from_histogram(cube.joint_histogram, name="tam", cut=CUT, x=100)
    assert again.chunks is not None
    np.testing.assert_array_equal(again.values, cube.tam_100.values)
    np.testing.assert_array_equal(
        metrics.from_histogram(cube.joint_histogram.compute(), name="sim", cut=CUT), cube.sim
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_does_not_matter(seed):
    rows, histograms = study()
    rows = pd.concat([rows, rows.head(9).assign(image_id=[f"r{k}" for k in range(9)])])
    cube, told = assemble(rows, histograms)
    other, told_other = assemble(rows.sample(frac=1, random_state=seed), histograms)
    xr.testing.assert_identical(cube.compute(), other.compute())
    pd.testing.assert_frame_equal(
        told.sort_values("image_id").reset_index(drop=True),
        told_other.sort_values("image_id").reset_index(drop=True),
    )
    assert told.index.equals(rows.index)


# Best first, each losing to the one before it by a single step of the rule.
RANKED = [
    {"image_id": "b", "acquisition_time": "090001"},
    {"image_id": "a", "acquisition_time": "090001"},
    {"image_id": "y", "acquisition_time": "090000.5"},
    {"image_id": "z", "acquisition_time": None},
    {"for_processing": True, "acquisition_time": "230000"},
    {"synthesized": True},
    {"implant_displaced": True},
    {"status": "failed", "acquisition_time": "235959"},
]


@pytest.mark.parametrize(("better", "worse"), list(itertools.pairwise(range(len(RANKED)))))
def test_of_two_images_for_a_cell_the_rule_takes_one_and_names_the_other(better, worse):
    pair = [
        row(k, "A", "LCC", "2020-01-01 08:00") | {"image_id": f"i{k}"} | RANKED[k] for k in (better, worse)
    ]
    for rows in (pair, pair[::-1]):
        cube, told = assemble(pd.DataFrame(rows))
        assert cube.image_id.values[0, 0, 0] == pair[0]["image_id"]
        told = told.set_index("image_id")
        assert told.in_cube.to_dict() == {pair[0]["image_id"]: True, pair[1]["image_id"]: False}
        assert told.not_in_cube_reason.tolist().count("repeat_view") == 1


def test_same_day_at_another_hour_is_the_same_exam_and_other_views_stay_out():
    rows = pd.DataFrame(
        [
            row(0, "A", "LCC", "2020-01-01 08:00"),
            row(1, "A", "RCC", "2020-01-01 17:00"),
            row(2, "A", "ML", "2020-01-01"),
            row(3, "A", "LCC", "NaT"),
        ]
    )
    cube, told = assemble(rows)
    assert cube.sizes["exam"] == 1
    assert told.not_in_cube_reason.tolist() == ["", "", "other_view", "no_date"]


@pytest.mark.parametrize("histograms", [None, {}])
def test_no_images_and_one_image_make_a_cube(histograms):
    empty, told = assemble(pd.DataFrame(columns=["image_id", "status", "subject"]), histograms)
    assert empty.tam_100.dims == STORED_DIMS
    assert dict(empty.status.sizes) == {"subject": 0, "view": 4, "exam": 0}
    assert told.empty
    assert to_table(empty).empty
    one, _ = assemble(pd.DataFrame([row(0, "A", "RMLO", "2020-01-01", pm=1.5)]), histograms)
    assert dict(one.status.sizes) == {"subject": 1, "view": 4, "exam": 1}
    assert one.pm.values[0, VIEWS.index("RMLO"), 0] == 1.5
    assert ("joint_histogram" in one) == (histograms is not None)


class Counted(dict):
    """A mapping that remembers which histograms were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def get(self, key, default=None):
        self.asked.append(key)
        return np.ones((100, 256), np.int64)


def test_histograms_are_asked_for_block_by_block():
    rows = pd.DataFrame([row(k, f"S{k:04d}", "LCC", "2020-01-01") for k in range(400)])
    histograms = Counted()
    cube, _ = assemble(rows, histograms)
    assert histograms.asked == []
    chunk = cube.joint_histogram.data.chunksize
    assert np.prod(chunk) * 4 <= 32 * 2**20
    cube.joint_histogram.isel(subject=399).compute(scheduler="synchronous")
    assert 0 < len(histograms.asked) <= chunk[0]


@pytest.mark.parametrize(
    "bad", [np.zeros((100, 255), np.int64), np.full((100, 256), 2**32), np.full((100, 256), -1)]
)
def test_a_histogram_that_does_not_fit_is_refused(bad):
    cube, _ = assemble(pd.DataFrame([row(0, "A", "LCC", "2020-01-01")]), {"i0000": bad})
    with pytest.raises(ValueError, match="joint histogram"):
        cube.compute()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subject": "Doe^Jane"}, "1 subjects are no pseudonyms"),
        ({"status": "ok"}, "row status 'ok'"),
        ({"image_id": "i0001"}, "1 rows repeat an image_id"),
    ],
)
def test_wrong_rows_are_refused_without_naming_anyone(change, message):
    rows = pd.DataFrame([row(0, "A", "LCC", "2020-01-01") | change, row(1, "A", "RCC", "2020-01-01")])
    with pytest.raises(ValueError, match=message) as caught:
        assemble(rows)
    assert "Jane" not in str(caught.value)


def test_missing_columns_are_named():
    with pytest.raises(ValueError, match="lack the columns date, status"):
        assemble(pd.DataFrame({"image_id": ["i"], "subject": ["A"], "view": ["LCC"]}))
