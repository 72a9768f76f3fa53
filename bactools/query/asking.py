"""Asking a study in SQL: one SELECT on its views, in a process that can do nothing else."""

from __future__ import annotations

import atexit
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore, Lock, Timer
from typing import IO, Any

import pandas as pd
import pyarrow as pa

from bactools.query.errors import QueryError, refusal
from bactools.query.tables import Tables
from bactools.query.views import VIEWS, columns_of

LONGEST = 20_000
"""Characters of a query."""

_WORKER = Path(__file__).with_name("worker.py")
_IDLE = 2
_GRACE = 1.0
_OWN_MB = 512
_HANDED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TZ")
_idle: list[_Process] = []
_lock = Lock()
_MOST_AT_ONCE = 4
_turns = BoundedSemaphore(_MOST_AT_ONCE)


@dataclass(frozen=True)
class Limits:
    """What a query may take.

    Attributes
    ----------
    rows : int
        Of the result; more are cut off, and it is said.
    seconds : float
        From its start, once the views are there.
    memory_mb : int
        Of the query engine [MiB].
    threads : int
    result_mb : int
        Of the rows, beyond which no more are returned [MiB].
    """

    rows: int = 1_000_000
    seconds: float = 60.0
    memory_mb: int = 2048
    threads: int = 2
    result_mb: int = 256


FOR_STRANGERS = Limits(rows=10_000, seconds=10.0, memory_mb=512, result_mb=64)
"""What somebody may take who asks over a network."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a query found.

    Attributes
    ----------
    table : DataFrame
    sql : str
    version : str
        SHA-256 of the cube that was asked.
    capped : bool
        Whether there are more rows than were allowed.
    seconds : float
    """

    table: pd.DataFrame
    sql: str
    version: str
    capped: bool
    seconds: float

    @property
    def words(self) -> str:
        """Say how many rows there are, and whether these are all."""
        n = len(self.table)
        rows = f"{n:,} row{'' if n == 1 else 's'}"
        more = f"the first {rows} only: there are more; ask for less, or raise the limit"
        return more if self.capped else rows


def ask(
    study: str | Path | Tables, sql: str, *, limits: Limits | None = None, only: Sequence[str] = ()
) -> Answer:
    """Ask a study in SQL.

    Parameters
    ----------
    study : path or Tables
        A study folder.
    sql : str
        One SELECT, in the dialect of DuckDB, on the views ``images``, ``exams`` and ``subjects``; their
        columns are told by `columns`.
    limits : Limits, optional
    only : sequence of str
        Return these columns only, as far as there are any, and each different row once.

    Returns
    -------
    Answer

    Raises
    ------
    QueryError
        If the query is not one SELECT, names what is not there or not allowed, or takes too much.
    FileNotFoundError
        If the study has no cube yet.

    Notes
    -----
    The query runs in a process of its own with an empty environment, on read-only maps of the views:
    DuckDB in memory, external access and the file system off, configuration locked, no extensions and no
    variables of Python. The process may not grow beyond its memory (on Linux) and is killed when its time
    is up. Four queries run at once, others wait.
    """
    limits = limits or Limits()
    if len(sql) > LONGEST:
        raise QueryError(f"the query has {len(sql):,} characters: at most {LONGEST:,} are read")
    if "\0" in sql or not sql.strip():
        raise QueryError("there is nothing to run: give one SELECT")
    tables = study if isinstance(study, Tables) else Tables.of(study)
    named = [name for name in VIEWS if re.search(rf"\b{name}\b", sql, re.IGNORECASE)]
    files = tables.files(named)
    request = {
        "sql": sql, "files": {name: str(path) for name, path in files.items()}, "rows": limits.rows,
        "bytes": limits.result_mb << 20, "seconds": limits.seconds, "memory_mb": limits.memory_mb,
        "threads": limits.threads, "only": list(only),
    }  # fmt: skip
    if not _turns.acquire(timeout=limits.seconds):
        raise QueryError("too many queries are being answered just now: try again")
    started = time.perf_counter()
    try:
        said, rows = _run(request, limits)
    finally:
        _turns.release()
    if "error" in said:
        columns = [field.name for table in tables.read(named).values() for field in table.schema]
        raise refusal(said["error"], sql, columns=columns, views=VIEWS, seconds=limits.seconds)
    try:
        table = rows.to_pandas(date_as_object=False)
    except (pa.ArrowException, ValueError, OverflowError):
        raise QueryError("the result holds values that cannot be shown: CAST them to VARCHAR") from None
    return Answer(table, sql, tables.version, bool(said["capped"]), time.perf_counter() - started)


def columns(study: str | Path | Tables) -> pd.DataFrame:
    """Return what can be asked of a study: view, column, type, units, meaning."""
    return columns_of((study if isinstance(study, Tables) else Tables.of(study)).read())


def _run(request: Mapping[str, Any], limits: Limits) -> tuple[dict[str, Any], pa.Table]:
    """Run a request in an idle process or a new one; one that answered in good order is kept."""
    with _lock:
        fitting = [process for process in _idle if process.serves(limits)]
        process = fitting[0] if fitting else _Process(limits.memory_mb)
        if fitting:
            _idle.remove(process)
    try:
        said, rows = process.run(request, limits.seconds + _GRACE)
    except BaseException:
        process.end()
        raise
    gone = [] if process.fit else [process]
    with _lock:
        _idle.extend([process] if process.fit else [])
        while len(_idle) > _IDLE:
            gone.append(_idle.pop(0))
    for other in gone:
        other.end()
    return said, rows


class _Process:
    """One process for queries."""

    def __init__(self, memory_mb: int) -> None:
        self.memory_mb = memory_mb
        self.fit = True
        given = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
        command = [sys.executable, "-I", str(_WORKER), str(memory_mb + _OWN_MB)]
        self._process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=given,
            start_new_session=True,
        )  # fmt: skip

    def serves(self, limits: Limits) -> bool:
        """Whether it is alive and has this much memory."""
        return self.memory_mb == limits.memory_mb and self._process.poll() is None

    def run(self, request: Mapping[str, Any], seconds: float) -> tuple[dict[str, Any], pa.Table]:
        """Send a request and read the answer; kill the process if none comes in time."""
        late = Timer(seconds, self._process.kill)
        late.daemon = True
        started = time.perf_counter()
        late.start()
        try:
            to, back = _pipes(self._process)
            to.write(json.dumps(request).encode() + b"\n")
            to.flush()
            line = back.readline()
            said: dict[str, Any] = json.loads(line)
            rows = pa.table({}) if "error" in said else pa.ipc.open_stream(back).read_all()
        except (OSError, ValueError, pa.ArrowException):
            self.fit = False
            gone = "time" if time.perf_counter() - started >= seconds else "memory"
            return {"error": {"message": "", "kind": gone}}, pa.table({})
        finally:
            late.cancel()
        # memory that a query took and did not give back is not for the next one
        self.fit = said.get("error", {}).get("kind") not in ("time", "memory")
        return said, rows

    def end(self) -> None:
        """Kill it, and wait until it is gone."""
        self._process.kill()
        for pipe in _pipes(self._process):
            with suppress(OSError):
                pipe.close()
        self._process.wait()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise OSError("a process without pipes")
    return process.stdin, process.stdout


def close() -> None:
    """End the idle processes; the next query starts one."""
    with _lock:
        for process in _idle:
            process.end()
        _idle.clear()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    # two processes must not read from one pipe
    os.register_at_fork(after_in_child=_idle.clear)
