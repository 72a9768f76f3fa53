"""One woman's exam: its images, and what was measured of each."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from bactools.explore.film_strip import film_strip

HANGING = ("RCC", "LCC", "RMLO", "LMLO")
"""Views as they hang on a light box: her right on the viewer's left."""


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
