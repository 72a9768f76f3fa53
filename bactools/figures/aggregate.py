"""Very many points, drawn as counts: a picture of the same size for a thousand images and a million."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from bactools.figures import style

MOST_POINTS = 5_000
"""More are counted in squares, never sent one by one."""

BELOW = 150
"""Room beneath the axis for the scale of colours [CSS pixel]."""

_SQUARES = 80


def many(points: pd.DataFrame) -> bool:
    """Return whether there are too many points to draw each."""
    return len(points) > MOST_POINTS


def counts(
    points: pd.DataFrame, x: str, y: str, *, log: bool = False, scale: bool = True, lines: tuple[str, str]
) -> go.Heatmap:
    """Return how many points there are in each square, colours on a logarithmic scale.

    Parameters
    ----------
    points : DataFrame
        One row per point, with the columns of `style.KEYS` that are known.
    x, y : str
        Columns; rows with a NaN or an infinite value are not counted.
    log : bool
        Whether both axes are logarithmic; only points above 0 are counted then.
    scale : bool
        Whether to show the scale of colours.
    lines : (str, str)
        What x and y are called when the pointer is over a square, safe to show.

    Returns
    -------
    plotly.graph_objects.Heatmap
        Every point is counted. A square that holds one point leads to its image.
    """
    a, b = points[x].to_numpy(np.float64), points[y].to_numpy(np.float64)
    known = np.isfinite(a) & np.isfinite(b)
    if log:
        known &= (a > 0) & (b > 0)
    a, b = a[known], b[known]
    left, below = _edges(a, log=log), _edges(b, log=log)
    column, row = _square(left, a), _square(below, b)
    shape = (len(below) - 1, len(left) - 1)
    held = np.zeros(shape, dtype=np.int64)
    np.add.at(held, (row, column), 1)
    with np.errstate(divide="ignore"):
        shown = np.where(held > 0, np.log10(held), np.nan)
    top = int(held.max(initial=1))
    ticks = [10**power for power in range(len(str(top)))]
    return go.Heatmap(
        x=left,
        y=below,
        z=shown,
        text=held,
        customdata=_lone(points[known], held, row, column),
        colorscale="Cividis",
        reversescale=True,
        zmin=0,
        zmax=max(float(np.log10(top)), 0.3),
        showscale=scale,
        hoverongaps=False,
        name="images",
        colorbar={
            "title": {
                "text": f"images per square, {held.sum():,} in all",
                "side": "top",
                "font": {"size": 12},
            },
            "tickvals": [float(np.log10(tick)) for tick in ticks],
            "ticktext": [f"{tick:,}" for tick in ticks],
            "orientation": "h",
            "tickangle": 0,
            "y": -0.2,
            "yanchor": "top",
            "thickness": 12,
            "len": 0.6,
        },
        hovertemplate=f"{lines[0]} %{{x:.4g}}<br>{lines[1]} %{{y:.4g}}<br>%{{text}} images<extra></extra>",
    )


def _edges(values: NDArray[np.float64], *, log: bool) -> NDArray[np.float64]:
    """Return the edges of the squares along an axis."""
    if not values.size:
        return np.array([1.0, 2.0])
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.array([low * 0.9, low * 1.1]) if log else np.array([low - 0.5, low + 0.5])
    return np.geomspace(low, high, _SQUARES + 1) if log else np.linspace(low, high, _SQUARES + 1)


def _square(edges: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def _lone(
    points: pd.DataFrame, held: NDArray[np.int64], row: NDArray[np.intp], column: NDArray[np.intp]
) -> NDArray[np.object_] | None:
    """Return the keys of the squares that hold one point, shape (row, column, key); the others' are empty."""
    alone = held[row, column] == 1
    told = style.customdata(points[alone])
    if told is None:
        return None
    keys = np.full((*held.shape, len(style.KEYS)), "", dtype=object)
    if told:
        keys[row[alone], column[alone]] = np.array(told, dtype=object)
    return keys
