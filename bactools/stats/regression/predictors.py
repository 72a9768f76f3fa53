"""What goes into a regression: x, y and what else predicts, weighs or nests them, aligned and complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from bactools.stats.inputs import FloatArray, Pairs, Values, vector
from bactools.stats.result import StatsError


@dataclass(frozen=True, eq=False)
class Predictors:
    """Complete observations of a regression.

    Attributes
    ----------
    pairs : Pairs
        x as ``a``, y as ``b``.
    covariates : float array, shape (pair, covariate)
    names : tuple of str
        Of the covariates.
    weights : float array, shape (pair,)
        1 if none were given.
    nests : DataFrame
        The keys of the pairs, with a column ``breast`` if it was given.
    units : (str, str)
        Of x and y.
    """

    pairs: Pairs
    covariates: FloatArray
    names: tuple[str, ...]
    weights: FloatArray
    nests: pd.DataFrame
    units: tuple[str, str]

    @classmethod
    def of(
        cls,
        x: Values,
        y: Values,
        *,
        covariates: Mapping[str, Values] | pd.DataFrame | None,
        weights: Values | None,
        breast: Sequence[Any] | ArrayLike | None,
        subject: Sequence[Any] | ArrayLike | None,
        keys: pd.DataFrame | None,
        names: tuple[str, str] | None,
        units: str | tuple[str, str] | None,
    ) -> Predictors:
        """Align everything and keep the observations that are complete.

        Raises
        ------
        StatsError
            If shapes differ, a value is not a number, a weight is not above 0, or a covariate has the
            name of x.
        """
        names = names or own_names(x, y)
        units = (units, units) if isinstance(units, str) else units or (_units(x), _units(y))
        if isinstance(x, xr.DataArray) and isinstance(y, xr.DataArray):
            x, y = (part.compute() for part in xr.broadcast(*xr.align(x, y, join="inner")))
        given = {str(name): values for name, values in ({} if covariates is None else covariates).items()}
        if names[0] in given or "intercept" in given:
            taken = names[0] if names[0] in given else "intercept"
            raise StatsError(f"covariate {taken!r} has a name that is taken: rename it")
        held = [_spread(values, x, name=f"covariate {name}") for name, values in given.items()]
        weight = np.ones(np.size(x)) if weights is None else _spread(weights, x, name="weights")
        if (weight <= 0).any():
            raise StatsError("a weight is not above 0: leave such pairs out, or give it NaN")
        lacking = np.isnan(weight)
        for column in held:
            lacking = lacking | np.isnan(column)
        y = _without(y, lacking)
        complete = ~(np.isnan(vector(x, name="x")) | np.isnan(vector(y, name="y")))
        pairs = Pairs.of(x, y, subject=subject, keys=keys, names=names, units=units[0])
        nests = pairs.keys
        if breast is not None:
            side = np.asarray(breast, dtype=object).ravel()
            if side.size != complete.size:
                raise StatsError(f"{side.size} breasts for {complete.size} pairs: give one of each")
            nests = nests.assign(breast=side[complete])
        columns = np.column_stack(held)[complete] if held else np.empty((len(pairs), 0))
        return cls(pairs, columns, tuple(given), weight[complete], nests, units)


def own_names(x: Values, y: Values) -> tuple[str, str]:
    """Return what x and y are called by themselves; "x" and "y" if they do not say or say the same."""
    first, second = (str(getattr(values, "name", None) or "") for values in (x, y))
    return (first, second) if first and second and first != second else ("x", "y")


def _units(values: Values) -> str:
    return str(values.attrs.get("units", "")) if isinstance(values, xr.DataArray) else ""


def _spread(values: Values, x: Values, *, name: str) -> FloatArray:
    """Return one value per element of x; a DataArray finds its place by its coordinates."""
    if isinstance(values, xr.DataArray) and isinstance(x, xr.DataArray):
        foreign = [str(dim) for dim in values.dims if dim not in x.dims]
        if foreign:
            raise StatsError(f"{name} has the dimension {foreign[0]}, which x has not: select one of it")
        values = values.reindex_like(x).broadcast_like(x).transpose(*x.dims)
    found = vector(values, name=name)
    if found.size != np.size(x):
        raise StatsError(f"{name} has {found.size} values, x {np.size(x)}: give one for each")
    return found


def _without(y: Values, lacking: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Values:
    """Return y with NaN where something else is missing, so that the pair is left out."""
    if not lacking.any():
        return y
    if isinstance(y, xr.DataArray):
        return y.where(~lacking.reshape(y.shape))
    values = np.asarray(y)
    cleared: FloatArray = np.where(lacking.reshape(values.shape), np.nan, values.astype(np.float64))
    return cleared
