"""What happened to the women afterwards: which columns say so, and when.

An outcome is two covariates per woman. The event ``E`` is 1 or True if it happened and 0 or False if not;
NaN is unknown. The time counts from her first exam in the study to the event, or to the end of follow-up
without it. It is found by its name: ``E_years``, ``E_time``, ``E_time_years``, ``years_to_E``,
``time_to_E``, ``E_days`` or ``days_to_E``. If the event is called ``event``, or is the only one there is,
``years``, ``time`` and ``follow_up_years`` will do too. Times are years unless the name or the unit says
days or months.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from bactools.stats.burden import DAYS_PER_YEAR, Burden
from bactools.stats.grades.result import Grades
from bactools.stats.result import StatsError

NEEDED = (
    "an event, such as infarct, which is 1 or 0 for each woman, and its time, infarct_years, in years from"
    " her first exam to the event or to the end of follow-up"
)
"""What a study must hold for an outcome, in words."""

_OWN = ("{}_years", "{}_time", "{}_time_years", "years_to_{}", "time_to_{}", "{}_days", "days_to_{}")
_COMMON = ("years", "time", "follow_up_years")
_LAST = np.datetime64("2262-01-01", "ns")
_PER_YEAR = {"d": DAYS_PER_YEAR, "day": DAYS_PER_YEAR, "days": DAYS_PER_YEAR, "month": 12, "months": 12}


@dataclass(frozen=True)
class Outcome:
    """An event and when it happened, as covariates of a cube.

    Attributes
    ----------
    event, time : str
        Their names.
    """

    event: str
    time: str


@dataclass(frozen=True, eq=False)
class FollowUp:
    """Follow-up of women, by subject.

    Attributes
    ----------
    time : Series
        Years from her first exam in the study; missing if unknown.
    event : Series
        1, 0 or missing.
    entry : Series or None
        Years from there to the exam at which her burden was measured; None if they are all the same exam.
    n, n_events : int
        Women with a burden whose follow-up is known, and events among them.
    n_unknown : int
        Women with a burden whose event or time is not known.
    n_late : int
        Women who are left out since follow-up ended before burden was measured.
    """

    time: pd.Series
    event: pd.Series
    entry: pd.Series | None
    n: int
    n_events: int
    n_unknown: int
    n_late: int

    @property
    def words(self) -> str:
        """How many were followed, and who is left out and why."""
        told = [f"{self.n} women followed, {self.n_events} events."]
        if self.n_unknown:
            told.append(f"Of {self.n_unknown} more the event or its time is not known.")
        if self.n_late:
            told.append(
                f"{self.n_late} more are left out since their follow-up ended before the exam that counts."
            )
        if self.entry is not None:
            told.append(
                "Some women's first exam that counts is not their first exam: they are at risk from it on."
            )
        return " ".join(told)


def outcomes(cube: xr.Dataset) -> list[Outcome]:
    """Return the outcomes of a cube, by name.

    Parameters
    ----------
    cube : Dataset

    Returns
    -------
    list of Outcome
    """
    per_woman = {str(name): array for name, array in cube.data_vars.items() if array.dims == ("subject",)}
    times = {name for name, array in per_woman.items() if _is_time(array)}
    events = [name for name, array in per_woman.items() if _is_event(array)]
    found = []
    for event in sorted(events):
        own = [wanted.format(event) for wanted in _OWN]
        common = list(_COMMON) if event in ("event", "events") or len(events) == 1 else []
        time = next((name for name in (*own, *common) if name in times and name != event), "")
        if time:
            found.append(Outcome(event, time))
    return found


def first_exams(burden: Burden) -> Burden:
    """Return a burden with each woman's first exam only.

    Parameters
    ----------
    burden : Burden
    """
    return replace(burden, table=burden.baseline())


def follow_up(cube: xr.Dataset, outcome: Outcome, first: Burden) -> FollowUp:
    """Return the follow-up of the women whose burden was measured.

    Parameters
    ----------
    cube : Dataset
        The whole study, in the stored form: its first exams are where time starts.
    outcome : Outcome
    first : Burden
        From `first_exams`, of any part of the study.

    Returns
    -------
    FollowUp
        With the women of `first`, in their order.

    Raises
    ------
    StatsError
        If the cube has no such covariates.
    """
    if outcome not in outcomes(cube):
        raise StatsError(
            f"the study has no outcome {outcome.event!r} with {outcome.time!r}: needed is {NEEDED}"
        )
    women = pd.Index(first.table["subject"].to_numpy(), name="subject")
    at = cube["subject"].to_index().get_indexer(women)
    time = np.asarray(cube[outcome.time].values, dtype=np.float64)[at] / _per_year(outcome, cube)
    event = np.asarray(cube[outcome.event].values, dtype=np.float64)[at]
    exams = cube["date"].transpose("subject", "exam").values[at]
    start = np.where(np.isnat(exams), _LAST, exams).min(axis=1)
    days = (first.table["date"].to_numpy() - start) / np.timedelta64(1, "D")
    entry = np.clip(days, 0, None) / DAYS_PER_YEAR
    known = np.isfinite(time) & np.isfinite(event)
    delayed = bool((entry[known] > 0).any())
    late = known & ((time < 0) | (delayed & (time <= entry)))
    kept = known & ~late
    return FollowUp(
        pd.Series(np.where(kept, time, np.nan), index=women),
        pd.Series(np.where(kept, event, np.nan), index=women),
        pd.Series(np.where(kept, entry, np.nan), index=women) if delayed else None,
        int(kept.sum()), int(event[kept].sum()), int((~known).sum()), int(late.sum()),
    )  # fmt: skip


def groups(found: Grades, followed: FollowUp) -> pd.Series:
    """Return the grades of women that were followed, in their order.

    Parameters
    ----------
    found : Grades
        Of first exams.
    followed : FollowUp
    """
    by_woman: pd.Series = found.table.drop_duplicates("subject").set_index("subject")["grade"]
    return by_woman.reindex(followed.time.index)


def _is_event(array: xr.DataArray) -> bool:
    if array.dtype.kind == "b":
        return True
    if array.dtype.kind not in "fiu":
        return False
    values = np.asarray(array.values, dtype=np.float64)
    known = values[~np.isnan(values)]
    return bool(known.size) and bool(np.isin(known, (0, 1)).all())


def _is_time(array: xr.DataArray) -> bool:
    if array.dtype.kind not in "fiu":
        return False
    values = np.asarray(array.values, dtype=np.float64)
    known = values[~np.isnan(values)]
    return bool(known.size) and bool(np.isfinite(known).all())


def _per_year(outcome: Outcome, cube: xr.Dataset) -> float:
    """Return how many of a time's units make a year."""
    named = outcome.time.startswith("days_") or outcome.time.endswith("_days")
    units = "day" if named else str(cube[outcome.time].attrs.get("units", ""))
    return float(_PER_YEAR.get(units, 1))
