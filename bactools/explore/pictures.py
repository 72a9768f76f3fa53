"""Images and maps of a study, decoded once, cut to the breast, and held while there is room."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bactools.dicom import ImageFailure, read_image
from bactools.explore.shelf import Shelf
from bactools.explore.source import Source
from bactools.preprocess import breast_mask
from bactools.preprocess.filters import bounding_box
from bactools.study import Study
from bactools.study.files import linkage_of

Grey = NDArray[np.uint8]

_IMAGE_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_MARGIN = 20
_MOST_FULL = 160_000_000
_MOST_SMALL = 48_000_000
_MOST_OUTLINES = 4_000_000
_CUTS = (np.arange(100) / 100).astype(np.float32)


class PictureError(ValueError):
    """There is no picture; the text says why, without a path and without a word of a header."""


@dataclass(frozen=True)
class Outline:
    """What there is to see of an image."""

    width: int
    """Of the breast's part [pixel]."""
    height: int
    image: bool
    """Whether the source image is reachable; else the map alone is shown."""
    map: str
    """``none``, ``mask`` or ``probability``."""
    note: str
    """What is missing, in words; empty if nothing."""
    nbytes: int = 1000
    """About what it takes in memory."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """An image and its map on one grid, cut to the breast."""

    grey: Grey | None
    """uint8, shape (y, x), calcium bright; None where the source image is not reachable."""
    level: Grey | None
    """uint8, same shape: above how many of the cuts 0.00, 0.01 … 0.99 the probability lies; None without
    a map. A mask has 100 where it is set."""
    probability: bool
    """Whether the map holds probabilities, so that the cut can be moved."""
    note: str = ""
    """What is missing, in words."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        held = self.level if self.grey is None else self.grey
        return (0, 0) if held is None else (held.shape[0], held.shape[1])

    @property
    def outline(self) -> Outline:
        """What there is to see of it."""
        kind = "none" if self.level is None else "probability" if self.probability else "mask"
        return Outline(self.shape[1], self.shape[0], self.grey is not None, kind, self.note)

    def fitted(self, most: int) -> Loaded:
        """Return it with no side longer than `most`."""
        return self.shrunk(min(1.0, most / max(self.shape)))

    def shrunk(self, factor: float) -> Loaded:
        """Return it smaller; the least speck of the map is still there."""
        size = (max(1, round(self.shape[0] * factor)), max(1, round(self.shape[1] * factor)))
        if size == self.shape:
            return self
        grey, level = self.grey, self.level
        if grey is not None:
            grey = np.asarray(cv2.resize(grey, size[::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)
        if level is not None:
            for axis in (0, 1):
                edges = np.arange(size[axis]) * level.shape[axis] // size[axis]
                level = np.maximum.reduceat(level, edges, axis=axis)
        return Loaded(grey, level, self.probability, self.note)

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return sum(part.nbytes for part in (self.grey, self.level) if part is not None)


_full: Shelf[Loaded] = Shelf(_MOST_FULL)
_small: Shelf[Loaded] = Shelf(_MOST_SMALL)
_outlines: Shelf[Outline] = Shelf(_MOST_OUTLINES)
_paths: OrderedDict[tuple[str, str], pd.DataFrame] = OrderedDict()
_paths_lock = RLock()


def load(source: Source, image_id: str) -> Loaded:
    """Return an image of a study with its map.

    Parameters
    ----------
    source : Source
    image_id : str
        May come from anyone.

    Raises
    ------
    PictureError
        If the study does not know the image, or neither image nor map can be had.
    """
    key = _known(source, image_id)
    found = _full.get(key, lambda: _load(source.study, image_id))
    _outlines.get(key, lambda: found.outline)
    return found


def outlined(source: Source, image_id: str) -> Outline:
    """Return what there is to see of an image, which is remembered longer than the image.

    Raises
    ------
    PictureError
        As for `load`.
    """
    return _outlines.get(_known(source, image_id), lambda: load(source, image_id).outline)


def _known(source: Source, image_id: str) -> tuple[str, str, str, str]:
    """Return under what an image is held, if the study knows it."""
    known = isinstance(image_id, str) and _IMAGE_ID.fullmatch(image_id) is not None
    if not known or not (source.images["image_id"] == image_id).any():
        raise PictureError("this study knows no such image")
    secret = _linkage(source.study)
    return str(source.study.folder), source.version, _stamp(secret), image_id


def reduced(source: Source, image_id: str, height: int) -> Loaded:
    """Return an image with its map, at most `height` rows; the least speck of the map is still there."""

    def make() -> Loaded:
        full = load(source, image_id)
        return full.shrunk(min(1.0, height / full.shape[0]))

    return _small.get((*_known(source, image_id), height), make)


def forget() -> None:
    """Forget all images that are held."""
    _full.clear()
    _small.clear()
    _outlines.clear()
    with _paths_lock:
        _paths.clear()


def _load(study: Study, image_id: str) -> Loaded:
    grey, missing = _image(study, image_id)
    stored, lacking = _map(study, image_id)
    if grey is None and stored is None:
        raise PictureError(f"neither image {image_id} nor its map is within reach: {missing}, and {lacking}")
    level = None if stored is None else _levels(stored)
    if grey is not None:
        if level is not None and level.shape != grey.shape:
            level = np.asarray(cv2.resize(level, grey.shape[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
        box = bounding_box(breast_mask(grey), margin=_MARGIN) or (slice(None), slice(None))
        grey = grey[box].copy()
        level = None if level is None else level[box].copy()
    note = f"{missing}: the map alone" if missing else lacking
    return Loaded(grey, level, stored is not None and stored.dtype != np.bool_, note)


def _image(study: Study, image_id: str) -> tuple[Grey | None, str]:
    """Return the source image, or why there is none."""
    path = _path(study, image_id)
    if path is None:
        return None, "the source image is not reachable"
    try:
        return np.asarray(read_image(path, scaling=study.recipe.scaling).values, dtype=np.uint8), ""
    except (ImageFailure, OSError):
        return None, "the source image cannot be read"


def _map(study: Study, image_id: str) -> tuple[NDArray[Any] | None, str]:
    """Return the stored map, or why there is none."""
    if study.maps == "none":
        return None, "the study keeps no maps"
    try:
        return np.asarray(study.map(image_id).values), ""
    except KeyError:
        return None, "the study has no map of this image"
    except (ValueError, OSError):
        return None, "the map of this image is damaged"


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


def _levels(stored: NDArray[Any]) -> Grey:
    """Return above how many cuts each pixel lies, exactly as float32 compares."""
    if stored.dtype == np.bool_:
        return stored.astype(np.uint8) * np.uint8(100)
    levels = np.zeros(stored.shape, dtype=np.uint8)
    for first in range(0, stored.shape[0], 512):
        some = np.nan_to_num(np.asarray(stored[first : first + 512], dtype=np.float32), nan=0.0)
        guess = np.clip(np.ceil(some * np.float32(100)), 0, 100).astype(np.int16)
        guess -= (guess > 0) & (some <= _CUTS[np.maximum(guess - 1, 0)])
        guess += (guess < 100) & (some > _CUTS[np.minimum(guess, 99)])
        levels[first : first + 512] = guess
    return levels
