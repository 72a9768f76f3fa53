"""Questions in SQL from people who only look: few at once, bounded, and answered once for all who ask."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bactools.explore.cohort import LONGEST, CohortError
from bactools.explore.kept import Kept
from bactools.query import FOR_STRANGERS, Limits, QueryError, Tables, ask, columns
from bactools.study.members import NamedCohortError, named_exams

_AT_ONCE = 2
_PATIENCE = 2.0
_AGAIN = 60.0
_MOST_REFUSED = 100
_MOST_BYTES = 100_000_000
_LONGEST_CELL = 200
_BUSY = "Others are asking just now: try again in a moment."
_turns = BoundedSemaphore(_AT_ONCE)
_MEMBERS = Limits(
    rows=20_000_000, seconds=FOR_STRANGERS.seconds, memory_mb=FOR_STRANGERS.memory_mb, result_mb=128
)


@dataclass(frozen=True, eq=False)
class Found:
    """What a question found.

    Attributes
    ----------
    table : DataFrame
        Plain numbers, days and texts; every column has a name of its own.
    words : str
        How many rows there are, and whether these are all.
    women, exams : int
        Whom it would take as a cohort; none without a column of women.
    refusal : str
        Why it cannot be taken as a cohort, though it names women.
    """

    table: pd.DataFrame
    words: str
    women: int = 0
    exams: int = 0
    refusal: str = ""


class Questions:
    """Asks a study in SQL, and remembers which exams a query named.

    Parameters
    ----------
    folder : Path
        The study.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._named = Kept(_MOST_BYTES)
        self._refused: dict[str, tuple[str, float]] = {}

    def columns(self) -> pd.DataFrame:
        """Return what can be asked for: view, column, type, units, meaning."""
        with _turn():
            return columns(Tables.of(self._folder, keep=False))

    def ask(self, sql: str, cube: xr.Dataset) -> Found:
        """Return what a query finds.

        Parameters
        ----------
        sql : str
        cube : Dataset
            In the stored form.

        Raises
        ------
        QueryError
            If it cannot be answered; the message points at the place.
        """
        if len(sql) > LONGEST:
            raise QueryError(f"the query has {len(sql):,} characters: at most {LONGEST:,} are read here")
        with _turn():
            answer = ask(Tables.of(self._folder, keep=False), sql, limits=FOR_STRANGERS)
        words, table = answer.words, _shown(answer.table)
        if answer.capped:
            words = f"The first {len(table):,} rows only: there are more."
        if "subject" not in {str(name).lower() for name in answer.table}:
            return Found(table, words)
        try:
            exams = self.named(sql, cube)
        except CohortError as error:
            return Found(table, words, refusal=str(error))
        return Found(table, words, int(exams.any(axis=1).sum()), int(exams.sum()))

    def named(self, sql: str, cube: xr.Dataset) -> NDArray[np.bool_]:
        """Return which exams of the cube a query names, shape (subject, exam).

        Raises
        ------
        CohortError
            If it cannot be answered, or names no women; the message says why and where.
        """

        def asked() -> NDArray[np.bool_]:
            refused, until = self._refused.get(sql, ("", 0.0))
            if time.monotonic() < until:  # others who wait for the same shall not try it again
                raise CohortError(refused)
            try:
                return self._asked(sql, cube)
            except (QueryError, NamedCohortError) as error:
                told = str(error).partition("\n")[0]
                if told != _BUSY:
                    self._refused = dict([*self._refused.items()][-_MOST_REFUSED:])
                    self._refused[sql] = (told, time.monotonic() + _AGAIN)
                raise CohortError(told) from error

        return self._named.get(sql, asked)

    def _asked(self, sql: str, cube: xr.Dataset) -> NDArray[np.bool_]:
        with _turn():
            found = ask(
                Tables.of(self._folder, keep=False), sql, limits=_MEMBERS, only=("subject", "exam", "date")
            )
        if found.capped:
            raise NamedCohortError("the query names more exams than can be taken at once")
        days = np.asarray(cube["date"].transpose("subject", "exam").values)
        places = np.nonzero(~np.isnat(days))
        chosen = np.zeros(days.shape, dtype=bool)
        chosen[places] = named_exams(
            found.table, women=pd.Index(cube["subject"].values), own=places[0],
            exam=np.asarray(cube["exam"].values)[places[1]], date=days[places],
        )  # fmt: skip
        return chosen


@contextmanager
def _turn() -> Iterator[None]:
    """Let few ask at once, and nobody wait for long: pages are drawn by the same hands."""
    if not _turns.acquire(timeout=_PATIENCE):
        raise QueryError(_BUSY)
    try:
        yield
    finally:
        _turns.release()


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of which every column can be shown, whatever it holds."""
    names: list[str] = []
    for known in table:
        name = str(known)[:_LONGEST_CELL] or "column"
        names.append(name if name not in names else f"{name} ({len(names) + 1})")
    columns = [table.iloc[:, at] for at in range(table.shape[1])]
    return pd.DataFrame(
        {name: _plain(column) for name, column in zip(names, columns, strict=True)}, index=table.index
    )


def _plain(column: pd.Series) -> pd.Series:
    """Return numbers, days, yes and no as they are, and all else as text."""
    if column.dtype.kind in "biufM" and not isinstance(column.dtype, pd.CategoricalDtype):
        return column
    return pd.Series([_text(value) for value in column], index=column.index, dtype=object)


def _text(value: Any) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    text = str(value)
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]} …"
