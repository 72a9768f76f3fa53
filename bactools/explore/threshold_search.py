"""Threshold surfaces of a cohort, of an even sample of its women if it is large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bactools.conventions import DONE
from bactools.explore.cohort import Cohort
from bactools.explore.quality import evenly
from bactools.explore.source import Source
from bactools.explore.variables import references
from bactools.stats.joining import joined
from bactools.stats.result import StatsError
from bactools.stats.thresholds import Thresholds

_HISTOGRAM = "joint_histogram"
_MOST_IMAGES = 2_000
_RESAMPLES = 100

CUTS = tuple(percent / 100 for percent in range(5, 100, 5))
"""Probability cuts that are computed."""


@dataclass(frozen=True, eq=False)
class Search:
    """A threshold surface, and of what it was computed.

    Attributes
    ----------
    found : Thresholds
    burden : DataArray, shape (cut, x)
        Mean burden of the images that are compared.
    n_images : int
        Measured images of the women that were looked at.
    n_women, n_cohort : int
        Women that were looked at, and women of the cohort.
    """

    found: Thresholds
    burden: xr.DataArray
    n_images: int
    n_women: int
    n_cohort: int

    @property
    def words(self) -> str:
        """What was compared, and how finely."""
        told = [f"{self.found.n:,} of {self.n_images:,} measured images have a counterpart and are compared."]
        if self.n_women < self.n_cohort:
            told.append(
                f"These are the images of {self.n_women:,} of {self.n_cohort:,} women, evenly chosen, so that"
                " it does not take long."
            )
        told.append(
            f"Computed at {len(CUTS)} cuts, from {CUTS[0]:g} to {CUTS[-1]:g}, and every grey level; intervals"
            f" from {self.found.n_bootstrap} resamples of women. cube.bac.thresholds in Python computes"
            " finer ones, of all women."
        )
        return " ".join(told)


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
) -> Search:
    """Return the threshold surface of a cohort.

    Parameters
    ----------
    source : Source
    cohort : Cohort
    against : str
        A variable of the study's cube, or the name of the other study.
    theirs : Dataset, optional
        The other study's cube; its TAM_100 (TSIM_100) of the same woman, view and date is the reference.
    quantity : {"tam", "tsim"}
    criterion : str
        See `bactools.stats.thresholds.thresholds`.

    Raises
    ------
    StatsError
        If the study kept no joint histograms, or the other study has not the metric.
    """
    metric = f"{quantity}_100"
    if theirs is not None and metric not in theirs:
        raise StatsError(f"the other study has no {metric}")
    whole = source.part(cohort, _HISTOGRAM, *([against] if theirs is None else []))
    n_cohort = whole.sizes["subject"]
    per_woman = int((whole["status"] == DONE).sum()) / max(n_cohort, 1)
    cube = evenly(whole, max(5, int(_MOST_IMAGES / max(per_woman, 1))))
    reference = cube[against] if theirs is None else _of_the_other(cube, theirs[metric], against)
    found = cube.bac.thresholds(
        against=reference, quantity=quantity, criterion=criterion, cuts=CUTS, n_bootstrap=_RESAMPLES,
        comparison=source.study.recipe.comparison,
    )  # fmt: skip
    done = cube["status"] == DONE
    burden = xr.DataArray()
    if found.estimable:
        burden = found.surface["bias"] + float(reference.where(done).mean())
    return Search(found, burden, int(done.sum()), cube.sizes["subject"], n_cohort)


def _of_the_other(cube: xr.Dataset, theirs: xr.DataArray, name: str) -> xr.DataArray:
    """Return another study's values on the cells of a cube, joined by subject, view and date."""
    same = np.isin(theirs["subject"].values, cube["subject"].values)
    both = joined(cube[["status"]], "status", theirs.isel(subject=np.flatnonzero(same)))
    dims = ("subject", "view", "exam")
    values = np.full(tuple(cube.sizes[dim] for dim in dims), np.nan)
    days = cube["date"].transpose("subject", "exam").values.astype("datetime64[D]")
    s, v = (cube[dim].to_index().get_indexer(pd.Index(both.keys[dim])) for dim in dims[:2])
    # an exam is a place in a cube; its date is what both studies know
    e = (days[s] == both.keys["date"].to_numpy().astype("datetime64[D]")[:, None]).argmax(axis=1)
    values[s, v, e] = both.b
    coords = {dim: cube[dim] for dim in dims if dim in cube.coords}
    return xr.DataArray(values, coords, dims, name=f"{theirs.name} of {name}", attrs=theirs.attrs)
