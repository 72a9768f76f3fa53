"""Sums over images for every cut and threshold: joint histograms are read once, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bactools.conventions import INTENSITIES, PROBABILITY_BINS
from bactools.metrics.histogram import Comparison, first_bin, first_level
from bactools.stats.inputs import FloatArray
from bactools.stats.thresholds.units import Units

Quantity = Literal["tam", "tsim"]

_BLOCK_CELLS = 4_000_000
_MOST_IMAGES = 256
_WOMEN_AT_ONCE = 128

Block = tuple[FloatArray, FloatArray, NDArray[np.intp]]
"""Burden (unit, cut, x), reference (unit,) and subject (unit,) of some units."""


@dataclass(frozen=True)
class Grid:
    """Where burden is computed.

    Attributes
    ----------
    cuts : tuple of float
        Probability cuts, rising.
    xs : tuple of float
        Intensity thresholds, rising [grey level].
    quantity : {"tam", "tsim"}
    comparison : {">", ">="}
    """

    cuts: tuple[float, ...]
    xs: tuple[float, ...]
    quantity: Quantity
    comparison: Comparison

    @property
    def shape(self) -> tuple[int, int]:
        """Size of (cut, x)."""
        return len(self.cuts), len(self.xs)

    @property
    def images_at_once(self) -> int:
        """How many images are worked on at a time, so that memory stays bounded."""
        return min(_MOST_IMAGES, max(1, _BLOCK_CELLS // (len(self.cuts) * (INTENSITIES + 1))))

    def burden(self, counts: NDArray[np.generic]) -> FloatArray:
        """Return the burden at every cut and threshold, by cumulative sums.

        Parameters
        ----------
        counts : array, shape (image, probability_bin, intensity)
            Joint histograms.

        Returns
        -------
        float array, shape (image, cut, x)
            Pixels, or grey levels; the same as `bactools.metrics.from_histogram`.
        """
        starts = [first_bin(cut) for cut in self.cuts]
        summed = np.empty((len(counts), len(starts), INTENSITIES + 1))
        summed[..., -1] = 0
        # what lies between two cuts is added up first, then from the highest cut down
        for at, (start, stop) in enumerate(zip(starts, [*starts[1:], PROBABILITY_BINS], strict=True)):
            summed[:, at, :-1] = counts[:, start:stop].sum(axis=1, dtype=np.float64)
        for at in range(len(starts) - 2, -1, -1):
            summed[:, at] += summed[:, at + 1]
        if self.quantity == "tsim":
            summed[..., :-1] *= np.arange(INTENSITIES)
        brighter = np.cumsum(summed[..., ::-1], axis=2)[..., ::-1]
        return np.asarray(brighter[..., [first_level(x, comparison=self.comparison) for x in self.xs]])


@dataclass(frozen=True, eq=False)
class Sums:
    """Weighted sums over units; the first row weighs each as 1, the others are resamples of women.

    Attributes
    ----------
    n, r, rr : float array, shape (row,)
        Units, the sum of the centred reference and of its square.
    y, yy, yr : float array, shape (cut, row, x)
        Sums of burden, of its square, and of its product with the centred reference.
    centre : float
        What was subtracted from the reference.
    women : int
        Women with a complete unit.
    """

    n: FloatArray
    r: FloatArray
    rr: FloatArray
    y: FloatArray
    yy: FloatArray
    yr: FloatArray
    centre: float
    women: int


def add_up(units: Units, grid: Grid, weights: FloatArray) -> Sums:
    """Add up what regression and limits are made of.

    Parameters
    ----------
    units : Units
    grid : Grid
    weights : float array, shape (row, subject)
        How often each woman counts in each row.

    Returns
    -------
    Sums
    """
    known = units.reference[~np.isnan(units.reference)]
    centre = float(known.mean()) if known.size else 0.0
    single = np.zeros((3, len(weights)))
    many = np.zeros((3, grid.shape[0], len(weights), grid.shape[1]))
    seen: set[int] = set()
    held: list[_OfWomen] = []
    for burden, reference, subject in _blocks(units, grid):
        held.append(_OfWomen.of(burden, reference - centre, subject))
        seen.update(held[-1].women.tolist())
        # weighing is dear, whatever the number of women: many at a time
        if sum(part.women.size for part in held) >= _WOMEN_AT_ONCE:
            _weigh(held, weights, single, many)
            held.clear()
    _weigh(held, weights, single, many)
    n, r, rr = single
    y, yy, yr = many
    return Sums(n, r, rr, y, yy, yr, centre, len(seen))


@dataclass(frozen=True, eq=False)
class _OfWomen:
    """Sums of some units by woman.

    Attributes
    ----------
    women : integer array, shape (woman,)
        Their codes; a woman may be in several of these.
    single : float array, shape (3, woman)
        Units, reference and its square.
    many : float array, shape (3, cut, woman, x)
        Burden, its square, and its product with the reference.
    """

    women: NDArray[np.intp]
    single: FloatArray
    many: FloatArray

    @classmethod
    def of(cls, burden: FloatArray, r: FloatArray, subject: NDArray[np.intp]) -> _OfWomen:
        """Add up burden (unit, cut, x) and reference (unit,) by woman."""
        women, code = np.unique(subject, return_inverse=True)
        indicator = (np.arange(women.size)[:, None] == code).astype(np.float64)
        single = np.stack([indicator @ values for values in (np.ones_like(r), r, r**2)])
        many = np.empty((3, burden.shape[1], women.size, burden.shape[2]))
        for cut in range(burden.shape[1]):
            y = np.ascontiguousarray(burden[:, cut])
            for at, values in enumerate((y, y * y, y * r[:, None])):
                np.matmul(indicator, values, out=many[at, cut])
        return cls(women, single, many)


def _weigh(held: list[_OfWomen], weights: FloatArray, single: FloatArray, many: FloatArray) -> None:
    """Add what is held to the sums of every row, in place."""
    if not held:
        return
    times = weights[:, np.concatenate([part.women for part in held])]
    single += np.concatenate([part.single for part in held], axis=1) @ times.T
    for at in range(many.shape[0]):
        for cut in range(many.shape[1]):
            many[at, cut] += times @ np.concatenate([part.many[at, cut] for part in held])


def _blocks(units: Units, grid: Grid) -> Iterator[Block]:
    """Yield complete units, some at a time."""
    for counts, factor, reference, subject in units.read(grid.images_at_once):
        step = max(1, grid.images_at_once // counts.shape[1])
        for first in range(0, len(counts), step):
            part = slice(first, first + step)
            burden, complete = _summed(grid, counts[part], None if factor is None else factor[part])
            if complete.any():
                yield burden[complete], reference[part][complete], subject[part][complete]


def _summed(
    grid: Grid, counts: NDArray[np.generic], factor: FloatArray | None
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the burden of units (unit, cut, x), summed over their images, and whether all of these exist."""
    units, views = counts.shape[:2]
    flat = counts.reshape(-1, *counts.shape[2:])
    if flat.dtype.kind == "f":
        flat = np.nan_to_num(flat)
    exists = np.asarray(flat.any(axis=(1, 2)).reshape(units, views))
    burden = grid.burden(flat).reshape(units, views, *grid.shape)
    if factor is not None:
        exists = exists & ~np.isnan(factor)
        burden *= factor[:, :, None, None]
    return np.asarray(burden.sum(axis=1) if views > 1 else burden[:, 0]), np.asarray(exists.all(axis=1))
