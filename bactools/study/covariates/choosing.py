"""Which columns of a file are taken in, and what each is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from bactools.study.covariates.checking import free, typed
from bactools.study.covariates.dictionary import Column, of_name, read_dictionary
from bactools.study.covariates.matching import column_of
from bactools.study.covariates.naming import is_taken, variable_name
from bactools.study.covariates.reading import Source
from bactools.study.covariates.rows import Asked, Rows

_MOSTLY = 0.9
_FORM_STATUS = ("0", "1", "2", "incomplete", "unverified", "complete")


def chosen(
    rows: Rows, held: Source, asked: Asked
) -> tuple[list[Column], dict[str, str], dict[str, pd.Series[Any]]]:
    """Choose the columns of a file.

    Parameters
    ----------
    rows : Rows
    held : Source
    asked : Asked

    Returns
    -------
    columns : list of Column
        That are taken in, with types.
    left_out : dict of str to str
        Why others are not.
    texts : dict of str to Series
        Of the former, from `typed`.

    Raises
    ------
    CovariatesError
        If a column is asked for that is not there, or a dictionary cannot be read.
    """
    known: dict[str, Column] = {}
    for path in (asked.dictionary, asked.schema):
        known |= read_dictionary(path) if path is not None else {}
    labels = {each.description: each for each in known.values() if each.description}
    names = list(map(str, rows.table.columns))
    wanted = [column_of(name, names) for name in asked.only] or names
    forms = any(name.startswith("redcap_") for name in names)
    columns: list[Column] = []
    left_out: dict[str, str] = {}
    texts: dict[str, pd.Series[Any]] = {}
    taken: dict[str, str] = {}
    for name in wanted:
        told = known.get(name) or labels.get(name)
        column = _with_defaults(replace(told, name=name), rows) if told else _of_name(name, rows)
        column, given = typed(rows.table[name], column, decimal_comma=held.decimal_comma)
        why = column.left_out or _why_not(column, given, rows, named=bool(told) or bool(asked.only))
        variable = variable_name(name)
        if (
            not why
            and forms
            and name.endswith("_complete")
            and given.dropna().str.lower().isin(_FORM_STATUS).all()
        ):
            why = "REDCap's own"
        if not why and not variable:
            why = "its name has neither letters nor digits"
        if not why and is_taken(variable):
            why = f"{variable} is a name of the study's own: give it another"
        if not why and variable.lower() in taken:
            why = f"its name is too much like that of {taken[variable.lower()]!r}"
        if why:
            left_out[name] = why
        else:
            taken[variable.lower()] = name
            columns.append(column)
            texts[name] = given
    return columns, left_out, texts


def _of_name(name: str, rows: Rows) -> Column:
    """Return what a name tells, unless the values are of another kind."""
    usual = of_name(name)
    given = rows.table[name][rows.table[name] != ""].str.upper()
    codes = {code.upper() for code in usual.choices}
    return Column(name) if codes and given.isin(codes).mean() < _MOSTLY else usual


def _with_defaults(column: Column, rows: Rows) -> Column:
    """Return a column with what its name tells, where nobody has told otherwise."""
    usual = _of_name(column.name, rows)
    if column.kind in ("", "number", "integer") and usual.kind in ("", "number"):
        return replace(
            column, kind=column.kind or usual.kind, units=column.units or usual.units,
            low=usual.low if column.low is None else column.low,
            high=usual.high if column.high is None else column.high,
            left_out=column.left_out or usual.left_out,
        )  # fmt: skip
    return replace(column, left_out=column.left_out or usual.left_out)


def _why_not(column: Column, given: pd.Series[Any], rows: Rows, *, named: bool) -> str:
    values = given.dropna()
    if not len(values):
        return "nothing is given"
    copies = values.isin(set(rows.ids)).mean()
    if copies > 0.5 and (rows.ids.str.len().median() > 3 or (values == rows.ids[values.index]).all()):
        return "it repeats who the women are"
    if named:
        return ""
    if column.kind == "text" and free(given):
        return "free text, which may name somebody; name it (--only) to have it nevertheless"
    if (
        column.kind == "number"
        and values.is_unique
        and len(values) > 1
        and values.str.fullmatch(r"\d{6,}").all()
    ):
        return "it looks like numbers of patients; name it (--only) to have it nevertheless"
    return ""
