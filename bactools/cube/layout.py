"""Where a row goes in the cube: subjects in order of name, exams in order of date within a subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bactools.conventions import VIEWS

Index = tuple[NDArray[np.intp], ...]


@dataclass(frozen=True, eq=False)
class Layout:
    """The axes of a stored cube and the cell of every row.

    Attributes
    ----------
    subjects : object array, shape (subject,)
        Pseudonyms, sorted.
    views : tuple of str
        The view axis.
    dates : datetime64[ns] array, shape (subject, exam)
        Day of each exam; NaT where a subject has fewer.
    cells : three integer arrays, shape (row,)
        Positions on subject, view and exam.
    """

    subjects: NDArray[np.object_]
    views: tuple[str, ...]
    dates: NDArray[np.datetime64]
    cells: Index

    @property
    def shape(self) -> tuple[int, int, int]:
        """Size of (subject, view, exam)."""
        return len(self.subjects), len(self.views), self.dates.shape[1]

    @property
    def coords(self) -> dict[str, Any]:
        """Coordinates of the stored cube."""
        return {
            "subject": ("subject", self.subjects, {"long_name": "Pseudonym of the subject."}),
            "view": ("view", np.array(self.views, dtype=object), {"long_name": "Laterality and view."}),
            "exam": ("exam", np.arange(self.shape[2]), {"long_name": "Number of the exam, by date."}),
            "date": (("subject", "exam"), self.dates, {"long_name": "Day of the exam."}),
        }

    def place(self, values: NDArray[Any]) -> NDArray[Any]:
        """Put one value per row into a (subject, view, exam) array, missing elsewhere."""
        placed = blank(self.shape, values.dtype)
        placed[self.cells] = values
        return placed


def lay_out(subject: ArrayLike, view: ArrayLike, date: ArrayLike, *, views: Sequence[str] = VIEWS) -> Layout:
    """Find the axes and cells of rows given by subject, view (one of `views`) and date."""
    subjects, at_subject = np.unique(np.asarray(subject, dtype=object), return_inverse=True)
    days = np.asarray(date, dtype="datetime64[D]")
    keys = pd.DataFrame({"subject": at_subject, "day": days.astype(np.int64)})
    at_exam = keys.groupby("subject").day.rank("dense").to_numpy(dtype=np.intp) - 1
    dates = blank((len(subjects), int(at_exam.max(initial=-1)) + 1), np.dtype("datetime64[ns]"))
    dates[at_subject, at_exam] = days
    at_view = pd.Index(views).get_indexer(pd.Index(np.asarray(view, dtype=object)))
    return Layout(subjects, tuple(views), dates, (at_subject, at_view, at_exam))


def require_status(cube: xr.Dataset) -> None:
    """Refuse a cube in which an image without calcification cannot be told from no image.

    Raises
    ------
    ValueError
        If there is no ``status``.
    """
    if "status" not in cube:
        raise ValueError("the cube has no status: keep that variable to tell images from empty cells")


def blank(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an array of missing values: NaN, NaT, empty text, or 0 (a status of "absent")."""
    missing: dict[str, Any] = {"f": np.nan, "M": np.datetime64("NaT"), "O": "", "i": 0, "u": 0}
    return np.full(shape, missing[dtype.kind], dtype=dtype)


def with_missing(variable: xr.Variable, *, name: str) -> xr.Variable:
    """Return a variable whose type has a missing value: counts and flags of covariates become float."""
    if variable.dtype.kind in "fMO" or name == "status":
        return variable
    return variable.astype(np.float64 if variable.dtype.kind in "iub" else object)


def rearrange(
    variable: xr.Variable, *, axis: str, new_axis: str, size: int, source: Index, target: Index
) -> xr.Variable:
    """Move entries along an axis that goes with the subject, such as exam to date.

    Parameters
    ----------
    variable : Variable
        With dims subject, `axis` and any others.
    axis, new_axis : str
        Name of the axis before and after.
    size : int
        Length of the new axis.
    source, target : two integer arrays each, shape (entry,)
        Positions (subject, axis) before and after.

    Returns
    -------
    Variable
        With dims subject, the others, `new_axis`; missing where nothing was moved to.
    """
    rest = [dim for dim in variable.dims if dim not in ("subject", axis)]
    values = variable.transpose("subject", axis, *rest).values
    moved = blank((values.shape[0], size, *values.shape[2:]), values.dtype)
    moved[target] = values[source]
    return xr.Variable(("subject", new_axis, *rest), moved, variable.attrs).transpose(
        "subject", *rest, new_axis
    )
