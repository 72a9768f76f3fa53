"""Two labels of the same things: categories, their order, and complete pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bactools.stats.grades.result import Grades
from bactools.stats.inputs import KEYS
from bactools.stats.result import StatsError


@dataclass(frozen=True, eq=False)
class LabelPairs:
    """Complete pairs of labels as codes.

    Attributes
    ----------
    a, b : integer array, shape (pair,)
        Positions among `categories`.
    categories : list
    ordered : bool
        Whether their order means something.
    woman : integer array, shape (pair,), or None
        Code of the woman of each pair, from 0.
    names : (str, str)
    n_dropped : int
        Pairs left out because a label is missing.
    """

    a: NDArray[np.intp]
    b: NDArray[np.intp]
    categories: list[Any]
    ordered: bool
    woman: NDArray[np.intp] | None
    names: tuple[str, str]
    n_dropped: int

    @property
    def n_subjects(self) -> int:
        """Women; pairs of unknown women count as one each."""
        return self.a.size if self.woman is None else int(self.woman.max(initial=-1)) + 1

    @property
    def repeated(self) -> bool:
        """Whether a woman has more than one pair."""
        return self.n_subjects < self.a.size

    @classmethod
    def of(
        cls,
        a: Any,
        b: Any,
        *,
        categories: Sequence[Any] | None,
        subject: Sequence[Any] | ArrayLike | None,
        names: tuple[str, str] | None,
    ) -> LabelPairs:
        """Bring labels together.

        Raises
        ------
        StatsError
            If lengths differ, a label is not among the categories, or a pair has no subject.
        """
        if isinstance(a, Grades) and isinstance(b, Grades):
            names = names or (a.name, b.name)
            a, b, subject = _join(a, b, subject)
        if isinstance(a, xr.DataArray) and isinstance(b, xr.DataArray):
            a, b = xr.broadcast(*xr.align(a, b, join="inner"))
            if subject is None and "subject" in a.coords:
                subject = a.coords["subject"].broadcast_like(a).transpose(*a.dims).values.ravel()
        order, ordered = _order(a, b, categories)
        left, right = _labels(a), _labels(b)
        if left.size != right.size:
            raise StatsError(f"a has {left.size} labels, b {right.size}: give two of one length")
        complete = ~(_missing(left) | _missing(right))
        found = list(order) if order is not None else None
        if found is None:
            found, ordered = _found(left[complete], right[complete])
        codes = [_coded(side[complete], found) for side in (left, right)]
        return cls(
            codes[0], codes[1], found, ordered, _women(subject, complete),
            names or ("first rater", "second rater"), int((~complete).sum()),
        )  # fmt: skip


def _join(a: Grades, b: Grades, subject: Any) -> tuple[pd.Series, pd.Series, Any]:
    """Return the grades of what both have graded."""
    on = [name for name in KEYS if name in a.table and name in b.table]
    if not on:
        if len(a.table) != len(b.table):
            raise StatsError("these grades share no key (subject, view, date …) to be joined by")
        return a.table["grade"], b.table["grade"], subject
    for found in (a, b):
        if found.table.duplicated(on).any():
            raise StatsError(f"grades cannot be joined: {', '.join(on)} do not name one value")
    both = a.table[[*on, "grade"]].merge(b.table[[*on, "grade"]], on=on, suffixes=("_a", "_b"))
    if not len(both):
        raise StatsError(f"no value is in both: they are joined by {', '.join(on)}")
    if subject is None and "subject" in both:
        subject = both["subject"].to_numpy(dtype=object)
    return both["grade_a"], both["grade_b"], subject


def _order(a: Any, b: Any, categories: Sequence[Any] | None) -> tuple[list[Any] | None, bool]:
    """Return the categories that are known beforehand, and whether they are in order."""
    if categories is not None:
        given = list(categories)
        if len(set(given)) < len(given) or len(given) < 2:
            raise StatsError(f"categories={given!r}: give two or more, each once")
        return given, True
    dtypes = [getattr(side, "dtype", None) for side in (a, b)]
    known = [dtype for dtype in dtypes if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered]
    if len(known) == 2 and list(known[0].categories) != list(known[1].categories):
        raise StatsError("a and b are ordered by different categories: give categories= in order")
    return (list(known[0].categories), True) if known else (None, False)


def _labels(values: Any) -> NDArray[np.object_]:
    return np.asarray(values, dtype=object).ravel()


def _missing(labels: NDArray[np.object_]) -> NDArray[np.bool_]:
    missing: NDArray[np.bool_] = np.array([label == "" for label in labels], dtype=bool) | np.asarray(
        pd.isna(labels), dtype=bool
    )
    return missing


def _found(left: NDArray[np.object_], right: NDArray[np.object_]) -> tuple[list[Any], bool]:
    """Return the labels that occur; numbers are in order, words are not."""
    seen = set(left) | set(right)
    numeric = all(isinstance(label, int | float | np.number | np.bool_) for label in seen)
    return sorted(seen) if numeric else sorted(seen, key=str), numeric


def _coded(labels: NDArray[np.object_], categories: list[Any]) -> NDArray[np.intp]:
    codes = pd.Index(categories, dtype=object).get_indexer(pd.Index(labels, dtype=object))
    if (codes < 0).any():
        stray = str(labels[int(np.flatnonzero(codes < 0)[0])])[:64]
        raise StatsError(f"{stray!r} is not one of the categories {', '.join(map(repr, categories[:8]))}")
    return np.asarray(codes)


def _women(subject: Any, complete: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    if subject is None:
        return None
    labels = _labels(subject)
    if labels.size != complete.size:
        raise StatsError(f"{labels.size} subjects for {complete.size} pairs: give one of each")
    codes = np.asarray(pd.factorize(labels[complete])[0])
    if (codes < 0).any():
        raise StatsError("a pair has no subject: give one for each, or leave the pair out")
    return codes
