"""Who of many women is shown: those who progressed, the foremost, an even choice of all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from bactools.stats.burden import Burden
from bactools.stats.trajectories import Trajectories, trajectories
from bactools.stats.trajectories.progressors import SDC, Progression


def progressors(told: Progression) -> pd.DataFrame:
    """Return the women who rose beyond measurement error, the largest rise first.

    Parameters
    ----------
    told : Progression

    Returns
    -------
    DataFrame
        Subject, group if there are any, number of exams, years, change and change per year.
    """
    rose = told.table[told.table["progressed"]].drop(columns=["progressed", "fell"])
    if "group" in rose and not (rose["group"] != "").any():
        rose = rose.drop(columns="group")
    rose = rose.assign(change_per_year=rose["change"] / rose["years"])
    return rose.sort_values("change", ascending=False, kind="stable", ignore_index=True)


def foremost(found: Trajectories) -> str:
    """Return the woman who rose most, or the first one if nobody was seen twice; empty without women."""
    women = found.women
    if women.empty:
        return ""
    change = women["change"].where(women["years"] > 0).to_numpy(np.float64)
    place = 0 if np.isnan(change).all() else int(np.nanargmax(change))
    return str(women["subject"].iloc[place])


def evenly(found: Trajectories, told: Progression, *, most: int = 300) -> tuple[Trajectories, Progression]:
    """Return at most so many women, evenly chosen by their rate, of both results; all else stays.

    Parameters
    ----------
    found : Trajectories
    told : Progression
        Of the same women.
    most : int
    """
    column = "shrunken_rate" if "shrunken_rate" in found.women else "rate"
    seen = found.women[found.women["years"] > 0].reset_index(drop=True)
    if len(seen) <= most:
        return found, told
    order = np.argsort(seen[column].to_numpy(np.float64), kind="stable")
    kept = np.sort(order[np.linspace(0, len(order) - 1, most).round().astype(int)])
    return replace(found, women=seen.iloc[kept]), replace(
        told, table=told.table.iloc[kept].reset_index(drop=True)
    )


def exams(found: Trajectories, subject: str) -> pd.DataFrame:
    """Return a woman's exams; empty if there is no such woman."""
    hers = found.points[found.points["subject"] == subject]
    kept = [
        name for name in ("subject", "breast", "view", "date", "years", "value", "fitted") if name in hers
    ]
    shown = hers[kept].reset_index(drop=True)
    return shown.assign(date=shown["date"].dt.strftime("%Y-%m-%d")) if "date" in shown else shown


def error_of(burden: Burden) -> float | None:
    """Return the SD of exams about the women's own lines, as measurement error; None if nobody tells.

    Parameters
    ----------
    burden : Burden
        All exams of the women.
    """
    limit = trajectories(burden, slope="per-woman").progressed().sdc
    return limit.value / SDC if limit.estimable else None
