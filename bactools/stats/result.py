"""What every statistic answers with: estimates with their intervals, a table, and plain words."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import pandas as pd

from bactools.card import card

COLUMNS = ("term", "estimate", "se", "ci_low", "ci_high", "p")
"""Columns of a table of estimates."""

_MOST_ROWS = 30


class StatsError(ValueError):
    """Input or an option that a statistic cannot take; the message says what to do."""


@dataclass(frozen=True)
class Estimate:
    """One number with its uncertainty.

    Attributes
    ----------
    value : float
        The estimate; NaN where it is not estimable, and then `reason` says why.
    low, high : float
        Ends of its confidence interval; NaN where there is none.
    se : float
        Standard error; NaN where there is none.
    p : float
        Two-sided p-value of the null hypothesis the result names; NaN where there is none.
    reason : str
        Why the number is not estimable; empty if it is.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    se: float = math.nan
    p: float = math.nan
    reason: str = ""

    @classmethod
    def missing(cls, reason: str) -> Self:
        """Return an estimate that could not be made, with the reason in words."""
        return cls(math.nan, reason=reason)

    def __float__(self) -> float:
        return self.value

    @property
    def estimable(self) -> bool:
        """Whether there is a number."""
        return not self.reason

    def mapped(self, function: Callable[[float], float]) -> Self:
        """Return the estimate on another scale: value and interval pass through an increasing function.

        The standard error does not, and is dropped; the p-value stays.
        """
        if not self.estimable:
            return self
        value, low, high = (function(end) for end in (self.value, self.low, self.high))
        return replace(self, value=value, low=low, high=high, se=math.nan)

    def words(self, *, units: str = "") -> str:
        """Return ``1.2 mm2 (0.9 to 1.5)``, or ``not estimable: …``."""
        if not self.estimable:
            return f"not estimable: {self.reason}"
        unit = f" {units}" if units and units != "1" else ""
        interval = "" if math.isnan(self.low) else f" ({number(self.low)} to {number(self.high)})"
        return f"{number(self.value)}{unit}{interval}"


class Result(ABC):
    """A frozen answer: its fields are the numbers, its methods show them.

    Subclasses are frozen dataclasses (``eq=False, repr=False``) with at least the fields ``reason``,
    why the whole is not estimable (empty if it is), and ``note``, what must be said of the weights
    behind the numbers.
    """

    reason: str
    note: str

    @property
    @abstractmethod
    def title(self) -> str:
        """What this is, in a few words."""

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """Return the numbers as a tidy table."""

    @abstractmethod
    def _words(self) -> str:
        """Return the reading in plain words, for a result that is estimable."""

    @property
    def estimable(self) -> bool:
        """Whether there is an answer at all."""
        return not self.reason

    def interpret(self) -> str:
        """Return a plain-words reading: what was found, how sure it is, what to be careful with."""
        words = f"Not estimable: {self.reason}." if self.reason else self._words()
        return f"{words} Note: {self.note}." if self.note else words

    def __repr__(self) -> str:
        if not self.estimable:
            return f"<{self.title}: not estimable: {self.reason}>"
        table = self.to_frame().to_string(index=False, float_format=number, max_rows=_MOST_ROWS)
        return f"<{self.title}>\n{table}"

    def _repr_html_(self) -> str:
        table = (
            ""
            if not self.estimable
            else self.to_frame().to_html(
                index=False, float_format=number, na_rep="", border=0, max_rows=_MOST_ROWS
            )
        )
        following = {"found.interpret()": "this in words", "found.to_frame()": "all numbers as a table"}
        return card(self.title, table=table, words=self.interpret().splitlines(), following=following)


def number(value: float) -> str:
    """Return a number with four significant digits, without an exponent where one can be avoided."""
    if math.isnan(value):
        return ""
    if value == 0 or 1e-4 <= abs(value) < 1e7:
        decimals = 3 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
        text = f"{value:.{decimals}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.3e}"


def p_words(p: float) -> str:
    """Return ``p = 0.03`` or ``p < 0.001``."""
    return "p not available" if math.isnan(p) else "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def frame(estimates: Mapping[str, Estimate]) -> pd.DataFrame:
    """Return estimates as a table, one row each, with the columns `COLUMNS`.

    A column ``reason`` follows if one of them is not estimable.
    """
    rows = [(name, e.value, e.se, e.low, e.high, e.p) for name, e in estimates.items()]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    reasons = [estimate.reason for estimate in estimates.values()]
    return table.assign(reason=reasons) if any(reasons) else table
