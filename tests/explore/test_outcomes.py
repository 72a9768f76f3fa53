"""Outcomes: which columns they are, when time starts, and a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.explore.film_strip import film_strip, views_of
from bactools.explore.outcomes import Outcome, first_exams, follow_up, groups, outcomes
from bactools.explore.progress import error_of, evenly, exams, foremost, progressors
from bactools.stats.association import cox
from bactools.stats.burden import burden
from bactools.stats.grades import grades
from bactools.stats.result import StatsError
from bactools.stats.trajectories import trajectories
from bactools.testing import simulate_cube
from bactools.testing.study import HAZARD_RATIOS, with_outcomes


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return with_outcomes(simulate_cube(60, missing_views=0.05, one_exam=0.1))


@pytest.mark.parametrize(
    ("event", "time"),
    [
        ("infarct", "infarct_years"), ("mi", "years_to_mi"), ("mi", "time_to_mi"), ("mi", "mi_days"),
        ("event", "years"), ("event", "time"), ("event", "event_time_years"), ("died", "follow_up_years"),
    ],
)  # fmt: skip
def test_pairs_of_columns_are_found_by_name(event: str, time: str) -> None:
    known = xr.Dataset({event: ("subject", [0, 1]), time: ("subject", [1.0, 2.0])})
    assert outcomes(known) == [Outcome(event, time)]


def test_what_is_no_outcome_is_not_taken_for_one() -> None:
    known = xr.Dataset(
        {
            "ckd": ("subject", [True, False]),
            "score": ("subject", [0, 2]),
            "score_years": ("subject", [1.0, 2.0]),
            "mi": ("subject", [0, 1]),
            "mi_years": ("subject", np.array(["a", "b"], dtype=object)),
            "stroke": (("subject", "exam"), [[0], [1]]),
            "stroke_years": ("subject", [1.0, 2.0]),
        }
    )
    assert outcomes(known) == []
    assert outcomes(simulate_cube(5)) == []


def test_unknown_events_and_several_outcomes_are_kept_apart(cube: xr.Dataset) -> None:
    more = cube.assign(
        death=("subject", np.where(np.arange(60) < 5, np.nan, 0.0)), death_years=("subject", np.full(60, 3.0))
    )
    assert [found.event for found in outcomes(more)] == ["death", "infarct"]
    followed = follow_up(more, outcomes(more)[0], first_exams(burden(more, "am_mm2", incomplete="as is")))
    assert (followed.n_unknown, followed.n, followed.n_events) == (5, 55, 0)
    assert "Of 5 more" in followed.words


def test_days_are_years_in_other_units(cube: xr.Dataset) -> None:
    first = first_exams(burden(cube, "am_mm2", incomplete="as is"))
    days = cube.rename(infarct_years="infarct_days")
    days["infarct_days"] = days["infarct_days"] * 365.25
    in_years, in_days = (follow_up(each, outcomes(each)[0], first) for each in (cube, days))
    np.testing.assert_allclose(in_days.time, in_years.time)
    assert in_years.entry is None


def test_a_later_first_exam_makes_a_woman_at_risk_from_then_on(cube: xr.Dataset) -> None:
    outcome = outcomes(cube)[0]
    # of a cohort whose exams start two years late, time still starts at the first exam of all
    late = cube.isel(exam=slice(2, None))
    first = first_exams(burden(late, "am_mm2", incomplete="as is"))
    followed = follow_up(cube, outcome, first)
    assert followed.entry is not None
    held = followed.time.notna()
    start = pd.Series(cube["date"].isel(exam=0).values, index=cube["subject"].values)
    begun = first.table.set_index("subject")["date"]
    years = (begun - start.reindex(begun.index)).dt.days / 365.25
    np.testing.assert_allclose(followed.entry[held], years[held])
    assert (followed.time[held] > followed.entry[held]).all()
    assert followed.n + followed.n_late + followed.n_unknown == len(first.table)
    assert followed.n_late == int((~held).sum()) > 0


def test_events_before_the_first_exam_are_left_out(cube: xr.Dataset) -> None:
    before = cube.assign(infarct_years=cube["infarct_years"] - 4.5)
    followed = follow_up(before, outcomes(before)[0], first_exams(burden(cube, incomplete="as is")))
    assert followed.n_late == int((before["infarct_years"] < 0).sum()) > 0
    assert followed.time.min() >= 0


def test_an_outcome_that_is_not_there_is_refused(cube: xr.Dataset) -> None:
    with pytest.raises(StatsError, match="no outcome 'stroke'"):
        follow_up(cube, Outcome("stroke", "stroke_years"), first_exams(burden(cube)))


def test_the_known_hazard_ratio_of_age_is_found() -> None:
    known = with_outcomes(simulate_cube(1500, n_exam=1), seed=1)
    first = first_exams(burden(known, "tam_100"))
    followed = follow_up(known, outcomes(known)[0], first)
    start = pd.Series(known["true_start"].values, index=known["subject"].values)
    found = cox(
        followed.time, followed.event, first,
        covariates={"start": np.log2(1 + start / 0.001), "age": first.table.set_index("subject")["age"]},
    ).to_frame().set_index("term")  # fmt: skip
    found = found[found["model"] == "adjusted"]
    for term, per, truth in (("age", 10, "ten years of age"), ("start", 1, "log2 of 1 + true_start / 0.001")):
        low, high = found.loc[term, ["ci_low", "ci_high"]].to_numpy(float) ** per
        assert low < HAZARD_RATIOS[truth] < high


def test_grades_are_of_the_women_who_were_followed(cube: xr.Dataset) -> None:
    first = first_exams(burden(cube, "am_mm2", incomplete="as is"))
    followed = follow_up(cube, outcomes(cube)[0], first)
    found = grades(first)
    by_woman = groups(found, followed)
    assert list(by_woman.index) == list(followed.time.index)
    expected = dict(zip(found.table["subject"], found.table["grade"].astype(str), strict=True))
    assert dict(by_woman.astype(str)) == expected


def test_a_film_strip_has_every_exam_by_date(cube: xr.Dataset) -> None:
    subject, view = "S00003", "LMLO"
    strip = film_strip(cube, subject, view, "tam_100")
    hers = cube.sel(subject=subject, view=view)
    assert len(strip) == int((~np.isnat(hers["date"].values)).sum())
    assert strip["date"].is_monotonic_increasing
    lacking = strip["tam_100"].isna()
    assert (strip.loc[lacking, "image_id"] == "").all()
    assert set(strip.loc[~lacking, "image_id"]) <= set(hers["image_id"].values)
    assert film_strip(cube, "nobody", view, "tam_100").empty
    assert film_strip(cube, subject, "XXX").empty
    assert views_of(cube)[0] == "LMLO"


def test_progressors_are_those_above_the_limit_and_evenly_chosen_women_keep_their_mark(
    cube: xr.Dataset,
) -> None:
    found = trajectories(burden(cube), engine="exact")
    told = found.progressed()
    rows = progressors(told)
    assert len(rows) == told.n_progressed
    assert (rows["change"] > told.sdc.value).all()
    assert rows["change"].is_monotonic_decreasing
    assert "group" not in rows
    assert foremost(found) == rows["subject"][0]
    some, theirs = evenly(found, told, most=10)
    assert len(some.women) == len(theirs.table) == 10
    assert list(some.women["subject"]) == list(theirs.table["subject"])
    rate = found.women.loc[found.women["years"] > 0, "shrunken_rate"]
    assert some.women["shrunken_rate"].min() == rate.min()
    assert some.women["shrunken_rate"].max() == rate.max()
    assert evenly(found, told) == (found, told)
    assert len(exams(found, "S00001")) == int((found.points["subject"] == "S00001").sum()) > 0


def test_the_error_of_the_simulation_is_found() -> None:
    known = simulate_cube(150, error=5e-4)
    assert error_of(burden(known)) == pytest.approx(5e-4, rel=0.1)
    assert error_of(burden(known.isel(exam=[0]))) is None
