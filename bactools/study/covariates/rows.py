"""Whose rows of a file are of women of the study, and of which day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import xarray as xr

from bactools.study.covariates.checking import days
from bactools.study.covariates.errors import CovariatesError
from bactools.study.covariates.matching import column_of, numbers_of
from bactools.study.covariates.naming import Dates, Ids, Names, pseudonyms, shifted
from bactools.study.covariates.reading import Source


@dataclass(frozen=True)
class Asked:
    """How a file is to be read; see `bactools.study.Study.add_covariates` for each."""

    subject_column: str
    date_column: str | None = None
    window_days: int = 180
    dictionary: Path | str | None = None
    schema: Path | str | None = None
    only: Sequence[str] = ()
    constant: Sequence[str] = ()
    ids: Ids = "pseudonym"
    names: Names | None = None
    issuer: str = ""
    dates: Dates | None = None
    replace: bool = False
    dry_run: bool = False


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of women whom the study knows.

    Attributes
    ----------
    table : DataFrame
        Texts of all columns but those of subjects and days; index as in the file.
    ids : Series of str
        Who it is, as the file has it. Never shown or kept.
    subjects : Series of str
        Pseudonyms.
    in_cube : Series of bool
        Whether she has an exam in the cube.
    dates : Series, optional
        Days, moved as the study's were; NaT where there is none.
    nobody, strangers, undated : tuple of int
        Rows that name nobody, rows of women without exams, rows without a day.
    """

    table: pd.DataFrame
    ids: pd.Series[str]
    subjects: pd.Series[str]
    in_cube: pd.Series[bool]
    dates: pd.Series[pd.Timestamp] | None
    nobody: tuple[int, ...]
    strangers: tuple[int, ...]
    undated: tuple[int, ...]

    @classmethod
    def of(cls, held: Source, asked: Asked, folder: Path, cube: xr.Dataset, *, at_most: int) -> Rows:
        """Find the women of a study in a file.

        Raises
        ------
        CovariatesError
            If a column is missing, nobody is of the study, or days cannot be moved as the study's were.
        """
        names = list(map(str, held.table.columns))
        by = column_of(asked.subject_column, names)
        on = column_of(asked.date_column, names) if asked.date_column is not None else None
        found = pseudonyms(held.table[by], ids=asked.ids, names=asked.names, issuer=asked.issuer)
        women = set(map(str, cube["subject"].values))
        index = folder / "index.parquet"
        indexed = set(pd.read_parquet(index, columns=["subject"])["subject"]) if index.exists() else set()
        empty = found == ""
        in_cube = found.isin(women)
        known = ~empty & found.isin(women | indexed)
        if not in_cube.any():
            hint = {
                "pseudonym": "if they are the hospital's numbers, say so (--ids original) and give the key",
                "original": "is it the same key, and does the hospital's numbers' issuer matter (--issuer)?",
            }[asked.ids]
            raise CovariatesError(f"no row is of a woman of this study: {hint}")
        dates = None
        undated: tuple[int, ...] = ()
        if on is not None:
            read = days(held.table.loc[known, on])
            undated = numbers_of(read.isna())
            if len(undated) == len(read):
                raise CovariatesError("no row has a day that can be read: write days as 2014-05-02")
            dates = shifted(
                read, found[known], at_most=at_most, ids=asked.ids, dates=asked.dates, names=asked.names
            )
        return cls(
            held.table.loc[known].drop(columns=list(dict.fromkeys([by, *([on] if on else [])]))),
            held.table.loc[known, by], found[known], in_cube[known], dates, numbers_of(empty),
            numbers_of(~empty & ~in_cube), undated,
        )  # fmt: skip
