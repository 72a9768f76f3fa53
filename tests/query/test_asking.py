"""A query reads the views and nothing else, whatever it tries; what cannot be answered is said where."""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path

import duckdb
import pytest

from bactools.cube import open_stored, write_cube
from bactools.query import Limits, QueryError, Tables, ask, asking, close, worker
from bactools.query.asking import LONGEST
from bactools.study import Study
from bactools.testing import simulate_study

SMALL = Limits(rows=1000, seconds=2.0, memory_mb=256, threads=1)

secret_of_the_caller = [1, 2, 3]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.csv"
    path.write_text("name\nsecret-of-the-house\n")
    return path


READING = (
    "SELECT * FROM read_csv('{0}')",
    "SELECT * FROM read_csv_auto('{0}')",
    "SELECT * FROM read_text('{0}')",
    "SELECT * FROM read_blob('{0}')",
    "SELECT * FROM read_parquet('{0}')",
    "SELECT * FROM read_json('{0}')",
    "SELECT * FROM parquet_metadata('{0}')",
    "SELECT * FROM sniff_csv('{0}')",
    "SELECT * FROM glob('{1}/*')",
    "SELECT * FROM '{0}'",
    'SELECT * FROM "{0}"',
    "FROM '{1}/*.csv'",
    "SELECT (SELECT max(content) FROM read_text('{0}')) FROM images",
    "WITH a AS (SELECT * FROM read_text('{0}')) SELECT * FROM a",
    "SELECT * FROM images WHERE EXISTS (SELECT 1 FROM glob('{1}/*'))",
    "SELECT * FROM query('SELECT * FROM read_text(''{0}'')')",
    "SELECT * FROM query_table('{0}')",
    "DESCRIBE SELECT * FROM read_csv('{0}')",
    "SUMMARIZE SELECT * FROM '{0}'",
)
WRITING = (
    "COPY images TO '{1}/out.csv'",
    "COPY (SELECT 1) TO '{1}/out.parquet' (FORMAT parquet)",
    "EXPORT DATABASE '{1}/out'",
    "ATTACH '{1}/out.db'",
    "ATTACH '{1}/out.db' AS x; SELECT 1",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{1}/out.duckdb_extension'",
    "PRAGMA database_list",
    "PRAGMA enable_profiling",
    "SET threads = 64",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "RESET ALL",
    "CREATE TABLE t AS SELECT 1",
    "CREATE VIEW images AS SELECT 1",
    "CREATE MACRO f(x) AS x",
    "CREATE SECRET s (TYPE s3)",
    "INSERT INTO images SELECT * FROM images",
    "UPDATE subjects SET age = 1",
    "DELETE FROM subjects",
    "DROP VIEW subjects",
    "WITH x AS (DELETE FROM images RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO images SELECT * FROM images RETURNING *) SELECT * FROM x",
    "BEGIN TRANSACTION",
    "CALL duckdb_functions()",
    "EXPLAIN ANALYZE SELECT 1",
    "PREPARE p AS SELECT 1",
    "CHECKPOINT",
    "VACUUM",
    "USE main",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP VIEW images",
    "PIVOT images ON view USING count(*)",
)
PRYING = (
    "SELECT getenv('HOME')",
    "SELECT getenv('PATH') FROM subjects",
    "SELECT current_setting('home_directory')",
    "SELECT current_setting('temp_directory')",
    "SELECT \"current_setting\"('extension_directory')",
    "SELECT system.main.current_setting('extension_directory')",
    "SELECT max(x) FROM (SELECT current_setting('home_directory') x)",
    "SELECT list_transform([1], lambda x: current_setting('home_directory'))",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_databases()",
    "SELECT * FROM duckdb_views()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_extensions()",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM pragma_database_size()",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_settings",
    "SELECT * FROM sqlite_master",
    "SHOW ALL TABLES",
    "SHOW DATABASES",
    "SELECT * FROM secret_of_the_caller",
    "SELECT * FROM tables",
    "SELECT * FROM python_map_function()",
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM pandas_scan(94000000000)",
    "SELECT write_log('x')",
)


@pytest.mark.parametrize("sql", READING + WRITING + PRYING)
def test_attacks_are_refused(sql, asked: Study, secret) -> None:
    before = sorted(secret.parent.rglob("*"))
    with pytest.raises(QueryError) as told:
        ask(asked.folder, sql.format(secret, secret.parent), limits=SMALL)
    assert sorted(secret.parent.rglob("*")) == before
    assert "secret-of-the-house" not in str(told.value)
    for path in (str(asked.folder), str(Path.home()), str(Path.cwd()), os.environ["PATH"]):
        assert path not in str(told.value)


ENDLESS = {
    "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r": "longer than",
    "SELECT count(*) FROM range(1000000000000) a, range(1000000000000) b": "longer than|more memory",
    "SELECT sum(a.range + b.range) FROM range(10000000) a, range(10000000) b": "longer than",
    "SELECT * FROM range(100000000) a(i), range(10000000) b(j) ORDER BY i * j DESC": "more memory",
    "SELECT list(i) FROM range(1000000000) t(i)": "more memory",
    # these two pass by DuckDB's own limits: one grew to 14 GB, the other cannot be interrupted
    "SELECT list_sort(range(300000000))": "more memory|longer than",
    "SELECT length(lpad('x', 500000000, 'y'))": "more memory|longer than",
    "SELECT repeat('x', 2000000000 + i::INT) FROM range(20) t(i)": "more memory",
}


@pytest.mark.parametrize("sql", ENDLESS)
def test_what_would_take_too_much_is_stopped(sql, asked: Study) -> None:
    started = time.perf_counter()
    with pytest.raises(QueryError, match=ENDLESS[sql]):
        ask(asked.folder, sql, limits=SMALL)
    assert time.perf_counter() - started < SMALL.seconds + 5
    assert ask(asked.folder, "SELECT 1 AS one", limits=SMALL).table["one"].tolist() == [1]


@pytest.mark.parametrize("n", [1500, 5000])
@pytest.mark.parametrize("nested", [("(", "1", ")"), ("NOT ", "true", ""), ("[", "1", "]"), ("1+", "1", "")])
def test_deep_nesting_is_refused(nested, n, asked: Study) -> None:
    before, core, after = nested
    with pytest.raises(QueryError, match="depth|memory|characters"):
        ask(asked.folder, f"SELECT {before * n}{core}{after * n}", limits=SMALL)
    assert len(ask(asked.folder, "SELECT 1", limits=SMALL).table) == 1


def test_results_are_capped_with_a_word(asked: Study) -> None:
    found = ask(asked.folder, "SELECT * FROM range(1001)", limits=SMALL)
    assert (len(found.table), found.capped) == (1000, True)
    assert found.words.startswith("the first 1,000 rows only")
    whole = ask(asked.folder, "SELECT * FROM range(1000)", limits=SMALL)
    assert (len(whole.table), whole.capped, whole.words) == (1000, False, "1,000 rows")
    with pytest.warns(UserWarning, match="there are more"):
        assert len(asked.sql("SELECT * FROM range(1001)", limits=SMALL)) == 1000


def test_order_is_kept(asked: Study) -> None:
    found = asked.sql("SELECT i FROM range(300000) t(i) ORDER BY i DESC")
    assert found["i"].tolist() == list(range(299_999, -1, -1))


def test_too_wide_is_capped_too(asked: Study) -> None:
    limits = Limits(rows=80_000, memory_mb=512, result_mb=1)
    found = ask(asked.folder, "SELECT repeat('x', 1000) AS s FROM range(90000)", limits=limits)
    assert found.capped
    assert len(found.table) < 60_000
    assert "there are more" in found.words


POINTED = {
    "SELECT subject, tam_10 FROM exams": (1, 17, "tam_100", "no column 'tam_10'"),
    "SELECT subject,\n       tam_10\nFROM exams": (2, 8, "tam_100", "no column"),
    "SELECT 'é', e.vendr FROM exams e": (1, 13, "vendor", "no column 'vendr'"),
    "SELECT * FROM exam": (1, 15, "exams", "no view 'exam'"),
    "SELECT averag(tam_100) FROM exams": (1, 8, None, "no function averag"),
    "SELECT FROM exams WHERE": (1, 19, "", "syntax error"),
    "SELECT sum(subject) FROM exams": (1, 8, "", "No function matches"),
    "SELECT subject FROM exams WHERE tam_100 > 'much'": (1, 43, "", "Could not convert"),
    "SELECT subject, avg(tam_100) FROM exams": (1, 8, "", "GROUP BY"),
}


@pytest.mark.parametrize("sql", POINTED)
def test_errors_point_at_the_place(sql, asked: Study) -> None:
    line, column, suggestion, words = POINTED[sql]
    with pytest.raises(QueryError, match=words) as told:
        asked.sql(sql)
    assert (told.value.line, told.value.column) == (line, column)
    if suggestion is not None:
        assert told.value.suggestion == suggestion
    shown, mark = str(told.value).splitlines()[1:]
    assert shown == f"  {sql.splitlines()[line - 1]}"
    assert mark.index("^") == column + 1


@pytest.mark.parametrize("sql", ["", "  ", "-- nothing", ";", "\0", "SELECT 1\0"])
def test_nothing_to_run(sql, asked: Study) -> None:
    with pytest.raises(QueryError, match="give one SELECT"):
        asked.sql(sql)


def test_a_query_may_be_long_but_not_endless(asked: Study) -> None:
    assert len(asked.sql("SELECT 1" + " " * 1000)) == 1
    with pytest.raises(QueryError, match="characters"):
        asked.sql("SELECT 1" + " " * LONGEST)


def test_what_statisticians_write_is_answered(asked: Study) -> None:
    for sql in (
        "SELECT race, median(tam_100_per_year), quantile_cont(age, 0.9) FROM subjects GROUP BY ALL -- why",
        "WITH a AS (SELECT subject, max(tam_100) m FROM exams GROUP BY 1)"
        " SELECT corr(m, age) FROM a JOIN subjects USING (subject)",
        "SELECT subject, date, lag(tam_100) OVER (PARTITION BY subject ORDER BY date) FROM exams",
        "SELECT vendor, count(*) FILTER (WHERE complete) FROM exams GROUP BY vendor",
        "SELECT view, regr_slope(tam_100, age) FROM images GROUP BY view",
        "SELECT DISTINCT a.subject FROM exams a JOIN exams b ON a.subject = b.subject AND b.years > a.years"
        " AND b.years <= a.years + 3 AND a.tam_100 > 0 AND b.tam_100 >= 2 * a.tam_100",
        "DESCRIBE exams",
        "FROM subjects LIMIT 1",
        "SELECT * FROM (VALUES (1, 'a')) t(n, c)",
        "SELECT unnest([1, 2])",
    ):
        assert len(asked.sql(sql).columns), sql


def test_several_ask_at_once(asked: Study) -> None:
    found: dict[int, int] = {}

    def one(n: int) -> None:
        found[n] = int(ask(asked.folder, f"SELECT count(*) + {n} AS n FROM exams").table["n"][0]) - n

    threads = [threading.Thread(target=one, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert set(found.values()) == {int(asked.sql("SELECT count(*) AS n FROM exams")["n"][0])}


def test_a_new_cube_is_asked_when_there_is_one(tmp_path) -> None:
    study = simulate_study(tmp_path / "study", 6, seed=1)
    assert asked_count(study) == 6
    before = Tables.of(study.folder)
    write_cube(open_stored(study.folder).load().isel(subject=slice(4)), study.folder / "cube.zarr")
    assert asked_count(study) == 4
    assert Tables.of(study.folder).version != before.version
    assert len(list((study.folder / "query").iterdir())) == 1


def test_the_same_cube_written_anew_is_the_same_version(tmp_path) -> None:
    study = simulate_study(tmp_path / "study", 5, seed=1)
    before = Tables.of(study.folder)
    write_cube(open_stored(study.folder).load(), study.folder / "cube.zarr")
    assert Tables.of(study.folder) is not before
    assert Tables.of(study.folder).version == before.version


def test_a_study_that_cannot_be_written_to_is_answered(tmp_path, monkeypatch) -> None:
    study = simulate_study(tmp_path / "study", 5, seed=1)

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "mkdir", refuse)
        assert asked_count(study) == 5
    assert not (study.folder / "query").exists()
    kept = Tables.of(study.folder).files(["subjects"])["subjects"]
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def asked_count(study: Study) -> int:
    return int(study.sql("SELECT count(*) AS n FROM subjects")["n"][0])


@pytest.mark.parametrize("sql", READING)
def test_the_engine_refuses_files_by_itself(sql, secret) -> None:
    """Also a query that nobody has looked at."""
    connection = worker.connect({}, memory_mb=256, threads=1)
    with pytest.raises(duckdb.Error) as told:
        connection.execute(sql.format(secret, secret.parent)).fetchall()
    assert "secret-of-the-house" not in str(told.value)
    connection.close()


@pytest.mark.parametrize(
    "sql", [sql for sql in WRITING if sql.startswith(("COPY", "ATTACH", "EXPORT", "LOAD"))]
)
def test_the_engine_writes_no_file_by_itself(sql, tmp_path) -> None:
    connection = worker.connect({}, memory_mb=256, threads=1)
    with pytest.raises(duckdb.Error):
        connection.execute(sql.format("", tmp_path))
    assert list(tmp_path.iterdir()) == []
    connection.close()


def test_the_engine_cannot_be_unlocked() -> None:
    connection = worker.connect({}, memory_mb=256, threads=1)
    for name in ("enable_external_access", "python_enable_replacements", "autoload_known_extensions"):
        assert connection.execute(f"SELECT current_setting('{name}')").fetchall() == [(False,)]
        with pytest.raises(duckdb.Error):
            connection.execute(f"SET {name} = true")
    with pytest.raises(duckdb.CatalogException):
        connection.execute("SELECT * FROM secret_of_the_caller")
    connection.close()


def test_others_wait_and_are_told(asked: Study, monkeypatch) -> None:
    monkeypatch.setattr(asking, "_turns", threading.BoundedSemaphore(1))
    with asking._turns, pytest.raises(QueryError, match="too many queries"):
        ask(asked.folder, "SELECT 1", limits=Limits(seconds=0.1))
    assert len(asked.sql("SELECT 1")) == 1


def test_a_process_that_died_is_replaced(asked: Study) -> None:
    asked.sql("SELECT 1")
    for process in asking._idle:
        process.end()
    assert asked.sql("SELECT 2 AS two")["two"].tolist() == [2]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads what Linux tells of a process")
def test_the_process_knows_nothing_of_its_surroundings(asked: Study, monkeypatch) -> None:
    monkeypatch.setenv("PASSWORD_OF_THE_HOUSE", "secret")
    close()
    asked.sql("SELECT 1")
    (process,) = asking._idle
    told = Path(f"/proc/{process._process.pid}/environ").read_text()
    assert "PASSWORD_OF_THE_HOUSE" not in told
    assert {entry.partition("=")[0] for entry in told.split("\0") if entry} <= set(asking._HANDED_ON)
