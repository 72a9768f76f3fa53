"""Which views are missing: by view and year, which go missing together, and how many exams women have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bactools.conventions import ABSENT, DONE, FAILED
from bactools.stats.cohort.exam_table import ExamTable, exam_table
from bactools.stats.result import Result


@dataclass(frozen=True, eq=False, repr=False)
class Missingness(Result):
    """What a cube lacks; an image that does not exist is kept apart from one that could not be measured.

    Attributes
    ----------
    by_view : DataFrame
        One row per calendar year and view: ``year``, ``view``, ``exams`` of that year, of them ``done``,
        ``absent`` and ``failed`` in this view, and the last two as shares, ``share_absent`` and
        ``share_failed``.
    patterns : DataFrame
        One row per combination that occurs, the most frequent first: ``absent`` and ``failed`` (views,
        by comma), ``exams``, ``share`` of all exams, ``women`` with such an exam.
    women : DataFrame
        One row per number of exams: ``exams``, ``women`` with so many of any kind, ``complete``: women with
        so many of which every view was measured.
    views : tuple of str
    n_exams, n_women : int
    n_complete : int
        Exams of which every view was measured.
    reason, note : str
    """

    by_view: pd.DataFrame
    patterns: pd.DataFrame
    women: pd.DataFrame
    views: tuple[str, ...]
    n_exams: int
    n_women: int
    n_complete: int
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return "Missing views"

    def to_frame(self) -> pd.DataFrame:
        """Return the table by year and view."""
        return self.by_view

    def totals(self) -> pd.DataFrame:
        """Return the counts and shares by view alone, all years together."""
        counts = self.by_view.groupby("view", sort=False)[["exams", "done", "absent", "failed"]].sum()
        return _with_shares(counts.loc[list(self.views)].reset_index())

    def _words(self) -> str:
        totals = self.totals()
        cells = self.n_exams * len(self.views)
        absent, failed = int(totals["absent"].sum()), int(totals["failed"].sum())
        told = (
            f"{self.n_exams} exams of {self.n_women} women. {self.n_complete}"
            f" ({_percent(self.n_complete, self.n_exams)}) have all of {len(self.views)} views measured."
            f" Of {cells} views {absent} ({_percent(absent, cells)}) do not exist and {failed}"
            f" ({_percent(failed, cells)}) could not be measured."
        )
        lacking = totals["absent"] + totals["failed"]
        if lacking.max() > lacking.min():
            worst = totals.iloc[int(np.argmax(lacking))]
            told += (
                f" {worst['view']} lacks most often"
                f" ({_percent(int(lacking.max()), int(worst['exams']))} of exams)."
            )
        once = int(self.women.loc[self.women["exams"] == 1, "women"].sum())
        if once:
            told += f" {once} women have a single exam, which tells nothing of progression."
        if absent or failed:
            told += (
                " A sum over views that lacks one is too small: leave such exams out, or scale them, and"
                " ask whether exams are incomplete for a reason that goes with burden."
            )
        return f"{told} An exam without any image is not seen here."


def missingness(cube: xr.Dataset) -> Missingness:
    """Count the views that are missing.

    Parameters
    ----------
    cube : Dataset
        In either form, with ``status``: 0 absent, 1 done, 2 failed.

    Returns
    -------
    Missingness
        Not estimable for a cube without exams.

    Raises
    ------
    StatsError
        If the cube has no ``status``.
    """
    exams = exam_table(cube)
    reason = "" if len(exams.table) else "the cube holds no exam"
    return Missingness(
        _by_view(exams),
        _patterns(exams),
        _women(exams),
        exams.views,
        len(exams.table),
        int(exams.table["subject"].nunique()),
        int(exams.complete.sum()),
        reason=reason,
        note=exams.note,
    )


def _by_view(exams: ExamTable) -> pd.DataFrame:
    years = exams.table["date"].dt.year.to_numpy()
    rows = []
    for year in np.unique(years):
        status = exams.status[years == year]
        for at, view in enumerate(exams.views):
            counts = [int((status[:, at] == code).sum()) for code in (DONE, ABSENT, FAILED)]
            rows.append((int(year), view, len(status), *counts))
    return _with_shares(pd.DataFrame(rows, columns=["year", "view", "exams", "done", "absent", "failed"]))


def _with_shares(table: pd.DataFrame) -> pd.DataFrame:
    shares = {f"share_{state}": table[state] / table["exams"] for state in ("absent", "failed")}
    return table.assign(**shares)


def _patterns(exams: ExamTable) -> pd.DataFrame:
    absent, failed = (_named(exams.status == code, exams.views) for code in (ABSENT, FAILED))
    table = pd.DataFrame({"absent": absent, "failed": failed, "subject": exams.table["subject"]})
    found = table.groupby(["absent", "failed"], as_index=False).agg(
        exams=("subject", "size"), women=("subject", "nunique")
    )
    found.insert(3, "share", found["exams"] / max(1, len(table)))
    return found.sort_values(["exams", "absent", "failed"], ascending=[False, True, True], ignore_index=True)


def _named(is_so: np.ndarray, views: tuple[str, ...]) -> np.ndarray:
    """Return the views for which it is so, as one text per exam: of few kinds, however many exams."""
    kinds, which = np.unique(is_so, axis=0, return_inverse=True)
    names = [", ".join(view for view, yes in zip(views, row, strict=True) if yes) for row in kinds]
    return np.asarray(np.array(names, dtype=object)[which.ravel()])


def _women(exams: ExamTable) -> pd.DataFrame:
    subjects = exams.table["subject"]
    every = subjects.value_counts()
    complete = subjects[exams.complete].value_counts().reindex(every.index, fill_value=0)
    numbers = np.arange(0, int(every.max()) + 1) if len(every) else np.zeros(0, dtype=int)
    table = pd.DataFrame(
        {
            "exams": numbers,
            "women": [int((every == number).sum()) for number in numbers],
            "complete": [int((complete == number).sum()) for number in numbers],
        }
    )
    return table[(table["women"] > 0) | (table["complete"] > 0)].reset_index(drop=True)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"
