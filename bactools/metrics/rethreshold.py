"""The paper's area and intensity metrics from a joint histogram, at any cut and any threshold."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bactools.conventions import INTENSITIES
from bactools.metrics.histogram import Comparison, Histogram, first_bin, first_level, reduce_histogram

Quantity = Literal["am", "sim", "tam", "tsim"]
_THRESHOLDED = {"am": False, "sim": False, "tam": True, "tsim": True}
_WEIGHTED = {"am": False, "sim": True, "tam": False, "tsim": True}


def from_histogram(
    histogram: Histogram,
    *,
    name: Quantity = "tam",
    cut: float,
    x: float | None = None,
    comparison: Comparison = ">",
) -> Histogram:
    """Compute AM, SIM, TAM_X or TSIM_X from joint histograms.

    Parameters
    ----------
    histogram : integer array or DataArray, shape (..., probability_bin, intensity)
        Counts from `joint_histogram`, or ``cube.joint_histogram``; a dask-backed one stays lazy.
    name : {"am", "sim", "tam", "tsim"}
        ``am`` counts the pixels called calcified, ``sim`` sums their grey levels; ``tam`` and
        ``tsim`` do so for those brighter than `x`.
    cut : float
        A pixel is called calcified when its probability is above `cut`: 0.01, 0.02 … 0.99.
    x : float, optional
        Intensity threshold [grey level]; needed by ``tam`` and ``tsim`` only.
    comparison : {">", ">="}
        How grey levels are compared with `x`: ``">"`` in the paper, ``">="`` in its published code.

    Returns
    -------
    float64 array or DataArray, shape (...)
        Pixels, or grey levels; NaN where the histogram is empty, because there was no image.

    Raises
    ------
    ValueError
        If a name, cut or comparison is unknown, or `x` is missing or superfluous.

    References
    ----------
    Guo X, et al. Med Phys 2021;48:5851-5861, equations 3 and 4.
    """
    if name not in _THRESHOLDED:
        raise ValueError(f"no quantity {name!r} in a joint histogram: choose {', '.join(_THRESHOLDED)}")
    if _THRESHOLDED[name] != (x is not None):
        raise ValueError(f"{name} {'needs' if x is None else 'takes no'} intensity threshold x")
    first = first_bin(cut)
    level = 0 if x is None else first_level(x, comparison=comparison)
    weights = (
        np.arange(level, INTENSITIES) if _WEIGHTED[name] else np.ones(INTENSITIES - level, dtype=np.int64)
    )

    def kernel(counts: NDArray[np.integer]) -> NDArray[np.float64]:
        total = counts[..., first:, level:].sum(axis=-2, dtype=np.int64) @ weights
        return np.where(counts.any(axis=(-2, -1)), total, np.nan)

    return reduce_histogram(histogram, kernel, kept=(), dtype=np.float64)
