"""Images and maps as they are stored: read, on one scale, or the reason why not."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path
from threading import RLock
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bactools.dicom import ImageFailure, read_image
from bactools.preprocess import breast_mask, compose
from bactools.preprocess.filters import bounding_box
from bactools.study import Study
from bactools.study.files import linkage_of

Grey = NDArray[np.uint8]

_MARGIN = 20
_CUTS = (np.arange(100) / 100).astype(np.float32)

_paths: OrderedDict[tuple[str, str], pd.DataFrame] = OrderedDict()
_paths_lock = RLock()


def image(study: Study, image_id: str) -> tuple[Grey | None, str]:
    """Return the source image, calcium bright, or why there is none."""
    found, missing = _read(study, image_id)
    return (None, missing) if found is None else (np.asarray(found.values, dtype=np.uint8), "")


def measured(study: Study, image_id: str) -> tuple[Grey | None, str]:
    """Return the breast's part of the image as the metrics take it, or why there is none.

    It is on the grid of the source image, whatever grid it was measured on.
    """
    found, missing = _read(study, image_id)
    if found is None:
        return None, missing
    stored = np.asarray(found.values, dtype=np.uint8)
    spacing = float(found.attrs["spacing_detector_mm"])
    grey = compose(study.recipe)({"image": stored[None], "spacing_mm": spacing})["image"][0]
    if grey.shape != stored.shape:
        grey = cv2.resize(grey, stored.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(grey, dtype=np.uint8)[breast(stored)].copy(), ""


def map_of(study: Study, image_id: str) -> tuple[NDArray[Any] | None, str]:
    """Return the stored map, or why there is none."""
    if study.maps == "none":
        return None, "the study keeps no maps"
    try:
        return np.asarray(study.map(image_id).values), ""
    except KeyError:
        return None, "the study has no map of this image"
    except (ValueError, OSError):
        return None, "the map of this image is damaged"


def breast(grey: Grey) -> tuple[slice, slice]:
    """Return the part of an image that is shown: the breast and a little around it."""
    return bounding_box(breast_mask(grey), margin=_MARGIN) or (slice(None), slice(None))


def levels(stored: NDArray[Any]) -> Grey:
    """Return above how many cuts each pixel lies, exactly as float32 compares."""
    if stored.dtype == np.bool_:
        return stored.astype(np.uint8) * np.uint8(100)
    found = np.zeros(stored.shape, dtype=np.uint8)
    for first in range(0, stored.shape[0], 512):
        some = np.nan_to_num(np.asarray(stored[first : first + 512], dtype=np.float32), nan=0.0)
        guess = np.clip(np.ceil(some * np.float32(100)), 0, 100).astype(np.int16)
        guess -= (guess > 0) & (some <= _CUTS[np.maximum(guess - 1, 0)])
        guess += (guess < 100) & (some > _CUTS[np.minimum(guess, 99)])
        found[first : first + 512] = guess
    return found


def linked(study: Study) -> str:
    """Return something that changes when it may have changed where images lie."""
    return _stamp(_linkage(study))


def forget() -> None:
    """Forget where images lie."""
    with _paths_lock:
        _paths.clear()


def _read(study: Study, image_id: str) -> tuple[Any, str]:
    path = _path(study, image_id)
    if path is None:
        return None, "the source image is not reachable"
    try:
        return read_image(path, scaling=study.recipe.scaling), ""
    except (ImageFailure, OSError):
        return None, "the source image cannot be read"


def _path(study: Study, image_id: str) -> Path | None:
    """Return where the linkage file says that an image lies; patients' names are not read."""
    secret = _linkage(study)
    key = (str(secret), _stamp(secret))
    with _paths_lock:
        if key not in _paths:
            try:
                table = pd.read_csv(secret, dtype=str, keep_default_na=False, usecols=["image_id", "path"])
            except (OSError, ValueError):
                return None
            _paths[key] = table
            while len(_paths) > 4:
                _paths.popitem(last=False)
        table = _paths[key]
    found = table.loc[table["image_id"] == image_id, "path"]
    return Path(str(found.iloc[-1])) if len(found) else None


def _linkage(study: Study) -> Path:
    folder = Path(os.path.abspath(study.folder))  # noqa: PTH100  (a link to a study keeps its name)
    return linkage_of(folder)


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"
