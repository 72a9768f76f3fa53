"""A metric of a cube beside another measurement of the same images, joined by subject, view and date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bactools.cube import to_table
from bactools.stats.result import StatsError

Against = xr.Dataset | xr.DataArray | pd.DataFrame | str
"""A second cube, an array, a table with subject, view and date, or the name of a variable of the cube."""

_KEY = ["subject", "view", "date"]
_KNOWN = (*_KEY, "exam", "image_id")


@dataclass(frozen=True, eq=False)
class Joined:
    """Two measurements of the same images, missing ones included.

    Attributes
    ----------
    a, b : Series
        One value per image; NaN where one is missing.
    keys : DataFrame
        subject, view, date, exam, image_id of each.
    covariates : DataFrame
        Further variables of the cube, one row per image.
    names : (str, str)
    units : str
    note : str
        What must be said of the weights behind the numbers.
    """

    a: pd.Series
    b: pd.Series
    keys: pd.DataFrame
    covariates: pd.DataFrame
    names: tuple[str, str]
    units: str
    note: str

    def options(self) -> dict[str, Any]:
        """Return what `agreement` and `regression` want to know beside the values."""
        return {"keys": self.keys, "names": self.names, "units": self.units}

    def turned(self) -> dict[str, Any]:
        """Return the same for b first: the other measurement on the x axis."""
        return self.options() | {"names": self.names[::-1]}


def joined(
    cube: xr.Dataset,
    metric: str,
    against: Against,
    *,
    covariates: Sequence[str] = (),
    names: tuple[str, str] | None = None,
) -> Joined:
    """Find the images that a cube and another source both have.

    Parameters
    ----------
    cube : Dataset
        In either form, with ``status``.
    metric : str
        A variable per image.
    against : Dataset, DataArray, DataFrame or str
        Of a cube the same metric. An array has subject, view and dates as coordinates. Of a table the
        column of the metric's name, or that name with ``_truth``, as `bactools.evaluate` writes. A
        string names another variable of the same cube.
    covariates : sequence of str
        Further variables of the cube to bring along.
    names : (str, str), optional
        What the two are called.

    Returns
    -------
    Joined
        Images that only one of the two has are left out.

    Raises
    ------
    StatsError
        If something is missing, or an image stands twice in `against`.
    """
    if isinstance(against, str):
        # the same images: nothing to look for
        both = _images(cube, metric, also=[against, *covariates])
        return _joined(
            both.assign(other=both[against]), cube, metric, covariates, names or (metric, against), ""
        )
    ours = _images(cube, metric, also=covariates)
    if isinstance(against, xr.Dataset):
        theirs, name = _images(against, metric), f"{metric} of the other cube"
    elif isinstance(against, xr.DataArray):
        theirs, name = _cells(against), str(against.name or "the other")
    else:
        theirs, name = _column(against, metric)
    if theirs.duplicated(_KEY).any():
        first = theirs.loc[theirs.duplicated(_KEY), _KEY].iloc[0]
        where = f"{str(first['subject'])[:64]}, {str(first['view'])[:8]}, {first['date']:%Y-%m-%d}"
        raise StatsError(f"what to compare with has two values for one image ({where}): leave one out")
    both = ours.merge(theirs.rename(columns={"value": "other"})[[*_KEY, "other"]], on=_KEY)
    note = str(against.attrs.get("weights_note", "")) if isinstance(against, xr.Dataset) else ""
    return _joined(both, cube, metric, covariates, names or (metric, name), note)


def _joined(
    both: pd.DataFrame,
    cube: xr.Dataset,
    metric: str,
    covariates: Sequence[str],
    names: tuple[str, str],
    note: str,
) -> Joined:
    notes = sorted({str(told) for told in (cube.attrs.get("weights_note"), note) if told})
    return Joined(
        both["value"],
        both["other"],
        both[[name for name in _KNOWN if name in both]],
        both[list(covariates)],
        names,
        str(cube[metric].attrs.get("units", "1")),
        "; ".join(notes),
    )


def _images(cube: xr.Dataset, name: str, *, also: Sequence[str] = ()) -> pd.DataFrame:
    """Return one row per image of a cube with ``value``."""
    for missing in (asked for asked in (name, "status", *also) if asked not in cube):
        known = ", ".join(str(known) for known, array in cube.data_vars.items() if "view" in array.dims)
        raise StatsError(f"the cube has no {missing!r}: its variables per image are {known}")
    kept = dict.fromkeys(known for known in ("status", "image_id", name, *also) if known in cube)
    table = to_table(cube[list(kept)])
    if not set(_KEY) <= set(table):
        lost = ", ".join(sorted(set(_KEY) - set(table)))
        raise StatsError(f"the cube has lost its {lost}: keep it, for example with cube.sel(subject=[…])")
    return _clean(table.assign(value=table[name]))


def _cells(array: xr.DataArray) -> pd.DataFrame:
    """Return one row per element of an array that is not NaN."""
    if not set(_KEY) <= set(array.coords):
        raise StatsError(
            "an array to compare with needs the coordinates subject, view and date, as a cube's have"
        )
    shape = xr.broadcast(array)[0]
    columns = {
        name: array.coords[name].broadcast_like(shape).transpose(*shape.dims).values.ravel() for name in _KEY
    }
    table = pd.DataFrame({**columns, "value": np.asarray(shape.values, dtype=np.float64).ravel()})
    return _clean(table[table["value"].notna()])


def _column(table: pd.DataFrame, metric: str) -> tuple[pd.DataFrame, str]:
    missing = [name for name in _KEY if name not in table]
    if missing:
        raise StatsError(f"the table to compare with has no column {missing[0]!r}")
    found = [name for name in (f"{metric}_truth", metric) if name in table]
    if not found:
        raise StatsError(f"the table to compare with has no column {metric!r} or '{metric}_truth'")
    chosen = table[[*_KEY, found[0]]].rename(columns={found[0]: "value"})
    return _clean(chosen[chosen["value"].notna()]), found[0]


def _clean(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with keys of one type, and without failed images' empty dates."""
    try:
        dates = pd.to_datetime(table["date"]).dt.normalize().astype("datetime64[ns]")
    except (ValueError, TypeError):
        raise StatsError("a date of what to compare with cannot be read: write 2014-05-02") from None
    return table.assign(
        subject=table["subject"].astype(object), view=table["view"].astype(object), date=dates
    )
