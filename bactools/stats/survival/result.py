"""What Kaplan and Meier's, and Aalen and Johansen's, estimates found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from bactools.stats.chi_squared import ChiSquared
from bactools.stats.inputs import FloatArray, vector
from bactools.stats.result import Estimate, Result, number

Interval = Literal["log-log", "log", "plain"]


@dataclass(frozen=True, eq=False, repr=False)
class KaplanMeier(Result):
    """Survival by group.

    Attributes
    ----------
    curves : DataFrame
        One row per group and distinct time: ``group``, ``time``, ``n_risk``, ``n_event``,
        ``n_censored``, ``survival``, ``se`` (Greenwood), ``low``, ``high``. The first row is at 0.
    medians : mapping of str to Estimate
        Time by which half had the event, per group; interval after Brookmeyer and Crowley.
    log_rank : ChiSquared
        Of no difference between groups.
    groups : tuple of str
        In order; one, "all", if there are none.
    group : str
        What the groups are called.
    n, n_events : mapping of str to int
        Per group.
    n_dropped : int
        Women left out because a value is missing.
    follow_up : Estimate
        Median follow-up of all, censoring taken as the event (reverse Kaplan–Meier).
    interval : {"log-log", "log", "plain"}
    confidence : float
    units : str
        Of time.
    reason, note : str
    """

    curves: pd.DataFrame
    medians: Mapping[str, Estimate]
    log_rank: ChiSquared
    groups: tuple[str, ...]
    group: str
    n: Mapping[str, int]
    n_events: Mapping[str, int]
    n_dropped: int
    follow_up: Estimate
    interval: Interval
    confidence: float
    units: str
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        by = f" by {self.group}" if len(self.groups) > 1 else ""
        return f"Survival free of the event{by} (Kaplan-Meier)"

    def curve(self, group: str) -> pd.DataFrame:
        """Return the rows of one group."""
        return self.curves[self.curves["group"] == group]

    def survival_at(self, times: Sequence[float]) -> pd.DataFrame:
        """Return survival with its interval at given times; NaN after the last follow-up of a group."""
        names = ("survival", "low", "high")
        return _at_times(self.curves, self.groups, times, names, column="group")

    def at_risk(self, times: Sequence[float]) -> pd.DataFrame:
        """Return how many are at risk at given times: a row per group, a column per time."""
        return at_risk_table(self.curves, self.groups, times)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group: n, events, median with its interval."""
        rows = [
            (name, self.n[name], self.n_events[name], e.value, e.low, e.high, e.reason)
            for name, e in self.medians.items()
        ]
        columns = ["group", "n", "events", "median", "ci_low", "ci_high", "reason"]
        table = pd.DataFrame(rows, columns=columns)
        return table if table["reason"].any() else table.drop(columns="reason")

    def _words(self) -> str:
        parts = [
            f"{name}: {self.n_events[name]} events in {self.n[name]} women, median"
            f" {_median_words(self.medians[name], self.units)}"
            for name in self.groups
        ]
        told = [f"{'; '.join(parts)}."]
        if len(self.groups) > 1:
            told.append(
                f"Whether the groups differ: log-rank {self.log_rank.words()}. This compares groups as they"
                " are, not adjusted for age or anything else."
            )
        if self.follow_up.estimable:
            told.append(f"Median follow-up {self.follow_up.words(units=self.units)}.")
        thin = [name for name in self.groups if self.n_events[name] < 5]
        if thin:
            told.append(f"Fewer than 5 events in {', '.join(thin)}: those curves say little.")
        told.append(
            "Women who died of something else are taken as censored; where that is common, use"
            " cumulative_incidence."
        )
        if self.n_dropped:
            told.append(f"{self.n_dropped} women were left out because a value is missing.")
        return " ".join(told)


@dataclass(frozen=True, eq=False, repr=False)
class CumulativeIncidence(Result):
    """The share that had an event of each cause, others competing.

    Attributes
    ----------
    curves : DataFrame
        One row per group, cause and distinct time: ``group``, ``cause``, ``time``, ``n_risk``,
        ``n_event``, ``incidence``, ``se``, ``low``, ``high``. The first row is at 0.
    causes, groups : tuple of str
    group : str
    n : mapping of str to int
        Women per group.
    n_events : mapping of (str, str) to int
        Per group and cause.
    n_dropped : int
    interval : {"log-log", "log", "plain"}
    confidence : float
    units : str
        Of time.
    reason, note : str
    """

    curves: pd.DataFrame
    causes: tuple[str, ...]
    groups: tuple[str, ...]
    group: str
    n: Mapping[str, int]
    n_events: Mapping[tuple[str, str], int]
    n_dropped: int
    interval: Interval
    confidence: float
    units: str
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        by = f" by {self.group}" if len(self.groups) > 1 else ""
        return f"Cumulative incidence{by} (Aalen-Johansen)"

    def curve(self, group: str, cause: str) -> pd.DataFrame:
        """Return the rows of one group and cause."""
        return self.curves[(self.curves["group"] == group) & (self.curves["cause"] == cause)]

    def incidence_at(self, cause: str, times: Sequence[float]) -> pd.DataFrame:
        """Return the incidence of a cause at given times; NaN after the last follow-up of a group."""
        rows = self.curves[self.curves["cause"] == cause]
        return _at_times(rows, self.groups, times, ("incidence", "low", "high"), column="group")

    def at_risk(self, times: Sequence[float]) -> pd.DataFrame:
        """Return how many are at risk at given times: a row per group, a column per time."""
        rows = self.curves[self.curves["cause"] == self.causes[0]]
        return at_risk_table(rows, self.groups, times)

    def to_frame(self) -> pd.DataFrame:
        """Return the incidence at the end of follow-up: one row per group and cause."""
        last = self.curves.drop_duplicates(["group", "cause"], keep="last")
        shown = last[["group", "cause", "time", "incidence", "se", "low", "high"]].assign(
            n=[self.n[name] for name in last["group"]],
            events=[self.n_events[pair] for pair in zip(last["group"], last["cause"], strict=True)],
        )
        return shown.rename(columns={"low": "ci_low", "high": "ci_high"}).reset_index(drop=True)

    def _words(self) -> str:
        unit = f" {self.units}" if self.units else ""
        parts = [
            f"{row['group']}, {row['cause']}: {100 * row['incidence']:.1f} %"
            f" ({100 * row['ci_low']:.1f} to {100 * row['ci_high']:.1f}) by {number(row['time'])}{unit}"
            for row in self.to_frame().to_dict("records")
        ]
        left = f" {self.n_dropped} women were left out because a value is missing." if self.n_dropped else ""
        return (
            f"{'; '.join(parts)}. These are shares of all women: who had another event first can no longer"
            f" have this one. The last step of a curve rests on few women.{left}"
        )


def at_risk_table(curves: pd.DataFrame, groups: Sequence[str], times: Sequence[float]) -> pd.DataFrame:
    """Return how many are at risk just before given times.

    Parameters
    ----------
    curves : DataFrame
        Of one cause: group, time, n_risk.
    groups : sequence of str
    times : sequence of float

    Returns
    -------
    DataFrame
        A row per group, a column per time.
    """
    at = vector(times, name="times")
    rows = {}
    for name in groups:
        held = curves[curves["group"] == name]
        when, risk = held["time"].to_numpy(np.float64), held["n_risk"].to_numpy(np.float64)
        place = np.searchsorted(when, at, side="left")
        rows[name] = np.append(risk, 0.0)[place].astype(int)
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(at))


def _at_times(
    curves: pd.DataFrame, groups: Sequence[str], times: Sequence[float], names: Sequence[str], *, column: str
) -> pd.DataFrame:
    at: FloatArray = vector(times, name="times")
    parts = []
    for name in groups:
        held = curves[curves[column] == name]
        when = held["time"].to_numpy(np.float64)
        place = np.searchsorted(when, at, side="right") - 1
        part = pd.DataFrame({column: name, "time": at})
        for value in names:
            found = held[value].to_numpy(np.float64)[np.maximum(place, 0)]
            part[value] = np.where((place < 0) | (at > when[-1]), np.nan, found)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _median_words(median: Estimate, units: str) -> str:
    if not median.estimable:
        return "not reached"
    unit = f" {units}" if units else ""
    end = "not reached" if math.isnan(median.high) else number(median.high)
    start = "not known" if math.isnan(median.low) else number(median.low)
    return f"{number(median.value)}{unit} ({start} to {end})"
