"""Cohorts: links say what they mean, filters agree with a table's, hostile links are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bactools.cube import to_table
from bactools.explore import Cohort, CohortError
from bactools.testing import simulate_cube

VIEWS = ("LCC", "LMLO", "RCC", "RMLO")
ODD = ("a~b", "100%", "50%7E", "<b>ü</b>", "x=1&y=2")


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    made = simulate_cube(30, n_exam=4, missing_views=0.1, one_exam=0.2, histograms=True, seed=3)
    return made.assign(place=("subject", np.array([ODD[at % 5] for at in range(30)], dtype=object)))


ends = st.none() | st.floats(-1e9, 1e9, allow_nan=False)
days = st.just("") | st.dates(pd.Timestamp("1900-01-01").date(), pd.Timestamp("2100-01-01").date()).map(str)
cohorts = st.builds(
    Cohort,
    ranges=st.dictionaries(st.just("age"), st.tuples(ends, ends), max_size=1),
    choices=st.fixed_dictionaries(
        {},
        optional={
            "race": st.sampled_from(
                [("Caucasian",), ("African-American",), ("African-American", "Caucasian")]
            ),
            "vendor": st.sampled_from([("GE",), ("HOLOGIC",)]),
            "ckd": st.sampled_from([("yes",), ("no",)]),
            "place": st.lists(st.sampled_from(ODD), min_size=1, max_size=5, unique=True).map(tuple),
        },
    ),
    dates=st.tuples(days, days),
    views=st.lists(st.sampled_from(VIEWS), unique=True, max_size=4).map(tuple),
    at_least=st.integers(1, 6),
)
near = st.builds(
    Cohort,
    ranges=st.dictionaries(
        st.just("age"), st.tuples(st.none() | st.floats(40, 70), st.none() | st.floats(50, 95)), max_size=1
    ),
    choices=st.fixed_dictionaries(
        {},
        optional={
            "race": st.just(("Caucasian",)), "ckd": st.just(("no",)), "vendor": st.just(("HOLOGIC",)),
            "place": st.just(("a~b", "100%")),
        },
    ),
    dates=st.tuples(
        st.sampled_from(["", "2009-01-01", "2011-06-01"]), st.sampled_from(["", "2012-01-01", "2014-01-01"])
    ),
    views=st.sampled_from([(), ("LCC",), ("LCC", "RMLO"), VIEWS]),
    at_least=st.integers(1, 3),
)  # fmt: skip
RELAXED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(cohort=cohorts)
@RELAXED
def test_a_link_carries_every_cohort(cohort: Cohort, cube: xr.Dataset) -> None:
    again = Cohort.from_query(cohort.to_query(), cube)
    assert again == cohort
    assert again.key == cohort.key
    assert again.words() == cohort.words()


def by_hand(cohort: Cohort, cube: xr.Dataset) -> pd.DataFrame:
    """Filter the long table, row by row, without the code under test."""
    table = to_table(cube)
    table = (
        table.merge(cube["place"].to_series().reset_index(), on="subject") if "place" not in table else table
    )
    if cohort.views:
        table = table[table["view"].isin(cohort.views)]
    kept = pd.Series(True, index=table.index)
    for name, (low, high) in cohort.ranges.items():
        kept &= table[name].notna()
        kept &= table[name] >= low if low is not None else True
        kept &= table[name] <= high if high is not None else True
    for name, chosen in cohort.choices.items():
        values = table[name]
        if name == "ckd":
            kept &= values.astype(bool).map({True: "yes", False: "no"}).isin(chosen)
        else:
            kept &= values.isin(chosen)
    first, last = cohort.dates
    kept &= table["date"] >= pd.Timestamp(first) if first else True
    kept &= table["date"] <= pd.Timestamp(last) if last else True
    table = table[kept]
    exams = table.groupby("subject")["date"].nunique()
    return table[table["subject"].isin(exams.index[exams >= cohort.at_least])]


@given(cohort=near)
@RELAXED
def test_a_filter_keeps_what_a_table_keeps(cohort: Cohort, cube: xr.Dataset) -> None:
    found = cohort.apply(cube)
    wanted = by_hand(cohort, cube)
    s, v, e = np.nonzero(found["status"].transpose("subject", "view", "exam").values)
    images = found["image_id"].transpose("subject", "view", "exam").values[s, v, e]
    assert sorted(images) == sorted(wanted["image_id"])
    assert set(found["subject"].values) == set(wanted["subject"])
    # what is left out is as if it had never been
    assert int(found["tam_100"].count()) == int(wanted["tam_100"].count())
    assert float(found["tam_100"].sum()) == pytest.approx(wanted["tam_100"].sum())
    kept = cube["joint_histogram"].sum(("probability_bin", "intensity")).to_series()
    by_image = pd.Series(kept.to_numpy(), index=cube["image_id"].to_series().loc[kept.index].to_numpy())
    assert int(found["joint_histogram"].sum()) == int(by_image.loc[list(wanted["image_id"])].sum())


@given(cohort=near)
@RELAXED
def test_a_part_with_few_variables_is_the_same_part(cohort: Cohort, cube: xr.Dataset) -> None:
    chosen = cohort.select(cube)
    whole, part = chosen.part(), chosen.part(["am"])
    assert "am" in part
    assert "sim" not in part
    assert "race" in part
    assert "breast_area" in part
    xr.testing.assert_identical(part, whole[list(part.data_vars)])
    assert chosen.n == whole.sizes["subject"]


@given(cohort=near, seed=st.integers(0, 99))
@RELAXED
def test_order_is_irrelevant(cohort: Cohort, seed: int, cube: xr.Dataset) -> None:
    random = np.random.default_rng(seed)
    keys = random.permutation(list(cohort.choices)).tolist() if cohort.choices else []
    turned = Cohort(
        ranges=cohort.ranges,
        choices={name: tuple(reversed(cohort.choices[name])) for name in keys},
        dates=cohort.dates,
        views=tuple(reversed(cohort.views)),
        at_least=cohort.at_least,
    )
    assert turned.key == cohort.key
    xr.testing.assert_identical(turned.apply(cube), cohort.apply(cube))
    order = random.permutation(cube.sizes["subject"])
    shuffled = turned.apply(cube.isel(subject=order))
    assert set(shuffled["subject"].values) == set(cohort.apply(cube)["subject"].values)


@given(cohort=near)
@RELAXED
def test_a_further_condition_keeps_fewer_and_twice_is_once(cohort: Cohort, cube: xr.Dataset) -> None:
    once = cohort.apply(cube)
    everyone = Cohort(views=cohort.views).apply(cube)
    assert set(once["subject"].values) <= set(everyone["subject"].values)
    if once.sizes["subject"]:
        xr.testing.assert_identical(cohort.apply(once), once)


def test_everyone_is_the_cube_itself(cube: xr.Dataset) -> None:
    found = Cohort().apply(cube)
    xr.testing.assert_identical(found, cube)
    assert np.shares_memory(found["am"].values, cube["am"].values)


def test_the_study_is_never_written_to(cube: xr.Dataset) -> None:
    before = cube.copy(deep=True)
    Cohort(ranges={"age": (60, 65)}, dates=("2010-01-01", ""), views=("LCC",)).apply(cube)
    xr.testing.assert_identical(before, cube)


@pytest.mark.parametrize(
    "query",
    [
        {"r.age": "1"}, {"r.age": "a~b"}, {"r.age": "1~2~3"}, {"r.age": "nan~3"}, {"r.age": "1~inf"},
        {"r.age": "1e400~"}, {"r.race": "1~2"}, {"c.age": "1"}, {"r.status": "0~1"}, {"r.__class__": "1~2"},
        {"c.race": "<script>"}, {"c.race": ""}, {"c.image_id": "i0000001"}, {"c.true_rate": "1"},
        {"r.true_start": "0~1"}, {"r.am": "0~1"}, {"c.../../etc/passwd": "x"}, {"c.subject": "S00001"},
        {"dates": "2012-01-01"}, {"dates": "x~y"}, {"dates": "0001-01-01~"}, {"dates": "~9999-12-31"},
        {"dates": "2012-13-01~"}, {"views": "XCC"}, {"views": "LCC~<b>"}, {"exams": "0"}, {"exams": "-1"},
        {"exams": "1e9"}, {"exams": "99999999999999999999"}, {"c.race": "Caucasian~" * 500},
    ],
    ids=str,
)  # fmt: skip
def test_a_hostile_link_is_refused_in_words(query: dict[str, str], cube: xr.Dataset) -> None:
    with pytest.raises(CohortError) as told:
        Cohort.from_query(query, cube)
    assert str(told.value)
    assert len(str(told.value)) < 300


@given(
    query=st.dictionaries(
        st.text(max_size=12) | st.sampled_from(["r.age", "c.race", "dates", "views", "exams"]),
        st.text(max_size=30),
        max_size=4,
    )
)
@RELAXED
def test_any_link_is_understood_or_refused(query: dict[str, str], cube: xr.Dataset) -> None:
    try:
        found = Cohort.from_query(query, cube)
    except CohortError:
        return
    assert found.apply(cube).sizes["subject"] <= cube.sizes["subject"]


def test_other_parameters_are_passed_over(cube: xr.Dataset) -> None:
    assert Cohort.from_query({"page": "x", "study": "y", "o.metric": "am"}, cube) == Cohort()


def test_days_of_other_forms_mean_the_same(cube: xr.Dataset) -> None:
    assert Cohort.from_query({"dates": "20120131~2012-W10-1"}, cube).dates == ("2012-01-31", "2012-03-05")


def test_nobody_fits_and_says_so(cube: xr.Dataset) -> None:
    nobody = Cohort(ranges={"age": (80, 20)})
    assert nobody.apply(cube).sizes["subject"] == 0
    assert nobody.words() == "age from 80 to 20"
    assert Cohort().words() == "everyone"
