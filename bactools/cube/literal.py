"""The two forms of the cube: stored on (subject, view, exam), literal on (subject, view, date)."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bactools.cube.layout import Index, rearrange, require_status, with_missing

MEMORY_LIMIT = 2 * 2**30
_NO_EXAM = -1


def on_dates(cube: xr.Dataset, *, memory_limit: int = MEMORY_LIMIT) -> xr.Dataset:
    """Turn the stored form into the literal cube.

    Parameters
    ----------
    cube : Dataset
        On (subject, view, exam) with ``date`` (subject, exam).
    memory_limit : int
        Largest size of the result [byte].

    Returns
    -------
    Dataset
        On (subject, view, date), the dates sorted and distinct; ``exam`` (subject, date) is -1 where
        a subject had none. ``joint_histogram`` is left out: it exists in the stored form only.

    Raises
    ------
    ValueError
        If the result would exceed `memory_limit`; a literal cube is nearly empty.
    """
    cube = cube.drop_vars("joint_histogram", errors="ignore")
    dates = cube["date"].transpose("subject", "exam").values
    source = np.nonzero(~np.isnat(dates))
    days, at_day = np.unique(dates[source], return_inverse=True)
    _check_size(cube, n_date=len(days), limit=memory_limit)
    target = (source[0], at_day)
    new = _moved(cube, axis="exam", new_axis="date", size=len(days), source=source, target=target)
    numbers = np.full((cube.sizes["subject"], len(days)), _NO_EXAM, dtype=np.int16)
    numbers[target] = cube["exam"].values[source[1]]
    coords = {
        "subject": cube["subject"].variable,
        "view": cube["view"].variable,
        "date": ("date", days, cube["date"].attrs),
        "exam": (("subject", "date"), numbers, cube["exam"].attrs),
    }
    return xr.Dataset(new, coords=coords, attrs=cube.attrs)


def on_exams(cube: xr.Dataset) -> xr.Dataset:
    """Turn a literal cube into the stored form.

    Parameters
    ----------
    cube : Dataset
        On (subject, view, date), with ``status``.

    Returns
    -------
    Dataset
        On (subject, view, exam). Exams are the days on which a subject has an image, numbered anew,
        so that a cube cut by date starts at exam 0.

    Raises
    ------
    ValueError
        If there is no ``status`` to tell an image from an empty cell.
    """
    require_status(cube)
    held = (cube["status"] != 0).any("view").transpose("subject", "date").values
    source = np.nonzero(held)
    target = (source[0], (np.cumsum(held, axis=1) - 1)[source])
    n_exam = int(held.sum(axis=1).max(initial=0))
    new = _moved(cube, axis="date", new_axis="exam", size=n_exam, source=source, target=target)
    dates = np.full((cube.sizes["subject"], n_exam), np.datetime64("NaT"), dtype="datetime64[ns]")
    dates[target] = cube["date"].values[source[1]]
    coords = {
        "subject": cube["subject"].variable,
        "view": cube["view"].variable,
        "exam": ("exam", np.arange(n_exam), cube["exam"].attrs),
        "date": (("subject", "exam"), dates, cube["date"].attrs),
    }
    return xr.Dataset(new, coords=coords, attrs=cube.attrs)


def _moved(
    cube: xr.Dataset, *, axis: str, new_axis: str, size: int, source: Index, target: Index
) -> dict[str, xr.Variable]:
    """Rearrange every data variable that has the axis; the others stay as they are."""
    moved = {}
    for name, array in cube.data_vars.items():
        variable = array.variable
        if axis in variable.dims:
            variable = with_missing(variable, name=str(name))
            variable = rearrange(
                variable, axis=axis, new_axis=new_axis, size=size, source=source, target=target
            )
        moved[str(name)] = variable
    return moved


def _check_size(cube: xr.Dataset, *, n_date: int, limit: int) -> None:
    """Refuse a literal cube that is too large, before any of it is allocated."""
    n_exam = max(1, cube.sizes["exam"])
    size = sum(v.nbytes // n_exam * n_date for v in cube.data_vars.values() if "exam" in v.dims)
    if size > limit:
        shape = f"{cube.sizes['subject']} subjects x {cube.sizes['view']} views x {n_date} dates"
        raise ValueError(
            f"the literal cube of {shape} needs {size / 2**30:.1f} GiB, the limit is {limit / 2**30:.1f} GiB:"
            " choose subjects= or where=, or open with axis='exam' (or raise memory_limit=)"
        )
