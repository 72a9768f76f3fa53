"""Mammograms with the segmented calcification in green, as in the paper's Figure 6."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bactools.dicom import read_image
from bactools.preprocess import breast_mask
from bactools.preprocess.filters import bounding_box
from bactools.study import Study, StudyError
from bactools.study.files import linkage_of

_GREEN = np.array([0, 255, 0], dtype=np.float32)  # the same in RGB and in OpenCV's BGR


def overlay(
    image: NDArray[np.uint8], mask: NDArray[np.bool_], *, opacity: float = 0.7, height: int = 1400
) -> NDArray[np.uint8]:
    """Return a colour picture of the breast with the mask in green.

    Parameters
    ----------
    image : uint8, shape (y, x)
    mask : bool, shape (y, x) or another grid over the same field
        What to colour; thin parts stay visible when the picture is shrunk.
    opacity : float
        Of the green, 0 to 1.
    height : int
        Largest height of the picture [pixel].

    Returns
    -------
    uint8, shape (rows, columns, 3)
        Cropped to the breast.
    """
    if mask.shape != image.shape:
        mask = cv2.resize(mask.astype(np.uint8), image.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    box = bounding_box(breast_mask(image), margin=20) or (slice(None), slice(None))
    grey, green = image[box], mask[box]
    factor = min(1.0, height / grey.shape[0])
    size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    cover = cv2.resize(green.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    picture = np.repeat(small[:, :, None], 3, axis=2).astype(np.float32)
    picture[cover] = (1 - opacity) * picture[cover] + opacity * _GREEN
    return np.asarray(np.floor(picture + 0.5), dtype=np.uint8)


def draw_study(study: Study, out: Path, *, linkage: Path | None = None) -> int:
    """Write ``<subject>_<view>_<date>.png`` for every measured image of a study; return how many.

    Parameters
    ----------
    study : Study
        Kept with its maps.
    out : Path
        Folder for the pictures.
    linkage : Path, optional
        The linkage file, the only one that knows where images lie; ``<study>.linkage.csv`` by default.

    Raises
    ------
    StudyError
        If the linkage file is missing or the study keeps no maps.
    """
    secret = linkage or linkage_of(study.folder)
    if not secret.is_file():
        raise StudyError("no linkage file, which alone knows where the images lie: pass --linkage FILE")
    if study.maps == "none":
        raise StudyError("this study keeps no maps: run it with --maps mask or probability")
    paths = pd.read_csv(secret, dtype=str, keep_default_na=False).set_index("image_id")["path"]
    out.mkdir(parents=True, exist_ok=True)
    images = study.images.query("status == 'done'")
    for row in images.to_dict("records"):
        if row["image_id"] not in paths:
            raise StudyError(f"the linkage file does not know image {row['image_id']}: is it this study's?")
        image = read_image(Path(paths[row["image_id"]]), scaling=study.recipe.scaling)
        mask = study.map(row["image_id"]).values
        if mask.dtype != bool:
            mask = mask > np.float32(study.recipe.cut)
        suffix = "" if row["in_cube"] else f"_{row['image_id']}"
        name = f"{row['subject']}_{row['view']}_{row['date']:%Y-%m-%d}{suffix}.png"
        picture = overlay(image.values, mask)
        cv2.imwrite(str(out / name), _captioned(picture, study.note) if study.note else picture)
    return len(images)


def _captioned(picture: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    """Return the picture above a line of text, as large as fits."""
    width = picture.shape[1]
    size = 0.9 * width / cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 1)[0][0]
    line = np.zeros((max(12, round(45 * size)), width, 3), dtype=np.uint8)
    place = (round(0.05 * width), round(0.7 * len(line)))
    cv2.putText(line, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (160, 160, 160), 1, cv2.LINE_AA)
    return np.concatenate([picture, line])
