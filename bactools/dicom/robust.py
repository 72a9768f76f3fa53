"""A grey scale for images that state none: background to black, the brightest of the breast to white."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

_WORKING_SIZE = 1024  # longest side [pixel] of the copy that is looked at
_MARGIN = 0.03  # part of each side left out: film borders
_OPENING = 0.012  # radius of the opening that cuts labels and borders off, part of the longest side
_TOP = 99.9  # percentile inside the body that becomes white
_LEAST_BACKGROUND = 0.02  # part of the picture
_FLATNESS = 0.25  # spread of a background, as part of its distance from the body


def robust_limits(
    values: npt.NDArray[np.integer], valid: npt.NDArray[np.bool_] | None = None
) -> tuple[float, float]:
    """Return the values that become 0 and 255.

    Parameters
    ----------
    values : int, shape (y, x)
        Calcium bright.
    valid : bool, shape (y, x), optional
        False where there is padding.

    Returns
    -------
    low, high : float
        `low`: median of the background, or the least value when there is none. `high`: 99.9th
        percentile inside the largest bright body. Both from a copy of every n-th pixel, at most 1024
        a side, a margin of 3 % (film border) left out; the body is what lies above Otsu's threshold,
        opened so that labels fall off. `high` is above `low` by at least one.
    """
    small, good = _sampled(values, valid)
    seen = small[good]
    if seen.size == 0 or seen.min() == seen.max():
        least = float(seen.min()) if seen.size else 0.0
        return least, least + 1.0
    from skimage.filters import threshold_otsu

    bright = (small > threshold_otsu(seen)) & good
    background = small[good & ~bright]
    low, body = float(seen.min()), good
    if background.size >= _LEAST_BACKGROUND * small.size:
        spread = np.subtract(*np.percentile(background, [75, 25]))
        middle = float(np.median(background))
        if spread <= _FLATNESS * (float(np.median(small[bright])) - middle):
            low, body = middle, _largest(bright)
    high = float(np.percentile(small[body], _TOP))
    return low, max(high, low + 1.0)


def _sampled(
    values: npt.NDArray[np.integer], valid: npt.NDArray[np.bool_] | None
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.bool_]]:
    step = max(1, -(-max(values.shape) // _WORKING_SIZE))
    margins = [int(size * _MARGIN) for size in values.shape]
    cut = tuple(
        slice(margin, size - margin, step) for margin, size in zip(margins, values.shape, strict=True)
    )
    small = values[cut]
    return small, np.ones(small.shape, dtype=bool) if valid is None else valid[cut]


def _largest(bright: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the largest body left after an opening, or `bright` itself when nothing is left."""
    from scipy import ndimage

    radius = max(1, round(_OPENING * max(bright.shape)))
    inside = ndimage.distance_transform_edt(np.pad(bright, 1))[1:-1, 1:-1] > radius
    labels, count = ndimage.label(inside)
    if count == 0:
        return bright
    largest = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    opened = ndimage.distance_transform_edt(~largest) <= radius
    return cast("npt.NDArray[np.bool_]", opened & bright)
