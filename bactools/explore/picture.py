"""Pictures of a study's images for the eye: the breast in small, and parts of it in full."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bactools.explore.originals import Grey
from bactools.explore.pictures import (
    Loaded,
    Outline,
    PictureError,
    bright,
    load,
    outlined,
    reduced,
)
from bactools.explore.source import Source

__all__ = ["Outline", "PictureError", "around", "crop", "outline", "overview", "reachable", "side_by_side"]

_GREEN = np.array([0, 255, 0], dtype=np.float32)  # the same in RGB and in OpenCV's BGR
_WHITE = np.full(3, 255, dtype=np.float32)
_LEAST = 5
"""Percent of probability from which it is coloured."""
_SIDES = (16, 4096)
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 85, cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]  # fmt: skip

Box = tuple[int, int, int, int]
"""Left, top, width, height [pixel] in the full-resolution picture of the breast."""


def outline(source: Source, image_id: str) -> Outline:
    """Return what there is to see of an image.

    Raises
    ------
    PictureError
        If there is nothing.
    """
    return outlined(source, image_id)


def reachable(source: Source, image_id: str) -> bool:
    """Return whether the source image itself can be shown, not only its map."""
    try:
        return outlined(source, image_id).image
    except PictureError:
        return False


def side_by_side(
    source: Source, image_ids: Sequence[str], *, height: int = 360, gap: int = 8, **options: Any
) -> bytes:
    """Return small pictures in a row, as the paper's Figure 6 shows one view over the years.

    Parameters
    ----------
    source : Source
    image_ids : sequence of str
        In this order.
    height, gap : int
        Of the row, and between pictures [pixel].
    **options
        Of `overview`.

    Returns
    -------
    bytes
        A JPEG file.

    Raises
    ------
    PictureError
        If there is no picture of one of them.
    """
    jpegs = [overview(source, image_id, height=height, **options) for image_id in image_ids]
    shown: list[Any] = [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in jpegs]
    if not shown:
        raise PictureError("there is no image to show")
    tall = max(len(picture) for picture in shown)
    white = (255, 255, 255)
    framed = [
        cv2.copyMakeBorder(picture, 0, tall - len(picture), 0, gap, cv2.BORDER_CONSTANT, value=white)
        for picture in shown
    ]
    return bytes(cv2.imencode(".jpg", cv2.hconcat(framed))[1].tobytes())


def overview(
    source: Source,
    image_id: str,
    *,
    height: int = 1000,
    overlay: bool = True,
    opacity: float = 0.7,
    cut: float | None = None,
    intensity: int | None = None,
    window: tuple[float, float] | None = None,
    heat: bool = False,
) -> bytes:
    """Return a small picture of the breast, its map drawn into it.

    Parameters
    ----------
    source : Source
    image_id : str
        May come from anyone.
    height : int
        Largest height [pixel].
    overlay : bool
        Whether to draw the map; where the source image is not reachable it is drawn all the same,
        in white.
    opacity : float
        Of the map, 0 to 1.
    cut : float, optional
        A pixel is called calcified above this probability, a whole percentage from 0 to 0.99; the
        recipe's if None. A stored mask cannot be cut otherwise.
    intensity : int, optional
        The threshold X, 0 to 255: the map is drawn only where TAM and TSIM count it, above this grey
        level. It needs the source image and is left out without.
    window : (float, float), optional
        Grey levels, 0 to 255, shown as black and as white.
    heat : bool
        Colour probabilities from 5 % upwards instead of what is above the cut.

    Returns
    -------
    bytes
        A JPEG file.

    Raises
    ------
    PictureError
        If there is nothing to draw; the text says why, without a path.
    ValueError
        If an option is out of range.
    """
    _check(height, opacity, cut, intensity, window)
    small = reduced(source, image_id, height, intensity)
    return _draw(small, _cut(source, cut), overlay, opacity, window, heat)


def crop(
    source: Source,
    image_id: str,
    box: Box,
    *,
    most: int = 1000,
    overlay: bool = True,
    opacity: float = 0.7,
    cut: float | None = None,
    intensity: int | None = None,
    window: tuple[float, float] | None = None,
    heat: bool = False,
) -> bytes:
    """Return a part of the breast at full resolution, its map drawn into it.

    Parameters
    ----------
    source, image_id, overlay, opacity, cut, intensity, window, heat
        As for `overview`.
    box : (int, int, int, int)
        Left, top, width and height [pixel], see `around`; what lies outside the picture is left out.
    most : int
        Largest width or height of what is returned [pixel]; a larger box is shrunk.

    Returns
    -------
    bytes
        A JPEG file.

    Raises
    ------
    PictureError
        If there is nothing to draw, or nothing of the picture in the box.
    ValueError
        If an option is out of range.
    """
    _check(most, opacity, cut, intensity, window)
    left, top, width, height = box
    place = np.s_[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    part = load(source, image_id).part(place)
    if not min(part.shape):
        raise PictureError("that part lies outside the picture")
    there = bright(source, image_id, intensity)
    part = (part if there is None else part.where(there[place])).fitted(most)
    return _draw(part, _cut(source, cut), overlay, opacity, window, heat)


def around(found: Outline, x: float, y: float, *, width: int, height: int) -> Box:
    """Return a box about a point, moved so that it lies inside the picture.

    Parameters
    ----------
    found : Outline
    x, y : float
        The point, as a part of the picture's width and height, 0 to 1.
    width, height : int
        Of the box [pixel]; smaller if the picture is.
    """
    width, height = min(width, found.width), min(height, found.height)
    left = min(max(round(x * found.width - width / 2), 0), found.width - width)
    top = min(max(round(y * found.height - height / 2), 0), found.height - height)
    return left, top, width, height


def _check(
    side: int,
    opacity: float,
    cut: float | None,
    intensity: int | None,
    window: tuple[float, float] | None,
) -> None:
    if not _SIDES[0] <= side <= _SIDES[1]:
        raise ValueError(f"height={side!r}: choose {_SIDES[0]} to {_SIDES[1]} pixels")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity={opacity!r}: choose 0 to 1")
    if cut is not None and not 0 <= cut <= 0.99:
        raise ValueError(f"cut={cut!r}: choose a whole percentage from 0 to 0.99")
    if intensity is not None and not 0 <= intensity <= 255:
        raise ValueError(f"intensity={intensity!r}: choose a grey level from 0 to 255")
    if window is not None and not all(map(math.isfinite, window)):
        raise ValueError(f"window={window!r}: choose two grey levels, 0 to 255")


def _cut(source: Source, cut: float | None) -> int:
    return round(100 * (source.study.recipe.cut if cut is None else cut))


def _draw(
    part: Loaded, cut: int, overlay: bool, opacity: float, window: tuple[float, float] | None, heat: bool
) -> bytes:
    grey = np.zeros(part.shape, np.uint8) if part.grey is None else _windowed(part.grey, window)
    level = part.level
    if level is None or not (overlay or part.grey is None):
        return _jpeg(grey)
    picture = np.repeat(grey[:, :, None], 3, axis=2)
    if heat and part.probability:
        cover = level > _LEAST
        scaled = (level.astype(np.float32) * 2.55).astype(np.uint8)
        colour = cv2.applyColorMap(scaled, cv2.COLORMAP_PLASMA)[cover].astype(np.float32)
    else:
        cover = level > (cut if part.probability else 0)
        colour = _GREEN if part.grey is not None else _WHITE
    if part.grey is None:
        opacity = 1.0
    under = picture[cover].astype(np.float32)
    picture[cover] = np.floor((1 - opacity) * under + opacity * colour + 0.5).astype(np.uint8)
    return _jpeg(picture)


def _windowed(grey: Grey, window: tuple[float, float] | None) -> Grey:
    if window is None:
        return grey
    black, white = window
    ramp = (np.arange(256) - black) / max(white - black, 1.0) * 255
    return np.clip(np.round(ramp), 0, 255).astype(np.uint8)[grey]


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".jpg", picture, _QUALITY)[1].tobytes())
