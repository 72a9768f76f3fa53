"""Texts to values: each column gets a type, and what is impossible becomes missing and is counted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bactools.study.covariates.dictionary import Column

if TYPE_CHECKING:
    import pandera.pandas as pa

_MISSING = frozenset({"", ".", "na", "n/a", "nan", "null", "#n/a", "#null!", "<na>", "nat"})
_YES = frozenset({"yes", "y", "true", "t", "1", "1.0", "checked"})
_NO = frozenset({"no", "n", "false", "f", "0", "0.0", "unchecked"})
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})([T ].*)?")
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|(19|20)\d{2}[01]\d[0-3]\d")
_MOSTLY = 0.9
_FREE_TEXT = 30
_FEW = 5
_WORDS = 8
_LONGEST = 200

NUMERIC = ("number", "integer", "yes/no")
"""Types that are kept as numbers."""


@dataclass(frozen=True)
class Problem:
    """Cells of a column that became missing.

    Attributes
    ----------
    column, reason : str
    rows : tuple of int
        As a spreadsheet counts them.
    """

    column: str
    reason: str
    rows: tuple[int, ...]


def typed(texts: pd.Series[str], known: Column, *, decimal_comma: bool) -> tuple[Column, pd.Series[Any]]:
    """Return what a column is, with its type, and its texts without what stands for missing.

    Parameters
    ----------
    texts : Series of str
    known : Column
        Of a dictionary, or of its name.
    decimal_comma : bool

    Returns
    -------
    column : Column
        With a type. Days, and free text that nobody asked for, are left out.
    texts : Series
        Numbers with a decimal point; None where nothing is given.
    """
    lower = texts.str.lower()
    given = texts.astype(object).where(~lower.isin(_MISSING), None)
    values = given.dropna()
    kind = known.kind
    if kind in ("number", "integer", "") and (decimal_comma or kind == "number"):
        commas = values.str.fullmatch(r"[+-]?\d+,\d+")
        if decimal_comma or (len(values) and commas.all()):
            given = given.where(~given.index.isin(values.index[commas]), given.str.replace(",", "."))
            values = given.dropna()
    kind = kind or _told_by(values)
    found = replace(known, kind=kind)
    if not known.left_out and kind == "date":
        found = replace(found, left_out="a day: give years from the first exam instead")
    return found, given


def free(values: pd.Series[Any]) -> bool:
    """Whether a column of texts looks like sentences or names rather than like categories."""
    known = values.dropna()
    most = min(_FREE_TEXT, max(_FEW, len(known) // 2))
    return bool(
        known.nunique() > most or known.str.len().max() > _LONGEST or known.str.count(" ").max() > _WORDS
    )


def days(texts: pd.Series[str]) -> pd.Series[Any]:
    """Return ISO days (2014-05-02 or 20140502, with or without a time); NaT for what is none."""
    distinct = pd.Series(texts.unique(), dtype="str")
    parts = distinct.str.extract(f"^{_DAY.pattern}$")
    plain = (parts[0] + "-" + parts[1] + "-" + parts[2]).astype(object)
    read = pd.to_datetime(plain, format="%Y-%m-%d", errors="coerce").astype("datetime64[s]")
    return texts.map(dict(zip(distinct, read, strict=True))).astype("datetime64[s]")


def _told_by(values: pd.Series[Any]) -> str:
    if not len(values):
        return "text"
    distinct = pd.Series(values.unique(), dtype=object)
    if distinct.str.lower().isin(_YES | _NO).all():
        return "yes/no"
    share = values.isin(distinct[distinct.str.fullmatch(_NUMBER.pattern)]).mean()
    if values.isin(distinct[distinct.str.fullmatch(_DATED.pattern)]).mean() >= _MOSTLY:
        return "date"
    return "number" if share >= _MOSTLY else "text"


def checked(
    texts: Mapping[str, pd.Series[Any]], columns: Sequence[Column]
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the values of columns, and what had to become missing.

    Parameters
    ----------
    texts : mapping of str to Series
        From `typed`, by name.
    columns : sequence of Column
        With types.

    Returns
    -------
    values : DataFrame
        Numbers as float64, flags as 0 and 1, choices by what they stand for; NaN or None where missing.
    problems : list of Problem
    """
    problems: list[Problem] = []
    values: dict[str, pd.Series[Any]] = {}
    for column in columns:
        given = texts[column.name]
        found = _values(given, column)
        strange = given.notna() & found.isna()
        if strange.any():
            reason = {
                "yes/no": "neither yes nor no", "choice": "none of the choices",
                "text": f"longer than {_LONGEST} characters",
            }.get(column.kind, "no number")  # fmt: skip
            problems.append(Problem(column.name, reason, _numbers(strange)))
        values[column.name] = found
    table = pd.DataFrame(values, index=next(iter(texts.values())).index if texts else None)
    impossible = _impossible(table, columns)
    for name, reason, rows in impossible:
        table.loc[list(rows), name] = np.nan
        problems.append(Problem(name, reason, rows))
    return table, problems


def _values(given: pd.Series[Any], column: Column) -> pd.Series[Any]:
    if column.kind == "yes/no":
        codes = {code.lower(): label.lower() for code, label in column.choices.items()}
        known = dict.fromkeys(_YES, 1.0) | dict.fromkeys(_NO, 0.0)
        known |= {code: known[label] for code, label in codes.items() if label in known}
        return given.str.lower().map(known).astype(np.float64)
    if column.kind == "choice":
        labels = {label.lower(): label for label in column.choices.values()}
        labels |= {code.lower(): label for code, label in column.choices.items()}
        if not labels:
            return _text_values(given)
        plain = given.str.lower().str.replace(r"^(\d+)\.0$", r"\1", regex=True)
        return plain.map(labels).astype(object).where(plain.isin(labels), None)
    if column.kind == "text":
        return _text_values(given)
    proper = given.where(given.str.fullmatch(_NUMBER.pattern).fillna(False).astype(bool), None)
    found = pd.to_numeric(proper, errors="coerce").astype(np.float64)
    return found.where(np.isfinite(found))


def _text_values(given: pd.Series[Any]) -> pd.Series[Any]:
    """Return texts on one line, without what cannot be printed."""
    distinct = {text: _printable(text) for text in given.dropna().unique()}
    return given.map(distinct).astype(object).where(given.str.len() <= _LONGEST, None)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def _numbers(strange: pd.Series[Any]) -> tuple[int, ...]:
    return tuple(int(row) for row in strange.index[strange])


def schema(columns: Sequence[Column]) -> pa.DataFrameSchema:
    """Return what the values of columns have to be, as a pandera schema.

    Parameters
    ----------
    columns : sequence of Column
        With types.
    """
    import pandera.pandas as pa

    held = {}
    for column in columns:
        checks = []
        if column.kind in ("number", "integer"):
            if column.low is not None:
                checks.append(pa.Check.ge(column.low, error=f"below {column.low:g}"))
            if column.high is not None:
                checks.append(pa.Check.le(column.high, error=f"above {column.high:g}"))
        if column.kind == "integer":
            checks.append(pa.Check(lambda values: values % 1 == 0, error="no whole number"))
        if column.kind == "yes/no":
            checks.append(pa.Check.isin([0.0, 1.0], error="neither yes nor no"))
        if column.kind == "choice" and column.choices:
            checks.append(pa.Check.isin(sorted(set(column.choices.values())), error="none of the choices"))
        dtype = np.float64 if column.kind in NUMERIC else object
        held[column.name] = pa.Column(dtype, checks, nullable=True, description=column.description or None)
    return pa.DataFrameSchema(held, strict=True)


def _impossible(table: pd.DataFrame, columns: Sequence[Column]) -> list[tuple[str, str, tuple[int, ...]]]:
    from pandera.errors import SchemaErrors

    try:
        schema(columns).validate(table, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases[["column", "check", "index"]].sort_values(["column", "check", "index"])
        return [
            (str(name), str(reason), tuple(int(row) for row in rows["index"]))
            for (name, reason), rows in cases.groupby(["column", "check"], sort=True)
        ]
    return []
