"""Which rows describe a cohort: one per woman, from a cube, a burden or a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd
import xarray as xr

from bactools.cube import PROVENANCE, to_table
from bactools.stats.burden import DAYS_PER_YEAR, Burden, burden
from bactools.stats.cohort.exam_table import exam_table
from bactools.stats.result import StatsError
from bactools.stats.stored import DESCRIBED, of_exams

Source = pd.DataFrame | xr.Dataset | Burden
At = Literal["baseline", "last", "every row"]

_KEYS = ("subject", "image_id", "date", "exam", "view", "breast", "weights_note")
_MOST_LEVELS = 20


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a cohort, ready to be described.

    Attributes
    ----------
    table : DataFrame
        One row each, with the columns to describe.
    unit : {"women", "rows", "images", "exams"}
        What a row is.
    labels : dict of str to str
        What to call a column, if not by its name.
    left_out : tuple of str
        Columns that were not asked for and cannot be described.
    note : str
    """

    table: pd.DataFrame
    unit: str
    labels: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    note: str = ""

    @property
    def repeated(self) -> bool:
        """Whether a woman has more than one row."""
        return "subject" in self.table and bool(self.table["subject"].duplicated().any())


def cohort_rows(source: Source, *, columns: Sequence[str] | None, also: str | None, at: At) -> Rows:
    """Choose the rows and columns that describe a cohort.

    Parameters
    ----------
    source : DataFrame, Dataset or Burden
    columns : sequence of str, optional
        All that can be described by default.
    also : str, optional
        One more column, by which rows are grouped.
    at : {"baseline", "last", "every row"}

    Raises
    ------
    StatsError
        If a column is unknown, or differs between the rows of one woman's exam.
    """
    wanted = None if columns is None else [*columns, *([also] if also and also not in columns else [])]
    if isinstance(source, Burden):
        return _of_burden(source, wanted, also, at)
    if isinstance(source, xr.Dataset):
        if at == "every row":
            return _of_table(
                to_table(source), wanted, also, at, note=str(source.attrs.get("weights_note", ""))
            )
        return _of_cube(source, wanted, also, at)
    return _of_table(source, wanted, also, at)


def _of_burden(source: Burden, wanted: list[str] | None, also: str | None, at: At) -> Rows:
    if source.per != "woman" and at != "every row":
        raise StatsError(f"the burden is per {source.per}: use burden(…, per='woman'), or at='every row'")
    table = source.table.rename(columns={"value": source.name})
    wanted = None if wanted is None else [source.name if name == "value" else name for name in wanted]
    table = table.drop(columns=[name for name in ("years", "n_views") if name not in (wanted or ())])
    rows = _of_table(table, wanted, also, at, note=source.note)
    return Rows(
        rows.table,
        "exams" if at == "every row" else "women",
        {source.name: _with_units(source.name, source.units)},
        rows.left_out,
        rows.note,
    )


def _of_table(
    source: pd.DataFrame, wanted: list[str] | None, also: str | None, at: At, *, note: str = ""
) -> Rows:
    asked = wanted if wanted is not None else [also] if also else []
    missing = [name for name in asked if name not in source]
    if missing:
        raise StatsError(
            f"the table has no column {missing[0]!r}: its columns are {', '.join(map(str, source))}"
        )
    names, left_out = (wanted, ()) if wanted is not None else _describable(source, keep=also)
    if "subject" not in source or at == "every row":
        keep = [*(["subject"] if "subject" in source else []), *names]
        unit = "images" if "image_id" in source else "rows"
        return Rows(source[keep].reset_index(drop=True), unit, {}, left_out, note)
    if source["subject"].isna().any():
        raise StatsError("a row has no subject: give one for each, or leave the row out")
    if source["subject"].duplicated().any() and "date" not in source:
        twice = source.loc[source["subject"].duplicated(), "subject"].iloc[0]
        raise StatsError(
            f"subject {twice} has several rows and the table no date: add one, or use at='every row'"
        )
    table = source
    if "date" in source:
        date = pd.to_datetime(source["date"])
        edge = date.groupby(source["subject"]).transform("min" if at == "baseline" else "max")
        table = source[(date == edge) | edge.isna()]
    differ = table.groupby("subject")[names].nunique(dropna=False).gt(1).any()
    unclear = [str(name) for name in names if differ[name]]
    if unclear and (wanted is not None or also in unclear):
        raise StatsError(
            f"{unclear[0]!r} differs between the rows of one woman's exam: give a Burden (one number per"
            " woman and exam), or use at='every row'"
        )
    names = [name for name in names if name not in unclear]
    table = table.drop_duplicates("subject").sort_values("subject", ignore_index=True)
    return Rows(table[["subject", *names]], "women", {}, (*left_out, *unclear), note)


def _of_cube(cube: xr.Dataset, wanted: list[str] | None, also: str | None, at: At) -> Rows:
    exams = exam_table(cube)
    table, stored = exams.table.copy(), exams.cube
    dates = table.groupby("subject")["date"]
    table["exams"] = dates.transform("size")
    table["years of follow-up"] = (dates.transform("max") - dates.transform("min")).dt.days / DAYS_PER_YEAR
    per_image = [name for name in DESCRIBED if name in stored and "view" in stored[name].dims]
    names = wanted or [*exams.covariates(), *per_image, "exams", "years of follow-up"]
    labels: dict[str, str] = {}
    for name in dict.fromkeys([*names, *([also] if also else [])]):
        if name in ("exams", "years of follow-up"):
            continue
        if name not in stored.data_vars:
            known = ", ".join([*exams.covariates(), *per_image, "exams", "years of follow-up"])
            raise StatsError(
                f"the cube has no {name!r}: it knows of women and exams {known}, and its metrics"
            )
        labels[name] = _with_units(name, str(stored[name].attrs.get("units", "1")))
        if "view" not in stored[name].dims:
            table[name] = exams.column(name)
        elif name in {variable.name for variable in PROVENANCE}:
            table[name] = of_exams(stored, name)[exams.at["subject"], exams.at["exam"]]
        else:
            found = burden(cube, name)
            labels[name] = _with_units(found.name, found.units)
            table = table.merge(
                found.table[["subject", "date", "value"]].rename(columns={"value": name}),
                on=["subject", "date"],
                how="left",
            )
    chosen = table.drop_duplicates("subject", keep="first" if at == "baseline" else "last")
    rows = _of_table(chosen.drop(columns=["date", "exam"]), wanted, also, at, note=exams.note)
    return Rows(rows.table, "women", labels, rows.left_out, rows.note)


def _describable(table: pd.DataFrame, *, keep: str | None) -> tuple[list[str], tuple[str, ...]]:
    """Return the columns that can be described, and those that cannot: identities, dates, free text."""
    names, left_out = [], []
    for name in table:
        column = table[name]
        text = not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column))
        text = text and not isinstance(column.dtype, pd.CategoricalDtype)
        free = text and column.nunique() > min(_MOST_LEVELS, max(2, len(column) // 2))
        if name == keep or not (name in _KEYS or free or pd.api.types.is_datetime64_any_dtype(column)):
            names.append(str(name))
        elif name not in _KEYS:
            left_out.append(str(name))
    return names, tuple(left_out)


def _with_units(name: str, units: str) -> str:
    return f"{name} [{units}]" if units not in ("", "1") else name
