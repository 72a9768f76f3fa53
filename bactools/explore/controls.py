"""By what a cohort can be chosen: the covariates of a cube, each with its range or its values."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from bactools.stats.stored import DESCRIBED, is_flag, of_exams

Kind = Literal["range", "choice"]

_MOST_CHOICES = 20
_HIDDEN = ("true_",)
_known: dict[int, tuple[weakref.ref[xr.Dataset], tuple[object, ...], list[Control]]] = {}
"""What was found of cubes that are still there, with the arrays that it was found of."""


@dataclass(frozen=True)
class Control:
    """One way to choose.

    Attributes
    ----------
    name : str
        The variable.
    kind : {"range", "choice"}
    low, high : float
        Of a range.
    choices : tuple of str
        Of a choice.
    units : str
    """

    name: str
    kind: Kind
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()
    units: str = ""

    @property
    def label(self) -> str:
        """The name with its unit."""
        return f"{self.name} [{self.units}]" if self.units not in ("", "1") else self.name


def controls(cube: xr.Dataset) -> list[Control]:
    """Return the covariates by which women and exams can be chosen.

    Parameters
    ----------
    cube : Dataset
        In the stored form.

    Returns
    -------
    list of Control
        Age first, then the others by name. Free text, and what is the same for all, is no choice.
    """
    arrays = tuple((name, id(array.variable._data)) for name, array in cube.data_vars.items())
    known = _known.get(id(cube))
    if known is None or known[0]() is not cube or known[1] != arrays:
        at = id(cube)
        known = (weakref.ref(cube, lambda _: _known.pop(at, None)), arrays, _found(cube))
        _known[at] = known
    return list(known[2])


def _found(cube: xr.Dataset) -> list[Control]:
    found = []
    for known, array in cube.data_vars.items():
        name = str(known)
        per_image = name in DESCRIBED and "view" in array.dims
        if name.startswith(_HIDDEN) or not (
            per_image or (array.dims and set(array.dims) <= {"subject", "exam"})
        ):
            continue
        values = exam_values(cube, name)
        if is_flag(array):
            values = values[np.isfinite(values)] == 1
        control = _control(name, values, str(array.attrs.get("units", "")))
        if control is not None:
            found.append(control)
    return sorted(found, key=lambda control: (control.name != "age", control.name))


def exam_values(cube: xr.Dataset, name: str) -> np.ndarray:
    """Return a covariate per exam, shape (subject, exam), or per woman, shape (subject, 1)."""
    array = cube[name]
    if "view" in array.dims:
        return of_exams(cube, name)
    if "exam" not in array.dims:
        return np.asarray(array.values)[:, None]
    if "subject" not in array.dims:
        return np.asarray(array.values)[None, :]
    return np.asarray(array.transpose("subject", "exam").values)


def _control(name: str, values: np.ndarray, units: str) -> Control | None:
    if values.dtype.kind in "fiu":
        known = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        if known.size == 0 or known.min() == known.max():
            return None
        return Control(name, "range", float(known.min()), float(known.max()), units=units)
    if values.dtype.kind == "b":
        return Control(name, "choice", choices=("no", "yes")) if values.any() != values.all() else None
    if values.dtype.kind != "O":
        return None
    texts = sorted({str(text) for text in pd.unique(values.ravel()) if text not in (None, "")})
    return Control(name, "choice", choices=tuple(texts)) if 1 < len(texts) <= _MOST_CHOICES else None
