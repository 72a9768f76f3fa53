"""Survival and cumulative incidence, by group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bactools.stats.association.outcomes import causes, events, kinds_of, times
from bactools.stats.inputs import Values, between, choice
from bactools.stats.survival.followed import Followed, Group
from bactools.stats.survival.result import CumulativeIncidence, Interval, KaplanMeier
from bactools.stats.survival.steps import Steps, median_of

__all__ = ["CumulativeIncidence", "KaplanMeier", "cumulative_incidence", "kaplan_meier"]


def kaplan_meier(
    time: Values,
    event: Values,
    *,
    group: Group | None = None,
    entry: Values | None = None,
    interval: Interval = "log-log",
    name: str | None = None,
    units: str = "years",
    confidence: float = 0.95,
) -> KaplanMeier:
    """Estimate survival by group, with medians and the log-rank test.

    Parameters
    ----------
    time : array or Series, shape (woman,)
        From baseline to the event or the end of follow-up, 0 or more.
    event : array or Series, shape (woman,)
        1 or True if it ended with the event, else 0.
    group : sequence, shape (woman,), optional
        Such as the grade at baseline; categories keep their order.
    entry : array, shape (woman,), optional
        When she came under observation; at risk after it.
    interval : {"log-log", "log", "plain"}
        Scale of the pointwise intervals. R's default is "log", SAS's "log-log".
    name, units : str, optional
        What the groups are called, and the unit of time.
    confidence : float

    Returns
    -------
    KaplanMeier
        A median is not estimable if fewer than half had the event. Not estimable without a woman.

    Raises
    ------
    StatsError
        If a time is negative, an event is not coded 0 or 1, or lengths differ.

    References
    ----------
    Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457-481. Brookmeyer R, Crowley J. Biometrics
    1982;38:29-41. Mantel N. Cancer Chemother Rep 1966;50:163-170.
    """
    choice(interval, get_args(Interval), name="interval")
    between(confidence, 0, 1, name="confidence")
    when, what = times(time), events(event)
    data = Followed.of(when, what, group=group, entry=entry, name=name)
    z = float(stats.norm.ppf((1 + confidence) / 2))
    curves, medians, n, n_events = [], {}, {}, {}
    for at, label in enumerate(data.labels):
        held = data.code == at
        start = None if data.entry is None else data.entry[held]
        steps = Steps.of(data.time[held], data.event[held], entry=start)
        survival, se, low, high = steps.survival(interval=interval, z=z)
        table = steps.table().assign(survival=survival, se=se, low=low, high=high)
        table.insert(0, "group", label)
        curves.append(table)
        medians[label] = median_of(steps.time, survival, low, high)
        n[label], n_events[label] = int(held.sum()), int(data.event[held].sum())
    return KaplanMeier(
        pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(),
        medians, data.log_rank(), data.labels, data.name, n, n_events, data.n_dropped,
        data.follow_up(z), interval, confidence, units,
        reason="" if data.time.size else "there is no woman whose time and event are known",
    )  # fmt: skip


def cumulative_incidence(
    time: Values,
    event: Sequence[Any] | ArrayLike | pd.Series,
    *,
    group: Group | None = None,
    censored: object = 0,
    interval: Interval = "log-log",
    name: str | None = None,
    units: str = "years",
    confidence: float = 0.95,
) -> CumulativeIncidence:
    """Estimate the share that had an event of each cause, others competing.

    Parameters
    ----------
    time : array or Series, shape (woman,)
    event : sequence, shape (woman,)
        How follow-up ended: a code or word for each cause.
    group : sequence, shape (woman,), optional
    censored : object
        The code or word for the end of follow-up without any event.
    interval : {"log-log", "log", "plain"}
        Scale of the pointwise intervals: log(-log), log, or the incidence itself.
    name, units : str, optional
    confidence : float

    Returns
    -------
    CumulativeIncidence
        Not estimable without an event.

    Raises
    ------
    StatsError
        If a time is negative or lengths differ.

    References
    ----------
    Aalen OO, Johansen S. Scand J Stat 1978;5:141-150. Marubini E, Valsecchi MG. Analysing survival data
    from clinical trials. Wiley 1995, section 10.2 (variance).
    """
    choice(interval, get_args(Interval), name="interval")
    between(confidence, 0, 1, name="confidence")
    when, ended = times(time), causes(event, censored=censored)
    kinds = [kind for kind in kinds_of(ended) if kind != censored]
    number_of = {kind: float(at) for at, kind in enumerate(kinds, 1)} | {censored: 0.0, None: math.nan}
    what = np.array([number_of[value] for value in ended], dtype=np.float64)
    data = Followed.of(when, what, group=group, entry=None, name=name)
    z = float(stats.norm.ppf((1 + confidence) / 2))
    curves, n, n_events = [], {}, {}
    names = tuple(str(kind) for kind in kinds)
    for at, label in enumerate(data.labels):
        held = data.code == at
        n[label] = int(held.sum())
        steps = Steps.of(data.time[held], data.event[held] > 0)
        for cause, kind in enumerate(names, 1):
            own = data.event[held] == cause
            n_events[label, kind] = int(own.sum())
            d = steps.count(data.time[held][own])
            incidence, se, low, high = steps.incidence(d, interval=interval, z=z)
            table = steps.table()[["time", "n_risk"]].assign(
                n_event=d.astype(int), incidence=incidence, se=se, low=low, high=high
            )
            table.insert(0, "cause", kind)
            table.insert(0, "group", label)
            curves.append(table)
    reason = "" if names and data.time.size else "no follow-up ended with an event"
    return CumulativeIncidence(
        pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(),
        names, data.labels, data.name, n, n_events, data.n_dropped, interval, confidence, units,
        reason=reason,
    )  # fmt: skip
