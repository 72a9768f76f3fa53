"""What a study does with covariates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from filelock import FileLock

from bactools.study.covariates.kept import in_force

if TYPE_CHECKING:
    from bactools.study.covariates.naming import Dates, Ids, Names
    from bactools.study.covariates.report import CovariatesReport


class Described:
    """The part of a `Study` that knows of the women what images do not tell."""

    folder: Path

    @property
    def lock(self) -> FileLock:
        """The lock a run holds while it writes."""
        return FileLock(self.folder / ".lock", timeout=0)

    def add_covariates(
        self,
        source: Path | str | pd.DataFrame,
        *,
        subject_column: str,
        date_column: str | None = None,
        window_days: int = 180,
        dictionary: Path | str | None = None,
        schema: Path | str | None = None,
        only: Sequence[str] = (),
        constant: Sequence[str] = (),
        ids: Ids = "pseudonym",
        names: Names | None = None,
        issuer: str = "",
        dates: Dates | None = None,
        replace: bool = False,
        dry_run: bool = False,
    ) -> CovariatesReport:
        """Add what a file says of the women to the study and its cube.

        Parameters
        ----------
        source : path or DataFrame
            CSV, Parquet, an export of REDCap, or a table.
        subject_column : str
            Whose row it is.
        date_column : str, optional
            The day a row is about. Each exam then takes, column by column, the value nearest in time; of two
            as near, the earlier. Columns that are given only in rows without a day are per woman.
        window_days : int
            How far from the exam such a value may be; 0 for the same day only.
        dictionary, schema : path, optional
            What is known of the columns: a data dictionary of REDCap, or a schema, see
            `bactools.study.covariates.dictionary.read_dictionary`. The schema has the last word.
        only : sequence of str
            Columns to take in; by default all but those that identify women, free text and days.
        constant : sequence of str
            Columns that do not change over time, though rows have days.
        ids : {"pseudonym", "original"}
            Whether the file names the study's pseudonyms or the hospital's numbers. The latter never reach
            study or report.
        names : Names, optional
            Makes the pseudonyms: ``bactools.evaluation.match.study_names(study, key)``.
        issuer : str
            Of the hospital's numbers, if the images tell one.
        dates : {"original", "shifted"}, optional
            What the file's days are, if the study's were shifted.
        replace : bool
            Whether covariates of the same names may be replaced.
        dry_run : bool
            Say what would be done, and write nothing.

        Returns
        -------
        CovariatesReport
            What was added, left out, impossible, and whom it is about.

        Raises
        ------
        CovariatesError
            If the file cannot be used; nothing was written then.

        Notes
        -----
        They are kept in ``STUDY/covariates``, each addition as a version that is never changed, and put into
        the cube now and whenever it is made anew. Only women of the study are kept: after a run that adds
        women, add the file again. What is impossible becomes missing. Yes and no are 1 and 0; bool if known
        for every woman.

        Examples
        --------
        >>> print(study.add_covariates("women.csv", subject_column="subject"))  # doctest: +SKIP
        """
        from bactools.study.covariates.adding import add
        from bactools.study.covariates.rows import Asked

        asked = Asked(
            subject_column, date_column, window_days, dictionary, schema, only, constant, ids, names, issuer,
            dates, replace, dry_run,
        )  # fmt: skip
        return add(self.folder, source, asked, lock=self.lock)

    @property
    def covariates(self) -> pd.DataFrame:
        """One row per covariate that was added: name, type, units, per, description, version, added."""
        rows = [
            {
                "name": name, "type": told["type"], "units": told["units"], "per": told["per"],
                "description": told["description"], "version": version.number, "added": version.added,
            }
            for name, (version, told) in sorted(in_force(self.folder).items())
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["name", "type", "units", "per", "description", "version", "added"])
