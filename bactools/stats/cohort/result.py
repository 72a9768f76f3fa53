"""What Table 1 says."""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bactools.stats.cohort.rows import At
from bactools.stats.result import Result

_NOTEWORTHY = 0.1


@dataclass(frozen=True, eq=False, repr=False)
class Table1(Result):
    """A cohort described.

    Attributes
    ----------
    table : DataFrame
        All text, one row per variable or level of it: ``variable``, ``level``, ``missing``, ``overall``,
        one column per group (``ckd: yes``), ``smd`` (several if there are more than two groups), ``p``
        and ``test``, as far as asked for. The first row is the number of women.
    numbers : DataFrame
        One row per variable: ``missing``, ``smd`` (the largest of several), ``p``; NaN where there is none.
    n : int
        Rows described.
    unit : {"women", "exams", "images", "rows"}
        What a row is.
    at : {"baseline", "last", "every row"}
    group : str
        The column by which the table is split; empty if it is not.
    n_without_group : int
        Rows without a value in it: described overall, in no group.
    mean, median, counted : tuple of str
        Variables given as mean (SD), as median and quartiles, as n (%).
    left_out : tuple of str
        Columns that could not be described: free text, dates, values of single images.
    suppress_below : int
        Counts from 1 to below this are hidden; 0 if none are.
    n_suppressed : int
        Hidden cells.
    reason, note : str
    """

    table: pd.DataFrame
    numbers: pd.DataFrame
    n: int
    unit: str
    at: At
    group: str
    n_without_group: int
    mean: tuple[str, ...]
    median: tuple[str, ...]
    counted: tuple[str, ...]
    left_out: tuple[str, ...]
    suppress_below: int
    n_suppressed: int
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"Characteristics of {self.n} {self.unit}"

    def to_frame(self) -> pd.DataFrame:
        """Return the table with plain columns, all text."""
        return self.table

    def to_html(self) -> str:
        """Return the table as HTML; whatever stands in a cell is shown as it is, tags and all."""
        return self._as_printed().to_html(index=False, escape=True, border=0) + (
            f"<p>{html.escape(self.note)}</p>" if self.note else ""
        )

    def to_latex(self) -> str:
        """Return the table as a LaTeX tabular, with special characters escaped."""
        printed = self._as_printed().map(_latex).rename(columns=_latex)
        lines = [" & ".join(row) + r" \\" for row in [list(printed.columns), *printed.to_numpy().tolist()]]
        body = "\n".join([lines[0], r"\hline", *lines[1:]])
        columns = "ll" + "r" * (printed.shape[1] - 2)
        told = f"\n\\par {_latex(self.note)}" if self.note else ""
        return f"\\begin{{tabular}}{{{columns}}}\n\\hline\n{body}\n\\hline\n\\end{{tabular}}{told}\n"

    def _as_printed(self) -> pd.DataFrame:
        """Return the table with the name of each variable once."""
        again = self.table["variable"].duplicated() & (self.table["level"] != "")
        return self.table.assign(variable=self.table["variable"].where(~again, ""))

    def _words(self) -> str:
        when = {"baseline": " at their first exam", "last": " at their last exam"}.get(self.at, "")
        told = [f"{self.n} {self.unit}{when}."]
        if self.median:
            told.append(f"Given as median [quartiles], being skewed or asked for: {', '.join(self.median)}.")
        if self.mean:
            told.append(f"Given as mean (SD): {', '.join(self.mean)}.")
        if self.counted:
            told.append("Percentages are of those whose value is known.")
        lacking = self.numbers[self.numbers["missing"] > 0]
        if len(lacking) and not self.suppress_below:
            worst = lacking.sort_values("missing", ascending=False, kind="stable").iloc[0]
            told.append(
                f"{len(lacking)} of {len(self.numbers)} variables have missing values, most of them"
                f" {worst['variable']} ({worst['missing']:g} of {self.n})."
            )
        if self.group:
            told.append(self._group_words())
        if self.unit in ("images", "rows", "exams"):
            told.append(f"Careful: these are {self.unit}; a woman may be counted more than once.")
        if self.suppress_below:
            told.append(
                f"Counts from 1 to {self.suppress_below - 1} are hidden, and with them what they follow from:"
                f" {self.n_suppressed} cells. This does not protect against a second table of the same women."
            )
        if self.left_out:
            told.append(f"Not described: {', '.join(self.left_out)}.")
        return " ".join(told)

    def _group_words(self) -> str:
        told = [f"Groups are by {self.group}."]
        if self.n_without_group:
            told.append(f"{self.n_without_group} {self.unit} have no {self.group} and stand in no group.")
        large = self.numbers[self.numbers["smd"].abs() > _NOTEWORTHY]
        if len(large):
            most = large.iloc[int(np.argmax(large["smd"].abs()))]
            told.append(
                f"The groups differ most in {most['variable']} (standardised mean difference"
                f" {abs(most['smd']):.2f}); {len(large)} of {len(self.numbers)} variables differ by more than"
                f" {_NOTEWORTHY:g}."
            )
        if self.numbers["p"].notna().any():
            told.append(
                "P-values are not adjusted for their number, and say nothing of how large a difference is."
            )
        return " ".join(told)


def _latex(text: str) -> str:
    special = {c: rf"\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {"\\": r"\textbackslash{}", "<": r"\textless{}", ">": r"\textgreater{}"}
    return "".join(special.get(character, character) for character in text)
