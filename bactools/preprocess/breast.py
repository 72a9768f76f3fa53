"""Where the breast is: the largest body in the picture, without film border and labels."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from skimage.filters import threshold_otsu

from bactools.preprocess.filters import Grey, Mask, dilation_disk, opening_disk

_WORKING_SIZE = 600  # longest side [pixel] of the copy on which the outline is found
_SKIN = 0.15  # the skin line lies this far from the background towards Otsu's threshold
_BORDER_DEPTH = 0.04  # a film border is no deeper than this part of the image
_BORDER_FILL = 0.9  # bright along at least this part of its length
_FRAME_DEPTH = 0.03  # a thin frame is no deeper than this part of the image
_FRAME_FALL = 16  # and falls within this many lines
_FRAME_STEP = 20  # by this [grey levels]
_BORDER_STEP = 30  # and brighter than the lines inside it by this [grey levels]


class BreastRegion(NamedTuple):
    """Where the breast is, and how far around it the image is kept.

    Attributes
    ----------
    breast : bool, shape (y, x)
        The breast, pectoral muscle included; all False when nothing is brighter than the background.
    surround : bool, shape (y, x)
        The breast grown by about a fiftieth of the image's longer side, film border left out.
    """

    breast: Mask
    surround: Mask


def breast_mask(image: Grey) -> Mask:
    """Return the mask of the breast, see `breast_region`."""
    return breast_region(image).breast


def breast_region(image: Grey) -> BreastRegion:
    """Find the breast.

    The outline is found on a copy of at most about 600 pixels: bright bands and thin bright frames along the
    image's edge (film borders) are cut off; what is brighter than the background by 15 % of the way to Otsu's
    threshold is kept; an opening by a fortieth of the height detaches labels, strips of
    fog along the chest wall and scratches; the largest piece is the breast, its holes filled. The
    pectoral muscle is not removed: arteries cross it.

    Parameters
    ----------
    image : uint8, shape (y, x)
        Presentation polarity (tissue bright), background dark.
    """
    height, width = image.shape
    factor = max(1, round(max(height, width) / _WORKING_SIZE))
    small_size = (max(1, width // factor), max(1, height // factor))
    small = np.asarray(cv2.resize(image, small_size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    small = np.asarray(cv2.medianBlur(small, 5), dtype=np.uint8)
    if small.min() == small.max():
        nothing = np.zeros(image.shape, dtype=bool)
        return BreastRegion(nothing, nothing)
    background = int(np.bincount(small.ravel(), minlength=256)[:128].argmax())
    bright = float(threshold_otsu(small))
    border = _film_border(small, bright=bright)
    body = (small > background + max(3.0, _SKIN * (bright - background))) & ~border
    body = _largest(_detach(body, radius=max(2, round(small.shape[0] / 40))))
    surround = dilation_disk(body, radius=max(1, round(max(small.shape) / 50))) & ~border
    breast, surround = _enlarge(body, image.shape), _enlarge(surround, image.shape)
    frame = _thin_frame(image, breast)
    return BreastRegion(breast & ~frame, surround & ~frame)


def _enlarge(mask: Mask, shape: tuple[int, ...]) -> Mask:
    size = (shape[1], shape[0])
    resized = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized > 0.5, dtype=bool)


def _film_border(small: Grey, *, bright: float) -> Mask:
    """Return the thin bands at the edges that are bright almost all along and brighter than what follows."""
    border = np.zeros(small.shape, dtype=bool)
    for axis in (0, 1):
        filled = (small > bright).mean(axis=1 - axis) > _BORDER_FILL
        level = small.mean(axis=1 - axis)
        deepest = max(1, round(_BORDER_DEPTH * filled.size))
        for step in (1, -1):
            depth = int(np.argmin(filled[::step])) if not filled.all() else 0
            inner = level[::step][depth + 2 : depth + 5]
            if not 0 < depth <= deepest or not inner.size:
                continue
            if level[::step][:depth].mean() - inner.mean() > _BORDER_STEP:
                lines = np.arange(filled.size)[::step][: depth + 2]
                border[(lines, slice(None)) if axis == 0 else (slice(None), lines)] = True
    return border


def _thin_frame(image: Grey, breast: Mask) -> Mask:
    """Return bright lines at the edges that are too thin to be seen on the small copy.

    Along the breast, the median grey of the outermost lines falls steeply where such a frame ends.
    """
    frame = np.zeros(image.shape, dtype=bool)
    for turns in range(4):
        pixels, mask, target = (np.rot90(a, turns) for a in (image, breast, frame))
        deepest = round(_FRAME_DEPTH * pixels.shape[1])
        rows = mask[:, : deepest + _FRAME_FALL].any(axis=1)
        if not rows.any() or pixels.shape[1] <= deepest + _FRAME_FALL:
            continue
        level = np.median(pixels[rows, : deepest + _FRAME_FALL], axis=0)
        steep = np.flatnonzero(level[:deepest] - level[_FRAME_FALL : deepest + _FRAME_FALL] > _FRAME_STEP)
        if steep.size:
            target[:, : int(steep[-1]) + 1 + _FRAME_FALL // 2] = True
    return frame


def _detach(body: Mask, *, radius: int) -> Mask:
    """Open the body with a disk, the image lying on nothing; give tips back a third of the radius."""
    padded = np.pad(body, radius)
    opened = opening_disk(padded, radius=radius)
    regrown = dilation_disk(opened, radius=max(1, radius // 3)) & padded
    return np.asarray(regrown[radius:-radius, radius:-radius], dtype=bool)


def _largest(body: Mask) -> Mask:
    """Return the largest connected piece with its holes filled."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(body.astype(np.uint8))
    if count < 2:
        return np.zeros(body.shape, dtype=bool)
    piece = (labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    outline, _ = cv2.findContours(piece, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(piece, outline, -1, 1, thickness=cv2.FILLED)
    return np.asarray(filled, dtype=bool)
