"""A study folder of made-up measurements, as a run would have left it, but without images or maps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bactools.cube import write_cube
from bactools.recipe import PRESETS
from bactools.study import Study, create_study
from bactools.testing.cube import simulate_cube

_NOTE = "simulated numbers, for tests and documentation"

HAZARD_RATIOS = {"log2 of 1 + true_start / 0.001": 1.8, "ten years of age": 1.8}
"""Of the event that `with_outcomes` adds."""


def simulate_study(
    folder: Path | str, n_subject: int = 20, *, excluded: int = 7, outcomes: bool = False, **options: Any
) -> Study:
    """Write a study whose cube is simulated.

    Parameters
    ----------
    folder : path
        New or empty.
    n_subject : int
    excluded : int
        Files that the index has excluded.
    outcomes : bool
        Whether women have an outcome too, see `with_outcomes`.
    **options
        Of `simulate_cube`.

    Returns
    -------
    Study
        With cube, index and table of images; there are no maps and no images to go back to.
    """
    weights = {"name": "simulated", "sha256": "0" * 64, "output": "probability", "note": _NOTE}
    study = create_study(folder, PRESETS["default"], weights, maps="none")
    cube = simulate_cube(n_subject, **options)
    cube = with_outcomes(cube) if outcomes else cube
    write_cube(cube, study.folder / "cube.zarr")
    s, v, e = np.nonzero(cube["status"].transpose("subject", "view", "exam").values)
    images = pd.DataFrame(
        {
            "image_id": cube["image_id"].values[s, v, e],
            "subject": cube["subject"].values[s],
            "view": cube["view"].values[v],
            "date": cube["date"].values[s, e],
            "status": "done",
            "failure": "",
            "failure_message": "",
            "in_cube": True,
            "cube_note": "",
            "seconds": 1.0,
        }
    )
    images.to_parquet(study.folder / "images.parquet", index=False)
    seen = images[["image_id", "subject", "view", "date"]].assign(
        eligible=True, reason="", manufacturer=cube["vendor"].values[s, v, e]
    )
    out = (
        seen.head(excluded).assign(
            image_id=[f"x{number:07d}" for number in range(min(excluded, len(seen)))],
            eligible=False,
            reason="magnification",
        )
        if excluded and len(seen)
        else seen.head(0)
    )
    pd.concat([seen, out], ignore_index=True).to_parquet(study.folder / "index.parquet", index=False)
    about = json.loads((study.folder / "study.json").read_text(encoding="utf-8"))
    counts = {
        "seen": len(seen) + len(out),
        "done": len(images),
        "excluded": len(out),
        "failed": 0,
        "to_do": 0,
    }
    (study.folder / "study.json").write_text(json.dumps({**about, "counts": counts}, indent=2) + "\n")
    return study


def with_outcomes(cube: xr.Dataset, *, seed: int = 0) -> xr.Dataset:
    """Add an event per woman that comes the sooner, the more she has at first and the older she is.

    Parameters
    ----------
    cube : Dataset
        From `simulate_cube`.
    seed : int

    Returns
    -------
    Dataset
        With ``infarct`` (bool) and ``infarct_years`` from her first exam; the truth is in `HAZARD_RATIOS`.
    """
    random = np.random.default_rng(seed)
    start = cube["true_start"].values
    age = cube["age"].transpose("subject", "exam").values[:, 0]
    ratio = HAZARD_RATIOS["log2 of 1 + true_start / 0.001"] ** np.log2(1 + start / 0.001)
    ratio = ratio * HAZARD_RATIOS["ten years of age"] ** ((age - 65) / 10)
    happens = random.exponential(1 / (0.006 * ratio))
    ends = random.uniform(4, 14, len(start))
    years = np.maximum(np.round(np.minimum(happens, ends) * 365.25), 1) / 365.25
    return cube.assign(
        infarct=("subject", happens <= ends), infarct_years=("subject", years, {"units": "year"})
    )
