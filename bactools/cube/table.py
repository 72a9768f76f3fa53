"""The long table: one row per image, for statsmodels, pingouin, R, DuckDB and spreadsheets."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bactools import metrics
from bactools.conventions import STATUS
from bactools.cube.layout import require_status

Form = Literal["csv", "parquet"]
_FIRST = ("subject", "view", "date", "exam", "image_id", "status", "vendor")
_BEFORE_METRICS = ("breast_area", "spacing_detector_mm", "spacing_corrected_mm")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_table(cube: xr.Dataset) -> pd.DataFrame:
    """Turn a cube into a long table.

    Parameters
    ----------
    cube : Dataset
        In either form, with ``status``; also a part of one, such as ``cube.sel(subject="S003")``.

    Returns
    -------
    DataFrame
        One row per image, done or failed, ordered by subject, date and view: subject, view, date,
        exam, image_id, status, vendor, breast area, spacings, the metrics in registry order, then
        all else. Covariates are repeated on every row, and so is what must be said of the weights.
        A paired cube has a first column ``method``.
        Joint histograms stay in the cube.

    Raises
    ------
    ValueError
        If there is no ``status`` to tell an image from an empty cell.
    """
    require_status(cube)
    if "method" in cube.dims:
        tables = {name: to_table(cube.sel({"method": name}, drop=True)) for name in cube["method"].values}
        stacked: pd.DataFrame = pd.concat(tables, names=["method"])
        return stacked.reset_index("method").reset_index(drop=True)
    cube = cube.drop_vars("joint_histogram", errors="ignore")
    present, index = _images(cube["status"])
    columns: dict[str, NDArray[Any]] = {}
    for name, variable in cube.variables.items():
        if set(variable.dims) <= set(index):
            values = variable.values[tuple(index[str(dim)] for dim in variable.dims)]
            columns[str(name)] = np.broadcast_to(values, present)
    table = pd.DataFrame(columns)
    table["status"] = table["status"].map(STATUS).astype(object)
    if cube.attrs.get("weights_note"):
        table["weights_note"] = cube.attrs["weights_note"]
    order = [*_FIRST, *_BEFORE_METRICS, *metrics.METRICS]
    order = [name for name in dict.fromkeys(order) if name in table]
    return table[[*order, *(name for name in table if name not in order)]]


def _images(status: xr.DataArray) -> tuple[int, dict[str, NDArray[np.intp]]]:
    """Return how many cells hold an image, and their positions on every dimension there is."""
    dims = [dim for dim in ("subject", "date", "exam", "view") if dim in status.dims]
    positions = np.nonzero(np.atleast_1d(status.transpose(*dims).values))
    return len(positions[0]), dict(zip(dims, positions, strict=False))


def write_table(table: pd.DataFrame, target: str | Path, *, form: Form | None = None) -> None:
    """Write a table as CSV or parquet.

    Parameters
    ----------
    table : DataFrame
        Such as from `to_table`.
    target : str or Path
        A file, replaced only when the new one is complete; or ``"-"`` for standard output.
    form : {"csv", "parquet"}, optional
        By default the file's suffix says; CSV on standard output.

    Raises
    ------
    ValueError
        If the form cannot be told.

    Notes
    -----
    Dates are ISO 8601. CSV text that a spreadsheet would run as a formula (beginning with = + - @,
    tab or carriage return) gets a leading quote, and carriage returns become spaces; numbers are
    left alone.
    """
    chosen = form or ("csv" if str(target) == "-" else Path(target).suffix.lower().removeprefix("."))
    if chosen not in ("csv", "parquet"):
        raise ValueError(f"cannot write a table as {chosen!r}: name the file .csv or .parquet, or give form=")
    content = csv_bytes(table) if chosen == "csv" else table.to_parquet(None, index=False)
    if str(target) == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    target = Path(target)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as CSV, see `write_table`."""
    safe = table.rename(columns=_neutral)
    for position, dtype in enumerate(safe.dtypes):
        if not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype)):
            text = safe.iloc[:, position].astype(object).map(_neutral)
            safe.isetitem(position, text.to_numpy(dtype=object))
    return safe.to_csv(None, index=False, date_format="%Y-%m-%d", lineterminator="\n").encode()


def _neutral(value: Any) -> Any:
    """Return text with a leading quote where a spreadsheet would take it for a formula."""
    if not isinstance(value, str):
        return value
    return ("'" if value.startswith(_FORMULA) else "") + value.replace("\r", " ")
