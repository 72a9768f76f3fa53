"""One woman's images by exam, with what was measured of each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr


def views_of(cube: xr.Dataset) -> list[str]:
    """Return the views of a cube, MLO before CC: these show more of the arteries."""
    held = [str(view) for view in cube["view"].values]
    return sorted(held, key=lambda view: "MLO" not in view)


def women(cube: xr.Dataset, *, most: int = 2_000) -> list[str]:
    """Return the women of a cube, by name; the first ones of very many."""
    return [str(subject) for subject in cube["subject"].values[:most]]


def film_strip(cube: xr.Dataset, subject: str, view: str, *metrics: str) -> pd.DataFrame:
    """Return a woman's images of one view.

    Parameters
    ----------
    cube : Dataset
        In the stored form.
    subject, view : str
    *metrics : str
        Further variables per image.

    Returns
    -------
    DataFrame
        One row per exam, by date: ``subject``, ``view``, ``date`` as ISO 8601, ``image_id`` (empty where
        there is no such image) and the metrics. Empty if there is no such woman or view.
    """
    columns = ["subject", "view", "date", "image_id", *metrics]
    row = cube["subject"].to_index().get_indexer(pd.Index([subject], dtype=object))[0]
    place = cube["view"].to_index().get_indexer(pd.Index([view], dtype=object))[0]
    if row < 0 or place < 0:
        return pd.DataFrame(columns=columns)
    hers = cube.isel(subject=row)
    days = hers["date"].values
    held = np.flatnonzero(~np.isnat(days))
    image = hers.isel(view=place).isel(exam=held)
    names = image["image_id"].values if "image_id" in image else np.full(len(held), "", dtype=object)
    there = image["status"].values != 0
    known = [str(name) if have and name else "" for name, have in zip(names, there, strict=True)]
    when = days[held].astype("datetime64[D]").astype(str)
    table = pd.DataFrame({"subject": subject, "view": view, "date": when, "image_id": known})
    for name in metrics:
        table[name] = np.asarray(image[name].values, dtype=np.float64)
    return table.sort_values("date", ignore_index=True)
