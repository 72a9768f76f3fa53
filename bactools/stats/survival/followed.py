"""Women who are followed until an event, in groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bactools.stats.association.outcomes import codes, times
from bactools.stats.chi_squared import ChiSquared
from bactools.stats.inputs import FloatArray, Values
from bactools.stats.result import Estimate, StatsError
from bactools.stats.survival.steps import Steps, median_of

Group = Sequence[Any] | ArrayLike | pd.Series
_ALL = "all"


@dataclass(frozen=True, eq=False)
class Followed:
    """Women whose time, event and group are known.

    Attributes
    ----------
    time, event : float array, shape (woman,)
        `event` is 0 if censored.
    code : int array, shape (woman,)
        Of the group.
    entry : float array, shape (woman,), or None
    labels : tuple of str
    name : str
        What the groups are called.
    n_dropped : int
    """

    time: FloatArray
    event: FloatArray
    code: NDArray[np.intp]
    entry: FloatArray | None
    labels: tuple[str, ...]
    name: str
    n_dropped: int

    @classmethod
    def of(
        cls,
        time: FloatArray,
        event: FloatArray,
        *,
        group: Group | None,
        entry: Values | None,
        name: str | None,
    ) -> Followed:
        """Keep those of whom everything is known.

        Raises
        ------
        StatsError
            If lengths differ, or somebody enters when she leaves or later.
        """
        if time.size != event.size:
            raise StatsError(f"{time.size} times and {event.size} events: give one of each per woman")
        known = ~(np.isnan(time) | np.isnan(event))
        code: NDArray[np.intp] = np.zeros(time.size, dtype=np.intp)
        labels: tuple[str, ...] = (_ALL,)
        if group is not None:
            code, labels = codes(group, time.size, name="group")
            known &= code >= 0
        start = None
        if entry is not None:
            start = times(entry, name="entry")
            if start.size != time.size:
                raise StatsError(f"{start.size} entries for {time.size} times: give one for each")
            known &= ~np.isnan(start)
            late = known & (start >= np.where(known, time, np.inf)) & (start > 0)
            if late.any():
                raise StatsError(
                    f"{int(late.sum())} women enter when they leave or later: entry must come first"
                )
        kept = sorted(set(code[known].tolist()))
        place = {at: number for number, at in enumerate(kept)}
        return cls(
            time[known], event[known], np.array([place[at] for at in code[known].tolist()], dtype=np.intp),
            None if start is None else start[known], tuple(labels[at] for at in kept),
            str(name or getattr(group, "name", None) or "group"), int((~known).sum()),
        )  # fmt: skip

    def log_rank(self) -> ChiSquared:
        """Return the test of no difference between groups."""
        k = len(self.labels)
        if k < 2:
            return ChiSquared.missing("there is one group only")
        when = np.unique(self.time[self.event > 0])
        if not when.size:
            return ChiSquared.missing("there is no event")
        risk, d = np.empty((when.size, k)), np.empty((when.size, k))
        for at in range(k):
            held = self.code == at
            own = np.sort(self.time[held])
            risk[:, at] = own.size - np.searchsorted(own, when, side="left")
            if self.entry is not None:
                start = np.sort(self.entry[held])
                risk[:, at] -= start.size - np.searchsorted(start, when, side="left")
            ended = np.sort(self.time[held & (self.event > 0)])
            d[:, at] = np.searchsorted(ended, when, side="right") - np.searchsorted(ended, when, side="left")
        n, total = risk.sum(axis=1), d.sum(axis=1)
        share = risk / n[:, None]
        excess = (d - share * total[:, None]).sum(axis=0)
        weight = total * (n - total) / np.maximum(n - 1, 1)
        covariance = np.diag(weight @ share) - share.T @ (weight[:, None] * share)
        try:
            value = float(excess[1:] @ np.linalg.solve(covariance[1:, 1:], excess[1:]))
        except np.linalg.LinAlgError:
            return ChiSquared.missing("no two groups were at risk together when an event happened")
        return ChiSquared(value, k - 1)

    def follow_up(self, z: float) -> Estimate:
        """Return the median follow-up."""
        if not self.time.size:
            return Estimate.missing("there is no woman")
        steps = Steps.of(self.time, ~(self.event > 0), entry=self.entry)
        survival, _, low, high = steps.survival(interval="log-log", z=z)
        return median_of(steps.time, survival, low, high)
