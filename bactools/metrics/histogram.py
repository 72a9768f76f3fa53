"""The joint histogram: calcification probability against grey level, counted once per image.

Every area and intensity metric, at any whole-percent cut and any intensity threshold, follows from
these 100 x 256 counts without touching the image again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bactools.conventions import INTENSITIES, PROBABILITY_BINS

Comparison = Literal[">", ">="]
Histogram = TypeVar("Histogram", NDArray[np.integer], xr.DataArray)

DIMS = ("probability_bin", "intensity")
SHAPE = (PROBABILITY_BINS, INTENSITIES)

EDGES: NDArray[np.float32] = (np.arange(PROBABILITY_BINS + 1) / PROBABILITY_BINS).astype(np.float32)
"""Bin k holds ``EDGES[k] < p <= EDGES[k + 1]``; the outermost edges are open."""
EDGES[0], EDGES[-1] = -np.inf, np.inf

_BLOCK = 1 << 20


def joint_histogram(
    probability: NDArray[np.floating],
    intensity: NDArray[np.uint8],
    *,
    region: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Count pixels by probability and grey level.

    Parameters
    ----------
    probability : float array, shape (y, x)
        Network output, compared as float32. Values outside [0, 1] fall into the outermost bins,
        as does NaN into bin 0.
    intensity : uint8 array, shape (y, x)
        Grey levels.
    region : bool array, shape (y, x), optional
        Pixels to count; all of them by default.

    Returns
    -------
    int64 array, shape (probability_bin, intensity) = (100, 256)
        Bin k counts p in (k/100, (k+1)/100] with float32 edges, bin 0 also p <= 0, so that the
        count of ``p > float32(cut)`` is exact for every cut of 0.01, 0.02 … 0.99.

    Raises
    ------
    ValueError
        If shapes differ, `intensity` is not uint8 or `region` is not boolean.
    """
    probability, intensity = np.asarray(probability), np.asarray(intensity)
    region = None if region is None else np.asarray(region)
    _check_images(probability, intensity, region)
    flat_p, flat_i = probability.ravel(), intensity.ravel()
    flat_r = None if region is None else region.ravel()
    counts = np.zeros(PROBABILITY_BINS * INTENSITIES, dtype=np.int64)
    for start in range(0, flat_p.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        counts += _count(flat_p[block], flat_i[block], None if flat_r is None else flat_r[block])
    return counts.reshape(SHAPE)


def _count(
    probability: NDArray[np.floating], intensity: NDArray[np.uint8], region: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    """Count one block; nearly all pixels of a mammogram lie in bin 0, so only the others are binned."""
    p = probability.astype(np.float32, copy=False)
    high = p > EDGES[1]
    if region is not None:
        high &= region
    grey = intensity[high].astype(np.int64)
    counts: NDArray[np.int64] = np.bincount(
        _bins(p[high]) * INTENSITIES + grey, minlength=PROBABILITY_BINS * INTENSITIES
    )
    counted = intensity if region is None else intensity[region]
    counts[:INTENSITIES] += np.bincount(counted, minlength=INTENSITIES)
    counts[:INTENSITIES] -= np.bincount(grey, minlength=INTENSITIES)
    return counts


def _bins(p: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the bin of every value, a guess by multiplication put right at the float32 edges."""
    guess: NDArray[np.int64] = np.clip(p * np.float32(PROBABILITY_BINS), 0, PROBABILITY_BINS - 1).astype(
        np.int64
    )
    guess += p > EDGES[guess + 1]
    guess -= p <= EDGES[guess]
    return guess


def _check_images(
    probability: NDArray[np.floating], intensity: NDArray[np.uint8], region: NDArray[np.bool_] | None
) -> None:
    if probability.shape != intensity.shape or (region is not None and region.shape != intensity.shape):
        shapes = f"{probability.shape}, {intensity.shape}" + ("" if region is None else f", {region.shape}")
        raise ValueError(f"probability, intensity and region differ in shape: {shapes}")
    if intensity.dtype != np.uint8:
        raise ValueError(f"intensity is {intensity.dtype}: give the 8-bit image (uint8)")
    if region is not None and region.dtype != np.bool_:
        raise ValueError(f"region is {region.dtype}: give a boolean mask")


def first_bin(cut: float) -> int:
    """Return the first bin above a probability cut.

    Raises
    ------
    ValueError
        If `cut` is not one of 0.01, 0.02 … 0.99; the message names the nearest that is.
    """
    percent = round(cut * PROBABILITY_BINS) if np.isfinite(cut) else 0
    nearest = min(max(percent, 1), PROBABILITY_BINS - 1)
    if percent != nearest or abs(cut * PROBABILITY_BINS - percent) > 1e-5:
        raise ValueError(f"cut {cut} is not on the histogram's grid 0.01 to 0.99: nearest is {nearest / 100}")
    return nearest


def first_level(x: float, *, comparison: Comparison) -> int:
    """Return the lowest grey level that is above `x` (``">"``), or at least `x` (``">="``).

    Raises
    ------
    ValueError
        If `x` is not a number or `comparison` is unknown.
    """
    if comparison not in (">", ">="):
        raise ValueError(f"comparison {comparison!r}: choose '>' or '>='")
    if np.isnan(x):
        raise ValueError("intensity threshold x is NaN: give a number")
    bounded = min(max(x, -1.0), float(INTENSITIES))
    level = np.floor(bounded) + 1 if comparison == ">" else np.ceil(bounded)
    return int(min(max(level, 0), INTENSITIES))


def above(histogram: Histogram, cut: float) -> Histogram:
    """Count the pixels with probability above `cut`, by grey level.

    Parameters
    ----------
    histogram : integer array or DataArray, shape (..., probability_bin, intensity)
        Joint histogram; a dask-backed DataArray stays lazy.
    cut : float
        Whole percentage, 0.01 to 0.99.

    Returns
    -------
    int64 array or DataArray, shape (..., intensity)

    Raises
    ------
    ValueError
        If `cut` is not on the grid or the histogram's last two dimensions are not (100, 256).
    """
    first = first_bin(cut)

    def kernel(counts: NDArray[np.integer]) -> NDArray[np.int64]:
        summed: NDArray[np.int64] = counts[..., first:, :].sum(axis=-2, dtype=np.int64)
        return summed

    return reduce_histogram(histogram, kernel, kept=("intensity",), dtype=np.int64)


def reduce_histogram(
    histogram: Histogram,
    kernel: Callable[[NDArray[np.integer]], NDArray[np.generic]],
    *,
    kept: tuple[str, ...],
    dtype: type[np.generic],
) -> Histogram:
    """Apply a kernel over the last two axes of an array, or over the named dims of a DataArray.

    Raises
    ------
    ValueError
        If the histogram does not have 100 probability bins and 256 intensities.
    """
    if not isinstance(histogram, xr.DataArray):
        if histogram.shape[-2:] != SHAPE:
            raise ValueError(f"joint histogram ends in shape {histogram.shape[-2:]}: expected {SHAPE}")
        return kernel(histogram)  # type: ignore[return-value]
    sizes = tuple(histogram.sizes.get(dim, 0) for dim in DIMS)
    if sizes != SHAPE:
        raise ValueError(f"joint histogram has (probability_bin, intensity) = {sizes}: expected {SHAPE}")
    result: xr.DataArray = xr.apply_ufunc(
        kernel,
        histogram,
        input_core_dims=[DIMS],
        output_core_dims=[kept],
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[dtype],
    )
    return result
