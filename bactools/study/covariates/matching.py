"""Rows to women and exams: repeated rows become one, and each exam finds the value nearest in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bactools.study.covariates.errors import CovariatesError

_SPAN = np.int64(1 << 24)
_FAR = np.int64(1 << 40)
_BEFORE_ALL = np.int64(1 << 22)
"""Makes all days positive, from the year 1 on."""


def merged(values: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    """Return one row per woman, or per woman and day.

    Parameters
    ----------
    values : DataFrame
        Indexed by row number.
    keys : DataFrame
        ``subject``, and ``date`` if values are of a day; with the same index.

    Returns
    -------
    DataFrame
        Keys and values, in order of the keys: of several rows what each of them knows.

    Raises
    ------
    CovariatesError
        If they contradict each other.
    """
    names = list(keys.columns)
    codes = pd.Series(keys.groupby(names, sort=True).ngroup().to_numpy(), index=values.index)
    for name in values.columns:
        differ = values[name].groupby(codes).nunique().gt(1)
        if differ.any():
            code = int(differ.index[differ][0])
            given = values.loc[(codes == code) & values[name].notna(), name]
            other = given.index[given != given.iloc[0]][0]
            day = " and day" if "date" in keys else ""
            hint = "" if "date" in keys else "; if it changes over time, name the column of days"
            raise CovariatesError(
                f"{str(name)[:60]}: rows {given.index[0]} and {other} are of the same woman{day} and"
                f" contradict each other{hint}"
            )
    first = keys.groupby(codes).first()
    return first.join(values.groupby(codes).first()).reset_index(drop=True)


def per_woman(subjects: NDArray[np.object_], table: pd.DataFrame, name: str) -> NDArray[Any]:
    """Return a covariate in order of the women; NaN or an empty text where it is not known."""
    found = table.set_index("subject")[name].reindex(pd.Index(subjects))
    return found.to_numpy(dtype=np.float64) if found.dtype.kind == "f" else _objects(found)


def per_exam(
    cube: xr.Dataset, table: pd.DataFrame, name: str, *, window_days: int
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return a covariate of each exam: the known value nearest in time, of two as near the earlier.

    Parameters
    ----------
    cube : Dataset
        In the stored form.
    table : DataFrame
        ``subject``, ``date`` and the covariate; one row per woman and day.
    name : str
    window_days : int
        How far away a value may be.

    Returns
    -------
    values : array, shape (subject, exam)
        NaN or an empty text where there is none near enough.
    days : int64 array
        Between exam and value, of every exam that found one.
    """
    dates = cube["date"].transpose("subject", "exam").values
    there = ~np.isnat(dates)
    known = table[table[name].notna() & table["date"].notna()]
    at = pd.Index(cube["subject"].values).get_indexer(known["subject"])
    known, at = known[at >= 0], at[at >= 0]
    keys = at * _SPAN + _days(known["date"].to_numpy())
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], known[name].to_numpy()[order]
    text = known[name].dtype.kind != "f"
    placed: NDArray[Any] = np.full(dates.shape, "" if text else np.nan, dtype=object if text else np.float64)
    if not len(keys):
        return placed, np.empty(0, dtype=np.int64)
    women = np.broadcast_to(np.arange(len(dates))[:, None], dates.shape)[there]
    exams = women * _SPAN + _days(dates[there])
    after = np.searchsorted(keys, exams, side="right")
    before = np.maximum(after - 1, 0)
    after = np.minimum(after, len(keys) - 1)
    back = np.where(keys[before] // _SPAN == women, np.abs(exams - keys[before]), _FAR)
    ahead = np.where(keys[after] // _SPAN == women, np.abs(keys[after] - exams), _FAR)
    nearest = np.where(back <= ahead, before, after)
    distance = np.minimum(back, ahead)
    near = distance <= window_days
    cells = tuple(axis[near] for axis in np.nonzero(there))
    placed[cells] = values[nearest[near]]
    return placed, distance[near]


def _days(dates: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(dates, dtype="datetime64[D]").astype(np.int64) + _BEFORE_ALL


def _objects(found: pd.Series[Any]) -> NDArray[np.object_]:
    return np.asarray(found.astype(object).where(found.notna(), ""), dtype=object)


def numbers_of(rows: pd.Series[bool]) -> tuple[int, ...]:
    """Return the row numbers at which a condition holds."""
    return tuple(int(row) for row in rows.index[rows.to_numpy(dtype=bool)])


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return how to say that there is no such column, with what may have been meant."""
    from bactools.query import nearest

    near = nearest(name, known)
    return f"the file has no column {name[:60]!r}" + (f": did you mean {near[:60]!r}?" if near else "")


def column_of(name: str, columns: Sequence[str]) -> str:
    """Return the column that is meant, whatever its case.

    Raises
    ------
    CovariatesError
        If there is none.
    """
    if name in columns:
        return name
    alike = [column for column in columns if column.lower() == name.lower()]
    if len(alike) == 1:
        return alike[0]
    raise CovariatesError(nearest_name(name, columns))
