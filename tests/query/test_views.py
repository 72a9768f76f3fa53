"""The views hold what pandas finds in the long table, woman by woman."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bactools.cube import on_dates, open_cube, to_table
from bactools.query import VIEWS, columns, view
from bactools.study import Study
from bactools.testing import simulate_cube
from tests.query.conftest import METRICS

IN_MM2 = ("am_mm2", "tam_100_mm2")


@pytest.fixture(scope="module")
def images(asked: Study) -> pd.DataFrame:
    return to_table(open_cube(asked.folder, axis="exam"))


@pytest.fixture(scope="module")
def views(asked: Study) -> dict[str, pd.DataFrame]:
    return {name: asked.sql(f"SELECT * FROM {name}") for name in VIEWS}


def sums(images: pd.DataFrame, metric: str) -> pd.Series:
    """Add up the four views of each exam, one exam after the other."""
    divided = metric not in IN_MM2 and not metric.endswith("_norm")
    found = {}
    for key, exam in images.groupby(["subject", "exam"]):
        values = exam[metric] / exam["breast_area"] if divided else exam[metric]
        found[key] = values.sum() if values.notna().sum() == 4 else np.nan
    return pd.Series(found)


def test_images_are_the_long_table(images, views) -> None:
    found = views["images"]
    assert (found["status"] == "failed").sum() == 1
    assert list(found.columns) == list(images.columns)
    for name in images.columns:
        pd.testing.assert_series_equal(found[name], images[name], check_dtype=False)


@pytest.mark.parametrize("metric", METRICS)
def test_exams_are_sums_of_four_views(metric, images, views) -> None:
    found = views["exams"].set_index(["subject", "exam"])[metric]
    expected = sums(images, metric).reindex(found.index)
    assert 0 < found.isna().sum() < len(found)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_incomplete_exams_are_flagged(images, views) -> None:
    exams = views["exams"].set_index(["subject", "exam"])
    done = images[images["status"] == "done"].groupby(["subject", "exam"]).size().reindex(exams.index)
    np.testing.assert_array_equal(exams["n_views"], done)
    np.testing.assert_array_equal(exams["complete"], done == 4)
    np.testing.assert_array_equal(exams["complete"], exams["tam_100"].notna())
    first = exams.groupby("subject")["date"].transform("min")
    np.testing.assert_allclose(exams["years"], (exams["date"] - first).dt.days / 365.25)


@pytest.mark.parametrize("metric", ["tam_100", "am_mm2"])
def test_each_womans_rate_is_her_own_line(metric, views) -> None:
    women = views["subjects"].set_index("subject")
    for name, exams in views["exams"].groupby("subject"):
        known = exams.dropna(subset=[metric])
        woman = women.loc[name]
        if len(known) < 2:
            assert np.isnan(woman[f"{metric}_per_year"])
            continue
        slope = np.polyfit(known["years"], known[metric], 1)[0]
        assert woman[f"{metric}_per_year"] == pytest.approx(slope, rel=1e-7, abs=1e-12)
        assert woman[f"{metric}_first"] == known[metric].iloc[0]
        assert woman[f"{metric}_last"] == known[metric].iloc[-1]
    assert women["n_exams"].min() == 1


def test_subjects_say_first_and_last_exam_and_covariates(images, views) -> None:
    women = views["subjects"].set_index("subject")
    dates = images.groupby("subject")["date"]
    assert (women["first_exam"] == dates.min()).all()
    assert (women["last_exam"] == dates.max()).all()
    assert (women["n_exams"] == dates.nunique()).all()
    assert (women["ckd"] == images.groupby("subject")["ckd"].first()).all()
    first = images.sort_values("date").groupby("subject")["age"].first()
    np.testing.assert_allclose(women["age"], first.reindex(women.index))


def test_grades_are_those_of_the_cut_offs(views) -> None:
    cut = pd.cut(
        views["exams"]["am_mm2"], [-1, 0, 10, 25, np.inf], labels=["none", "mild", "moderate", "severe"]
    )
    expected = cut.astype(object).where(cut.notna(), None)
    assert views["exams"]["grade"].fillna("").tolist() == [b or "" for b in expected]
    assert views["exams"]["grade"].nunique() > 2
    latest = views["exams"].dropna(subset=["grade"]).groupby("subject")["grade"].last()
    assert (views["subjects"].set_index("subject")["grade"].dropna() == latest).all()


def test_both_forms_of_a_cube_have_the_same_views() -> None:
    stored = simulate_cube(5, n_exam=3, seed=2)
    for name in VIEWS:
        a, b = (view(cube, name).to_pandas() for cube in (stored, on_dates(stored)))
        pd.testing.assert_frame_equal(a, b[a.columns], check_dtype=False)


def test_a_cube_without_anybody_has_empty_views() -> None:
    nobody = simulate_cube(3, n_exam=2, seed=2).isel(subject=[])
    assert {view(nobody, name).num_rows for name in VIEWS} == {0}


def test_every_column_is_documented(asked: Study) -> None:
    told = columns(asked.folder)
    assert set(told["view"]) == set(VIEWS)
    own = told[~told["column"].str.contains("true_|ckd|race")]
    assert own["meaning"].str.len().min() > 4
    units = told.set_index(["view", "column"])["units"]
    assert units["exams", "am_mm2"] == "mm2"
    assert units["exams", "tam_100"] == ""
    assert units["subjects", "am_mm2_per_year"] == "mm2/year"


def test_types_are_plain(asked: Study) -> None:
    exams = view(open_cube(asked.folder, axis="exam"), "exams")
    assert exams.schema.field("date").type == pa.date32()
    assert pa.types.is_boolean(exams.schema.field("complete").type)
