"""One woman's exam: its images, and what was measured of each."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd
import xarray as xr

from bactools.explore.film_strip import film_strip

HANGING = ("RCC", "LCC", "RMLO", "LMLO")
"""Views as they hang on a light box: her right on the viewer's left."""

NOT_COUNTED = {"repeat_view": "another image of the same view and day is counted"}
"""Why an image has no place in the cube, in words."""


def days_of(cube: xr.Dataset, subject: str) -> list[str]:
    """Return the days of a woman's exams, ISO 8601, the latest first."""
    strip = film_strip(cube, subject, str(cube["view"].values[0])) if cube.sizes["view"] else None
    return [] if strip is None else sorted(set(strip["date"]), reverse=True)


def exam_images(cube: xr.Dataset, subject: str, date: str, *metrics: str) -> pd.DataFrame:
    """Return the images of an exam as they hang.

    Parameters
    ----------
    cube : Dataset
        In the stored form.
    subject, date : str
        Date as ISO 8601.
    *metrics : str

    Returns
    -------
    DataFrame
        One row per view of `HANGING` that the cube has: ``subject``, ``view``, ``date``, ``image_id``
        (empty where there is no image) and the metrics.
    """
    held = [str(view) for view in cube["view"].values]
    rows = [film_strip(cube, subject, view, *metrics) for view in HANGING if view in held]
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["date"])
    return table[table["date"] == date].reset_index(drop=True)


def not_counted(images: pd.DataFrame, subject: str, date: str) -> pd.DataFrame:
    """Return the images of an exam that have no number in the cube: they failed, or are repeats.

    Parameters
    ----------
    images : DataFrame
        As `Source.images`.
    subject, date : str
        Date as ISO 8601.

    Returns
    -------
    DataFrame
        ``view``, ``image_id`` and ``told``: why, in words.
    """
    hers = _of_day(images, subject, date)
    if not {"status", "in_cube"} <= set(hers):
        return pd.DataFrame(columns=["view", "image_id", "told"])
    out = hers[(hers["status"] == "failed") | ~hers["in_cube"].astype(bool)]
    rows = [(row["view"], row["image_id"], _why(row)) for row in out.to_dict("records")]
    return pd.DataFrame(rows, columns=["view", "image_id", "told"], dtype=object)


def left_out(index: pd.DataFrame, subject: str, date: str) -> list[str]:
    """Return for what reasons files of an exam were not measured at all, in words with their number.

    Parameters
    ----------
    index : DataFrame
        As `Source.index`.
    subject, date : str
        Date as ISO 8601.
    """
    hers = _of_day(index, subject, date)
    if not {"eligible", "reason"} <= set(hers):
        return []
    counted = hers.loc[~hers["eligible"].astype(bool), "reason"].value_counts()
    return [f"{n} × {str(reason).replace('_', ' ')}" for reason, n in counted.items()]


def _of_day(table: pd.DataFrame, subject: str, date: str) -> pd.DataFrame:
    hers = table[table["subject"] == subject]
    days = pd.to_datetime(hers["date"], errors="coerce").dt.strftime("%Y-%m-%d")
    return hers[days == date]


def _why(row: dict[Hashable, Any]) -> str:
    if row["status"] == "failed":
        message = str(row.get("failure_message") or row.get("failure") or "for a reason not stated")
        return f"not measured: {message}"
    reason = str(row.get("not_in_cube_reason") or "")
    return f"not counted: {NOT_COUNTED.get(reason, reason.replace('_', ' ') or 'for a reason not stated')}"
