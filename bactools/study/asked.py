"""What a study answers: queries in SQL, and cohorts by name."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from bactools.query import Limits
    from bactools.study.cohorts import NamedCohort


class Asked:
    """The part of a `Study` that answers questions."""

    folder: Path

    def sql(self, query: str, *, limits: Limits | None = None) -> pd.DataFrame:
        """Ask the study in SQL.

        Parameters
        ----------
        query : str
            One SELECT on ``images``, ``exams`` and ``subjects``, see `columns`.
        limits : Limits, optional
            On rows, time and memory.

        Returns
        -------
        DataFrame
            What must be said of the weights is in ``attrs["weights_note"]``.

        Raises
        ------
        QueryError
            If it cannot be answered; the message points at the place.

        Warns
        -----
        UserWarning
            If there are more rows than the limit.

        Examples
        --------
        >>> study.sql("SELECT race, avg(tam_100_per_year) FROM subjects GROUP BY race")  # doctest: +SKIP
        """
        from bactools.query import ask

        found = ask(self.folder, query, limits=limits)
        if found.capped:
            warnings.warn(found.words, UserWarning, stacklevel=2)
        if note := getattr(self, "note", ""):
            found.table.attrs["weights_note"] = note
        return found.table

    @property
    def columns(self) -> pd.DataFrame:
        """What can be asked for: view, column, type, units, meaning."""
        from bactools.query import columns

        return columns(self.folder)

    def cohort(self, sql: str | None = None, *, name: str, version: int | None = None) -> NamedCohort:
        """Choose women and exams by a query and save them by name; without a query, open what was saved.

        Parameters
        ----------
        sql : str, optional
            With a column ``subject``, and ``exam`` or ``date`` if it chooses exams; otherwise all exams of
            these women are meant.
        name : str
            Letters, digits, underscore and hyphen.
        version : int, optional
            Of a saved cohort; the latest by default.

        Returns
        -------
        NamedCohort
            For ``cube.bac.where(cohort=…)``.

        Raises
        ------
        NamedCohortError
            If it cannot be made or found.
        """
        from bactools.study.cohorts import open_cohort, save_cohort

        return open_cohort(self.folder, name, version) if sql is None else save_cohort(self.folder, sql, name)

    @property
    def cohorts(self) -> pd.DataFrame:
        """Saved cohorts, one row per version."""
        from bactools.study.cohorts import list_cohorts

        return list_cohorts(self.folder)
