"""A cube, or any part of one, in the stored form with all its dimensions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr

from bactools import metrics
from bactools.conventions import DONE
from bactools.cube import PROVENANCE, on_exams
from bactools.stats.result import StatsError

_PER_IMAGE = frozenset({"status", *metrics.METRICS, *(variable.name for variable in PROVENANCE)})

OF_EXAM = ("age", "vendor", "scaling")
"""What a study tells of each image, but is the same for all images of an exam, or nearly."""

DESCRIBED = ("age", "vendor")
"""Of these, what describes a cohort and chooses one."""

MIXED = "several"
"""What several texts are together."""


def stored_form(cube: xr.Dataset, *, per_image: Iterable[str] = ()) -> xr.Dataset:
    """Return a cube on (subject, view, exam).

    Parameters
    ----------
    cube : Dataset
        In either form; a subject, view, date or exam that was chosen with ``sel`` or ``isel`` is an axis
        of length one again.
    per_image : iterable of str
        Variables that are measured per image, beside the metrics and what a study tells of images.

    Returns
    -------
    Dataset

    Raises
    ------
    StatsError
        If there is no ``status``, or an axis was reduced and its coordinate not kept.
    """
    if "status" not in cube:
        raise StatsError("the cube has no 'status': keep that variable to tell images from empty cells")
    for dim in ("subject", "view"):
        if dim not in cube.dims and dim not in cube.coords:
            raise StatsError(f"the cube has no {dim}: keep it, for example with cube.sel({dim}=[…])")
    if "subject" not in cube.dims:
        cube = cube.expand_dims("subject")
    if "view" not in cube.dims:
        # a covariate is of no view
        names = [str(name) for name in cube.data_vars if name in _PER_IMAGE or name in set(per_image)]
        cube = cube.assign({name: cube[name].expand_dims("view") for name in names})
    if "exam" not in cube.dims and "date" not in cube.dims:
        cube = cube.expand_dims("date" if cube["date"].ndim == 0 else "exam")
    # expand_dims passes coordinates over
    for dim in ("subject", "exam") if "exam" in cube.dims else ():
        if dim not in cube["date"].dims:
            cube = cube.assign_coords(date=cube["date"].expand_dims(dim))
    return on_exams(cube) if "date" in cube.dims else cube


def is_flag(array: xr.DataArray) -> bool:
    """Whether a number says no (0), yes (1) or nothing (NaN), as covariates that are not known of all do."""
    return array.dtype.kind == "f" and array.attrs.get("flag_meanings") == "no yes"


def known(values: np.ndarray, *, flag: bool = False) -> np.ndarray:
    """Return values with None for what is not known: blank texts, and flags that say nothing.

    Parameters
    ----------
    values : array
    flag : bool
        See `is_flag`; such values become False and True.
    """
    if not flag and values.dtype.kind != "O":
        return values
    found = (values == 1 if flag else values).astype(object)
    found[np.isnan(values) if flag else values == ""] = None
    return found


def of_exams(stored: xr.Dataset, name: str) -> np.ndarray:
    """Return what the measured images of each exam agree on.

    Parameters
    ----------
    stored : Dataset
        From `stored_form`.
    name : str
        A variable on (subject, view, exam), such as one of `OF_EXAM`.

    Returns
    -------
    array, shape (subject, exam)
        The mean of numbers; of texts the one there is, "several" or None.
    """
    values = stored[name].transpose("subject", "exam", "view").values
    done = stored["status"].transpose("subject", "exam", "view").values == DONE
    if values.dtype.kind == "f":
        known = done & ~np.isnan(values)
        total = np.where(known, values, 0).sum(axis=2)
        return np.where(known.any(axis=2), total / np.maximum(known.sum(axis=2), 1), np.nan)
    flat, texts = pd.factorize(values.ravel())
    codes = flat.reshape(values.shape)
    known = done & (codes >= 0) & (values != "")
    first = np.where(known, codes, len(texts)).min(axis=2)
    last = np.where(known, codes, -1).max(axis=2)
    labels = np.array([*texts, MIXED, None], dtype=object)
    return np.asarray(labels[np.where(last < 0, len(texts) + 1, np.where(first == last, first, len(texts)))])
