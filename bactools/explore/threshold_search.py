"""Threshold surfaces of a cohort, computed once and read by all who ask."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from threading import RLock

import xarray as xr

from bactools.explore.cohort import Cohort
from bactools.explore.source import Source
from bactools.explore.variables import references
from bactools.metrics.histogram import above, first_level
from bactools.stats.result import StatsError
from bactools.stats.thresholds import Thresholds

_HISTOGRAM = "joint_histogram"
_MOST_KEPT = 6
_MOST_IMAGES = 40_000
_RESAMPLES = 100

CUTS = tuple(percent / 100 for percent in range(5, 100, 5))
"""Probability cuts that are computed."""

_kept: OrderedDict[Hashable, tuple[Thresholds, xr.DataArray]] = OrderedDict()
_lock = RLock()


def has_histogram(cube: xr.Dataset) -> bool:
    """Return whether thresholds can be moved at all."""
    return _HISTOGRAM in cube


def threshold_references(cube: xr.Dataset, others: Sequence[str]) -> list[str]:
    """Return what burden can be compared with: truth, then other studies."""
    return [*references(cube), *others]


def search(
    source: Source,
    cohort: Cohort,
    *,
    against: str,
    theirs: xr.Dataset | None = None,
    quantity: str,
    criterion: str,
) -> tuple[Thresholds, xr.DataArray]:
    """Return the threshold surface of a cohort, and the mean burden per image by cut and threshold.

    Parameters
    ----------
    source : Source
    cohort : Cohort
    against : str
        A variable of the study's cube, or the name of the other study.
    theirs : Dataset, optional
        The other study's cube; its TAM_100 (TSIM_100) of the same images is the reference.
    quantity : {"tam", "tsim"}
    criterion : str
        See `bactools.stats.thresholds.thresholds`.

    Returns
    -------
    Thresholds
    DataArray, shape (cut, x)
        Of all images of the cohort, with a reference or without.

    Raises
    ------
    StatsError
        If the study kept no joint histograms, or the cohort is too large to do this while one waits.
    """
    metric = f"{quantity}_100"
    if theirs is not None and metric not in theirs:
        raise StatsError(f"the other study has no {metric}")
    mark = "" if theirs is None else hashlib.sha256(theirs[metric].values.tobytes()).hexdigest()
    key = (str(source.study.folder), source.version, cohort.key, against, mark, quantity, criterion)
    with _lock:
        if key not in _kept:
            _kept[key] = _searched(source, cohort, against, theirs, quantity, criterion)
        _kept.move_to_end(key)
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
        return _kept[key]


def _searched(
    source: Source, cohort: Cohort, against: str, theirs: xr.Dataset | None, quantity: str, criterion: str
) -> tuple[Thresholds, xr.DataArray]:
    metric = f"{quantity}_100"
    cube = source.part(cohort, _HISTOGRAM, *([against] if theirs is None else []))
    n = int((cube["status"] == 1).sum())
    if n > _MOST_IMAGES:
        raise StatsError(
            f"this cohort has {n:,} images; the search reads every histogram, at most {_MOST_IMAGES:,}:"
            " choose a smaller cohort, or use cube.bac.thresholds in Python"
        )
    if theirs is None:
        reference = cube[against]
    else:
        days = theirs["date"].reindex_like(cube["date"])
        reference = theirs[metric].reindex_like(cube["status"]).where(days == cube["date"])
        reference = reference.rename(f"{metric} of {against}").assign_attrs(theirs[metric].attrs)
    found = cube.bac.thresholds(
        against=reference, quantity=quantity, criterion=criterion, cuts=CUTS, n_bootstrap=_RESAMPLES
    )
    return found, _mean_burden(cube[_HISTOGRAM], n, quantity, found)


def _mean_burden(histogram: xr.DataArray, n: int, quantity: str, found: Thresholds) -> xr.DataArray:
    """Return the mean burden per image at every point of the surface."""
    cells = [dim for dim in histogram.dims if dim not in ("probability_bin", "intensity")]
    total = histogram.sum(cells, dtype="int64").compute()
    rows = []
    for cut in found.surface["cut"].values:
        levels = above(total, float(cut))
        if quantity == "tsim":
            levels = levels * xr.DataArray(range(levels.sizes["intensity"]), dims="intensity")
        rows.append(
            [
                float(levels[first_level(float(x), comparison=found.comparison) :].sum()) / max(n, 1)  # type: ignore[arg-type]
                for x in found.surface["x"].values
            ]
        )
    coords = {"cut": found.surface["cut"].values, "x": found.surface["x"].values}
    return xr.DataArray(rows, dims=("cut", "x"), coords=coords, name=quantity)
