"""A study with missing views, a failed image, a woman of one exam and one whose dates are her own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bactools.conventions import FAILED
from bactools.cube import open_stored, write_cube
from bactools.query import close
from bactools.study import Study
from bactools.testing import simulate_study

METRICS = ("pm", "am", "sim", "tam_100", "tsim_100", "tam_100_norm", "am_mm2", "tam_100_mm2")


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    study: Study = simulate_study(
        tmp_path_factory.mktemp("asked") / "study", 60, n_exam=6, missing_views=0.08, seed=11
    )
    spoil(study.folder)
    yield study
    close()


def spoil(folder: Path) -> None:
    """Let one image fail, and leave one woman a single exam."""
    cube = open_stored(folder).load()
    status = cube["status"].transpose("subject", "view", "exam").values
    status[3, 1, 2] = FAILED
    status[7, :, 1:] = 0
    for name in (*METRICS, "breast_area", "true_tam_100"):
        cube[name].transpose("subject", "view", "exam").values[status != 1] = np.nan
    cube["date"].values[7, 1:] = np.datetime64("NaT")
    write_cube(
        cube.assign(status=(("subject", "view", "exam"), status, cube["status"].attrs)), folder / "cube.zarr"
    )
