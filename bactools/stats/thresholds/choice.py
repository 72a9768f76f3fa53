"""Surfaces from sums, and the point that is best on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bactools.stats.inputs import FloatArray
from bactools.stats.result import Estimate
from bactools.stats.thresholds.result import HIGH_IS_GOOD, UNITLESS, Cutoff
from bactools.stats.thresholds.sums import Grid, Sums

PUBLISHED = (0.5, 100.0)
"""Probability cut and intensity threshold of the paper."""

_TIE = 1e-9
_ROUNDING = 1e-12

Point = tuple[int, int]
"""Position on (cut, x)."""


@dataclass(frozen=True, eq=False)
class Choice:
    """The best point and how sure it is; see `bactools.stats.thresholds.result.Thresholds`."""

    surface: xr.Dataset
    best: Cutoff
    published: Cutoff | None
    gain: Estimate
    optimism: float
    as_good: tuple[float, ...]


def surfaces(sums: Sums, grid: Grid, *, z: float, units: str) -> xr.Dataset:
    """Return what all images say, on (cut, x); limits lie z SD from the bias."""
    found = _moments(sums, slice(None), slice(0, 1))
    mean, sd = found["bias"], found["sd"]
    found |= {"lower": mean - z * sd, "upper": mean + z * sd}
    arrays = {
        name: (("cut", "x"), values[:, 0], {"units": "1" if name in UNITLESS else units})
        for name, values in found.items()
    }
    return xr.Dataset(arrays, coords={"cut": list(grid.cuts), "x": list(grid.xs)})


def chosen(
    sums: Sums, grid: Grid, surface: xr.Dataset, *, criterion: str, confidence: float, resampled: bool
) -> Choice:
    """Return the best point, with what resampling women says of it.

    Parameters
    ----------
    sums : Sums
    grid : Grid
    surface : Dataset
        From `surfaces`.
    criterion : str
    confidence : float
    resampled : bool
        Whether the rows after the first of the sums are to be used.

    Returns
    -------
    Choice
    """
    value = surface[criterion].values
    goodness = _goodness(value, criterion)
    best = _best(goodness[:, None], _distance(grid))[0]
    published = _published(grid)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    drawn = _resampled(sums, grid, criterion, tails, best, published) if resampled else _none(grid)
    dims = ("cut", "x")
    surface = surface.assign(
        score_low=(dims, drawn.low), score_high=(dims, drawn.high), share=(dims, drawn.share)
    )

    def point(at: Point, ends: tuple[FloatArray, FloatArray]) -> Cutoff:
        score = Estimate(float(value[at]), float(drawn.low[at]), float(drawn.high[at]))
        cut, x = (
            Estimate(float(axis[place]), float(low), float(high))
            for axis, place, (low, high) in zip((grid.cuts, grid.xs), at, ends, strict=True)
        )
        return Cutoff(cut, x, score)

    no_ends = np.full(2, np.nan), np.full(2, np.nan)
    return Choice(
        surface,
        point(best, _spread(drawn.winner, grid, tails)),
        None if published is None else point(published, no_ends),
        _gain(goodness, drawn, best, published, tails),
        _optimism(goodness, drawn),
        _as_good(goodness, drawn, best, grid, tails),
    )


@dataclass(frozen=True, eq=False)
class _Resampled:
    """What resamples of women say of the criterion.

    Attributes
    ----------
    low, high, share : float array, shape (cut, x)
        Interval of the criterion, and the share of resamples in which the point is best.
    winner : integer array, shape (resample,)
        The best point of each, as a position on the flattened grid.
    top : float array, shape (resample,)
        Its goodness.
    at_best : float array, shape (resample, x)
        Goodness at the cut that is best over all women.
    at_published : float array, shape (resample,)
        Goodness at the published point; empty if it is not on the grid.
    """

    low: FloatArray
    high: FloatArray
    share: FloatArray
    winner: NDArray[np.intp]
    top: FloatArray
    at_best: FloatArray
    at_published: FloatArray


def _resampled(
    sums: Sums, grid: Grid, criterion: str, tails: list[float], best: Point, published: Point | None
) -> _Resampled:
    cuts, rows, distance = len(grid.cuts), len(sums.n) - 1, _distance(grid)
    low, high = np.full(grid.shape, np.nan), np.full(grid.shape, np.nan)
    top = np.full((cuts, rows), -np.inf)
    place = np.zeros((cuts, rows), dtype=np.intp)
    at_best, at_published = np.empty((0, grid.shape[1])), np.empty(0)
    # one cut at a time: all of them would need several times the memory of the sums
    for cut in range(cuts):
        drawn = _moments(sums, slice(cut, cut + 1), slice(1, None))[criterion][0]
        low[cut], high[cut] = _quantiles(drawn, tails)
        good = _goodness(drawn, criterion)
        place[cut] = [x for _, x in _best(good[None], distance[cut : cut + 1])]
        found = good[np.arange(rows), place[cut]]
        top[cut] = np.where(np.isnan(found), -np.inf, found)
        if cut == best[0]:
            at_best = good
        if published is not None and cut == published[0]:
            at_published = good[:, published[1]]
    which = _best_cut(top, np.take_along_axis(distance, place, axis=1))
    winner = which * grid.shape[1] + place[which, np.arange(rows)]
    share = np.bincount(winner, minlength=distance.size).reshape(grid.shape) / rows
    return _Resampled(low, high, share, winner, top[which, np.arange(rows)], at_best, at_published)


def _none(grid: Grid) -> _Resampled:
    unknown, nothing = np.full(grid.shape, np.nan), np.empty(0)
    return _Resampled(
        unknown,
        unknown,
        unknown,
        np.empty(0, dtype=np.intp),
        nothing,
        np.empty((0, grid.shape[1])),
        nothing,
    )


def _moments(sums: Sums, cuts: slice, rows: slice) -> dict[str, FloatArray]:
    """Return every surface, shape (cut, row, x)."""
    n, r, rr = (values[rows, None] for values in (sums.n, sums.r, sums.rr))
    y, yy, yr = (values[cuts, rows] for values in (sums.y, sums.yy, sums.yr))
    with np.errstate(divide="ignore", invalid="ignore"):
        of_r = rr - r**2 / n
        of_y = np.where(yy - y**2 / n > _ROUNDING * yy, yy - y**2 / n, 0)
        cross = yr - y * r / n
        of_d = of_r + of_y - 2 * cross
        of_d = np.where(of_d > _ROUNDING * (of_r + of_y), of_d, 0)
        spread = np.where((of_y > 0) & (of_r > 0), of_r * of_y, np.nan)
        middle = r / n + sums.centre
        bias = y / n - middle
        slope = cross / np.where(of_r > 0, of_r, np.nan)
        return {
            "r2": np.clip(cross**2 / spread, 0, 1),
            "slope": slope,
            "intercept": y / n - slope * middle,
            "bias": bias,
            "sd": np.sqrt(of_d / np.where(n > 1, n - 1, np.nan)),
            "rmse": np.sqrt(of_d / n + bias**2),
            "ccc": 2 * cross / (of_r + of_y + n * bias**2),
        }


def _goodness(values: FloatArray, criterion: str) -> FloatArray:
    """Return the criterion so that more is better."""
    return values if criterion in HIGH_IS_GOOD else np.asarray(-np.abs(values))


def _distance(grid: Grid) -> FloatArray:
    """Return how far each point is from the published one: by cut first, then by X; shape (cut, x)."""
    cuts, xs = np.asarray(grid.cuts), np.asarray(grid.xs)
    return np.asarray(1000 * np.abs(cuts - PUBLISHED[0])[:, None] + np.abs(xs - PUBLISHED[1]) / 1000)


def _slack(top: FloatArray) -> FloatArray:
    """Return by how much equals may differ."""
    return np.asarray(_TIE * np.abs(np.where(np.isfinite(top), top, 0)))


def _best(goodness: FloatArray, distance: FloatArray) -> list[Point]:
    """Return the best (cut, x) of each row of (cut, row, x); of equals the nearest."""
    filled = np.where(np.isnan(goodness), -np.inf, goodness)
    top = filled.max(axis=(0, 2), keepdims=True)
    near = np.where(filled >= top - _slack(top), distance[:, None, :], np.inf)
    flat = np.moveaxis(near, 1, 0).reshape(near.shape[1], -1).argmin(axis=1)
    return [(int(at) // goodness.shape[2], int(at) % goodness.shape[2]) for at in flat]


def _best_cut(top: FloatArray, distance: FloatArray) -> NDArray[np.intp]:
    """Return the best cut of each resample, of equals the nearest; both of shape (cut, resample)."""
    best = top.max(axis=0)
    return np.asarray(np.where(top >= best - _slack(best), distance, np.inf).argmin(axis=0))


def _published(grid: Grid) -> Point | None:
    cut = np.flatnonzero(np.isclose(grid.cuts, PUBLISHED[0]))
    x = np.flatnonzero(np.isclose(grid.xs, PUBLISHED[1]))
    return (int(cut[0]), int(x[0])) if cut.size and x.size else None


def _spread(winner: NDArray[np.intp], grid: Grid, tails: list[float]) -> tuple[FloatArray, FloatArray]:
    """Return the interval of the best cut and of the best X."""
    if not winner.size:
        return np.full(2, np.nan), np.full(2, np.nan)
    cut, x = np.divmod(winner, grid.shape[1])
    return (
        np.quantile(np.asarray(grid.cuts)[cut], tails, method="inverted_cdf"),
        np.quantile(np.asarray(grid.xs)[x], tails, method="inverted_cdf"),
    )


def _optimism(goodness: FloatArray, drawn: _Resampled) -> float:
    """Return how much better a point looks where it was chosen than over all women, on average."""
    held = np.isfinite(drawn.top)
    if not held.any():
        return float("nan")
    return float(np.nanmean(drawn.top[held] - goodness.ravel()[drawn.winner[held]]))


def _gain(
    goodness: FloatArray, drawn: _Resampled, best: Point, published: Point | None, tails: list[float]
) -> Estimate:
    """Return by how much the best point beats the published one."""
    if published is None:
        return Estimate.missing("X = 100 and cut 0.5 are not on the grid")
    gain = float(goodness[best] - goodness[published])
    if np.isnan(gain):
        return Estimate.missing("at X = 100 and cut 0.5 there is nothing to compare")
    if not drawn.at_published.size:
        return Estimate(gain)
    low, high = _quantiles((drawn.at_best[:, best[1]] - drawn.at_published)[:, None], tails)
    return Estimate(gain, float(low[0]), float(high[0]))


def _as_good(
    goodness: FloatArray, drawn: _Resampled, best: Point, grid: Grid, tails: list[float]
) -> tuple[float, ...]:
    """Return the thresholds that, at the best cut, cannot be told from the best."""
    if not drawn.winner.size:
        return ()
    behind, _ = _quantiles(drawn.at_best[:, best[1], None] - drawn.at_best, tails)
    equal = np.isfinite(goodness[best[0]]) & (behind <= float(_slack(goodness[best])))
    return tuple(float(grid.xs[at]) for at in np.flatnonzero(equal))


def _quantiles(drawn: FloatArray, tails: list[float]) -> tuple[FloatArray, FloatArray]:
    """Return quantiles over resamples (axis 0), leaving out those that say nothing; NaN if most do not."""
    ends = np.full((2, drawn.shape[1]), np.nan)
    known = np.isfinite(drawn)
    held = known.mean(axis=0) >= 0.5
    quantile = np.quantile if known.all() else np.nanquantile
    if held.any():
        ends[:, held] = quantile(drawn[:, held], tails, axis=0)
    return ends[0], ends[1]
