"""What goes into a statistic: arrays, columns or parts of a cube, made into clean vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bactools.stats.result import StatsError

FloatArray = NDArray[np.float64]
Values = ArrayLike | pd.Series | xr.DataArray

KEYS = ("subject", "view", "date", "exam", "image_id")
"""Coordinates that tell which image a point is, so that a click on it can lead there."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Two measurements of the same things, complete pairs only.

    Attributes
    ----------
    a, b : float array, shape (pair,)
    keys : DataFrame
        One row per pair: subject, view, date … as far as known; no column at all if nothing is.
    names : (str, str)
        What `a` and `b` are called.
    units : str
        Their unit; empty if unknown.
    n_dropped : int
        Pairs left out because one of the two is missing (NaN).
    """

    a: FloatArray
    b: FloatArray
    keys: pd.DataFrame
    names: tuple[str, str] = ("a", "b")
    units: str = ""
    n_dropped: int = 0

    def __len__(self) -> int:
        return self.a.size

    @cached_property
    def subject(self) -> NDArray[np.intp] | None:
        """The subject of each pair as an integer code from 0, shape (pair,); None if unknown."""
        if "subject" not in self.keys:
            return None
        return np.asarray(pd.factorize(self.keys["subject"])[0])

    @property
    def n_subjects(self) -> int:
        """How many subjects there are; pairs of unknown subjects count as one each."""
        return len(self) if self.subject is None else int(self.subject.max(initial=-1)) + 1

    @property
    def repeated(self) -> bool:
        """Whether a subject has more than one pair."""
        return self.n_subjects < len(self)

    @classmethod
    def of(
        cls,
        a: Values,
        b: Values,
        *,
        subject: Sequence[Any] | ArrayLike | None = None,
        keys: pd.DataFrame | None = None,
        names: tuple[str, str] | None = None,
        units: str | None = None,
    ) -> Pairs:
        """Align two measurements and drop the pairs that are not complete.

        Parameters
        ----------
        a, b : array, Series or DataArray
            Of one shape; any number of dimensions, lazy or in memory. Two DataArrays are aligned by
            their coordinates first (what one lacks is left out), and bring subject, view and date,
            names and units with them. Two Series are aligned by position, not by index.
        subject : sequence, optional
            The subject of each pair. Without it, and without a coordinate of that name, pairs are
            taken as one per subject.
        keys : DataFrame, optional
            One row per pair: what is known of it.
        names : (str, str), optional
            What the two are called.
        units : str, optional

        Raises
        ------
        StatsError
            If shapes differ, a value is not a number or infinite, or a subject is missing.
        """
        if isinstance(a, xr.DataArray) and isinstance(b, xr.DataArray):
            named = (str(a.name or "a"), str(b.name or "b"))
            names = names or (named if named[0] != named[1] else ("a", "b"))
            units = a.attrs.get("units", "") if units is None else units
            # broadcast copies coordinates; only what the two share can be joined
            a, b = xr.broadcast(*xr.align(a, b, join="inner"))
            keys = _coordinates(a) if keys is None else keys
        left, right = (vector(values, name=name) for values, name in ((a, "a"), (b, "b")))
        if np.shape(a) != np.shape(b):
            raise StatsError(f"a has shape {np.shape(a)}, b {np.shape(b)}: give two of one shape")
        table = pd.DataFrame(index=range(left.size)) if keys is None else keys.reset_index(drop=True)
        if subject is not None:
            table = table.assign(subject=np.asarray(subject, dtype=object).ravel())
        if len(table) != left.size:
            raise StatsError(f"{len(table)} keys for {left.size} pairs: give one of each")
        complete = ~(np.isnan(left) | np.isnan(right))
        table = table.loc[complete].reset_index(drop=True)
        if "subject" in table and table["subject"].isna().any():
            raise StatsError("a pair has no subject: give one for each, or leave the pair out")
        return cls(
            left[complete],
            right[complete],
            table,
            names=names or ("a", "b"),
            units=units or "",
            n_dropped=int((~complete).sum()),
        )


def vector(values: Values, *, name: str) -> FloatArray:
    """Return values as a float vector; NaN stands for a missing one.

    Raises
    ------
    StatsError
        If a value is not a number, or infinite; `name` tells which input it was.
    """
    try:
        flat = np.asarray(values, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        raise StatsError(f"{name} holds something that is not a number: give numbers or NaN") from None
    infinite = np.flatnonzero(np.isinf(flat))
    if infinite.size:
        raise StatsError(f"{name} is infinite at position {infinite[0]}: give numbers or NaN")
    return flat


def between(value: float, low: float, high: float, *, name: str) -> float:
    """Return a value that lies strictly between two others.

    Raises
    ------
    StatsError
        If it does not; `name` tells which option it was.
    """
    if not low < value < high:
        raise StatsError(f"{name}={value:g}: choose a number between {low:g} and {high:g}")
    return value


def choice(value: str, choices: Sequence[str], *, name: str) -> None:
    """Refuse a value that is not one of the choices.

    Raises
    ------
    StatsError
        If it is not; the message lists them.
    """
    if value not in choices:
        raise StatsError(f"{name}={value!r}: choose one of {', '.join(map(repr, choices))}")


def _coordinates(array: xr.DataArray) -> pd.DataFrame:
    """Return the coordinates of every element, in the order of ``ravel``."""
    known = {}
    for name in KEYS:
        if name in array.coords:
            spread = array.coords[name].broadcast_like(array).transpose(*array.dims)
            known[name] = spread.values.ravel()
    return pd.DataFrame(known, index=range(array.size))
