"""Numbers at risk at every distinct time, and what follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bactools.stats.inputs import FloatArray
from bactools.stats.result import Estimate
from bactools.stats.survival.result import Interval


@dataclass(frozen=True, eq=False)
class Steps:
    """Numbers at risk, with an event and censored at every distinct time, from 0 on.

    Attributes
    ----------
    time, n_risk, n_event, n_censored : float array, shape (time,)
    """

    time: FloatArray
    n_risk: FloatArray
    n_event: FloatArray
    n_censored: FloatArray

    @classmethod
    def of(
        cls, time: FloatArray, event: NDArray[np.bool_] | FloatArray, *, entry: FloatArray | None = None
    ) -> Steps:
        """Count."""
        happened = np.asarray(event, dtype=bool)
        when = np.unique(np.concatenate([[0.0], time]))
        place = np.searchsorted(when, time)
        d = np.bincount(place[happened], minlength=when.size).astype(np.float64)
        gone = np.bincount(place, minlength=when.size).astype(np.float64)
        risk = gone[::-1].cumsum()[::-1]
        if entry is not None:
            waiting = time.size - np.searchsorted(np.sort(entry), when, side="left")
            # at 0 itself all who enter then are counted, as the first row of a table shows them
            waiting[0] = int((entry > 0).sum())
            risk = risk - waiting
        return cls(when, risk, d, gone - d)

    def count(self, time: FloatArray) -> FloatArray:
        """Return how many of some times fall on each."""
        found = np.bincount(np.searchsorted(self.time, time), minlength=self.time.size)
        return found.astype(np.float64)

    def table(self) -> pd.DataFrame:
        """Return the counts as columns."""
        counted = {name: getattr(self, name).astype(int) for name in ("n_risk", "n_event", "n_censored")}
        return pd.DataFrame({"time": self.time, **counted})

    def product(self) -> FloatArray:
        """Return survival after each time."""
        risk = np.maximum(self.n_risk, 1)
        return np.asarray(np.cumprod((risk - self.n_event) / risk), dtype=np.float64)

    def survival(
        self, *, interval: Interval, z: float
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return survival, its Greenwood standard error, and both ends of its interval."""
        survival, left = self.product(), self.n_risk - self.n_event
        with np.errstate(divide="ignore", invalid="ignore"):
            greenwood = np.cumsum(np.where(self.n_event > 0, self.n_event / (self.n_risk * left), 0.0))
            relative = np.where(survival > 0, np.sqrt(greenwood), np.nan)
        low, high = _ends(survival, relative * survival, interval=interval, z=z)
        return survival, relative * survival, low, high

    def incidence(
        self, d: FloatArray, *, interval: Interval, z: float
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return the incidence of a cause with `d` events at each time, as `survival` does."""
        risk, left = np.maximum(self.n_risk, 1), self.n_risk - self.n_event
        before = np.concatenate([[1.0], self.product()[:-1]])
        found = np.cumsum(before * d / risk)
        # when everybody left has an event, what follows is certain
        any_event = np.where(left > 0, self.n_event / (risk * np.maximum(left, 1)), 0.0)
        own = before**2 * d * (risk - d) / risk**3
        both = before * d / risk**2
        first = np.cumsum(any_event)
        second, third = np.cumsum(found * any_event), np.cumsum(found**2 * any_event)
        variance = found**2 * first - 2 * found * second + third + np.cumsum(own)
        variance -= 2 * (found * np.cumsum(both) - np.cumsum(found * both))
        se = np.sqrt(np.clip(variance, 0, None))
        low, high = _ends(found, se, interval=interval, z=z)
        return found, se, low, high


def survival_before(
    at: FloatArray, time: FloatArray, event: NDArray[np.bool_], *, entry: FloatArray | None = None
) -> FloatArray:
    """Return Kaplan and Meier's survival of all just before given times."""
    steps = Steps.of(time, event, entry=entry)
    after = np.concatenate([[1.0], steps.product()])
    found: FloatArray = after[np.searchsorted(steps.time, at, side="left")]
    return found


def _ends(
    value: FloatArray, se: FloatArray, *, interval: Interval, z: float
) -> tuple[FloatArray, FloatArray]:
    """Return an interval of probabilities on a scale; the value itself where nothing happened yet."""
    certain = (value <= 0) | (value >= 1) | ~(se > 0)
    p = np.where(certain, 0.5, value)
    error = np.where(certain, 0.0, se)
    if interval == "plain":
        low, high = p - z * error, p + z * error
    elif interval == "log":
        low, high = (p * np.exp(sign * z * error / p) for sign in (-1, 1))
    else:
        reach = z * error / (p * np.log(p))
        low, high = (p ** np.exp(sign * reach) for sign in (-1, 1))
    edge = np.where((value > 0) & (value < 1), value, np.where(value >= 1, 1.0, np.nan))
    edge = np.where((value <= 0) & (se == 0), 0.0, edge)
    return np.where(certain, edge, np.clip(low, 0, 1)), np.where(certain, edge, np.clip(high, 0, 1))


def median_of(time: FloatArray, survival: FloatArray, low: FloatArray, high: FloatArray) -> Estimate:
    """Return when survival falls to one half, and when its interval does.

    Parameters
    ----------
    time, survival, low, high : float array, shape (time,)
    """
    value = _crossing(time, survival)
    if math.isnan(value):
        return Estimate.missing("fewer than half had the event during follow-up")
    return Estimate(value, _crossing(time, low), _crossing(time, high))


def _crossing(time: FloatArray, curve: FloatArray) -> float:
    """Return where a falling curve passes one half; the middle of the step if it rests there."""
    slack = 1e-9
    below = np.flatnonzero(curve < 0.5 + slack)
    if not below.size:
        return math.nan
    first = int(below[0])
    lower = np.flatnonzero(curve < 0.5 - slack)
    if curve[first] < 0.5 - slack or not lower.size:
        return float(time[first])
    return float((time[first] + time[lower[0]]) / 2)
