"""Ratings of the same targets by several raters, made into a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bactools.stats.inputs import FloatArray, Values, vector
from bactools.stats.result import StatsError


@dataclass(frozen=True, eq=False)
class Ratings:
    """Targets rated by all raters.

    Attributes
    ----------
    values : float array, shape (target, rater)
    woman : integer array, shape (target,)
        Code of the woman each target is of, from 0.
    names : tuple of str
        The raters.
    n_dropped : int
        Targets left out because a rating is missing.
    """

    values: FloatArray
    woman: NDArray[np.intp]
    names: tuple[str, ...]
    n_dropped: int

    @property
    def n(self) -> int:
        """Targets."""
        return len(self.values)

    @property
    def n_subjects(self) -> int:
        """Women."""
        return int(self.woman.max(initial=-1)) + 1

    @property
    def repeated(self) -> bool:
        """Whether a woman has more than one target."""
        return self.n_subjects < self.n

    @classmethod
    def of(
        cls,
        values: Values | pd.DataFrame,
        *,
        rater: str | Sequence[Any] | ArrayLike | None,
        target: Sequence[Any] | ArrayLike | None,
        subject: Sequence[Any] | ArrayLike | None,
    ) -> Ratings:
        """Arrange ratings; see `bactools.stats.reliability.intraclass.icc` for what may be given.

        Raises
        ------
        StatsError
            If a target is rated twice by one rater, or values cannot be arranged.
        """
        if isinstance(values, xr.DataArray) and isinstance(rater, str):
            matrix, names, woman = _of_cube(values, rater)
            woman = woman if subject is None else np.asarray(subject, dtype=object).ravel()
        elif isinstance(rater, str):
            raise StatsError(
                f"rater={rater!r} names a dimension: give a DataArray, or the rater of each value"
            )
        elif rater is not None:
            matrix, names, woman = _of_vector(values, rater, target, subject)
        else:
            matrix, names, woman = _of_matrix(values, subject)
        if woman.size != len(matrix):
            raise StatsError(f"{woman.size} subjects for {len(matrix)} targets: give one of each")
        # a target that nobody rated is an empty cell, not a loss
        rated = ~np.isnan(matrix).all(axis=1)
        complete = ~np.isnan(matrix).any(axis=1)
        woman = woman[complete]
        if pd.isna(woman).any():
            raise StatsError("a target has no subject: give one for each, or leave it out")
        codes = np.asarray(pd.factorize(woman)[0])
        return cls(matrix[complete], codes, names, int((rated & ~complete).sum()))


_Arranged = tuple[FloatArray, tuple[str, ...], NDArray[Any]]


def _of_cube(values: xr.DataArray, rater: str) -> _Arranged:
    if rater not in values.dims:
        raise StatsError(f"no dimension {rater!r}: choose one of {', '.join(map(repr, values.dims))}")
    ordered = values.transpose(..., rater)
    k = ordered.sizes[rater]
    matrix = vector(ordered, name="values").reshape(-1, k)
    names = ordered[rater].values if rater in ordered.coords else np.arange(k)
    woman = np.arange(len(matrix), dtype=object)
    if "subject" in ordered.coords and rater != "subject":
        template = ordered.isel({rater: 0}, drop=True)
        spread = template.coords["subject"].broadcast_like(template).transpose(*template.dims)
        woman = spread.values.astype(object).ravel()
    return matrix, tuple(str(name) for name in names), woman


def _of_matrix(values: Values | pd.DataFrame, subject: Any) -> _Arranged:
    if isinstance(values, xr.DataArray) and "subject" in values.dims:
        values = values.transpose("subject", ...)
    shape = np.shape(values)
    if len(shape) != 2:
        raise StatsError(
            f"values of shape {shape}: give (target, rater), or rater= and target= with a vector"
        )
    columns = values.columns if isinstance(values, pd.DataFrame) else range(shape[1])
    woman = np.arange(shape[0]) if subject is None else np.asarray(subject, dtype=object).ravel()
    # a table of numbers is an array to everything that follows
    matrix = vector(np.asarray(values), name="values").reshape(shape)
    return matrix, tuple(str(name) for name in columns), woman.astype(object)


def _of_vector(values: Values | pd.DataFrame, rater: Any, target: Any, subject: Any) -> _Arranged:
    if target is None and subject is None:
        raise StatsError("no target: say what each value is a rating of with target= or subject=")
    flat = vector(np.asarray(values), name="values")
    given = {"rater": rater, "target": subject if target is None else target}
    given["woman"] = given["target"] if subject is None else subject
    table = pd.DataFrame({"value": flat})
    for name, column in given.items():
        labels = np.asarray(column, dtype=object).ravel()
        if labels.size != flat.size:
            raise StatsError(f"{labels.size} labels of {name} for {flat.size} values: give one of each")
        if pd.isna(labels).any():
            raise StatsError(f"a value has no {name}: give one for each, or leave it out")
        table[name] = labels
    if table.duplicated(["woman", "target", "rater"]).any():
        twice = table.loc[table.duplicated(["woman", "target", "rater"])].iloc[0]
        raise StatsError(
            f"target {str(twice['target'])[:64]} is rated more than once by rater {str(twice['rater'])[:64]}:"
            " average its ratings, or give every repeat a target of its own"
        )
    wide = table.pivot(index=["woman", "target"], columns="rater", values="value")
    woman = wide.index.get_level_values("woman").to_numpy(dtype=object)
    return wide.to_numpy(dtype=np.float64), tuple(str(name) for name in wide.columns), woman
