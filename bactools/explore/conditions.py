"""Women and exams of a cube by plain conditions: what ``cube.bac.where`` and ``with_exams`` do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bactools.conventions import DONE
from bactools.cube import on_dates
from bactools.explore.cohort import Cohort, CohortError
from bactools.explore.selection import Range, Selection, named
from bactools.query import nearest
from bactools.stats.stored import OF_EXAM, stored_form


class Members(Protocol):
    """Whatever says which exams of which women are meant, such as a saved cohort."""

    @property
    def members(self) -> pd.DataFrame:
        """One row per exam: ``subject`` and ``date``."""


def where(
    cube: xr.Dataset,
    *,
    cohort: Members | None = None,
    date: tuple[Any, Any] | None = None,
    view: str | Iterable[str] | None = None,
    **conditions: Any,
) -> xr.Dataset:
    """Return the exams for which all conditions hold, and their women.

    Parameters
    ----------
    cube : Dataset
        In either form, with ``status``.
    cohort : optional
        A saved cohort, see `bactools.study.Study.cohort`: only its women and exams.
    date : (first, last), optional
        Days as text, such as ``("2012", "2016-06")``, both included; None is open.
    view : str or iterable of str, optional
        Views to keep.
    **conditions
        Of covariates by name: ``(low, high)`` with both ends included and None for an open one; True or
        False; a text; a list of texts; or a number. What is missing does not fit.

    Returns
    -------
    Dataset
        In the form of the cube. Other exams of these women are as if they had never been.

    Raises
    ------
    CohortError
        If a condition names something unknown or cannot be read.
    """
    stored = stored_form(cube)
    ranges: dict[str, Range] = {}
    choices: dict[str, tuple[str, ...]] = {}
    for name, condition in conditions.items():
        _known(stored, name)
        found = _read(name, condition, stored[name])
        if isinstance(found[0], str):
            choices[name] = tuple(str(text) for text in found)
        else:
            ranges[name] = found
    chosen = Cohort(ranges, choices, _days(date), _views(stored, view))
    part = chosen.apply(stored)
    if cohort is not None:
        part = _kept(part, named(part, cohort.members) & _held(part))
    return _as_before(cube, part)


def with_exams(cube: xr.Dataset, *, at_least: int = 1, complete_views: bool = False) -> xr.Dataset:
    """Return the women who have enough exams.

    Parameters
    ----------
    cube : Dataset
        In either form, with ``status``.
    at_least : int
        Exams that a woman must have.
    complete_views : bool
        Count and keep only exams of which every view of the cube was measured.

    Returns
    -------
    Dataset
        In the form of the cube.

    Raises
    ------
    CohortError
        If `at_least` is not 1 or more.
    """
    if at_least < 1:
        raise CohortError(f"at_least={at_least}: give 1 or more exams")
    stored = stored_form(cube)
    fits = _held(stored)
    if complete_views:
        fits = fits & _by_exam((stored["status"] == DONE).all("view"))
    return _as_before(cube, _kept(stored, fits & (fits.sum(axis=1, keepdims=True) >= at_least)))


def _known(stored: xr.Dataset, name: str) -> None:
    covariates = [
        str(known)
        for known, array in stored.data_vars.items()
        if array.dims and (set(array.dims) <= {"subject", "exam"} or known in OF_EXAM)
    ]
    if name in covariates:
        return
    near = nearest(name, covariates)
    if name in stored.variables:
        raise CohortError(f"{name!r} is measured per image: ask for it in SQL, see Study.sql")
    meant = f"did you mean {near!r}?" if near else f"there are {', '.join(covariates)}"
    raise CohortError(f"there is no covariate {name[:60]!r}: {meant}")


def _read(name: str, condition: Any, array: xr.DataArray) -> Any:
    """Return a condition as two ends of a range, or as texts."""
    flag = isinstance(condition, bool | np.bool_)
    if array.dtype.kind == "b":
        if not flag:
            raise CohortError(f"{name} is yes or no: give True or False")
        return ("yes",) if condition else ("no",)
    if array.dtype.kind in "fiu":
        if isinstance(condition, int | float | np.number):
            return (float(condition), float(condition))
        if isinstance(condition, tuple | list) and len(condition) == 2:
            low, high = condition
            if all(end is None or isinstance(end, int | float | np.number) for end in condition):
                return (None if low is None else float(low), None if high is None else float(high))
        raise CohortError(f"{name} is a number: give (low, high), with None for an open end")
    if isinstance(condition, str):
        return (condition,)
    texts = tuple(condition) if isinstance(condition, Iterable) else ()
    if texts and all(isinstance(text, str) for text in texts):
        return texts
    raise CohortError(f"{name} is text: give a text or a list of texts")


def _days(date: tuple[Any, Any] | None) -> tuple[str, str]:
    if date is None:
        return "", ""
    try:
        first, last = date
        begins = "" if first is None else f"{pd.Period(first).start_time:%Y-%m-%d}"
        ends = "" if last is None else f"{pd.Period(last).end_time:%Y-%m-%d}"
    except (TypeError, ValueError):
        raise CohortError('date: give two days, such as ("2012", "2016-06-30"), or None') from None
    return begins, ends


def _views(stored: xr.Dataset, view: str | Iterable[str] | None) -> tuple[str, ...]:
    if view is None:
        return ()
    asked = (view,) if isinstance(view, str) else tuple(view)
    known = [str(name) for name in stored["view"].values]
    if not asked or not set(asked) <= set(known):
        raise CohortError(f"view: choose of {', '.join(known)}")
    return asked


def _by_exam(array: xr.DataArray) -> NDArray[np.bool_]:
    return np.asarray(array.transpose("subject", "exam").values)


def _held(stored: xr.Dataset) -> NDArray[np.bool_]:
    """Return which exams there are."""
    return _by_exam(stored["date"].notnull() & (stored["status"] != 0).any("view"))


def _kept(stored: xr.Dataset, fits: NDArray[np.bool_]) -> xr.Dataset:
    every = np.arange(stored.sizes["view"], dtype=np.intp)
    return Selection(stored, every, fits, _held(stored)).part()


def _as_before(cube: xr.Dataset, part: xr.Dataset) -> xr.Dataset:
    return on_dates(part) if "date" in cube.dims else part
