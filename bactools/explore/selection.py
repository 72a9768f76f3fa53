"""Which women and exams of a cube fit, and the parts of it that are asked for, cut out once."""

from __future__ import annotations

import math
import weakref
from collections.abc import Mapping, Sequence
from threading import RLock

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bactools.conventions import DONE
from bactools.explore.controls import exam_values
from bactools.stats.stored import MIXED, is_flag
from bactools.study.members import matched

Range = tuple[float | None, float | None]
BASE = ("status", "image_id", "breast_area", "age", "vendor", "scaling")
"""What nearly every part of a cube holds of each image, if the cube does."""

_coded: dict[tuple[int, int], tuple[weakref.ref[np.ndarray], NDArray[np.int32], list[str]]] = {}
_lock = RLock()


class Selection:
    """Women and exams of a cube.

    Parameters
    ----------
    cube : Dataset
        In the stored form.
    views : int array
        Places of the views that are looked at.
    fits, held : bool array, shape (subject, exam)
        Exams that fit, and exams that there are.
    """

    def __init__(
        self, cube: xr.Dataset, views: NDArray[np.intp], fits: NDArray[np.bool_], held: NDArray[np.bool_]
    ) -> None:
        self._rows = np.flatnonzero(fits.any(axis=1))
        self._whole = len(self._rows) == len(fits)
        self._views = views
        self._fits = fits if self._whole else fits[self._rows]
        self._as_is = bool((self._fits == (held if self._whole else held[self._rows])).all())
        self._cube = cube
        self._cut: dict[str, xr.Variable] = {}

    @property
    def n(self) -> int:
        """Women."""
        return len(self._rows)

    @property
    def nbytes(self) -> int:
        """Memory that it holds beside the cube."""
        cut = 0 if self._unchanged else sum(array.nbytes for array in self._cut.values() if array._in_memory)
        return cut + self._fits.nbytes + self._rows.nbytes

    def part(self, metrics: Sequence[str] = ()) -> xr.Dataset:
        """Return the part of the cube that fits.

        Parameters
        ----------
        metrics : sequence of str
            Variables per image to keep beside the covariates and `BASE`; all if none is named. With
            ``status`` alone, which is all that counting asks for, nothing else per image is cut out.
        """
        wanted = {"status"} if tuple(metrics) == ("status",) else {*BASE, *metrics}
        kept = [
            name
            for name, array in self._cube.data_vars.items()
            if not metrics or "view" not in array.dims or name in wanted
        ]
        if self._unchanged:
            return self._cube[kept]
        with _lock:
            cut = {str(name): self._variable(str(name)) for name in [*kept, *self._cube.coords]}
        coords = {str(name): cut.pop(str(name)) for name in self._cube.coords}
        return xr.Dataset(cut, coords=coords, attrs=self._cube.attrs)

    @property
    def _unchanged(self) -> bool:
        return self._whole and self._as_is and len(self._views) == self._cube.sizes["view"]

    def _variable(self, name: str) -> xr.Variable:
        """Return a variable of the women who fit; exams that do not fit are as if they had never been."""
        if name not in self._cut:
            found = self._cube[name].variable
            places: dict[str, NDArray[np.intp]] = {}
            if "view" in found.dims and len(self._views) < self._cube.sizes["view"]:
                places["view"] = self._views
            if "subject" in found.dims and not self._whole:
                places["subject"] = self._rows
            found = found.isel(places) if places else found
            self._cut[name] = found if self._as_is else self._emptied(name, found)
        return self._cut[name]

    def _emptied(self, name: str, found: xr.Variable) -> xr.Variable:
        empty = {"status": 0, "joint_histogram": 0, "date": np.datetime64("NaT", "ns")}.get(name)
        if empty is None and ("view" not in found.dims or found.dtype.kind != "f"):
            return found
        if name == "joint_histogram":
            keep = xr.Variable(("subject", "exam"), self._fits)
            counts: xr.Variable = found.where(keep, 0).astype(found.dtype)
            return counts.transpose(*found.dims)
        shape = tuple(found.sizes[dim] if dim in ("subject", "exam") else 1 for dim in found.dims)
        across = [dim for dim in found.dims if dim in ("subject", "exam")]
        keep_here = self._fits if across == ["subject", "exam"] else self._fits.T
        if "subject" not in found.dims or "exam" not in found.dims:
            return found
        fill = np.nan if empty is None else empty
        values = np.where(keep_here.reshape(shape), found.values, np.asarray(fill).astype(found.dtype))
        return xr.Variable(found.dims, values, found.attrs, found.encoding)


def select(
    cube: xr.Dataset,
    *,
    ranges: Mapping[str, Range],
    choices: Mapping[str, tuple[str, ...]],
    dates: tuple[str, str],
    views: tuple[str, ...],
    at_least: int,
    among: NDArray[np.bool_] | None = None,
) -> Selection:
    """Return the women and exams of a cube for which all conditions hold, see `Cohort`.

    Parameters
    ----------
    cube, ranges, choices, dates, views, at_least
        See `Cohort`.
    among : bool array, optional
        Exams that alone are looked at, shape (subject, exam).
    """
    known = cube["view"].values
    places = np.array([at for at, view in enumerate(known) if not views or view in views], dtype=np.intp)
    days = cube["date"].transpose("subject", "exam").values
    status = cube["status"].transpose("subject", "exam", "view").values
    seen = np.zeros(days.shape, dtype=bool)
    for place in places:
        seen |= status[:, :, place] != 0
    held = ~np.isnat(days) & seen
    fits = held.copy() if among is None else held & among
    for name, (low, high) in ranges.items():
        values = _numbers(cube, name, places)
        with np.errstate(invalid="ignore"):
            fits &= (values >= (-math.inf if low is None else low)) & (
                values <= (math.inf if high is None else high)
            )
    for name, chosen in choices.items():
        fits &= _is_any(cube, name, chosen, places)
    first, last = dates
    if first:
        fits &= days >= np.datetime64(first, "ns")
    if last:
        fits &= days < np.datetime64(last, "ns") + np.timedelta64(1, "D")
    if at_least > 1:
        fits &= fits.sum(axis=1, keepdims=True) >= at_least
    return Selection(cube, places, fits, held)


def named(cube: xr.Dataset, members: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which exams of a cube are named, shape (subject, exam); what it does not hold is passed over.

    Parameters
    ----------
    cube : Dataset
        In the stored form.
    members : DataFrame
        One row per exam: ``subject`` and ``date``.
    """
    at = pd.Index(cube["subject"].values).get_indexer(pd.Index(members["subject"]))
    days = members["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    there = np.asarray(cube["date"].transpose("subject", "exam").values)
    numbers = there.astype("datetime64[D]").astype(np.int64)
    span = np.int64(1 << 24)
    own = np.arange(len(numbers))[:, None] * span + numbers
    found, _ = matched(own.ravel(), at[at >= 0] * span + days[at >= 0])
    return np.asarray(~np.isnat(there) & found.reshape(there.shape))


def _numbers(cube: xr.Dataset, name: str, places: NDArray[np.intp]) -> NDArray[np.float64]:
    if "view" in cube[name].dims and len(places) < cube.sizes["view"]:
        cube = cube[["status", name]].isel(view=places)
    return exam_values(cube, name).astype(np.float64)


def _is_any(
    cube: xr.Dataset, name: str, chosen: Sequence[str], places: NDArray[np.intp]
) -> NDArray[np.bool_]:
    array = cube[name]
    if array.dtype.kind == "b":
        return np.isin(exam_values(cube, name), [choice == "yes" for choice in chosen])
    if is_flag(array):
        return np.isin(exam_values(cube, name), [float(choice == "yes") for choice in chosen])
    codes, texts = _codes(array.variable)
    wanted = np.array([text in chosen for text in [*texts, ""]])
    if "view" not in array.dims:
        of_cells = wanted[codes]
        if "exam" not in array.dims:
            return np.asarray(of_cells)[:, None]
        if "subject" not in array.dims:
            return np.asarray(of_cells)[None, :]
        return np.asarray(of_cells if array.dims == ("subject", "exam") else of_cells.T)
    codes = codes.transpose([array.dims.index(dim) for dim in ("subject", "exam", "view")])
    status = cube["status"].transpose("subject", "exam", "view").values
    first = np.full(codes.shape[:2], len(texts), dtype=np.int32)
    last = np.full(codes.shape[:2], -1, dtype=np.int32)
    blank = np.array([*(text == "" for text in texts), True])
    for place in places:
        here = codes[:, :, place]
        known = (status[:, :, place] == DONE) & ~blank[here]
        first = np.minimum(first, np.where(known, here, len(texts)))
        last = np.maximum(last, np.where(known, here, -1))
    fits = (first == last) & wanted[first]
    return np.asarray(fits | ((last >= 0) & (first != last)) if MIXED in chosen else fits)


def _codes(variable: xr.Variable) -> tuple[NDArray[np.int32], list[str]]:
    """Return texts as numbers, -1 for None, and the texts; remembered as long as the array lives."""
    values = variable.values
    key = (id(values), values.size)
    with _lock:
        found = _coded.get(key)
        if found is None or found[0]() is not values:
            flat, texts = pd.factorize(values.ravel())
            codes = flat.astype(np.int32).reshape(values.shape)
            gone = weakref.ref(values, lambda _: _coded.pop(key, None))
            found = _coded[key] = (gone, codes, [str(text) for text in texts])
        return found[1], found[2]
