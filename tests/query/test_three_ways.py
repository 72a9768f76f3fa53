"""xarray, SQL and the command line give the same women, exams and numbers; so does a saved cohort."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from click.testing import CliRunner

from bactools.cli import main
from bactools.cube import open_cube, open_stored, write_cube
from bactools.explore.cohort import CohortError
from bactools.query import QueryError
from bactools.study import Study
from bactools.study.members import NamedCohortError
from bactools.testing import simulate_study

ENOUGH = "QUALIFY count(*) OVER (PARTITION BY subject) >= {0}"
SAME: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "older with kidney disease": (
        {"age": (60, None), "ckd": True},
        {"at_least": 5, "complete_views": True},
        f"age >= 60 AND ckd AND complete {ENOUGH.format(5)}",
    ),
    "one vendor": (
        {"vendor": "HOLOGIC"},
        {"at_least": 2, "complete_views": True},
        f"vendor = 'HOLOGIC' AND complete {ENOUGH.format(2)}",
    ),
    "between days": (
        {"date": ("2011", "2013-06"), "age": (None, 70.5)},
        {"at_least": 2},
        f"date BETWEEN '2011-01-01' AND '2013-06-30' AND age <= 70.5 {ENOUGH.format(2)}",
    ),
    "one of several": (
        {"race": ["Caucasian", "Asian"], "ckd": False},
        {},
        "race IN ('Caucasian', 'Asian') AND NOT ckd",
    ),
    "nobody": ({"age": (200, None)}, {}, "age >= 200"),
    "everybody": ({}, {}, "true"),
}


def exams(cube: xr.Dataset) -> pd.DataFrame:
    """Return the exams of a cube, read from its dates."""
    days = cube["date"].to_series().dropna() if "exam" in cube.dims else _from_images(cube)
    found = days.reset_index()[["subject", "date"]].drop_duplicates()
    return found.sort_values(["subject", "date"], ignore_index=True)


def _from_images(cube: xr.Dataset) -> pd.Series:
    seen = (cube["status"] > 0).any("view")
    s, d = np.nonzero(seen.transpose("subject", "date").values)
    return pd.Series(
        cube["date"].values[d], index=pd.Index(cube["subject"].values[s], name="subject"), name="date"
    )


def same(a: pd.DataFrame, b: pd.DataFrame) -> None:
    for table in (a, b):
        table["date"] = pd.to_datetime(table["date"]).astype("datetime64[s]")
    pd.testing.assert_frame_equal(a[["subject", "date"]], b[["subject", "date"]], check_dtype=False)


@pytest.mark.parametrize("case", SAME)
def test_three_ways_one_answer(case, asked: Study) -> None:
    conditions, enough, sql = SAME[case]
    cube = open_cube(asked.folder, axis="exam")
    by_xarray = cube.bac.where(**conditions).bac.with_exams(**enough)
    query = f"SELECT subject, date, tam_100 FROM exams WHERE {sql} ORDER BY subject, date"
    by_sql = asked.sql(query)
    result = CliRunner().invoke(main, ["query", str(asked.folder), query, "--csv", "-"])
    assert result.exit_code == 0
    by_cli = pd.read_csv(io.StringIO(result.stdout))
    same(exams(by_xarray), by_sql)
    same(by_cli, by_sql)
    np.testing.assert_array_equal(by_cli["tam_100"], by_sql["tam_100"])
    if enough.get("complete_views") and len(by_sql):
        np.testing.assert_allclose(by_xarray.bac.burden().table["value"], by_sql["tam_100"], rtol=1e-12)


@pytest.mark.parametrize("case", SAME)
def test_the_literal_cube_too(case, asked: Study) -> None:
    conditions, enough, sql = SAME[case]
    cube = open_cube(asked.folder)
    found = cube.bac.where(**conditions).bac.with_exams(**enough)
    assert "exam" not in found.dims
    same(exams(found), asked.sql(f"SELECT subject, date FROM exams WHERE {sql} ORDER BY subject, date"))


def test_a_saved_cohort_is_the_same_women_and_exams(asked: Study) -> None:
    conditions, enough, sql = SAME["older with kidney disease"]
    cube = open_cube(asked.folder, axis="exam")
    by_xarray = cube.bac.where(**conditions).bac.with_exams(**enough)
    for by in ("exam", "date"):
        cohort = asked.cohort(f"SELECT subject, {by} FROM exams WHERE {sql}", name=f"by-{by}")
        xr.testing.assert_equal(cube.bac.where(cohort=cohort), by_xarray)
        found = exams(by_xarray)
        assert (cohort.n_subjects, cohort.n_exams) == (found["subject"].nunique(), len(found))
        assert cohort.n_images == int((by_xarray["status"] == 1).sum())


def test_a_cohort_of_women_has_all_their_exams(asked: Study) -> None:
    cohort = asked.cohort("SELECT subject FROM subjects WHERE NOT ckd", name="without")
    cube = open_cube(asked.folder, axis="exam")
    xr.testing.assert_equal(cube.bac.where(cohort=cohort), cube.bac.where(ckd=False))
    assert cube.bac.where(cohort=cohort, age=(60, None)).equals(cube.bac.where(ckd=False, age=(60, None)))


def test_the_own_rate_is_that_of_the_trajectories(asked: Study) -> None:
    women = asked.sql("SELECT subject, tam_100_per_year r FROM subjects WHERE r IS NOT NULL ORDER BY subject")
    found = open_cube(asked.folder, axis="exam").bac.trajectories("tam_100").women
    own = found.dropna(subset=["rate"]).sort_values("subject", ignore_index=True)
    assert own["subject"].tolist() == women["subject"].tolist()
    np.testing.assert_allclose(women["r"], own["rate"], rtol=1e-9, atol=1e-15)


@pytest.fixture
def study(tmp_path) -> Study:
    return simulate_study(tmp_path / "study", 12, n_exam=3, seed=4)


def test_cohorts_have_versions(study: Study) -> None:
    sql = "SELECT subject FROM subjects WHERE ckd"
    first = study.cohort(sql, name="kidney")
    assert study.cohort(sql, name="kidney") == first
    other = study.cohort("SELECT subject FROM subjects WHERE NOT ckd", name="kidney")
    write_cube(open_stored(study.folder).load().isel(subject=slice(9)), study.folder / "cube.zarr")
    third = study.cohort(sql, name="kidney")
    assert [cohort.version for cohort in (first, other, third)] == [1, 2, 3]
    assert third.cube != first.cube
    assert study.cohort(name="kidney", version=1).members.equals(first.members)
    assert study.cohort(name="kidney") == third
    assert study.cohorts["version"].tolist() == [1, 2, 3]
    for said in ("version 1", f"{first.n_subjects} women", first.cube[:12], sql):
        assert said in first.cite


def test_a_cohort_outlives_its_cube(study: Study) -> None:
    cohort = study.cohort("SELECT subject FROM subjects", name="all")
    write_cube(open_stored(study.folder).load().isel(subject=slice(2, None)), study.folder / "cube.zarr")
    assert open_cube(study.folder, axis="exam").bac.where(cohort=cohort).sizes["subject"] == 10


@pytest.mark.parametrize(
    ("sql", "name", "told"),
    [
        ("SELECT age FROM subjects", "a", "needs a column subject"),
        ("SELECT 'nobody' AS subject", "a", "1 rows name women"),
        ("SELECT subject, 99 AS exam FROM subjects", "a", "12 rows name exams"),
        ("SELECT subject, 'x' AS date FROM subjects", "a", "something else than days"),
        ("SELECT subject FROM subjects", "../a", "cannot be called"),
        ("SELECT subject FROM subjects", "", "cannot be called"),
        ("SELECT subject FROM subjects", ".hidden", "cannot be called"),
        (None, "nosuch", "no cohort 'nosuch'"),
    ],
)
def test_bad_cohorts_are_refused(sql, name, told, study: Study) -> None:
    with pytest.raises(NamedCohortError, match=told):
        study.cohort(sql, name=name)
    assert len(study.cohorts) == 0


def test_members_that_were_changed_are_noticed(study: Study) -> None:
    study.cohort("SELECT subject FROM subjects", name="all")
    path = study.folder / "cohorts" / "all" / "0001.parquet"
    pd.read_parquet(path).iloc[1:].to_parquet(path)
    with pytest.raises(NamedCohortError, match="not those that were saved"):
        _ = study.cohort(name="all").members


def test_a_crash_before_the_end_leaves_no_version(study: Study, monkeypatch) -> None:
    from bactools.study import cohorts

    def crash(path: Any, content: bytes, *, real: Any = cohorts.write_atomic) -> None:
        if path.suffix == ".json":
            raise KeyboardInterrupt
        real(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(cohorts, "write_atomic", crash)
        with pytest.raises(KeyboardInterrupt):
            study.cohort("SELECT subject FROM subjects", name="all")
    assert len(study.cohorts) == 0
    assert study.cohort("SELECT subject FROM subjects WHERE ckd", name="all").version == 1


CONDITIONS = {
    "did you mean 'age'": {"agee": (1, 2)},
    "ask for it in SQL": {"tam_100": (1, 2)},
    "True or False": {"ckd": "yes"},
    r"\(low, high\)": {"age": "old"},
    "a list of texts": {"race": (1, 2)},
    "two days": {"date": ("soon", None)},
    "choose of LCC": {"view": "AP"},
}


@pytest.mark.parametrize("told", CONDITIONS)
def test_conditions_that_cannot_be_read(told, asked: Study) -> None:
    with pytest.raises(CohortError, match=told):
        open_cube(asked.folder, axis="exam").bac.where(**CONDITIONS[told])


def test_at_least_no_exam_is_refused(asked: Study) -> None:
    with pytest.raises(CohortError, match="1 or more"):
        open_cube(asked.folder, axis="exam").bac.with_exams(at_least=0)


def test_answers_carry_what_must_be_said_of_the_weights(asked: Study) -> None:
    assert asked.sql("SELECT 1").attrs["weights_note"] == asked.note != ""


def test_the_command_says_what_and_where(asked: Study, tmp_path) -> None:
    def call(*arguments: str, given: str | None = None) -> Any:
        return CliRunner().invoke(main, ["query", str(asked.folder), *arguments], input=given)

    wrong = call("SELECT tam_10 FROM exams")
    assert wrong.exit_code == 1
    assert "Did you mean tam_100?" in wrong.stderr
    assert "^^^^^^" in wrong.stderr
    assert "tam_100_per_year" in call("--columns").stdout
    assert "2 rows" in call("-", given="SELECT * FROM range(2)").stderr
    assert "the first 3 rows only" in call("SELECT * FROM range(9)", "--limit", "3").stderr
    saved = call("SELECT subject FROM subjects", "--save", "cli", "--csv", str(tmp_path / "members.csv"))
    assert saved.stdout.startswith("Cohort cli, version 1: ")
    assert len(pd.read_csv(tmp_path / "members.csv")) == asked.cohort(name="cli").n_exams
    assert "cli" in call("--cohorts").stdout
    assert call("SELECT 1", "--save", "x").exit_code == 1
    assert call().exit_code == 2
    assert call("--columns", "--save", "x").exit_code == 2


def test_a_query_without_a_cube(tmp_path) -> None:
    study = simulate_study(tmp_path / "study", 2, seed=1)
    for path in sorted((study.folder / "cube.zarr").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    with pytest.raises(FileNotFoundError, match="no cube here"):
        study.sql("SELECT 1")
    assert issubclass(QueryError, ValueError)
