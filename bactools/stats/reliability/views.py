"""A metric by view, from a cube or a table."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from bactools.conventions import VIEWS
from bactools.stats.result import StatsError


def on_views(values: xr.DataArray | xr.Dataset | pd.DataFrame, metric: str | None) -> xr.DataArray:
    """Return a metric in memory on (subject, exam or date, view).

    Parameters
    ----------
    values : DataArray, Dataset or DataFrame
        A metric by image; a cube; or a table with columns subject, view, date (or exam) and the metric.
    metric : str or None
        Needed unless a DataArray is given.

    Returns
    -------
    DataArray
        With the coordinates subject and view; a single exam is an axis of length one. Views other than
        the four standard ones are left out.

    Raises
    ------
    StatsError
        If a dimension, column or all views are missing, or an image occurs twice in a table.
    """
    if not isinstance(values, xr.DataArray):
        if metric is None:
            raise StatsError("no metric: say which one, such as 'tam_100'")
        if isinstance(values, pd.DataFrame):
            values = _of_table(values, metric)
        elif metric in values:
            values = values[metric]
        else:
            raise StatsError(f"the cube has no {metric!r}: choose one of its variables per image")
    array = values
    for dim in ("subject", "view"):
        if dim not in array.coords:
            raise StatsError(f"the metric has no {dim}: give an array on (subject, view, exam)")
        if dim not in array.dims:
            array = array.expand_dims(dim)
    if "exam" not in array.dims and "date" not in array.dims:
        array = array.expand_dims("date" if array.coords.get("date", array).ndim == 0 else "exam")
    axis = "exam" if "exam" in array.dims else "date"
    if set(array.dims) != {"subject", "view", axis}:
        raise StatsError(f"a metric on {tuple(map(str, array.dims))}: give one on (subject, view, exam)")
    known = [view for view in VIEWS if view in array["view"].values]
    if not known:
        raise StatsError(f"none of the views is one of {', '.join(VIEWS)}")
    return array.sel(view=known).transpose("subject", axis, "view").astype("float64").compute()


def _of_table(table: pd.DataFrame, metric: str) -> xr.DataArray:
    axis = "date" if "date" in table else "exam"
    for column in ("subject", "view", axis, metric):
        if column not in table:
            raise StatsError(
                f"the table has no column {column!r}: it needs subject, view, date and the metric"
            )
    keys = ["subject", axis, "view"]
    twice = table.loc[table.duplicated(keys)]
    if len(twice):
        first = ", ".join(str(twice.iloc[0][key])[:64] for key in keys)
        raise StatsError(f"an image occurs twice ({first}): keep one of each subject, view and {axis}")
    return xr.DataArray(table.set_index(keys)[metric].to_xarray())
