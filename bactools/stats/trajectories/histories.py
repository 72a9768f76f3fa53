"""Women's exams in order of time: what a trajectory is drawn through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bactools.stats.burden import DAYS_PER_YEAR, Burden
from bactools.stats.inputs import FloatArray, Values, vector
from bactools.stats.result import StatsError

_UNITS = ("breast", "view")
_MOST_LEVELS = 8


@dataclass(frozen=True, eq=False)
class Histories:
    """Exams with a value, by woman and time.

    Attributes
    ----------
    table : DataFrame
        One row per exam: ``subject``, ``breast`` or ``view`` where women have several units, ``unit`` (a
        code from 0), ``date`` if known, ``years`` since her first exam, ``value``, ``group`` if asked for,
        covariates, and what else is known of it.
    name, units, note : str
    group : str
        What women are grouped by; empty if not.
    levels : tuple of str
        The groups.
    covariates : tuple of str
    n_dropped : int
        Exams left out because the value, its time, the group or a covariate is missing.
    """

    table: pd.DataFrame
    name: str
    units: str
    note: str
    group: str
    levels: tuple[str, ...]
    covariates: tuple[str, ...]
    n_dropped: int

    @property
    def nested(self) -> bool:
        """Whether a woman has several units: breasts or views."""
        return int(self.table["unit"].nunique()) > int(self.table["subject"].nunique())

    @classmethod
    def of(
        cls,
        values: Burden | Values,
        *,
        subject: Sequence[Any] | ArrayLike | None,
        years: Values | None,
        date: Sequence[Any] | ArrayLike | None,
        group: str | Sequence[Any] | ArrayLike | None,
        covariates: Sequence[str] | pd.DataFrame,
        keys: pd.DataFrame | None,
        name: str,
        units: str,
    ) -> Histories:
        """Gather the exams; see `bactools.stats.trajectories.fit.trajectories`."""
        note = ""
        if isinstance(values, Burden):
            if any(given is not None for given in (subject, years, date, keys)):
                raise StatsError("a burden knows its women and dates: give no subject, years, date or keys")
            table, name, units, note = values.table.copy(), name or values.name, values.units, values.note
        else:
            table = _assembled(values, subject, years, date, keys)
        label, chosen = _grouped(table, group)
        wanted = _covariates(table, covariates)
        needed = ["value", "years", *(["group"] if label else []), *wanted]
        if label:
            table["group"] = chosen
        # what was known at her first exam: age and her years of follow-up cannot be told apart later
        table = table.sort_values(["subject", "years"], kind="stable", ignore_index=True)
        for column in needed[2:]:
            table[column] = table.groupby("subject", sort=False)[column].transform("first")
        complete = table[needed].notna().all(axis=1)
        table = table[complete].reset_index(drop=True)
        table["years"] -= table.groupby("subject", sort=False)["years"].transform("min")
        by = ["subject", *(column for column in _UNITS if column in table and isinstance(values, Burden))]
        table["unit"] = table.groupby(by, sort=False).ngroup()
        levels = _levels(table["group"], label) if label else ()
        if label:
            table["group"] = [level_name(value) for value in table["group"]]
        size = (name or "value", units, note, label, levels, tuple(wanted))
        return cls(table, *size, n_dropped=int((~complete).sum()))

    @cached_property
    def per_unit(self) -> pd.DataFrame:
        """One row per unit: exams, first and last, years between, her own least-squares line."""
        table = self.table
        parts = table.groupby("unit", sort=True)
        told = [column for column in ("subject", *_UNITS, "group") if column in table]
        told = [column for column in told if parts[column].nunique().max() == 1] if len(table) else told
        women = parts[told].first() if len(table) else table[told]
        women = women.assign(n_exams=parts.size(), years=parts["years"].max() - parts["years"].min())
        if "date" in table:
            women = women.assign(first_date=parts["date"].first(), last_date=parts["date"].last())
        women = women.assign(first=parts["value"].first(), last=parts["value"].last())
        about = table["years"] - parts["years"].transform("mean")
        square = (about**2).groupby(table["unit"]).sum()
        slope = (about * table["value"]).groupby(table["unit"]).sum() / square.where(square > 0)
        women = women.assign(change=women["last"] - women["first"], rate=slope, spread=square)
        return women.assign(level=parts["value"].mean() - slope * parts["years"].mean()).reset_index(
            drop=True
        )


def _assembled(
    values: Values, subject: Any, years: Values | None, date: Any, keys: pd.DataFrame | None
) -> pd.DataFrame:
    """Return a table of vectors."""
    flat = vector(values, name="values")
    if subject is None:
        raise StatsError("whose are these values? Give the woman of each with subject=")
    if (years is None) == (date is None):
        raise StatsError("give either years= (of each exam) or date=")
    table = pd.DataFrame(index=range(flat.size))
    columns: dict[str, Any] = {"subject": np.asarray(subject, dtype=object).ravel(), "value": flat}
    if years is not None:
        columns["years"] = vector(years, name="years")
    else:
        columns["date"] = _dates(date)
    if keys is not None:
        columns = {str(column): keys[column].to_numpy() for column in keys} | columns
    for column, given in columns.items():
        if len(given) != flat.size:
            raise StatsError(f"{len(given)} of {column} for {flat.size} values: give one of each")
    table = table.assign(**columns)
    if table["subject"].isna().any():
        raise StatsError("an exam has no subject: give one for each, or leave it out")
    if years is None:
        first = table["date"].groupby(table["subject"]).transform("min")
        table["years"] = (table["date"] - first).dt.total_seconds() / (86400 * DAYS_PER_YEAR)
    return table


def _dates(date: Any) -> FloatArray:
    try:
        return np.asarray(pd.to_datetime(pd.Series(np.asarray(date).ravel()), format="ISO8601"))
    except (ValueError, TypeError) as error:
        raise StatsError("date holds something that is not a date: give YYYY-MM-DD or datetimes") from error


def _grouped(table: pd.DataFrame, group: Any) -> tuple[str, Any]:
    """Return what women are grouped by, and the group of each exam."""
    if group is None:
        return "", None
    label = group if isinstance(group, str) else str(getattr(group, "name", None) or "group")
    if isinstance(group, str) and group not in table:
        raise StatsError(f"group={group!r} is not a column: choose one of {', '.join(map(str, table))}")
    given = table[group] if isinstance(group, str) else pd.Series(_ravelled(group))
    if len(given) != len(table):
        raise StatsError(f"{len(given)} groups for {len(table)} values: give one of each")
    return label, given.to_numpy() if given.dtype != "category" else given.array


def _ravelled(group: Any) -> Any:
    return group.array if isinstance(group, pd.Series) else np.asarray(group).ravel()


def _covariates(table: pd.DataFrame, covariates: Sequence[str] | pd.DataFrame) -> list[str]:
    """Return the names of the covariates; add to the table those that are given as one of their own."""
    if isinstance(covariates, str):
        raise StatsError(f"covariates={covariates!r}: give a list of names")
    if isinstance(covariates, pd.DataFrame):
        if len(covariates) != len(table):
            raise StatsError(
                f"{len(covariates)} rows of covariates for {len(table)} values: give one of each"
            )
        for name in covariates:
            table[str(name)] = covariates[name].to_numpy()
    names = [str(name) for name in covariates]
    for name in names:
        if name not in table or name in ("subject", "unit", "value", "years"):
            raise StatsError(f"covariate {name!r} is none: choose of {', '.join(map(str, table))}")
    return names


def _levels(groups: pd.Series, label: str) -> tuple[str, ...]:
    """Return the groups as text, in their own order."""
    ordered = (
        groups.cat.categories[groups.cat.categories.isin(groups)]
        if groups.dtype == "category"
        else sorted(groups.unique(), key=lambda value: (str(type(value)), value))
    )
    if len(ordered) > _MOST_LEVELS:
        raise StatsError(
            f"{label} has {len(ordered)} values, too many for groups: give it as a covariate, or cut it"
        )
    return tuple(level_name(value) for value in ordered)


def level_name(value: object) -> str:
    """Return what a group is called: yes and no for true and false."""
    return ("yes" if value else "no") if isinstance(value, bool | np.bool_) else str(value)
