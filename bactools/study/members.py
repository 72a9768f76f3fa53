"""Which exams of a study the rows of a query name."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_SPAN = 1 << 24
"""More than there are days or exams; what is outside is in no study."""


class NamedCohortError(ValueError):
    """A cohort that cannot be made or found; the message says what to do."""


def named_exams(
    rows: pd.DataFrame, *, women: pd.Index, own: NDArray[np.integer], exam: np.ndarray, date: np.ndarray
) -> NDArray[np.bool_]:
    """Return which exams a query's rows name.

    Parameters
    ----------
    rows : DataFrame
        With a column ``subject``, and ``exam`` or ``date`` if it chooses exams; otherwise all exams of these
        women are meant. Rows without a woman are passed over.
    women : Index
        All women.
    own, exam, date : array
        Of each exam: the place of its woman, its number, its day.

    Raises
    ------
    NamedCohortError
        If there is no column of women, or a row names what is not there.
    """
    columns = {str(column).lower(): column for column in rows.columns}
    if "subject" not in columns:
        raise NamedCohortError("a cohort needs a column subject; and exam or date, if it chooses exams")
    rows = rows[rows[columns["subject"]].notna()]
    try:
        at = women.get_indexer(pd.Index(rows[columns["subject"]]))
    except TypeError as error:
        raise NamedCohortError("the column subject holds something else than women") from error
    if (at < 0).any():
        raise NamedCohortError(f"{int((at < 0).sum())} rows name women who are not in the cube")
    by = next((name for name in ("exam", "date") if name in columns), None)
    if by is None:
        chosen = np.zeros(len(women), dtype=bool)
        chosen[at] = True
        return np.asarray(chosen[own])
    held = rows[columns[by]]
    numbers, there = (_days(held), _days(pd.Series(date))) if by == "date" else (_numbers(held), exam)
    keys = at.astype(np.int64) * _SPAN + numbers
    every = own.astype(np.int64) * _SPAN + there.astype(np.int64)
    chosen, there_is = matched(every, keys)
    lost = int((~there_is | (numbers < 0)).sum())
    if lost:
        raise NamedCohortError(f"{lost} rows name exams that are not in the cube")
    return chosen


def matched(
    every: NDArray[np.int64], asked: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which of all numbers are asked for, and which of the asked there are.

    Numbers that are nearly in order, as those of exams are, take a tenth of the time of ``numpy.isin``.
    """
    if not len(every):
        return np.zeros(0, dtype=bool), np.zeros(len(asked), dtype=bool)
    order = np.argsort(every, kind="stable")
    ordered = every[order]
    at = np.minimum(np.searchsorted(ordered, asked), len(ordered) - 1)
    there_is = ordered[at] == asked
    found = np.zeros(len(ordered), dtype=bool)
    found[at[there_is]] = True
    # of equal numbers the first was found
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    found = np.repeat(found[first], np.diff(first, append=len(ordered)))
    chosen = np.zeros(len(ordered), dtype=bool)
    chosen[order] = found
    return chosen, there_is


def _numbers(values: pd.Series) -> NDArray[np.int64]:
    """Return whole numbers; -1 for what is none."""
    found = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        whole = (found >= 0) & (found < _SPAN) & (found == np.floor(found))
    return np.where(whole, found, -1).astype(np.int64)


def _days(values: pd.Series) -> NDArray[np.int64]:
    """Return days as numbers from 1700 on; -1 for what is none."""
    try:
        found = pd.to_datetime(values, format=None if values.dtype.kind == "M" else "ISO8601")
        days = found.to_numpy().astype("datetime64[D]")
    except (TypeError, ValueError, AttributeError) as error:
        raise NamedCohortError("the column date holds something else than days") from error
    numbers = (days - np.datetime64("1700-01-01")).astype(np.int64)
    return np.where(np.isnat(days) | (numbers < 0) | (numbers >= _SPAN), -1, numbers)
