"""Which intensity threshold and probability cut agree best with a reference, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bactools.conventions import INTENSITIES
from bactools.metrics.histogram import Comparison, first_bin, first_level
from bactools.stats.inputs import FloatArray, between, choice
from bactools.stats.result import Estimate, StatsError
from bactools.stats.thresholds.choice import chosen, surfaces
from bactools.stats.thresholds.result import Cutoff, Thresholds
from bactools.stats.thresholds.sums import Grid, Quantity, Sums, add_up
from bactools.stats.thresholds.units import Counts, Units, line_up

__all__ = ["CUTS", "Cutoff", "Thresholds", "thresholds"]

CUTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Probability cuts that are tried by default."""

Criterion = Literal["r2", "ccc", "sd", "rmse", "bias"]

_LEAST_UNITS = 3
_LEAST_WOMEN = 5
_MEMORY = 2**30


def thresholds(
    histogram: Counts,
    reference: xr.DataArray | ArrayLike,
    *,
    quantity: Quantity = "tam",
    cuts: Sequence[float] | Literal["all"] = CUTS,
    xs: Sequence[float] | None = None,
    comparison: Comparison = ">",
    factor: xr.DataArray | float | None = None,
    subject: Sequence[Any] | ArrayLike | None = None,
    criterion: Criterion = "r2",
    level: float = 0.95,
    confidence: float = 0.95,
    n_bootstrap: int = 500,
    seed: int = 0,
) -> Thresholds:
    """Compare burden with a reference at every probability cut and intensity threshold.

    Parameters
    ----------
    histogram : DataArray or integer array, shape (..., probability_bin, intensity)
        ``cube.joint_histogram`` in the stored form, lazy or in memory. A lazy one is read once, a few
        chunks at a time; an empty one is no image.
    reference : DataArray or array, shape (...)
        What burden is compared with, on the same cells; DataArrays are aligned by their coordinates. A
        DataArray without ``view`` is compared with the sum over views of women (exams) that have them all.
    quantity : {"tam", "tsim"}
        Pixels called calcified and brighter than X, or the sum of their grey levels.
    cuts : sequence of float, or "all"
        Probability cuts, whole percent; "all" are 0.01, 0.02 … 0.99.
    xs : sequence of float, optional
        Intensity thresholds [grey level]; 0 … 255 by default.
    comparison : {">", ">="}
        How grey levels are compared with X: ``">"`` in the paper, ``">="`` in its published code.
    factor : DataArray or float, optional
        What each image's burden is multiplied by before it is summed or compared, such as
        ``1 / cube.breast_area``, or the area of a pixel [mm2].
    subject : sequence, optional
        The woman of each cell of `reference`; by default the coordinate ``subject``, or else every cell
        is taken to be of another woman.
    criterion : {"r2", "ccc", "sd", "rmse", "bias"}
        What is best where: R² and Lin's concordance at their highest, the others nearest 0.
    level : float
        Share of differences between the limits of agreement.
    confidence : float
    n_bootstrap : int
        Resamples of women; 0 for none. All cuts with 500 of them need 0.3 GB and some seconds.
    seed : int

    Returns
    -------
    Thresholds
        Not estimable with fewer than three images, a reference that is the same everywhere, or no
        calcification at any cut. Fewer than five women are not resampled.

    Raises
    ------
    StatsError
        If shapes do not fit, an option is unknown, or the resamples would not fit into memory.

    References
    ----------
    Guo X, et al. Med Phys 2021;48:5851-5861, section II.D. Harrell FE, Lee KL, Mark DB. Stat Med
    1996;15:361-387 (optimism).
    """
    grid = _grid(cuts, xs, quantity, comparison)
    choice(criterion, get_args(Criterion), name="criterion")
    between(level, 0, 1, name="level")
    between(confidence, 0, 1, name="confidence")
    _check_size(n_bootstrap, grid)
    units = line_up(histogram, reference, factor=factor, subject=subject)
    return _Plan(units, grid, criterion, level, confidence, n_bootstrap, seed).run()


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is to be computed."""

    units: Units
    grid: Grid
    criterion: Criterion
    level: float
    confidence: float
    n_bootstrap: int
    seed: int

    def run(self) -> Thresholds:
        """Add up, then choose."""
        known = ~np.isnan(self.units.reference)
        values = self.units.reference[known]
        if known.sum() < _LEAST_UNITS:
            return self._nothing(f"only {known.sum()} with a reference, at least {_LEAST_UNITS} are needed")
        if np.ptp(values) == 0:
            return self._nothing(f"the reference is {values[0]:g} everywhere")
        sums = add_up(self.units, self.grid, self._weights(np.unique(self.units.subject[known])))
        reason = _obstacle(sums)
        if reason:
            return self._nothing(reason)
        surface = surfaces(
            sums, self.grid, z=float(stats.norm.ppf((1 + self.level) / 2)), units=self.units.units
        )
        if not np.isfinite(surface[self.criterion]).any():
            return self._nothing("burden is the same on every image, at every cut and threshold")
        resampled = sums.women >= _LEAST_WOMEN and self.n_bootstrap > 0
        found = chosen(
            sums,
            self.grid,
            surface,
            criterion=self.criterion,
            confidence=self.confidence,
            resampled=resampled,
        )
        return replace(
            self._nothing(""),
            surface=found.surface,
            best=found.best,
            published=found.published,
            gain=found.gain,
            optimism=found.optimism,
            as_good=found.as_good,
            n=int(sums.n[0]),
            n_subjects=sums.women,
            n_dropped=int(known.sum() - sums.n[0]),
            n_bootstrap=self.n_bootstrap if resampled else 0,
        )

    def _weights(self, women: NDArray[np.intp]) -> FloatArray:
        """Return how often each woman counts: once, then as resampled; shape (1 + n_bootstrap, subject)."""
        weights = np.zeros((1 + self.n_bootstrap, int(self.units.subject.max()) + 1))
        weights[0, women] = 1
        if self.n_bootstrap:
            random = np.random.default_rng(self.seed)
            share = np.full(women.size, 1 / women.size)
            weights[1:, women] = random.multinomial(women.size, share, self.n_bootstrap)
        return weights

    def _nothing(self, reason: str) -> Thresholds:
        missing = Estimate.missing(reason or "not on the grid")
        return Thresholds(
            xr.Dataset(coords={"cut": list(self.grid.cuts), "x": list(self.grid.xs)}),
            Cutoff(missing, missing, missing),
            None,
            missing,
            np.nan,
            (),
            self.grid.quantity,
            self.grid.comparison,
            self.criterion,
            n=0,
            n_subjects=0,
            n_dropped=0,
            n_bootstrap=0,
            level=self.level,
            confidence=self.confidence,
            reference=self.units.name,
            units=self.units.units,
            summed=self.units.summed,
            reason=reason,
        )


def _grid(
    cuts: Sequence[float] | Literal["all"],
    xs: Sequence[float] | None,
    quantity: Quantity,
    comparison: Comparison,
) -> Grid:
    choice(quantity, get_args(Quantity), name="quantity")
    if isinstance(cuts, str):
        choice(cuts, ("all",), name="cuts")
        cuts = [percent / 100 for percent in range(1, 100)]
    levels = range(INTENSITIES) if xs is None else xs
    try:
        bins = sorted({first_bin(float(cut)) for cut in cuts})
        for x in levels:
            first_level(float(x), comparison=comparison)
    except (TypeError, ValueError) as error:
        raise StatsError(str(error)) from None
    if not bins or not len(levels):
        raise StatsError(f"{len(bins)} cuts and {len(levels)} thresholds: give at least one of each")
    return Grid(
        tuple(percent / 100 for percent in bins),
        tuple(sorted({float(x) for x in levels})),
        quantity,
        comparison,
    )


def _obstacle(sums: Sums) -> str:
    """Return why nothing can be compared, empty if something can."""
    n = int(sums.n[0])
    if n < _LEAST_UNITS:
        return f"only {n} with all images and a reference, at least {_LEAST_UNITS} are needed"
    if sums.rr[0] - sums.r[0] ** 2 / n <= 1e-12 * sums.rr[0]:
        return "the reference is the same wherever there is an image"
    return "" if sums.yy[:, 0].any() else "no pixel is called calcified at any cut and threshold"


def _check_size(n_bootstrap: int, grid: Grid) -> None:
    if n_bootstrap < 0 or 0 < n_bootstrap < 100:
        raise StatsError(f"n_bootstrap={n_bootstrap}: choose 0 for none, or 100 or more")
    needed = 3 * 8 * (1 + n_bootstrap) * grid.shape[0] * grid.shape[1]
    if needed > _MEMORY:
        raise StatsError(
            f"{n_bootstrap} resamples at {grid.shape[0]} cuts and {grid.shape[1]} thresholds need"
            f" {needed / 2**30:.1f} GiB: choose fewer cuts=, xs= or n_bootstrap="
        )
