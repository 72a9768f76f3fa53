"""Joint histograms and a reference on the same cells, lined up without reading the histograms."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bactools.conventions import INTENSITIES, PROBABILITY_BINS
from bactools.metrics.histogram import DIMS
from bactools.stats.inputs import FloatArray, vector
from bactools.stats.result import StatsError

Counts = xr.DataArray | NDArray[np.integer]

_SUMMED = ("view", "breast")
_WOMAN = "woman of each cell"

Read = tuple[NDArray[np.generic], FloatArray | None, FloatArray, NDArray[np.intp]]
"""Counts (unit, image, probability_bin, intensity), factor (unit, image), reference and subject (unit,)."""


@dataclass(frozen=True, eq=False)
class Units:
    """What is compared: histograms with the reference that each unit (an image, or a woman) has.

    Attributes
    ----------
    histogram : DataArray
        As given; may be lazy.
    dims : tuple
        Its dimensions: those of the units, then those summed over, then the histogram's own.
    factor : DataArray or None
        What each image's burden is multiplied by, on `dims` without the last two.
    reference : float array
        On the dimensions of the units; NaN where there is none.
    subject : integer array
        Code of the woman of each unit, shape as of the reference.
    name, units : str
        What the reference is called, and its unit.
    """

    histogram: xr.DataArray
    dims: tuple[Hashable, ...]
    factor: xr.DataArray | None
    reference: FloatArray
    subject: NDArray[np.intp]
    name: str
    units: str

    @property
    def summed(self) -> tuple[str, ...]:
        """Dimensions that are summed over."""
        return tuple(str(dim) for dim in self.dims[self.reference.ndim : -2])

    def read(self, images: int) -> Iterator[Read]:
        """Yield the units that have a reference, about so many images at a time or one dask chunk."""
        views = int(np.prod([self.histogram.sizes[dim] for dim in self.summed], dtype=int))
        row = views * int(np.prod(self.reference.shape[1:], dtype=int))
        known = ~np.isnan(self.reference).reshape(self.reference.shape[0], -1)
        for some in self._ranges(max(1, images // max(1, row))):
            # chunks without any reference are not read
            rows = some.start + np.flatnonzero(known[some].any(axis=1))
            at = np.flatnonzero(known[rows].ravel())
            if not at.size:
                continue
            counts = self.histogram.isel({self.dims[0]: rows}).transpose(*self.dims).values
            factor = None
            if self.factor is not None:
                factor = np.asarray(self.factor.isel({self.dims[0]: rows}).values).reshape(-1, views)[at]
            flat = counts.reshape(-1, views, PROBABILITY_BINS, INTENSITIES)
            reference, subject = self.reference[rows].ravel(), self.subject[rows].ravel()
            yield flat if at.size == len(flat) else flat[at], factor, reference[at], subject[at]

    def _ranges(self, most: int) -> Iterator[slice]:
        """Yield ranges of the first dimension, along dask chunks so that each is read once."""
        size = self.reference.shape[0]
        chunks = self.histogram.chunksizes.get(self.dims[0])
        ends = np.cumsum(chunks) if chunks else np.arange(most, size + most, most)
        start = 0
        for stop in np.minimum(ends, size).tolist():
            # small chunks are read together
            if stop - start >= most or stop == size:
                yield slice(start, stop)
                start = stop


def line_up(
    histogram: Counts,
    reference: xr.DataArray | ArrayLike,
    *,
    factor: xr.DataArray | float | None = None,
    subject: Sequence[Any] | ArrayLike | None = None,
) -> Units:
    """Bring histograms and reference onto the same cells; see `bactools.stats.thresholds.surface.thresholds`.

    Raises
    ------
    StatsError
        If they do not fit together.
    """
    counts = _as_cells(histogram)
    cells = [dim for dim in counts.dims if dim not in DIMS]
    values = _as_reference(reference, counts, cells)
    kept = [dim for dim in cells if dim in values.dims]
    lacking = [dim for dim in cells if dim not in values.dims]
    wrong = [dim for dim in values.dims if dim not in cells] + [dim for dim in lacking if dim not in _SUMMED]
    if wrong:
        raise StatsError(
            f"histogram and reference do not share {', '.join(map(str, wrong))}: choose one entry along it"
            " (only views are summed)"
        )
    if not kept:
        raise StatsError("the reference is a single number: give one per image or woman")
    if subject is not None:
        named = np.asarray(subject, dtype=object)
        if named.size != values.size:
            raise StatsError(f"{named.size} subjects for a reference of {values.size}: give one of each")
        values = values.assign_coords({_WOMAN: (values.dims, named.reshape(values.shape))})
    try:
        counts, values = xr.align(counts, values, join="inner")
    except ValueError as error:
        raise StatsError(f"histogram and reference do not fit together: {error}") from None
    kept.sort(key=lambda dim: dim != "subject")
    values = values.transpose(*kept)
    return Units(
        counts,
        (*kept, *lacking, *DIMS),
        _factor(factor, counts, (*kept, *lacking)),
        vector(values, name="reference").reshape(values.shape),
        _codes(values),
        str(values.name or "the reference"),
        str(values.attrs.get("units", "")),
    )


def _as_cells(histogram: Counts) -> xr.DataArray:
    if not isinstance(histogram, xr.DataArray):
        array = np.asarray(histogram)
        names = [f"dim_{at}" for at in range(array.ndim - 2)]
        histogram = xr.DataArray(array, dims=[*names, *DIMS] if array.ndim >= 2 else None)
    sizes = tuple(histogram.sizes.get(dim, 0) for dim in DIMS)
    if sizes != (PROBABILITY_BINS, INTENSITIES) or histogram.ndim < 3:
        raise StatsError(
            f"the histogram has dimensions {dict(histogram.sizes)}: give cube.joint_histogram, or counts of"
            f" shape (…, {PROBABILITY_BINS}, {INTENSITIES})"
        )
    return histogram


def _as_reference(
    reference: xr.DataArray | ArrayLike, counts: xr.DataArray, cells: list[Hashable]
) -> xr.DataArray:
    if isinstance(reference, xr.DataArray):
        return reference
    values, shape = np.asarray(reference), tuple(counts.sizes[dim] for dim in cells)
    if values.shape != shape:
        raise StatsError(
            f"the reference has shape {values.shape}, the histogram cells {shape}: give one each"
        )
    coords = {name: coord for name, coord in counts.coords.items() if set(coord.dims) <= set(cells)}
    return xr.DataArray(values, dims=cells, coords=coords)


def _factor(
    factor: xr.DataArray | float | None, counts: xr.DataArray, dims: tuple[Hashable, ...]
) -> xr.DataArray | None:
    if factor is None:
        return None
    array = factor if isinstance(factor, xr.DataArray) else xr.DataArray(float(factor))
    unknown = [str(dim) for dim in array.dims if dim not in dims]
    if unknown:
        raise StatsError(f"factor has dimensions that the histogram has not: {', '.join(unknown)}")
    cells = counts.isel(probability_bin=0, intensity=0, drop=True)
    shared = {dim: cells[dim] for dim in array.dims if dim in cells.indexes and dim in array.indexes}
    lined_up = array.reindex(shared) if shared else array
    vector(lined_up, name="factor")
    spread: xr.DataArray = lined_up.astype(np.float64).broadcast_like(cells).transpose(*dims).compute()
    return spread


def _codes(reference: xr.DataArray) -> NDArray[np.intp]:
    """Return the code of the woman of each cell, shape as of the reference."""
    name = _WOMAN if _WOMAN in reference.coords else "subject"
    if name not in reference.coords:
        return np.arange(reference.size).reshape(reference.shape)
    named = reference.coords[name].broadcast_like(reference).transpose(*reference.dims).values
    codes = np.unique(named.ravel().astype(str), return_inverse=True)[1]
    return np.asarray(codes.reshape(reference.shape))
