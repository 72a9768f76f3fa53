"""What became of a file of covariates: which columns, which women, what was impossible."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from bactools.card import card
from bactools.study.covariates.checking import Problem

_SHOWN = 12

COLUMNS = ("name", "column", "type", "units", "per", "known", "of", "median_days")
"""Of `CovariatesReport.columns`."""


@dataclass(frozen=True, eq=False)
class CovariatesReport:
    """What became of a file of covariates. Rows are numbered as in a spreadsheet; names are on row 1.

    Attributes
    ----------
    version : int
        Of the study's covariates that holds them; 0 after a dry run.
    added : bool
        Whether the study changed: not if it held the same already, and not after a dry run.
    dry_run : bool
    columns : DataFrame
        One row per covariate: ``name`` in the cube, ``column`` in the file, ``type``, ``units``, ``per``
        woman or exam, ``known`` for how many ``of`` the study's women or exams, and for those per exam the
        ``median_days`` between exam and value.
    left_out : dict of str to str
        Columns that were not taken in, and why.
    problems : tuple of Problem
        Cells that became missing.
    n_rows, n_women : int
        Of the file: rows, and women of them who are in the study.
    without_subject : tuple of int
        Rows that name nobody.
    without_exams : tuple of int
        Rows of women the study does not know.
    repeated : tuple of int
        Rows that say the same as an earlier one of the same woman and day, or add to it.
    without_date : tuple of int
        Rows whose day is missing or cannot be read.
    without_row : tuple of str
        Women of the study, by pseudonym, whom the file does not name.
    window_days : int, optional
        Of values per exam.
    """

    version: int
    added: bool
    dry_run: bool
    columns: pd.DataFrame
    left_out: dict[str, str]
    problems: tuple[Problem, ...]
    n_rows: int
    n_women: int
    without_subject: tuple[int, ...]
    without_exams: tuple[int, ...]
    repeated: tuple[int, ...]
    without_date: tuple[int, ...]
    without_row: tuple[str, ...]
    window_days: int | None = None

    @property
    def title(self) -> str:
        """What happened, in a line."""
        n = len(self.columns)
        what = f"{n} covariate{'' if n == 1 else 's'} of {self.n_women} women"
        if self.dry_run:
            return f"{what} could be added; nothing was written (dry run)"
        if self.added:
            return f"{what} added as version {self.version} of the study's covariates"
        return f"{what}: the study holds just these already (version {self.version})"

    def __str__(self) -> str:
        lines = [self.title, ""]
        lines += [f"  {told}" for told in self._covariates()]
        said = self._said()
        return "\n".join([*lines, *([""] if said else []), *said])

    def _repr_html_(self) -> str:
        cells = [
            [
                row.name, row.column, row.type, row.units,
                f"{row.known} of {row.of} {_unit(row.per, row.of)}",
                "" if pd.isna(row.median_days) else f"{row.median_days:g}",
            ]
            for row in self._rows()
        ]  # fmt: skip
        names = ("covariate", "column", "type", "units", "known for", "median days from exam")
        used = [at for at in range(len(names)) if any(row[at] for row in cells)]
        head = "".join(f'<th style="text-align:left">{names[at]}</th>' for at in used)
        body = "".join(
            "<tr>"
            + "".join(f'<td style="text-align:left">{html.escape(row[at])}</td>' for at in used)
            + "</tr>"
            for row in cells
        )
        table = f"<table><tr>{head}</tr>{body}</table>" if cells else ""
        return card(
            self.title,
            table=table,
            words=self._said(),
            following={"found.to_frame()": "every column and row that was not taken, and why"},
        )

    def to_frame(self) -> pd.DataFrame:
        """Return all of it as one table: what, column, detail, count, rows."""
        rows: list[dict[str, object]] = [
            {"what": "added", "column": row.column, "detail": f"{row.name}, {row.type}, per {row.per}",
             "count": row.known, "rows": ""}
            for row in self._rows()
        ]  # fmt: skip
        rows += [
            {"what": "left out", "column": column, "detail": why, "count": None, "rows": ""}
            for column, why in self.left_out.items()
        ]
        rows += [
            {"what": "set to missing", "column": problem.column, "detail": problem.reason,
             "count": len(problem.rows), "rows": _listed(problem.rows, most=None)}
            for problem in self.problems
        ]  # fmt: skip
        for words, numbers in self._groups():
            rows.append(
                {"what": "rows", "column": "", "detail": words, "count": len(numbers),
                 "rows": _listed(numbers, most=None)}
            )  # fmt: skip
        rows.append(
            {"what": "women", "column": "", "detail": "in the study, not in the file",
             "count": len(self.without_row), "rows": " ".join(self.without_row)}
        )  # fmt: skip
        return pd.DataFrame(rows, columns=["what", "column", "detail", "count", "rows"]).astype(
            {"count": "Int64"}
        )

    def _rows(self) -> list[_Row]:
        return [_Row(*row) for row in self.columns[list(COLUMNS)].itertuples(index=False)]

    def _covariates(self) -> Iterable[str]:
        for row in self._rows():
            units = f" [{row.units}]" if row.units else ""
            of = f"{row.known} of {row.of} {_unit(row.per, row.of)}"
            days = "" if pd.isna(row.median_days) else f", median {row.median_days:g} days from the exam"
            told = "" if row.name == row.column else f" (column {row.column[:60]!r})"
            yield f"{row.name}{units}: {row.type}, {of}{days}{told}"

    def _groups(self) -> list[tuple[str, tuple[int, ...]]]:
        groups = [
            ("without a subject", self.without_subject),
            ("of women the study does not know", self.without_exams),
            ("of the same woman and day as an earlier one", self.repeated),
            ("without a day that can be read", self.without_date),
        ]
        return [(words, rows) for words, rows in groups if rows]

    def _said(self) -> list[str]:
        lines = [
            f"{problem.column[:60]}: {len(problem.rows)} set to missing, {problem.reason}:"
            f" {_listed(problem.rows)}"
            for problem in self.problems
        ]
        if self.left_out:
            lines += [f"{column[:60]}: left out, {why}" for column, why in self.left_out.items()]
        lines += [
            f"{len(rows)} row{'' if len(rows) == 1 else 's'} {words}: {_listed(rows)}"
            for words, rows in self._groups()
        ]
        if self.without_row:
            lines.append(f"{len(self.without_row)} of the study's women are not in the file")
        return lines


@dataclass(frozen=True)
class _Row:
    name: str
    column: str
    type: str
    units: str
    per: str
    known: int
    of: int
    median_days: float


def _unit(per: str, n: int) -> str:
    if per == "exam":
        return "exam" if n == 1 else "exams"
    return "woman" if n == 1 else "women"


def _listed(rows: tuple[int, ...], *, most: int | None = _SHOWN) -> str:
    told = ", ".join(map(str, rows[:most]))
    more = "" if most is None or len(rows) <= most else f" and {len(rows) - most} more"
    return f"row{'s' if len(rows) > 1 else ''} {told}{more}" if most is not None else told
