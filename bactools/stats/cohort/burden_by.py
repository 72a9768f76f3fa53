"""How burden is distributed: by age, or by any other thing known of a woman."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bactools.stats.burden import Burden
from bactools.stats.cohort.kinds import levels
from bactools.stats.result import Result, StatsError, number, p_words

_FEW = 6
_MOST_GROUPS = 12


@dataclass(frozen=True, eq=False, repr=False)
class BurdenBy(Result):
    """Burden at the first exam, by group.

    Attributes
    ----------
    groups : DataFrame
        One row per group, in order: ``group``, ``n`` women, ``zero`` of them without any burden,
        ``share_zero``, ``median``, ``q1``, ``q3`` and ``largest`` of all.
    points : DataFrame
        One row per woman (breast, view): ``subject``, ``breast`` or ``view``, ``date``, ``value``,
        ``group``, ``by``.
    by : str
        What groups are made of.
    name, units : str
        What is measured.
    p : float
        Kruskal and Wallis's test of no difference; NaN with fewer than two groups, or several rows per
        woman.
    n_unknown : int
        Rows of which `by` is unknown, left out.
    reason, note : str
    """

    groups: pd.DataFrame
    points: pd.DataFrame
    by: str
    name: str
    units: str
    p: float
    n_unknown: int
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"{self.name} by {self.by}"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group."""
        return self.groups

    def _words(self) -> str:
        told = []
        unit = f" {self.units}" if self.units not in ("", "1") else ""
        rows = "rows" if {"breast", "view"} & set(self.points) else "women"
        for row in self.groups.to_dict("records"):
            median, low, high = (number(float(row[name])) for name in ("median", "q1", "q3"))
            told.append(
                f"{self.by} {row['group']}: {row['n']} {rows}, {row['zero']} without any; median"
                f" {median}{unit} (quartiles {low} to {high})."
            )
        if not np.isnan(self.p):
            told.append(f"No difference between groups: {p_words(self.p)} (Kruskal-Wallis).")
        if self.n_unknown:
            told.append(f"{self.n_unknown} are left out: their {self.by} is unknown.")
        return " ".join(told)


def burden_by(burden: Burden, by: str = "age", *, edges: Sequence[float] | None = None) -> BurdenBy:
    """Group the burden of first exams.

    Parameters
    ----------
    burden : Burden
    by : str
        A column of ``burden.table``, such as a covariate.
    edges : sequence of float, optional
        Where to cut numbers: each class holds its lower edge, the last also its upper. By default, ages
        by decade, other numbers of more than six values by quartile.

    Returns
    -------
    BurdenBy
        Not estimable without a row.

    Raises
    ------
    StatsError
        If there is no such column, it has too many values, or edges do not rise or do not apply.
    """
    if by not in burden.table:
        raise StatsError(f"burden has no {by!r}: choose of {', '.join(map(str, burden.table))}")
    table = burden.baseline()
    unknown = table[by].isna()
    table = table[~unknown].reset_index(drop=True)
    nobody: tuple[np.ndarray, list[str]] = (np.empty(0, dtype=object), [])
    texts, order = _classes(table[by], by, edges) if len(table) else nobody
    units = [name for name in ("subject", "breast", "view") if name in table]
    points = table[[*units, "date", "value"]].assign(group=texts, by=table[by])
    found = [points.loc[points["group"] == group, "value"].to_numpy(dtype=float) for group in order]
    rows = [
        (g, v.size, int((v == 0).sum()), float((v == 0).mean()), *np.quantile(v, [0.5, 0.25, 0.75, 1.0]))
        for g, v in zip(order, found, strict=True)
    ]
    columns = ["group", "n", "zero", "share_zero", "median", "q1", "q3", "largest"]
    return BurdenBy(
        pd.DataFrame(rows, columns=columns),
        points,
        by,
        burden.name,
        burden.units,
        _p(found) if len(units) == 1 else float("nan"),
        int(unknown.sum()),
        reason=burden.reason or ("" if len(points) else f"the {by} of no woman is known"),
        note=burden.note,
    )


def _classes(column: pd.Series[Any], by: str, edges: Sequence[float] | None) -> tuple[np.ndarray, list[str]]:
    """Return the class of each row, and those that occur in order."""
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if edges is not None and not numeric:
        raise StatsError(f"{by!r} holds no numbers to be cut: leave edges out")
    if not numeric or (edges is None and by != "age" and column.nunique() <= _FEW):
        texts, order = levels(column)
        if len(order) > _MOST_GROUPS:
            raise StatsError(f"{by!r} has {len(order)} values: choose a column with few")
        return texts.to_numpy(dtype=object), order
    values = column.to_numpy(dtype=np.float64)
    cuts = np.unique(_edges(values, by)) if edges is None else np.asarray(edges, dtype=np.float64)
    if cuts.size < 2 or (np.diff(cuts) <= 0).any():
        raise StatsError("edges must rise, and be two or more")
    if values.min() < cuts[0] or values.max() > cuts[-1]:
        raise StatsError(
            f"{by} goes from {number(values.min())} to {number(values.max())}, beyond the edges"
            f" {number(cuts[0])} to {number(cuts[-1])}: add outer ones"
        )
    names = [f"{number(low)} to {number(high)}" for low, high in itertools.pairwise(cuts)]
    at = np.clip(np.searchsorted(cuts, values, side="right") - 1, 0, len(names) - 1)
    return np.array(names, dtype=object)[at], [names[k] for k in np.unique(at)]


def _edges(values: np.ndarray, by: str) -> np.ndarray:
    if by == "age":
        return np.arange(np.floor(values.min() / 10) * 10, values.max() + 10.001, 10)
    return np.asarray(np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))


def _p(found: list[np.ndarray]) -> float:
    from scipy import stats

    if len(found) < 2 or np.ptp(np.concatenate(found)) == 0:
        return float("nan")
    return float(stats.kruskal(*found).pvalue)
