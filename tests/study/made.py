"""Small folders of made-up mammograms, and what it means for two studies to be the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from bactools.cluster import run
from bactools.recipe import named
from bactools.study import Study
from bactools.testing import breast_pixels, write_mammogram

KEY = bytes(range(32))
RECIPE = named("default", patch=128)
SHAPE = (256, 192)
DATES = ("20200102", "20220304")
VIEWS = (("L", "CC"), ("L", "MLO"), ("R", "CC"), ("R", "MLO"))


def write_image(path: Path, *, seed: int = 0, laterality: str = "L", **header: Any) -> Path:
    """Write one small mammogram whose pixels and UIDs follow from `seed` and the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = breast_pixels(SHAPE, seed=seed, laterality=laterality)
    return write_mammogram(path, pixels=pixels, laterality=laterality, seed=seed, **header)


def write_woman(folder: Path, woman: str, *, dates: tuple[str, ...] = DATES[:1]) -> None:
    """Write her four views on each date."""
    for date in dates:
        for number, (laterality, view) in enumerate(VIEWS):
            write_image(
                folder / f"{woman}_{date}_{number}.dcm",
                seed=sum(f"{woman}{date}{number}".encode()) + 7 * number,
                laterality=laterality,
                view=view,
                patient_id=woman,
                study_date=date,
            )


def truncate(path: Path) -> Path:
    """Cut a file's last third off."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    return path


def write_folder(folder: Path) -> Path:
    """Write 16 good images of two women, one excluded file and one that fails: 18 files."""
    for woman in ("P1", "P2"):
        write_woman(folder, woman, dates=DATES)
    write_image(
        folder / "magnified.dcm", seed=91, patient_id="P1", ViewPosition="XCCL", ViewCodeSequence=None
    )
    truncate(write_image(folder / "torn.dcm", seed=92, patient_id="P3", study_date="20210101"))
    return folder


def write_key(path: Path) -> Path:
    """Write `KEY` as a key file."""
    path.write_text(KEY.hex() + "\n")
    path.chmod(0o600)
    return path


def measure(folder: Path, out: Path, **options: Any) -> Study:
    """Run with the tests' recipe, weights and key, in this process unless told otherwise."""
    chosen: dict[str, Any] = {"recipe": RECIPE, "weights": "toy", "key": KEY, "workers": 0, "progress": False}
    return run(folder, out, **(chosen | options))


def same(one: Study, other: Study) -> None:
    """Assert that two studies hold the same cube, histograms and attributes included, and the same rows."""
    first, second = one.cube(axis="exam").load(), other.cube(axis="exam").load()
    assert "joint_histogram" in first
    xr.testing.assert_identical(first, second)
    drop = ["seconds", "peak_memory_mib"]  # what it cost is not what was measured
    pd.testing.assert_frame_equal(one.images.drop(columns=drop), other.images.drop(columns=drop))


def pieces(study: Study) -> dict[str, int]:
    """Return when each journal piece was written [ns]."""
    return {path.stem: path.stat().st_mtime_ns for path in study.journal.folder.glob("??/*.json")}
