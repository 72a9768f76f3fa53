"""Tables as people read them: rounded, dates as days, words where a number is none."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bactools.stats.result import number

NONE = "–"
"""What stands where there is no value."""

_P = re.compile(r"p|p[ _-]?values?|p[ _-].*|.*[ _-]p", re.IGNORECASE)
_LEAST_P = 0.001
_MOST = 200
_DIGITS = 4


@dataclass(frozen=True)
class Readable:
    """A table to look at; downloads take the one it was made of.

    Attributes
    ----------
    frame : DataFrame
        Text wherever there were few rows; else as it was, for a text cannot be sorted as a number.
    numbers : tuple of str
        Columns of numbers, as they were or as text.
    decimals : dict
        Of columns that still hold numbers: how many to show.
    days : tuple of str
        Columns that still hold dates.
    """

    frame: pd.DataFrame
    numbers: tuple[str, ...] = ()
    decimals: dict[str, int] = field(default_factory=dict)
    days: tuple[str, ...] = ()


def readable(frame: pd.DataFrame, *, most: int = _MOST) -> Readable:
    """Return a table to look at.

    Parameters
    ----------
    frame : DataFrame
        Left as it is.
    most : int
        Rows of which each cell becomes text; of longer tables columns keep their kind.
    """
    shown = frame.rename(columns=str)
    names = [str(name) for name in shown]
    numbers = tuple(name for name in names if _is_number(shown[name]))
    days = tuple(name for name in names if shown[name].dtype.kind == "M")
    if len(shown) <= most:
        texts = {name: [cell(value, p=bool(_P.fullmatch(name))) for value in shown[name]] for name in names}
        return Readable(pd.DataFrame(texts, columns=shown.columns), numbers)
    return Readable(shown, numbers, {name: _decimals(shown[name]) for name in numbers}, days)


def cell(value: Any, *, p: bool = False) -> str:
    """Return a value as it is read.

    Parameters
    ----------
    value : object
        Numbers get four significant digits, dates no time of day unless they have one.
    p : bool
        Whether it is a p-value.
    """
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return NONE
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d" if value == value.normalize() else "%Y-%m-%d %H:%M")
    if isinstance(value, int | np.integer):
        return str(value)
    if isinstance(value, float | np.floating):
        return _number(float(value), p)
    return str(value)


def _number(value: float, p: bool) -> str:
    if math.isinf(value):
        return "no upper end" if value > 0 else "no lower end"
    if p and 0 <= value < _LEAST_P:
        return f"<{_LEAST_P:g}"
    return f"{value:.3f}" if p and value <= 1 else number(value)


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _decimals(column: pd.Series) -> int:
    """Return how many decimals give the usual value of a column its digits."""
    if not pd.api.types.is_float_dtype(column):
        return 0
    sizes = column.abs()
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if not len(sizes) or bool((sizes == sizes.round()).all()):
        return 0
    return min(max(_DIGITS - 1 - math.floor(math.log10(float(sizes.median()))), 0), 6)
