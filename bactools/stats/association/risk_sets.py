"""Who is at risk at each event: the sums over risk sets that partial likelihoods are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bactools.stats.inputs import FloatArray

Ties = Literal["efron", "breslow"]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class RiskSets:
    """The weight of every row in the risk set of every event.

    That is a matrix with a row per row of the data and a column per event, never written down:
    `sums` multiplies by its transpose, `spread` by itself, each in the time of a sort.

    Attributes
    ----------
    events : int array, shape (event,)
        Rows that have an event, in order of stratum and time.
    moment : int array, shape (event,)
        Which distinct event time (of a stratum) each event has.
    fraction : float array, shape (event,)
        Share of the tied events that is taken out of the risk set: 0, 1/d, 2/d … after Efron.
    order, end : see `of`
        Rows in order of stop; `first` and `last` are the places there of those at risk at each event.
    carry : float array, shape (n,), or None
        Weight of rows that stay in the risk sets after their stop (Fine and Gray), times `kept`.
    kept : float array, shape (event,)
        The factor of `carry` at each event.
    """

    events: IntArray
    moment: IntArray
    fraction: FloatArray
    order: IntArray
    first: IntArray
    start: IntArray
    last: IntArray
    upto: IntArray
    stratum_from: IntArray
    stratum_upto: IntArray
    entry_order: IntArray | None
    entry_first: IntArray
    entry_upto: IntArray
    carry: FloatArray | None
    kept: FloatArray

    @classmethod
    def of(
        cls,
        stop: FloatArray,
        event: NDArray[np.bool_],
        *,
        entry: FloatArray | None = None,
        stratum: IntArray | None = None,
        ties: Ties = "efron",
        carry: FloatArray | None = None,
        kept_at: tuple[FloatArray, FloatArray] | None = None,
    ) -> RiskSets:
        """Sort out who is at risk when.

        Parameters
        ----------
        stop : float array, shape (n,)
            A row is at risk at times above its `entry` up to and including its `stop`.
        event : bool array, shape (n,)
        entry : float array, shape (n,), optional
            By default everybody is at risk from the beginning.
        stratum : int array, shape (n,), optional
            Risk sets hold rows of one stratum.
        ties : {"efron", "breslow"}
        carry : float array, shape (n,), optional
            Weight with which a row stays after its stop; 0 of those that leave.
        kept_at : (float array, float array), optional
            Times in order, and the factor of `carry` that holds before each.
        """
        n = stop.size
        layer = np.zeros(n, dtype=np.intp) if stratum is None else stratum
        times = np.unique(stop if entry is None else np.concatenate([stop, entry]))
        span = times.size + 1
        key = layer * span + np.searchsorted(times, stop) + 1
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        events = order[event[order]]
        at = key[events]
        distinct, moment = np.unique(at, return_inverse=True)
        tied = np.bincount(moment)
        begins: IntArray = np.asarray(np.searchsorted(at, distinct), dtype=np.intp)
        fraction = (np.arange(at.size) - begins[moment]) / tied[moment]
        if ties == "breslow":
            fraction = np.zeros_like(fraction)
        of_event = at // span
        entry_order, entry_first, entry_upto = None, np.zeros(0, np.intp), np.zeros(0, np.intp)
        if entry is not None:
            entry_key = layer * span + np.searchsorted(times, entry) + 1
            entry_order = np.argsort(entry_key, kind="stable")
            entry_first = np.searchsorted(entry_key[entry_order], at)
            entry_upto = np.searchsorted(at, entry_key, side="right")
        kept = np.ones(at.size)
        if kept_at is not None:
            kept = kept_at[1][np.searchsorted(kept_at[0], stop[events])]
        return cls(
            events=events, moment=moment, fraction=fraction, order=order,
            first=np.searchsorted(ordered, at), start=np.searchsorted(ordered, of_event * span),
            last=np.searchsorted(ordered, (of_event + 1) * span),
            upto=np.searchsorted(at, key, side="right"),
            stratum_from=np.searchsorted(at, layer * span),
            stratum_upto=np.searchsorted(at, (layer + 1) * span),
            entry_order=entry_order, entry_first=entry_first, entry_upto=entry_upto,
            carry=carry, kept=kept,
        )  # fmt: skip

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the weighted sum of a value over the risk set of each event.

        Parameters
        ----------
        values : float array, shape (n, …)

        Returns
        -------
        float array, shape (event, …)
        """
        behind = _backward(values[self.order])
        found = behind[self.first] - behind[self.last]
        if self.entry_order is not None:
            waiting = _backward(values[self.entry_order])
            found = found - (waiting[self.entry_first] - waiting[self.last])
        if self.fraction.any():
            of_tied = self.by_moment(values[self.events])
            found = found - _times(self.fraction, of_tied[self.moment])
        if self.carry is not None:
            before = _forward(_times(self.carry, values)[self.order])
            found = found + _times(self.kept, before[self.first] - before[self.start])
        return found

    def spread(self, values: FloatArray) -> FloatArray:
        """Return, for each row, the weighted sum of a value over the events it was at risk of.

        Parameters
        ----------
        values : float array, shape (event, …)

        Returns
        -------
        float array, shape (n, …)
        """
        before = _forward(values)
        since = self.stratum_from if self.entry_order is None else self.entry_upto
        found = before[self.upto] - before[since]
        if self.fraction.any():
            taken = self.by_moment(_times(self.fraction, values))
            found[self.events] -= taken[self.moment]
        if self.carry is not None:
            kept = _forward(_times(self.kept, values))
            found = found + _times(self.carry, kept[self.stratum_upto] - kept[self.upto])
        return found

    def by_moment(self, values: FloatArray) -> FloatArray:
        """Add up a value of each event over those tied with it, shape (distinct time, …)."""
        found = np.zeros((int(self.moment.max(initial=-1)) + 1, *values.shape[1:]))
        np.add.at(found, self.moment, values)
        return found


def _forward(values: FloatArray) -> FloatArray:
    """Return sums of what comes before each place; one longer than the values."""
    zero = np.zeros((1, *values.shape[1:]))
    return np.concatenate([zero, np.cumsum(values, axis=0)])


def _backward(values: FloatArray) -> FloatArray:
    """Return sums of each place and what comes after; one longer than the values."""
    return _forward(values[::-1])[::-1]


def _times(factor: FloatArray, values: FloatArray) -> FloatArray:
    """Multiply along the first axis."""
    product: FloatArray = factor.reshape(-1, *[1] * (values.ndim - 1)) * values
    return product
