"""Cohorts by query or by name: the same every way, and nothing that a stranger should not get."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest

from bactools.cube import open_stored, write_cube
from bactools.explore import Cohort, CohortError, QueryError, Source, question, read_cohort
from bactools.query import Limits, close
from bactools.study import Study
from bactools.testing import simulate_study
from tests.query.test_asking import PRYING, READING, WRITING

OLDER = "SELECT subject FROM subjects WHERE age >= 60 AND ckd"
DENSE = "SELECT subject, exam FROM exams WHERE age BETWEEN 55 AND 70 AND tam_100 > 0.001;"
LEFT = "SELECT DISTINCT Subject, date FROM images WHERE view = 'LCC'"
ENDLESS = "SELECT sum(a.range + b.range) AS subject FROM range(10000000) a, range(10000000) b"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    yield simulate_study(
        tmp_path_factory.mktemp("chosen") / "study-a", 80, missing_views=0.05, one_exam=0.1, seed=5
    )
    close()


@pytest.fixture(scope="module")
def source(study: Study) -> Source:
    return Source(study.folder)


def exams(source: Source, cohort: Cohort) -> set[tuple[str, str]]:
    """Return which exams of whom are in a cohort."""
    part = source.part(cohort)
    there = (part["status"] != 0).any("view").transpose("subject", "exam").values
    women, at = np.nonzero(there)
    days = part["date"].transpose("subject", "exam").values[women, at].astype("datetime64[D]").astype(str)
    return set(zip(part["subject"].values[women], days, strict=True))


def told(table: pd.DataFrame) -> set[tuple[str, str]]:
    days = table["date"].to_numpy().astype("datetime64[D]").astype(str)
    return set(zip(table["subject"], days, strict=True))


def test_a_query_means_whom_a_filter_by_hand_means(study: Study, source: Source) -> None:
    cube = open_stored(study.folder).load()
    age = cube["age"].transpose("subject", "exam").values
    older = set(cube["subject"].values[(age[:, 0] >= 60) & cube["ckd"].values.astype(bool)])
    found = exams(source, Cohort(sql=OLDER))
    assert {subject for subject, _ in found} == older
    assert 0 < len(older) < 80
    every = exams(source, Cohort())
    assert found == {each for each in every if each[0] in older}


@pytest.mark.parametrize(
    "sql", [OLDER, DENSE, "SELECT DISTINCT Subject, date FROM images WHERE view = 'LCC'"]
)
def test_a_query_by_link_by_name_and_by_the_library_is_the_same(
    study: Study, source: Source, sql: str
) -> None:
    saved = study.cohort(sql.rstrip(";"), name="three-ways")
    by_link = Cohort.from_query({"sql": sql}, source.cube, study)
    by_name = Cohort.from_query({"cohort": f"three-ways@{saved.version}"}, source.cube, study)
    assert told(saved.members) == exams(source, by_link) == exams(source, by_name)
    assert len(saved.members) > 10
    chosen = source.cube.bac.where(cohort=saved)
    assert chosen.sizes["subject"] == source.part(by_link).sizes["subject"]
    asked = source.ask(sql)
    assert (asked.women, asked.exams) == (saved.n_subjects, saved.n_exams)


def test_all_conditions_must_hold(study: Study, source: Source) -> None:
    saved = study.cohort(OLDER, name="older")
    both = Cohort(ranges={"age": (55.0, 66.0)}, sql=DENSE, saved=saved)
    alone = [Cohort(ranges={"age": (55.0, 66.0)}), Cohort(sql=DENSE), Cohort(saved=saved)]
    assert exams(source, both) == set.intersection(*[exams(source, each) for each in alone])
    at_least = replace(Cohort(sql=DENSE), at_least=3)
    counts = pd.Series([subject for subject, _ in exams(source, Cohort(sql=DENSE))]).value_counts()
    assert {subject for subject, _ in exams(source, at_least)} == set(counts[counts >= 3].index)


def test_a_link_carries_query_and_name(study: Study, source: Source) -> None:
    saved = study.cohort(OLDER, name="older")
    cohort = Cohort(saved=saved, sql="SELECT subject\nFROM subjects -- ü~%&=+\n", at_least=2)
    again = Cohort.from_query(cohort.to_query(), source.cube, study)
    assert again.key == replace(cohort, sql=cohort.sql.strip()).key
    assert again.saved == saved
    keys = {Cohort().key, Cohort(sql=OLDER).key, Cohort(sql=DENSE).key, Cohort(saved=saved).key}
    assert len(keys) == 4
    assert saved.cite in Cohort(saved=saved).words()
    assert "age >= 60 AND ckd" in Cohort(sql=OLDER).words()
    long = Cohort(sql=f"SELECT subject FROM subjects WHERE subject <> '{'x' * 1900}'")
    assert len(long.words()) < 400
    assert "x" * 1900 in long.words(longest=2000)


@pytest.mark.parametrize(
    "name",
    [
        "nobody",
        "older@99",
        "older@",
        "older@x",
        "older@-1",
        "older@٣",
        "../../etc/passwd",
        HOSTILE,
        "older@1@2",
    ],
)
def test_names_of_nothing_are_refused_in_words(study: Study, source: Source, name: str) -> None:
    study.cohort(OLDER, name="older")
    with pytest.raises(CohortError) as error:
        Cohort.from_query({"cohort": name}, source.cube, study)
    assert str(study.folder) not in str(error.value)


def test_a_query_in_a_link_has_a_length(study: Study, source: Source) -> None:
    with pytest.raises(CohortError, match="too long"):
        Cohort.from_query({"sql": "SELECT subject FROM subjects " + " " * 2000}, source.cube, study)
    with pytest.raises(QueryError, match="at most 2,000"):
        source.ask("SELECT 1 " + " " * 2000)


def test_a_query_must_be_asked_of_a_study(source: Source) -> None:
    with pytest.raises(CohortError, match="ask the study"):
        Cohort(sql=OLDER).select(source.cube)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT subject FROM subjects\nWHERE aeg > 1", r"'aeg' \(line 2, column 7\)\. Did you mean age"),
        ("SELECT subject FROM subject", r"no view 'subject'.*\(line 1, column 21\)\. Did you mean subjects"),
        ("SELECT age FROM subjects", "needs a column subject"),
        ("SELECT 'nobody' AS subject", "1 rows name women who are not in the cube"),
        ("SELECT ['a'] AS subject", "women"),
        ("SELECT subject, 99 AS exam FROM subjects", "80 rows name exams that are not in the cube"),
        ("SELECT subject, exam + 0.5 AS exam FROM exams", "name exams that are not in the cube"),
        ("SELECT subject, 'noon' AS date FROM subjects", "something else than days"),
        ("SELECT subject, DATE '9999-12-31' AS date FROM subjects", "not in the cube"),
        ("SELECT subject, DATE 'infinity' AS date FROM subjects", "not in the cube|cannot be shown"),
        ("SELECT subject FROM subjects; SELECT 1", "2 statements"),
        ("SELECT subject FROM subjects\0", "nothing to run"),
    ],
)  # fmt: skip
def test_what_is_no_cohort_is_said_in_words_of_one_line(source: Source, sql: str, said: str) -> None:
    with pytest.raises(CohortError, match=said) as error:
        source.part(Cohort(sql=sql))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("sql", READING + WRITING + PRYING)
def test_attacks_by_link_are_refused_and_leave_nothing(
    study: Study, source: Source, tmp_path: Path, sql: str
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("subject\nsecret-of-the-house\n")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CohortError) as error:
        read_cohort(source, "?" + urlencode({"sql": sql.format(secret, tmp_path)}))
    assert "secret-of-the-house" not in str(error.value)
    assert str(study.folder) not in str(error.value)
    assert sorted(tmp_path.rglob("*")) == before
    assert source.part(Cohort()).sizes["subject"] == 80


def test_looking_writes_nothing_into_the_study(tmp_path: Path) -> None:
    folder = simulate_study(tmp_path / "study", 10, seed=1).folder
    before = sorted(folder.rglob("*"))
    source = Source(folder)
    assert source.ask("SELECT * FROM images").table.shape[0] > 10
    assert "subjects" in set(source.columns["view"])
    assert source.part(Cohort(sql="SELECT subject FROM subjects LIMIT 3")).sizes["subject"] == 3
    assert sorted(folder.rglob("*")) == before


def test_an_endless_query_ends_once_for_all_who_ask(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    short = Limits(rows=100, seconds=1.0, memory_mb=256)
    monkeypatch.setattr(question, "_MEMBERS", short)
    monkeypatch.setattr(question, "FOR_STRANGERS", short)
    with pytest.raises(CohortError, match="longer than 1 s"):
        source.part(Cohort(sql=ENDLESS))
    started = time.perf_counter()
    with pytest.raises(CohortError, match="longer than 1 s"):
        source.part(Cohort(sql=ENDLESS))
    assert time.perf_counter() - started < 0.5
    with pytest.raises(QueryError, match="longer than 1 s"):
        source.ask(ENDLESS)
    assert source.ask("SELECT 1 AS one").table["one"].tolist() == [1]


def test_few_ask_at_once_and_the_rest_are_told(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question, "_PATIENCE", 0.05)
    sql = "SELECT subject FROM subjects WHERE age > 41.5"
    with question._turn(), question._turn():
        with pytest.raises(QueryError, match="try again"):
            source.ask(sql)
        with pytest.raises(CohortError, match="try again"):
            source.part(Cohort(sql=sql))
    assert source.part(Cohort(sql=sql)).sizes["subject"] > 0


def test_a_new_version_of_the_cube_is_asked_anew(tmp_path: Path) -> None:
    folder = simulate_study(tmp_path / "study", 20, seed=2).folder
    source, cohort = Source(folder), Cohort(sql="SELECT subject FROM subjects WHERE ckd")
    before = set(source.part(cohort)["subject"].values)
    cube = open_stored(folder).load()
    write_cube(cube.assign(ckd=~cube["ckd"]), folder / "cube.zarr")
    after = set(source.part(cohort)["subject"].values)
    assert before
    assert after
    assert before | after == set(cube["subject"].values)
    assert not before & after


def test_another_study_shows_the_women_of_the_one_that_is_asked(source: Source, tmp_path: Path) -> None:
    folder = shutil.copytree(source.study.folder, tmp_path / "reader-b")
    cube = open_stored(folder).load()
    write_cube(cube.assign(tam_100=cube["tam_100"] * 0), folder / "cube.zarr")
    other = Source(folder)
    assert exams(other, Cohort(sql=DENSE)) == set()
    theirs = other.part(Cohort(sql=DENSE), asked=source)
    ours = source.part(Cohort(sql=DENSE))
    assert theirs["subject"].values.tolist() == ours["subject"].values.tolist()
    assert (theirs["status"].values == ours["status"].values).all()


def test_a_spoiled_saved_cohort_is_said(study: Study, source: Source, tmp_path: Path) -> None:
    folder = shutil.copytree(study.folder, tmp_path / "copy")
    other = Source(folder)
    saved = other.study.cohort(OLDER, name="spoiled")
    place = saved.folder / "0001.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), "checksum": "0" * 64}))
    assert [each.name for each in other.saved].count("spoiled") == 1
    cohort = Cohort.from_query({"cohort": "spoiled"}, other.cube, other.study)
    with pytest.raises(CohortError, match="not those that were saved"):
        other.part(cohort)
    place.write_text("{")
    assert "spoiled" not in [each.name for each in other.saved]


def test_what_is_found_can_be_shown_whatever_it_holds(source: Source) -> None:
    found = source.ask(
        f"SELECT '{HOSTILE}' AS \"{HOSTILE}\", 1 AS a, 2 AS a, 3 AS A, [1, NULL] AS list,"
        " {'k': 1} AS struct, 'x'::BLOB AS blob, INTERVAL 2 DAY AS gap, 1.5::DECIMAL(9, 2) AS money,"
        " 170141183460469231731::HUGEINT AS huge, uuid() AS id, TIME '12:30' AS noon, NULL AS none,"
        " true AS yes, DATE '2020-02-03' AS day, MAP {'k': 'v'} AS map, repeat('y', 100000) AS long,"
        " 'infinity'::DOUBLE AS endless"
    ).table
    assert len(set(found.columns)) == 18
    assert found.iloc[0, 0] == HOSTILE
    assert found.iloc[0, 1:4].tolist() == [1, 2, 3]
    assert len(found["long"][0]) < 300
    kinds = {type(value) for value in found.iloc[0]}
    assert not kinds & {list, dict, bytes, np.ndarray}


def test_more_rows_than_are_shown_are_said_and_still_a_whole_cohort(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question, "FOR_STRANGERS", Limits(rows=10, seconds=5.0, memory_mb=512))
    found = source.ask("SELECT * FROM images")
    assert len(found.table) == 10
    assert "more" in found.words
    assert found.women == 80


@pytest.mark.parametrize("text", ["http://host:5006/bac/?{0}", "?{0}", "{0}"])
def test_a_person_may_write_a_link_or_a_part_of_it(study: Study, source: Source, text: str) -> None:
    query = urlencode({"study": source.name, "page": "risk", "o.scale": "x", "r.age": "60~", "sql": DENSE})
    assert read_cohort(source, text.format(query)) == Cohort(ranges={"age": (60.0, None)}, sql=DENSE)


def test_a_person_may_write_a_name(study: Study, source: Source) -> None:
    saved = study.cohort(OLDER, name="by-name")
    assert read_cohort(source, " by-name ") == read_cohort(source, "by-name@1") == Cohort(saved=saved)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "give a link"), ("nobody", "no cohort 'nobody'"), ("page=risk", "no condition"),
        ("study=other&r.age=60~", "study 'other'"), ("r.agee=60~", "nothing called"),
        ("sql=SELECT+subject+FROM+subjekts", "Did you mean subjects"), ("x" * 40_000, "give a link"),
        ("SELECT subject FROM subjects WHERE age = 60", "no condition"),
    ],
)  # fmt: skip
def test_what_a_person_meant_and_is_not_understood_is_said(source: Source, text: str, said: str) -> None:
    with pytest.raises(CohortError, match=said):
        read_cohort(source, text)
