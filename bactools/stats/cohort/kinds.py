"""What kind of column it is, and how its values are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from bactools.stats.result import StatsError

_SKEWED = 1.0


def levels(column: pd.Series[Any]) -> tuple[pd.Series[Any], list[str]]:
    """Return a column as text, None where missing, and its values in order: flags as no and yes."""
    known: list[Any] = list(pd.unique(column.dropna()))
    if isinstance(column.dtype, pd.CategoricalDtype):
        known = [value for value in column.cat.categories if value in set(known)]
    elif all(isinstance(value, int | float | np.number | np.bool_) for value in known):
        known.sort()
    else:
        known.sort(key=str)
    texts = column.astype(object).map(_text, na_action="ignore")
    return texts.where(column.notna(), None), list(dict.fromkeys(map(_text, known)))


def check_kinds(
    names: list[str], counted: list[str], categorical: Sequence[str], nonnormal: Sequence[str]
) -> None:
    """Refuse options that name no column, or one of the wrong kind.

    Raises
    ------
    StatsError
        The message names the option and the column.
    """
    for option, given in (("categorical", categorical), ("nonnormal", nonnormal)):
        if isinstance(given, str):
            raise StatsError(f"{option}={given!r}: give a list of columns")
        unknown = [name for name in given if name not in names]
        if unknown:
            raise StatsError(
                f"{option} names {unknown[0]!r}, which is not described: choose of {', '.join(names)}"
            )
    both = [name for name in nonnormal if name in counted]
    if both:
        raise StatsError(f"{both[0]!r} is counted, so it has no median: take it out of nonnormal")


def is_counted(column: pd.Series[Any]) -> bool:
    """Whether a column is counted by value: text, flags, and numbers that are 0 or 1 only."""
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return True
    return set(column.dropna().unique()) <= {0, 1}


def is_skewed(column: pd.Series[Any]) -> bool:
    """Whether numbers have a skewness beyond ± 1."""
    values = column.dropna().astype(float)
    return (
        len(values) > 2
        and bool(values.max() > values.min())
        and abs(float(stats.skew(values, bias=False))) > _SKEWED
    )


def decimals(values: pd.Series[Any], *, by_quartiles: bool) -> int:
    """Return how many decimals show three digits of the spread."""
    spread = float(values.quantile(0.75) - values.quantile(0.25)) if by_quartiles else float(values.std())
    size = spread if spread > 0 else float(values.abs().max())
    if not (size > 0 and math.isfinite(size)):
        return 1
    whole = bool((values.dropna() % 1 == 0).all())
    return int(np.clip(2 - math.floor(math.log10(size)), 0, 1 if whole else 8))


def _text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
