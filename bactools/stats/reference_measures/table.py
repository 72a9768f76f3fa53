"""A table of breast-CT readings, as others hand it over: checked, and one row per woman or breast."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bactools.stats.result import StatsError

SIDES = ("breast", "laterality", "side")
"""Names that the column of the breast may have."""

_LEFT_RIGHT = {"l": "L", "left": "L", "r": "R", "right": "R"}
_KEYS = ("subject", *SIDES, "date", "exam")
_LARGEST = 50 * 2**20


@dataclass(frozen=True, eq=False)
class ReferenceTable:
    """Readings of a reference method.

    Attributes
    ----------
    table : DataFrame
        One row per reading: ``subject``, ``breast`` (L or R) if known, ``date`` (NaT if unknown), then the
        measures.
    measures : tuple of str
    by_breast : bool
        Whether each breast was read apart.
    """

    table: pd.DataFrame
    measures: tuple[str, ...]
    by_breast: bool

    def per_woman(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return one row per woman and date, both breasts added up, and the rows of those with one only."""
        if not self.by_breast:
            return self.table, self.table.iloc[:0]
        keys = self.table.groupby(["subject", "date"], dropna=False)["breast"]
        both = (keys.transform("nunique") == 2).to_numpy()
        # of a sum with a missing part nothing is known
        whole = self.table[both].groupby(["subject", "date"], dropna=False, as_index=False)
        summed = whole[list(self.measures)].sum(min_count=2)
        return summed, self.table[~both]


def read_reference(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a CSV of readings, with subjects as text.

    Parameters
    ----------
    path : path
        With columns ``subject`` (the pseudonym), and, where they apply, ``breast`` and ``date``.

    Returns
    -------
    DataFrame
        As it stands in the file; `reference_table` checks it.

    Raises
    ------
    StatsError
        If there is no such file, or it is no CSV or far too large for one.
    """
    file = Path(path)
    if not file.is_file():
        raise StatsError("there is no such table of reference measures: give a CSV file")
    if file.stat().st_size > _LARGEST:
        raise StatsError(f"the table of reference measures is larger than {_LARGEST // 2**20} MB: is it one?")
    try:
        table = pd.read_csv(file, dtype={"subject": str, **dict.fromkeys(SIDES, str), "date": str})
    except (ValueError, OSError) as error:
        raise StatsError(f"the table of reference measures cannot be read ({type(error).__name__})") from None
    return table


def reference_table(table: pd.DataFrame, *, measures: Sequence[str] | None = None) -> ReferenceTable:
    """Check a table of readings.

    Parameters
    ----------
    table : DataFrame
        One row per woman, or per breast, and date: ``subject``; ``breast`` (also called laterality or
        side; L, R, left or right); ``date``; and numbers such as ``calcium_mass_mg`` [mg] and
        ``calcified_voxels``, zero or more, NaN if unknown.
    measures : sequence of str, optional
        The columns that were measured; all numbers by default.

    Raises
    ------
    StatsError
        If a column is missing, a subject or breast unclear, a value impossible, or a reading given twice;
        the message names the subject.
    """
    if "subject" not in table:
        hint = (
            ": patient_id is an identity; put the pseudonym in its place and call it subject"
            if "patient_id" in table
            else f": its columns are {', '.join(map(str, table))}"
        )
        raise StatsError(f"the reference table has no column 'subject'{hint}")
    if table["subject"].isna().any() or (table["subject"].astype(str).str.strip() == "").any():
        raise StatsError("a row of the reference table has no subject: give one, or leave the row out")
    subject = table["subject"].astype(str).str.strip()
    clean = pd.DataFrame({"subject": subject.to_numpy(dtype=object)})
    sides = [name for name in SIDES if name in table]
    if len(sides) > 1:
        raise StatsError(f"the reference table has both {sides[0]!r} and {sides[1]!r}: keep one of them")
    if sides:
        clean["breast"] = _sides(table[sides[0]], subject)
    clean["date"] = _dates(table, subject)
    names = _measures(table, measures)
    for name in names:
        clean[name] = _numbers(table[name], subject)
    keys = ["subject", *(["breast"] if sides else []), "date"]
    twice = clean.duplicated(keys).to_numpy()
    if twice.any():
        row = clean[twice].iloc[0]
        what = f", breast {row['breast']}" if sides else ""
        when = "" if pd.isna(row["date"]) else f" on {row['date']:%Y-%m-%d}"
        raise StatsError(f"subject {row['subject']}{what} has two readings{when}: keep one, or date them")
    return ReferenceTable(clean, tuple(names), bool(sides))


def _sides(column: pd.Series[Any], subject: pd.Series[Any]) -> list[str]:
    texts = column.astype(object).map(lambda value: _LEFT_RIGHT.get(str(value).strip().lower(), ""))
    if (texts == "").any():
        at = int(np.argmax(texts == ""))
        raise StatsError(f"subject {subject.iloc[at]}: the breast is {column.iloc[at]!r}: give L or R")
    return list(texts)


def _dates(table: pd.DataFrame, subject: pd.Series[Any]) -> np.ndarray:
    if "date" not in table:
        return np.full(len(table), np.datetime64("NaT"), dtype="datetime64[ns]")
    given = table["date"].replace("", None)
    dates = pd.to_datetime(given, errors="coerce", format="ISO8601").dt.normalize()
    bad = (given.notna() & dates.isna()).to_numpy()
    if bad.any():
        at = int(np.argmax(bad))
        raise StatsError(f"subject {subject.iloc[at]}: {given.iloc[at]!r} is no date: write YYYY-MM-DD")
    return dates.to_numpy(dtype="datetime64[ns]")


def _measures(table: pd.DataFrame, measures: Sequence[str] | None) -> list[str]:
    if measures is None:
        names = [str(n) for n in table if n not in _KEYS and pd.api.types.is_numeric_dtype(table[n])]
    else:
        names = [measures] if isinstance(measures, str) else list(measures)
    missing = [name for name in names if name not in table]
    if missing or not names:
        what = f"no column {missing[0]!r}" if missing else "no column of numbers"
        raise StatsError(f"the reference table has {what}: its columns are {', '.join(map(str, table))}")
    return names


def _numbers(column: pd.Series[Any], subject: pd.Series[Any]) -> np.ndarray:
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    text = np.isnan(values) & column.notna().to_numpy()
    for wrong, what in ((text, "no number"), (np.isinf(values), "infinite"), (values < 0, "below zero")):
        if wrong.any():
            at = int(np.argmax(wrong))
            raise StatsError(
                f"subject {subject.iloc[at]}: {column.name} is {str(column.iloc[at])!r}, {what}: correct it,"
                " or leave it empty"
            )
    return values
