"""Exact filters on 8-bit images, fast enough for 13 megapixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.filters import rank
from skimage.morphology import disk

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def median_square(image: Grey, *, size: int = 5) -> Grey:
    """Return the median over a `size` x `size` square, the border repeated.

    Equal to ``scipy.ndimage.median_filter(image, size, mode="nearest")``, about 250 times faster.

    Parameters
    ----------
    image : uint8, shape (y, x)
    size : int
        Side of the square [pixel], odd.
    """
    return np.asarray(cv2.medianBlur(np.ascontiguousarray(image), size), dtype=np.uint8)


def median_disk(image: Grey, *, radius: int = 5, inside: Mask | None = None) -> Grey:
    """Return the median over a disk; at the border over the part of the disk inside the image.

    Parameters
    ----------
    image : uint8, shape (y, x)
    radius : int
        Radius of ``skimage.morphology.disk`` [pixel]; 5 gives 81 pixels.
    inside : bool, shape (y, x), optional
        Where the result is wanted; only its bounding box is filtered (a sliding histogram costs about
        0.13 s per megapixel), the rest is returned as it came.
    """
    if inside is None:
        rows, columns = slice(0, image.shape[0]), slice(0, image.shape[1])
    else:
        box = bounding_box(inside, margin=0)
        if box is None:
            return image.copy()
        rows, columns = box
    halo = (
        slice(max(rows.start - radius, 0), rows.stop + radius),
        slice(max(columns.start - radius, 0), columns.stop + radius),
    )
    filtered = rank.median(np.ascontiguousarray(image[halo]), footprint=disk(radius))
    result = image.copy()
    result[rows, columns] = filtered[
        rows.start - halo[0].start : rows.stop - halo[0].start,
        columns.start - halo[1].start : columns.stop - halo[1].start,
    ]
    return result


def opening_disk(mask: Mask, *, radius: int = 10) -> Mask:
    """Return the mask eroded and then dilated with a disk; outside the image counts as the mask's edge value.

    Equal to ``skimage.morphology.opening(mask, disk(radius))``, about 100 times faster.

    Parameters
    ----------
    mask : bool, shape (y, x)
    radius : int
        Radius of ``skimage.morphology.disk`` [pixel].
    """
    return _morphology(mask, cv2.MORPH_OPEN, radius)


def closing_disk(mask: Mask, *, radius: int = 10) -> Mask:
    """Return the mask dilated and then eroded with a disk, as the paper joins annotation segments.

    Parameters
    ----------
    mask : bool, shape (y, x)
    radius : int
        Radius of ``skimage.morphology.disk`` [pixel].
    """
    return _morphology(mask, cv2.MORPH_CLOSE, radius)


def dilation_disk(mask: Mask, *, radius: int) -> Mask:
    """Return the mask grown by a disk.

    Parameters
    ----------
    mask : bool, shape (y, x)
    radius : int
        Radius of ``skimage.morphology.disk`` [pixel].
    """
    return _morphology(mask, cv2.MORPH_DILATE, radius)


def _morphology(mask: Mask, operation: int, radius: int) -> Mask:
    # cv2.getStructuringElement(MORPH_ELLIPSE) is not a disk of that radius; the footprint itself is.
    return cv2.morphologyEx(mask.astype(np.uint8), operation, disk(radius)).astype(bool)


def bounding_box(mask: Mask, *, margin: int, multiple: int = 1) -> tuple[slice, slice] | None:
    """Return the rows and columns that hold the mask, or None when it is empty.

    Parameters
    ----------
    mask : bool, shape (y, x)
    margin : int
        Pixels added on every side, as far as the image goes.
    multiple : int
        The box starts at multiples of this.
    """
    slices = []
    for axis in (1, 0):
        filled = np.flatnonzero(mask.any(axis=axis))
        if not filled.size:
            return None
        start = max(int(filled[0]) - margin, 0) // multiple * multiple
        slices.append(slice(start, min(int(filled[-1]) + 1 + margin, mask.shape[1 - axis])))
    return slices[0], slices[1]
