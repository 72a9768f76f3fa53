"""Small truth folders about the tests' mammograms."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from pydicom import dcmread

from bactools.dicom.privacy import Pseudonymiser
from bactools.study import Study

from ..study.made import KEY

Drawing = Callable[[str], np.ndarray]


def image_id_of(path: Path) -> str:
    """The study's name of a DICOM file."""
    return Pseudonymiser(KEY).image_id(f"uid:{dcmread(path, stop_before_pixels=True).SOPInstanceUID}")


def own_mask(study: Study, image_id: str) -> np.ndarray:
    """The study's mask of an image."""
    found = study.map(image_id).values
    return found if found.dtype == bool else found > np.float32(study.recipe.cut)


def write_truth(folder: Path, images: list[Path], drawing: Drawing, **columns: Any) -> Path:
    """Copy images into a folder and draw each image's mask by its id in the study."""
    (folder / "truth" / "masks").mkdir(parents=True)
    (folder / "images").mkdir()
    rows = []
    for path in images:
        header = dcmread(path, stop_before_pixels=True)
        shutil.copy(path, folder / "images" / path.name)
        mask = drawing(image_id_of(path))
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / "truth" / "masks" / f"{path.stem}.png")
        rows.append(
            {
                "sop_instance_uid": str(header.SOPInstanceUID),
                "patient_id": str(header.PatientID),
                "file": f"images/{path.name}",
                "mask": f"truth/masks/{path.stem}.png",
            }
        )
    pd.DataFrame(rows).assign(**columns).to_csv(folder / "truth" / "images.csv", index=False)
    return folder
