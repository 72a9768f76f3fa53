"""Opening a cube: the literal one for the subjects asked for, or the stored form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bactools.cube.literal import MEMORY_LIMIT, on_dates
from bactools.cube.store import Chunks, open_stored

Where = Callable[[xr.Dataset], Any] | xr.DataArray | pd.Series


def open_cube(
    path: str | Path,
    *,
    subjects: str | Iterable[str] | None = None,
    where: Where | None = None,
    axis: Literal["date", "exam"] = "date",
    memory_limit: int = MEMORY_LIMIT,
    chunks: Chunks | None = None,
) -> xr.Dataset:
    """Open the cube of a study.

    Parameters
    ----------
    path : str or Path
        A study folder, or its ``cube.zarr``.
    subjects : str or iterable of str, optional
        Pseudonyms to open, in this order; all by default.
    where : callable, DataArray or Series, optional
        Which of those to keep: True or False per subject. A callable is given the stored form.
    axis : {"date", "exam"}
        ``date``: the literal cube, in memory. ``exam``: the stored form.
    memory_limit : int
        Largest literal cube [byte].
    chunks : dict or "auto", optional
        With ``axis="exam"``: keep everything lazy, in these dask chunks (``{}``: as on disk).

    Returns
    -------
    Dataset
        On (subject, view, date), without ``joint_histogram``; or on (subject, view, exam), in
        memory but for a lazy ``joint_histogram``. A lazy variable must be read before the study is
        run again; after that it raises.

    Raises
    ------
    FileNotFoundError
        If there is no cube.
    ValueError
        If a subject is unknown, `where` does not say True or False for every subject, the literal
        cube would exceed `memory_limit`, or the store is damaged.

    Examples
    --------
    >>> cube = open_cube("STUDY", subjects=["S003"])  # doctest: +SKIP
    >>> cube.tam_100.sel(subject="S003", view="LCC", date=slice("2012", "2016"))  # doctest: +SKIP
    """
    if axis not in ("date", "exam"):
        raise ValueError(f"axis {axis!r}: choose 'date' or 'exam'")
    if axis == "date" and chunks is not None:
        raise ValueError("the literal cube is in memory: use chunks= with axis='exam'")
    cube = open_stored(path, chunks=chunks)
    if subjects is not None:
        asked = pd.unique(
            pd.Series([subjects] if isinstance(subjects, str) else list(subjects), dtype=object)
        )
        cube = cube.isel(subject=_positions(cube["subject"].to_index(), asked))
    if where is not None:
        cube = cube.isel(subject=np.flatnonzero(_chosen(where, cube)))
    if axis == "date":
        return on_dates(cube, memory_limit=memory_limit)
    return cube if chunks is not None else _loaded(cube)


def _positions(known: pd.Index, asked: Any) -> NDArray[np.intp]:
    found = known.get_indexer(asked)
    unknown = [str(subject) for subject, at in zip(asked, found, strict=True) if at < 0]
    if unknown:
        names = ", ".join(unknown[:5]) + (", …" if len(unknown) > 5 else "")
        raise ValueError(f"{len(unknown)} subjects are not in the cube: {names}")
    return found


def _chosen(where: Where, cube: xr.Dataset) -> NDArray[np.bool_]:
    """Return True or False for every subject of the cube."""
    answer = where(cube) if callable(where) else where
    if isinstance(answer, pd.Series):
        answer = xr.DataArray(answer.to_numpy(), dims="subject", coords={"subject": answer.index.to_numpy()})
    if not isinstance(answer, xr.DataArray) or answer.dims != ("subject",) or answer.dtype != np.bool_:
        raise ValueError("where= must give one True or False per subject, such as (…).any(('view', 'exam'))")
    if "subject" in answer.coords:
        answer = answer.isel(subject=_positions(answer["subject"].to_index(), cube["subject"].values))
    chosen: NDArray[np.bool_] = answer.values
    if chosen.shape != (cube.sizes["subject"],):
        raise ValueError(f"where= gives {chosen.size} answers for {cube.sizes['subject']} subjects")
    return chosen


def _loaded(cube: xr.Dataset) -> xr.Dataset:
    """Return the cube with everything in memory but the joint histogram."""
    small = cube.drop_vars("joint_histogram", errors="ignore").load()
    return small.assign(joint_histogram=cube["joint_histogram"]) if "joint_histogram" in cube else small
