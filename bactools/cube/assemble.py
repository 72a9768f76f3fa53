"""Rows to cube: one row per image in, the stored form on (subject, view, exam) out."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from dask.array import Array, concatenate, from_delayed
from dask.delayed import delayed
from numpy.typing import NDArray

from bactools import metrics
from bactools.conventions import (
    CONVENTIONS,
    INTENSITIES,
    PROBABILITY_BINS,
    STATUS,
    STORED_DIMS,
    VIEWS,
    Variable,
    is_subject,
)
from bactools.cube.layout import Layout, lay_out

Histograms = Mapping[str, NDArray[np.integer] | None]

REQUIRED = ("image_id", "subject", "view", "date", "status")
PROVENANCE: tuple[Variable, ...] = (
    Variable("image_id", "1", "Key of the image in the study's index.", dtype="object"),
    Variable("vendor", "1", "Manufacturer of the mammography unit.", dtype="object"),
    Variable("flags", "1", "What the index remarked about the image.", dtype="object"),
    Variable("spacing_detector_mm", "mm", "Distance between pixels in the detector plane."),
    Variable("spacing_corrected_mm", "mm", "Distance between pixels, corrected for magnification."),
    Variable("magnification", "1", "Magnification that the header estimates."),
    Variable("analysis_spacing_mm", "mm", "Distance at the detector between the pixels that were counted."),
    Variable("scaling", "1", "How stored values became 8-bit grey.", dtype="object"),
    Variable("age", "year", "Age on the day of the exam; 90 stands for 90 and older."),
    Variable("failure", "1", "Code of what went wrong; empty for a measured image.", dtype="object"),
)
"""Where a number came from; carried beside the metrics."""

HISTOGRAM_DIMS = (*STORED_DIMS, "probability_bin", "intensity")
HISTOGRAM_ATTRS = {"units": "1", "long_name": "Pixels by calcification probability and grey level."}
_BLOCK_BYTES = 32 * 2**20
_LAST_CHOICES = ("implant_displaced", "synthesized", "for_processing")


def assemble(
    rows: pd.DataFrame, histograms: Histograms | None = None, *, attrs: Mapping[str, Any] | None = None
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Build the stored cube from result rows.

    Parameters
    ----------
    rows : DataFrame
        One row per image with columns image_id, subject, view, date, status (``"done"`` or
        ``"failed"``); and, where known, the columns of `PROVENANCE`, acquisition_time,
        implant_displaced, synthesized, for_processing, and any metrics. A table without rows may
        lack any of them.
    histograms : mapping of image_id to integer array, shape (100, 256), optional
        Joint histograms. Asked for block by block when the cube is written or computed, so a
        mapping that reads from disk keeps memory bounded. None for an image: no counts.
    attrs : mapping, optional
        Attributes of the cube, such as recipe and versions.

    Returns
    -------
    cube : Dataset
        On (subject, view, exam) with ``date`` (subject, exam). Metrics are NaN where there is no
        image or it failed, and zero only for an image without calcification. ``status`` tells which.
        ``joint_histogram`` is lazy, uint32.
    rows : DataFrame
        The rows given, with ``in_cube`` (bool) and ``not_in_cube_reason``: ``""``, ``"repeat_view"``,
        ``"other_view"`` or ``"no_date"``.

    Raises
    ------
    ValueError
        If columns are missing, an image_id occurs twice, or a subject or status is not allowed.

    Notes
    -----
    One image per subject, view and day. Of several the cube takes a done one before a failed one,
    then one that is not implant-displaced, then not synthesized, then not for processing, then the
    latest acquisition_time, then the largest image_id; the others are ``"repeat_view"``. The order
    of the rows never matters.
    """
    if rows.empty:
        names = (*REQUIRED, *(variable.name for variable in (*PROVENANCE, *metrics.variables())))
        rows = rows.reindex(columns=list(dict.fromkeys((*rows.columns, *names))))
    _check(rows)
    reasons = _reasons(rows.reset_index(drop=True))
    chosen = rows[reasons == ""]
    layout = lay_out(chosen["subject"], chosen["view"], _days(chosen))
    done = (chosen["status"] == "done").to_numpy(dtype=bool)
    cube = xr.Dataset(coords=layout.coords, attrs={"Conventions": CONVENTIONS, **(attrs or {})})
    cube["status"] = _status(layout, done)
    for variable in (*PROVENANCE, *metrics.variables()):
        if variable.name in chosen:
            values = _column(chosen, variable)
            if variable not in PROVENANCE:
                values = np.where(done, values, np.nan)
            cube[variable.name] = (STORED_DIMS, layout.place(values), variable.attrs)
    if histograms is not None:
        measured = chosen["image_id"].to_numpy(dtype=object)[done]
        ids = _only(layout, done).place(measured)
        cube["joint_histogram"] = (HISTOGRAM_DIMS, _lazy_histograms(ids, histograms), HISTOGRAM_ATTRS)
    return cube, rows.assign(in_cube=reasons == "", not_in_cube_reason=reasons)


def _check(rows: pd.DataFrame) -> None:
    missing = [name for name in REQUIRED if name not in rows]
    if missing:
        raise ValueError(f"rows lack the columns {', '.join(missing)}")
    repeated = int(rows["image_id"].duplicated().sum())
    if repeated:
        raise ValueError(f"{repeated} rows repeat an image_id: give one row per image")
    strange = sum(not is_subject(subject) for subject in rows["subject"].unique())
    if strange:
        raise ValueError(
            f"{strange} subjects are no pseudonyms: use letters, digits, '.', '_' or '-', at most 64"
        )
    unknown = sorted(set(rows["status"].astype(str)) - {"done", "failed"})
    if unknown:
        raise ValueError(f"row status {unknown[0]!r}: use 'done' or 'failed'")


def _days(rows: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    return pd.to_datetime(rows["date"], errors="coerce").dt.normalize()


def _reasons(rows: pd.DataFrame) -> NDArray[np.object_]:
    """Say for every row why it is not in the cube; empty for those that are (index 0 to n - 1)."""
    days = _days(rows)
    reasons = np.full(len(rows), "", dtype=object)
    reasons[~rows["view"].isin(VIEWS).to_numpy(dtype=bool)] = "other_view"
    reasons[days.isna().to_numpy(dtype=bool)] = "no_date"
    preference = _preference(rows)[reasons == ""]
    order = preference.sort_values(list(preference)).index
    keys = pd.DataFrame({"subject": rows["subject"], "view": rows["view"], "day": days}).loc[order]
    reasons[order[keys.duplicated(keep="last").to_numpy(dtype=bool)]] = "repeat_view"
    return reasons


def _preference(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the keys by which one of several images for a cell is taken: the last when sorted."""
    preference: dict[str, Any] = {"done": rows["status"] == "done"}
    for name in _LAST_CHOICES:
        if name in rows:
            preference[name] = ~rows[name].astype("boolean").fillna(False).astype(bool)
    if "acquisition_time" in rows:
        preference["time"] = rows["acquisition_time"].astype("string").fillna("")
    preference["image_id"] = rows["image_id"].astype(str)
    return pd.DataFrame(preference, index=rows.index)


def _only(layout: Layout, rows: NDArray[np.bool_]) -> Layout:
    """Return the same axes for some of the rows."""
    return Layout(layout.subjects, layout.views, layout.dates, tuple(cell[rows] for cell in layout.cells))


def _status(layout: Layout, done: NDArray[np.bool_]) -> xr.Variable:
    codes = {meaning: code for code, meaning in STATUS.items()}
    values = np.where(done, codes["done"], codes["failed"]).astype(np.int8)
    attrs = {
        "long_name": "Whether the cell holds an image, and whether it was measured.",
        "flag_values": list(STATUS),
        "flag_meanings": " ".join(STATUS.values()),
    }
    return xr.Variable(STORED_DIMS, layout.place(values), attrs)


def _column(rows: pd.DataFrame, variable: Variable) -> NDArray[Any]:
    column = rows[variable.name]
    if variable.dtype == "object":
        return column.astype(object).where(column.notna(), "").astype(str).to_numpy(dtype=object)
    return pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)


def _lazy_histograms(ids: NDArray[np.object_], histograms: Histograms) -> Array:
    """Return the histograms as a lazy array, chunked by subject so that a chunk stays near 32 MiB."""
    size = PROBABILITY_BINS * INTENSITIES * np.dtype(np.uint32).itemsize
    step = max(1, _BLOCK_BYTES // max(1, size * ids[:1].size))
    blocks = []
    for start in range(0, max(1, len(ids)), step):
        part = ids[start : start + step]
        # Held in a partial, the mapping is neither walked through nor hashed by dask.
        task = delayed(functools.partial(_fill, part, histograms), pure=False, traverse=False)()
        shape = (*part.shape, PROBABILITY_BINS, INTENSITIES)
        blocks.append(from_delayed(task, shape=shape, dtype=np.uint32))  # type: ignore[no-untyped-call]
    lazy: Array = concatenate(blocks)  # type: ignore[no-untyped-call]
    return lazy


def _fill(ids: NDArray[np.object_], histograms: Histograms) -> NDArray[np.uint32]:
    """Return the counts of a block of cells, zero where there is no measured image."""
    block = np.zeros((*ids.shape, PROBABILITY_BINS, INTENSITIES), dtype=np.uint32)
    for cell in zip(*np.nonzero(ids != ""), strict=True):
        counts = histograms.get(ids[cell])
        if counts is None:
            continue
        if counts.shape != block.shape[3:] or counts.min() < 0 or counts.max() > np.iinfo(np.uint32).max:
            raise ValueError(
                f"a joint histogram is not {block.shape[3:]} counts below 2**32: shape {counts.shape}"
            )
        block[cell] = counts
    return block
