"""Table 1: who the women are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
import pandas as pd

from bactools.stats.cohort.cells import Cells, describe
from bactools.stats.cohort.kinds import levels
from bactools.stats.cohort.result import Table1
from bactools.stats.cohort.rows import At, Rows, Source, cohort_rows
from bactools.stats.inputs import choice
from bactools.stats.result import StatsError

__all__ = ["Table1", "table1"]

_MOST_GROUPS = 12


def table1(
    source: Source,
    *,
    columns: Sequence[str] | None = None,
    group: str | None = None,
    categorical: Sequence[str] = (),
    nonnormal: Sequence[str] | None = None,
    at: At = "baseline",
    p_values: bool = False,
    suppress_below: int = 0,
) -> Table1:
    """Describe a cohort, one row per woman.

    Parameters
    ----------
    source : Dataset, Burden or DataFrame
        A cube (its covariates, age and vendor, and how long women were followed; a metric named in
        `columns` is the woman's burden, see `bactools.stats.burden`), a burden per woman, or a table with
        ``subject`` and, where a woman has several rows, ``date``. A table without ``subject`` is taken as
        one row per woman.
    columns : sequence of str, optional
        What to describe, in this order; all that can be described by default.
    group : str, optional
        A column with few values, by which to split the table.
    categorical : sequence of str
        Numbers to be counted rather than averaged, besides text and yes-or-no (two values, 0 and 1).
    nonnormal : sequence of str, optional
        What to give as median and quartiles; by default whatever has a skewness beyond ± 1.
    at : {"baseline", "last", "every row"}
        A woman's first exam, her last, or every row of the table (every image of a cube).
    p_values : bool
        Add p-values of no difference between groups: Welch's t, ANOVA, Kruskal-Wallis, chi-squared or
        Fisher's exact test, as the column ``test`` says.
    suppress_below : int
        Hide counts from 1 to below this, and what they follow from, before a table leaves the hospital;
        many ask for 5 to 11. By default nothing is hidden.

    Returns
    -------
    Table1
        Not estimable without rows.

    Raises
    ------
    StatsError
        If a column is unknown or cannot be described as asked; if p-values are asked for of rows that
        repeat women; if a whole group is smaller than `suppress_below`.

    References
    ----------
    Pollard TJ, et al. JAMIA Open 2018;1:26-31 (tableone). Yang D, Dalton JE. SAS Global Forum 2012, 335
    (standardised differences of counts; those of numbers are of means, also where medians are shown).
    """
    choice(at, get_args(At), name="at")
    if suppress_below < 0:
        raise StatsError(f"suppress_below={suppress_below}: give 0 or more")
    rows = cohort_rows(source, columns=columns, also=group, at=at)
    names = [str(name) for name in rows.table if name not in ("subject", group)]
    table, groups = _grouped(rows.table, group)
    _check(rows, table, names, groups, group, p_values, suppress_below)
    if p_values and rows.repeated:
        raise StatsError("p-values take rows as independent, and women repeat: use at='baseline' or 'last'")
    reason = "" if len(table) and names else "there is nothing to describe" if len(table) else "no rows"
    if reason:
        return _empty(rows, at, group or "", suppress_below, reason)
    split = group if group and len(groups) > 1 else ""
    found = describe(
        table[names],
        table[split] if split else None,
        groups if split else (),
        categorical=categorical,
        nonnormal=nonnormal,
        p_values=p_values and bool(split),
        suppress_below=suppress_below,
    )
    without = int(table[split].isna().sum()) if split else 0
    return _labelled(_result(found, rows, at, split, without, suppress_below), rows)


def _grouped(table: pd.DataFrame, group: str | None) -> tuple[pd.DataFrame, list[str]]:
    """Return the table with its group as text, and the groups in order."""
    if group is None:
        return table, []
    texts, order = levels(table[group])
    return table.assign(**{group: texts}), order


def _check(
    rows: Rows,
    table: pd.DataFrame,
    names: list[str],
    groups: list[str],
    group: str | None,
    p: bool,
    below: int,
) -> None:
    if group is None and p:
        raise StatsError("p_values=True compares groups: name the column in group=")
    if len(groups) > _MOST_GROUPS:
        raise StatsError(
            f"{group!r} has {len(groups)} values: choose a column with few, or cut it into classes"
        )
    for name in names:
        if pd.api.types.is_datetime64_any_dtype(table[name]):
            raise StatsError(f"{name!r} holds dates: leave it out, or describe its year")
    if not below:
        return
    sizes = {f"group {g!r}": int((table[group] == g).sum()) for g in groups} if group else {}
    if group:
        sizes[f"those without {group!r}"] = int(table[group].isna().sum())
    sizes["the whole"] = len(table)
    for what, size in sizes.items():
        if 0 < size < below:
            raise StatsError(
                f"{what} has fewer than {below} {rows.unit}, which no table can hide: join groups, or leave"
                " them out"
            )


def _result(found: Cells, rows: Rows, at: At, group: str, without: int, below: int) -> Table1:
    return Table1(
        found.table,
        found.numbers,
        len(rows.table),
        rows.unit,
        at,
        group,
        without,
        found.mean,
        found.median,
        found.counted,
        rows.left_out,
        below,
        found.n_suppressed,
        note=rows.note,
    )


def _labelled(result: Table1, rows: Rows) -> Table1:
    """Call every variable by its label."""

    def called(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(rows.labels.get(name, name) for name in names)

    first = result.table["variable"].map(lambda name: rows.labels.get(name, name))
    numbers = result.numbers.assign(variable=list(called(tuple(result.numbers["variable"]))))
    kinds = {
        **dict.fromkeys(called(result.mean), "mean (SD)"),
        **dict.fromkeys(called(result.counted), "n (%)"),
    }
    kinds |= dict.fromkeys(called(result.median), "median [quartiles]")
    variable = first.map(lambda name: f"{name}, {kinds[name]}" if name in kinds else name)
    return replace(
        result,
        table=result.table.assign(variable=variable),
        numbers=numbers,
        mean=called(result.mean),
        median=called(result.median),
        counted=called(result.counted),
    )


def _empty(rows: Rows, at: At, group: str, below: int, reason: str) -> Table1:
    table = pd.DataFrame(columns=["variable", "level", "missing", "overall"])
    numbers = pd.DataFrame({"variable": [], "missing": [], "smd": np.zeros(0), "p": np.zeros(0)})
    return Table1(
        table, numbers, len(rows.table), rows.unit, at, group, 0, (), (), (), rows.left_out, below, 0,
        reason=reason, note=rows.note,
    )  # fmt: skip
