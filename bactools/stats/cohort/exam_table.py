"""The exams of a cube: one row per woman and exam, with the state of every view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bactools.conventions import DONE
from bactools.stats.stored import is_flag, known, stored_form


@dataclass(frozen=True, eq=False)
class ExamTable:
    """All exams of a cube.

    Attributes
    ----------
    table : DataFrame
        One row per woman and exam, by subject and date: ``subject``, ``date``, ``exam``.
    status : int array, shape (row, view)
        0 absent, 1 done, 2 failed.
    views : tuple of str
    cube : Dataset
        In the stored form, with all its dimensions.
    at : dict of str to int array, shape (row,)
        Positions of each row on ``subject`` and ``exam``.
    """

    table: pd.DataFrame
    status: np.ndarray
    views: tuple[str, ...]
    cube: xr.Dataset
    at: dict[str, np.ndarray]

    @property
    def complete(self) -> np.ndarray:
        """Whether every view was measured, shape (row,)."""
        return np.asarray((self.status == DONE).all(axis=1))

    @property
    def note(self) -> str:
        """What must be said of the weights behind the cube."""
        return str(self.cube.attrs.get("weights_note", ""))

    def column(self, name: str) -> np.ndarray:
        """Return a covariate on (subject), (exam) or both, one value per row; None where a text is blank."""
        array = self.cube[name]
        if {"subject", "exam"} == set(array.dims):
            array = array.transpose("subject", "exam")
        values = np.asarray(array.values[tuple(self.at[str(dim)] for dim in array.dims)])
        return known(values, flag=is_flag(array))

    def covariates(self) -> list[str]:
        """Return the names of what is known per woman, or per woman and exam."""
        return [
            str(name)
            for name, array in self.cube.data_vars.items()
            if array.dims and set(array.dims) <= {"subject", "exam"}
        ]


def exam_table(cube: xr.Dataset) -> ExamTable:
    """List the exams of a cube.

    Parameters
    ----------
    cube : Dataset
        In either form, or a part of one, with ``status``. An exam none of whose images exists is in no
        cube, and so not here.

    Returns
    -------
    ExamTable

    Raises
    ------
    StatsError
        If the cube lacks ``status``, or an axis that was reduced and not kept.
    """
    stored = stored_form(cube)
    dates = stored["date"].transpose("subject", "exam").values
    subject, exam = np.nonzero(~np.isnat(dates))
    status = stored["status"].transpose("subject", "exam", "view").values[subject, exam]
    table = pd.DataFrame(
        {
            "subject": stored["subject"].values[subject].astype(object),
            "date": pd.to_datetime(dates[subject, exam]),
            "exam": stored["exam"].values[exam],
        }
    )
    if not _in_order(stored["subject"].values, subject, dates[subject, exam]):
        order = table.sort_values(["subject", "date"], kind="stable").index.to_numpy()
        table = table.iloc[order].reset_index(drop=True)
        status, subject, exam = status[order], subject[order], exam[order]
    return ExamTable(
        table,
        np.asarray(status),
        tuple(str(view) for view in stored["view"].values),
        stored,
        {"subject": subject, "exam": exam},
    )


def _in_order(names: np.ndarray, subject: np.ndarray, dates: np.ndarray) -> bool:
    """Whether exams are by woman and date already, as they are in a cube that a study wrote."""
    same = subject[1:] == subject[:-1]
    return bool((names[1:] > names[:-1]).all() and (dates[1:] >= dates[:-1])[same].all())
