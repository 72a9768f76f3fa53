"""Images and maps of a study, decoded once, cut to the breast, and held while there is room."""

from __future__ import annotations

import re
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bactools.explore import originals
from bactools.explore.originals import Grey
from bactools.explore.shelf import Shelf
from bactools.explore.source import Source
from bactools.study import Study

_IMAGE_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_MOST_FULL = 160_000_000
_MOST_SMALL = 48_000_000
_MOST_MEASURED = 64_000_000
_MOST_OUTLINES = 4_000_000


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

    def part(self, place: tuple[slice, slice]) -> Loaded:
        """Return a part of it, rows before columns."""
        grey = None if self.grey is None else self.grey[place]
        level = None if self.level is None else self.level[place]
        return Loaded(grey, level, self.probability, self.note)

    def where(self, bright: NDArray[np.bool_]) -> Loaded:
        """Return it with its map there only."""
        level = None if self.level is None else self.level * bright
        return Loaded(self.grey, level, self.probability, self.note)

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return sum(part.nbytes for part in (self.grey, self.level) if part is not None)


@dataclass(frozen=True, eq=False)
class Measured:
    """An image as the metrics take it, on the grid of its `Loaded`."""

    grey: Grey | None
    """None where the source image is not reachable."""
    note: str

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return 0 if self.grey is None else self.grey.nbytes


_full: Shelf[Loaded] = Shelf(_MOST_FULL)
_measured: Shelf[Measured] = Shelf(_MOST_MEASURED)
_small: Shelf[Loaded] = Shelf(_MOST_SMALL)
_outlines: Shelf[Outline] = Shelf(_MOST_OUTLINES)


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
    return str(source.study.folder), source.version, originals.linked(source.study), image_id


def bright(source: Source, image_id: str, intensity: int | None) -> NDArray[np.bool_] | None:
    """Return where the grey level is above a threshold as TAM and TSIM ask, smoothed as they are.

    Parameters
    ----------
    source : Source
    image_id : str
    intensity : int, optional
        The threshold X, compared as the recipe compares it.

    Returns
    -------
    bool, shape of the `Loaded` image, or None
        None without a threshold, or where the source image is not reachable.
    """
    if intensity is None:
        return None
    study = source.study
    grey = _measured.get(
        _known(source, image_id), lambda: Measured(*originals.measured(study, image_id))
    ).grey
    if grey is None:
        return None
    return grey >= intensity if study.recipe.comparison == ">=" else grey > intensity


def reduced(source: Source, image_id: str, height: int, intensity: int | None = None) -> Loaded:
    """Return an image with its map, at most `height` rows; the least speck of the map is still there.

    With an intensity, the map is there only where the grey level is above it, see `bright`.
    """

    def make() -> Loaded:
        full = load(source, image_id)
        there = bright(source, image_id, intensity)
        full = full if there is None else full.where(there)
        return full.shrunk(min(1.0, height / full.shape[0]))

    return _small.get((*_known(source, image_id), height, intensity), make)


def forget() -> None:
    """Forget all images that are held."""
    _full.clear()
    _measured.clear()
    _small.clear()
    _outlines.clear()
    originals.forget()


def _load(study: Study, image_id: str) -> Loaded:
    grey, missing = originals.image(study, image_id)
    stored, lacking = originals.map_of(study, image_id)
    if grey is None and stored is None:
        raise PictureError(f"neither image {image_id} nor its map is within reach: {missing}, and {lacking}")
    level = None if stored is None else originals.levels(stored)
    if grey is not None:
        if level is not None and level.shape != grey.shape:
            level = np.asarray(cv2.resize(level, grey.shape[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
        box = originals.breast(grey)
        grey = grey[box].copy()
        level = None if level is None else level[box].copy()
    note = f"{missing}: the map alone" if missing else lacking
    return Loaded(grey, level, stored is not None and stored.dtype != np.bool_, note)
