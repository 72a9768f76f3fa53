"""What happened to whom and when: times and events, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bactools.stats.inputs import FloatArray, Values
from bactools.stats.result import StatsError, number


def numbers(values: Values, *, name: str) -> FloatArray:
    """Return numbers or truth values as a float vector; NaN, None and NA are missing.

    Raises
    ------
    StatsError
        If a value is not a number, or infinite.
    """
    series = pd.Series(np.asarray(values, dtype=object).ravel(), dtype=object)
    try:
        found: FloatArray = series.where(series.notna(), np.nan).to_numpy(dtype=np.float64)
    except (TypeError, ValueError):
        raise StatsError(f"{name} holds something that is not a number: give numbers or NaN") from None
    if np.isinf(found).any():
        raise StatsError(
            f"{name} is infinite at position {int(np.isinf(found).argmax())}: give numbers or NaN"
        )
    return found


def times(values: Values, *, name: str = "time") -> FloatArray:
    """Return times since baseline.

    Raises
    ------
    StatsError
        If one is negative or not a number.
    """
    found = numbers(values, name=name)
    if (found < 0).any():
        at = int((found < 0).argmax())
        raise StatsError(
            f"{name} is {number(float(found[at]))} at position {at}: count time from baseline, and leave out"
            " events that came before it"
        )
    return found


def times_of(values: Values, n: int, *, name: str = "time") -> FloatArray:
    """Return times since baseline, one of each of n rows.

    Raises
    ------
    StatsError
        If one is negative or not a number, or there are more or fewer.
    """
    found = times(values, name=name)
    if found.size != n:
        raise StatsError(f"{found.size} values of {name} for {n} events: give one of each per row")
    return found


def events(values: Values, *, name: str = "event") -> FloatArray:
    """Return 1 for an event, 0 for none and NaN for unknown.

    Raises
    ------
    StatsError
        If a value is something else.
    """
    try:
        found = numbers(values, name=name)
    except StatsError:
        raise StatsError(_coding(name, "words")) from None
    known = found[~np.isnan(found)]
    odd = known[(known != 0) & (known != 1)]
    if odd.size:
        raise StatsError(_coding(name, number(float(odd[0]))))
    return found


def counts(values: Values, *, name: str = "events") -> FloatArray:
    """Return numbers of events, 0 or more; NaN for unknown.

    Raises
    ------
    StatsError
        If one is negative or not whole.
    """
    found = numbers(values, name=name)
    known = found[~np.isnan(found)]
    odd = known[(known < 0) | (known % 1 != 0)]
    if odd.size:
        raise StatsError(f"{name} holds {number(float(odd[0]))}: give whole numbers of events, 0 or more")
    return found


def causes(
    values: Sequence[Any] | ArrayLike | pd.Series, *, censored: object, name: str = "event"
) -> NDArray[np.object_]:
    """Return how each follow-up ended; None if that is unknown.

    Parameters
    ----------
    values : sequence
        Codes or words, one of them for the end of follow-up without an event.
    censored : object
        That one.

    Raises
    ------
    StatsError
        If all ended with an event though their words are not the codes 1, 2 …: `censored` is then
        likely another word.
    """
    given = pd.Series(list(np.asarray(values, dtype=object).ravel()), dtype=object)
    found = np.array([None if pd.isna(value) else value for value in given], dtype=object)
    kinds = kinds_of(found)
    if censored not in kinds and not all(isinstance(kind, int | float | np.number | bool) for kind in kinds):
        listed = ", ".join(repr(kind) for kind in kinds)
        raise StatsError(f"no {name} is {censored!r} (censored): they are {listed}; name it with censored=")
    return found


def kinds_of(values: NDArray[np.object_]) -> list[Any]:
    """Return the distinct values that are known, in order."""
    kinds = {value for value in values if value is not None}
    return sorted(kinds, key=lambda kind: (isinstance(kind, str), kind))


def codes(
    values: Sequence[Any] | ArrayLike | pd.Series, n: int, *, name: str
) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return a label of each row as an integer from 0, -1 if missing, and the labels in order.

    Parameters
    ----------
    values : sequence, shape (n,)
        Categories keep their order; other values are sorted.
    n : int
        How many there must be.
    name : str

    Raises
    ------
    StatsError
        If there are more or fewer.
    """
    if isinstance(values, pd.Series) and isinstance(values.dtype, pd.CategoricalDtype):
        values = pd.Categorical(values)
    if isinstance(values, pd.Categorical):
        kept = values.remove_unused_categories()
        found, labels = np.asarray(kept.codes, dtype=np.intp), [str(kind) for kind in kept.categories]
    else:
        flat = np.asarray(values, dtype=object).ravel()
        found, distinct = pd.factorize(flat, sort=False)
        order = sorted(range(len(distinct)), key=lambda at: (isinstance(distinct[at], str), distinct[at]))
        place = np.empty(len(distinct) + 1, dtype=np.intp)
        place[order] = np.arange(len(distinct))
        place[-1] = -1
        found, labels = place[found], [str(distinct[at]) for at in order]
    if found.size != n:
        raise StatsError(f"{found.size} values of {name} for {n} rows: give one for each")
    return found, tuple(labels)


def _coding(name: str, found: str) -> str:
    return (
        f"{name} holds {found}: code it 1 (happened) and 0 (did not), for example {name} = (status == 2);"
        " for competing events see fine_gray and cumulative_incidence"
    )
