"""What a cube offers to look at: what was measured, and what it can be compared with."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from bactools import metrics

_FIRST = ("tam_100", "am", "pm", "sim", "tsim_100")


def measured(cube: xr.Dataset) -> list[str]:
    """Return the metrics of a cube, the paper's five first."""
    held = [name for name in metrics.METRICS if name in cube and "view" in cube[name].dims]
    return [*(name for name in _FIRST if name in held), *(name for name in held if name not in _FIRST)]


def references(cube: xr.Dataset) -> list[str]:
    """Return the numbers per image that are no metric: truth, readers."""
    return [
        str(name)
        for name, array in cube.data_vars.items()
        if {"subject", "view"} <= set(array.dims)
        and array.dtype.kind == "f"
        and str(name) not in metrics.METRICS
        and "probability_bin" not in array.dims
        and (str(name).startswith("true_") or str(name).endswith("_truth"))
    ]


def counterparts(cube: xr.Dataset, others: Sequence[str]) -> list[str]:
    """Return what a metric can be compared with: truth first, then other studies, then other metrics."""
    return [*references(cube), *others, *measured(cube)]
