"""Scores of several networks or readers on the same images, as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bactools.stats.inputs import KEYS, FloatArray, Values, vector
from bactools.stats.result import StatsError

ByMethod = pd.DataFrame | xr.DataArray | Mapping[str, Values]
"""One column, one entry along ``method``, or one array per network or reader."""


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """One row per image, one column per network or reader.

    Attributes
    ----------
    values : float array, shape (image, method)
        NaN where a method has no score.
    methods : tuple of str
    keys : DataFrame
        What is known of each image; no column at all if nothing is.
    name, units : str
        What the score is; empty if unknown.
    """

    values: FloatArray
    methods: tuple[str, ...]
    keys: pd.DataFrame
    name: str = ""
    units: str = ""

    @property
    def subject(self) -> NDArray[np.intp] | None:
        """The woman of each image as an integer code from 0; None if unknown."""
        if "subject" not in self.keys:
            return None
        return np.asarray(pd.factorize(self.keys["subject"])[0])

    @property
    def points(self) -> pd.DataFrame:
        """Keys and scores side by side."""
        scores = pd.DataFrame(self.values, columns=list(self.methods))
        known = [name for name in self.keys if name not in self.methods]
        return pd.concat([self.keys[known], scores], axis=1)

    @classmethod
    def of(
        cls,
        scores: ByMethod,
        *,
        subject: Sequence[Any] | ArrayLike | None = None,
        keys: pd.DataFrame | None = None,
    ) -> ScoreTable:
        """Bring scores into one table.

        Parameters
        ----------
        scores : DataFrame, mapping of str to array, or DataArray
            A DataFrame has a row per image; its columns subject, view, date, exam and image_id are keys,
            every other one a method. The arrays of a mapping are of one shape; DataArrays in it are
            aligned by their coordinates, and what one lacks is missing there. A DataArray has a
            dimension ``method``; cells without any score are no images.
        subject : sequence, optional
            The woman of each image.
        keys : DataFrame, optional
            One row per image.

        Raises
        ------
        StatsError
            If there are fewer than two methods, shapes differ, or a woman is not named.
        """
        table = cls._read(scores)
        known = table.keys if keys is None else keys.reset_index(drop=True)
        if len(known) != len(table.values):
            raise StatsError(f"{len(known)} keys for {len(table.values)} images: give one of each")
        if subject is not None:
            named = np.asarray(subject, dtype=object).ravel()
            if named.size != len(known):
                raise StatsError(f"{named.size} subjects for {len(known)} images: give one of each")
            known = known.assign(subject=named)
        if len(table.methods) < 2:
            raise StatsError(f"{len(table.methods)} methods to compare: give two or more")
        if len(set(table.methods)) < len(table.methods):
            raise StatsError("two methods have one name: rename one")
        held = np.flatnonzero(~np.isnan(table.values).all(axis=1))
        known = known.iloc[held].reset_index(drop=True)
        if "subject" in known and known["subject"].isna().any():
            raise StatsError("an image has no subject: name one for each, or leave the image out")
        return cls(table.values[held], table.methods, known, table.name, table.units)

    @classmethod
    def _read(cls, scores: ByMethod) -> ScoreTable:
        if isinstance(scores, pd.DataFrame):
            return _of_frame(scores)
        if isinstance(scores, xr.DataArray):
            return _of_array(scores)
        given = [values for values in scores.values() if isinstance(values, xr.DataArray)]
        if given and len(given) == len(scores):
            return _of_array(_side_by_side(given, [str(name) for name in scores]))
        columns = {str(name): vector(values, name=str(name)) for name, values in scores.items()}
        sizes = {name: column.size for name, column in columns.items()}
        if len(set(sizes.values())) > 1:
            told = ", ".join(f"{name} {size}" for name, size in sizes.items())
            raise StatsError(f"numbers of scores differ: {told}; give one per image, NaN where there is none")
        values = np.column_stack(list(columns.values())) if columns else np.empty((0, 0))
        return cls(values, tuple(columns), pd.DataFrame(index=range(len(values))))


def _of_frame(scores: pd.DataFrame) -> ScoreTable:
    methods = [column for column in scores if column not in KEYS]
    columns = [vector(scores[column], name=str(column)) for column in methods]
    values = np.column_stack(columns) if columns else np.empty((len(scores), 0))
    keys = scores[[column for column in scores if column in KEYS]].reset_index(drop=True)
    return ScoreTable(values, tuple(map(str, methods)), keys)


def _of_array(scores: xr.DataArray) -> ScoreTable:
    if "method" not in scores.dims:
        raise StatsError(f"scores has dimensions {scores.dims}: one of them must be 'method'")
    ordered = scores.transpose("method", ...)
    values = np.column_stack([vector(part, name="scores") for part in ordered])
    methods = ordered["method"].values if "method" in ordered.coords else range(ordered.sizes["method"])
    first = ordered.isel(method=0, drop=True)
    known = {
        name: first.coords[name].broadcast_like(first).transpose(*first.dims).values.ravel()
        for name in KEYS
        if name in first.coords
    }
    keys = pd.DataFrame(known, index=range(len(values)))
    units = str(scores.attrs.get("units", ""))
    return ScoreTable(values, tuple(map(str, methods)), keys, str(scores.name or ""), units)


def _side_by_side(arrays: list[xr.DataArray], names: list[str]) -> xr.DataArray:
    """Return arrays along ``method``, what one lacks missing there; keys from whichever has them."""
    arrays = list(xr.align(*arrays, join="outer"))
    for key in KEYS:
        known = [array.coords[key] for array in arrays if key in array.coords and key not in array.indexes]
        for other in known[1:]:
            known[0] = known[0].combine_first(other)
        if known:
            arrays = [array.assign_coords({key: known[0]}) for array in arrays]
    joined: xr.DataArray = xr.concat(
        arrays, dim=pd.Index(names, name="method"), coords="minimal", compat="override"
    )
    return joined
