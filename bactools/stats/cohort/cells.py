"""The cells of Table 1, by tableone, and which of them are hidden."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from bactools.stats.cohort.kinds import check_kinds, decimals, is_counted, is_skewed, levels
from bactools.stats.cohort.small_cells import small_cells

_HIDDEN = "hidden"


@dataclass(frozen=True, eq=False)
class Cells:
    """What `describe` found; `cohort.result.Table1` has the same fields."""

    table: pd.DataFrame
    numbers: pd.DataFrame
    mean: tuple[str, ...]
    median: tuple[str, ...]
    counted: tuple[str, ...]
    n_suppressed: int


def describe(
    table: pd.DataFrame,
    group: pd.Series[Any] | None,
    groups: Sequence[str],
    *,
    categorical: Sequence[str],
    nonnormal: Sequence[str] | None,
    p_values: bool,
    suppress_below: int,
) -> Cells:
    """Describe every column, overall and by group.

    Parameters
    ----------
    table : DataFrame
        One row per woman, with the columns to describe.
    group : Series of str, optional
        Her group, None if unknown; its name heads the columns.
    groups : sequence of str
        Two or more, in order; none without `group`.
    categorical, nonnormal : sequence of str
    p_values : bool
    suppress_below : int

    Raises
    ------
    StatsError
        If `categorical` or `nonnormal` names no column, or one that is not of that kind.
    """
    names = [str(name) for name in table]
    counted = [name for name in names if name in categorical or is_counted(table[name])]
    measured = [name for name in names if name not in counted]
    check_kinds(names, counted, categorical, nonnormal or ())
    median = [n for n in measured if (is_skewed(table[n]) if nonnormal is None else n in nonnormal)]
    # coded names: however a column or group is called, tableone does not trip over it
    order = {name: levels(table[name])[1] if name in counted else [""] for name in names}
    data = pd.DataFrame(
        {
            f"v{at}": levels(table[n])[0] if n in counted else table[n].astype(float)
            for at, n in enumerate(names)
        }
    )
    codes = {f"g{at:02d}": value for at, value in enumerate(groups)}
    if group is not None:
        data["group"] = group.map({value: code for code, value in codes.items()})
    known = [at for at, name in enumerate(names) if table[name].notna().any()]
    made = _tableone(
        data,
        [f"v{at}" for at in known if names[at] in measured],
        [f"v{at}" for at in known if names[at] in counted],
        [f"v{at}" for at in known if names[at] in median],
        grouped=group is not None,
        p_values=p_values,
    )
    cells = made.tableone
    if group is not None:
        cells = cells.droplevel(0, axis=1)
    columns = ["Overall", *codes]
    parts, n_suppressed = [_row("n", cells.loc[[("n", "")]])], 0
    numbers: list[tuple[str, float, float, float]] = []
    for at, name in enumerate(names):
        missing = int(table[name].isna().sum())
        if at not in known:
            parts.append(pd.DataFrame({"variable": [name], "level": [""], "Missing": [str(missing)]}))
            numbers.append((name, missing, math.nan, math.nan))
            continue
        code = f"v{at}"
        part = _row(name, cells.loc[[(code, level) for level in order[name]]]).astype(object)
        first = part.index == 0
        for column in ("Missing", *(c for c in part if str(c).startswith(("SMD", "P-", "Test")))):
            value = next((text for text in part[column].astype(str) if text), "")
            part[column] = np.where(first, str(missing) if column == "Missing" else value, "")
        alone = [c for c in columns if int(_of(data, c)[code].notna().sum()) == 1] if name in measured else []
        if name not in median and alone:
            _without_spread(part, alone)
        hidden = 0
        if suppress_below:
            hidden = _hide(part, data, code, order[name], columns, missing, below=suppress_below)
        n_suppressed += hidden
        shown_missing = math.nan if 0 < missing < suppress_below else float(missing)
        smd, p = _compared(made, code)
        numbers.append((name, shown_missing, math.nan if hidden or alone else smd, math.nan if hidden else p))
        parts.append(part)
    shown = pd.concat(parts, ignore_index=True).fillna("").astype(str)
    cell_columns = [str(name) for name in shown if name not in ("variable", "level")]
    shown[cell_columns] = _as_read(shown[cell_columns])
    return Cells(
        _ordered(shown, codes, str(group.name) if group is not None else ""),
        pd.DataFrame(numbers, columns=["variable", "missing", "smd", "p"]),
        tuple(name for name in measured if name not in median),
        tuple(median),
        tuple(counted),
        n_suppressed,
    )


def _tableone(
    data: pd.DataFrame,
    continuous: list[str],
    categorical: list[str],
    nonnormal: list[str],
    *,
    grouped: bool,
    p_values: bool,
) -> Any:
    from tableone import TableOne

    # without a number known of every group, tableone loses the group
    data, continuous = data.assign(filler=0.0), [*continuous, "filler"]
    with warnings.catch_warnings():
        # it warns of what becomes a blank here, and of its own use of pandas
        warnings.simplefilter("ignore")
        return TableOne(
            data,
            columns=[*continuous, *categorical],
            categorical=categorical,
            continuous=continuous,
            nonnormal=nonnormal,
            groupby="group" if grouped else None,
            decimals={name: decimals(data[name], by_quartiles=name in nonnormal) for name in continuous},
            include_null=False,
            label_suffix=False,
            smd=grouped,
            pval=p_values,
            htest_name=p_values,
        )


def _row(name: str, cells: pd.DataFrame) -> pd.DataFrame:
    """Return rows of tableone with plain columns."""
    part = cells.reset_index(drop=True)
    part.insert(0, "variable", name)
    part.insert(1, "level", [str(level) for level in cells.index.get_level_values(1)])
    return part


def _of(data: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows that a column of the table is of."""
    return data if column == "Overall" else data[data["group"] == column]


def _without_spread(part: pd.DataFrame, alone: list[str]) -> None:
    """Take out the SD of a single woman, for which tableone has 0, and what rests on it."""
    for column in alone:
        part[column] = part[column].map(lambda text: f"{str(text).split(' (')[0]} (–)")
    part[[str(c) for c in part if str(c).startswith("SMD")]] = ""


def _hide(
    part: pd.DataFrame,
    data: pd.DataFrame,
    code: str,
    order: list[str],
    columns: list[str],
    missing: int,
    *,
    below: int,
) -> int:
    """Hide small cells of one variable in place; return how many."""
    values = {column: _of(data, column)[code] for column in columns}
    if order == [""]:
        counts = np.array([[int(values[c].notna().sum()) for c in columns]])
    else:
        counts = np.array([[int((values[c] == level).sum()) for c in columns] for level in order])
    absent = np.array([[int(values[c].isna().sum()) for c in columns]])
    # what is missing is one more level: with it a column adds up to the size of the group
    small, hidden = small_cells(np.vstack([counts, absent]), below=below)
    for at, column in enumerate(columns):
        marks = np.where(small[:-1, at], f"<{below}", _HIDDEN)
        part[column] = np.where(hidden[:-1, at], marks, part[column].to_numpy())
    if hidden[-1, 0]:
        part.loc[0, "Missing"] = f"<{below}" if small[-1, 0] else _HIDDEN
    n = int(hidden[:-1].sum() + hidden[-1, 0])
    if n:
        part[[str(c) for c in part if str(c).startswith(("SMD", "P-", "Test"))]] = ""
    return n


def _compared(made: Any, code: str) -> tuple[float, float]:
    """Return the standardised difference, the largest of several, and the p-value of a variable."""
    smd = p = math.nan
    if made.smd_table is not None:
        found = made.smd_table.loc[code].to_numpy(dtype=float)
        if np.isfinite(found).any():
            smd = float(found[np.nanargmax(np.abs(np.where(np.isfinite(found), found, np.nan)))])
    if made.htest_table is not None:
        p = float(made.htest_table["P-Value"].astype(float)[code])
    return smd, p


def _as_read(cells: pd.DataFrame) -> pd.DataFrame:
    """Blank out what no woman or one cannot have, a mean or an SD, and part the quartiles."""
    nothing = r"^(nan|-?inf|nan .*nan[\])])$"
    return cells.replace({nothing: "", r" \(nan\)$": " (–)", ",": ", "}, regex=True)


def _ordered(shown: pd.DataFrame, codes: dict[str, str], group: str) -> pd.DataFrame:
    """Return plain column names in order."""
    headings = {"variable": "variable", "level": "level", "Missing": "missing", "Overall": "overall"}
    headings |= {code: f"{group}: {value}" for code, value in codes.items()}
    for a, b in combinations(codes, 2):
        pair = f" ({codes[a]} to {codes[b]})" if len(codes) > 2 else ""
        headings[f"SMD ({a},{b})"] = f"smd{pair}"
    headings |= {"P-Value": "p", "Test": "test"}
    present = [name for name in headings if name in shown]
    return shown[present].rename(columns=headings)
