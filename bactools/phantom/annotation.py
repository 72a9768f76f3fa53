"""What a reader following the paper's protocol would draw: a line down the centre of calcified vessels."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from bactools.phantom.calcium import Wall
from bactools.phantom.grid import Grid
from bactools.phantom.noise import Field
from bactools.phantom.position import Position

LINE_WIDTH = 30
"""Width of a drawn line [pixel]: that of the published network's own masks, 2.1 mm at 0.07 mm."""

GAP = 10.0
"""Length without calcium that ends a line [mm]."""

VISIBLE = 0.08
"""Hydroxyapatite per length of vessel from which a reader sees it on even tissue [mg/mm]."""

HIDDEN = 0.035
"""How much more it takes per standard deviation of the tissue around [mg/mm per mm of gland]."""

SHORTEST = 4.0
"""Calcified length below which nothing is drawn [mm]."""

Polyline = NDArray[np.float64]


def trace(
    walls: Iterable[Wall],
    position: Position,
    half_axes: tuple[float, float, float],
    grid: Grid,
    *,
    unrest: Field | None = None,
) -> list[Polyline]:
    """Return the lines a reader would draw.

    "A multi-segmented line down the center of any calcified vessel continuously until there is at least
    a 1cm length of non-calcified vessel, at which point a new segmentation is started where the
    calcification resumes."

    Parameters
    ----------
    walls, position, half_axes, grid
        As for `bactools.phantom.vessels.calcium_map`.
    unrest : float array, shape (y, x), optional
        Local standard deviation of the tissue on a coarser grid that covers the same field [mm of
        gland]: faint calcium in restless tissue is not noticed.

    Returns
    -------
    list of float array, shape (vertex, 2)
        Column and row of the vertices [pixel], chest wall at column 0.

    References
    ----------
    Guo X, et al. Med Phys 2021;48:5851-5861, "Groundtruth acquisition".
    """
    lines: list[Polyline] = []
    for wall in walls:
        line = position.project(wall.artery.points, half_axes)
        rows, columns = grid.place(line)
        known = np.arange(len(line))
        along = np.linalg.norm(np.diff(line[:, :2], axis=0, prepend=line[:1, :2]), axis=1).cumsum()
        at = np.interp(wall.position, known, along)
        x, y = np.interp(wall.position, known, columns), np.interp(wall.position, known, rows)
        in_field = (x >= 0) & (y >= 0) & (x < grid.shape[1]) & (y < grid.shape[0])
        step = wall.artery.length / (len(at) - 1)
        per_length = np.convolve(wall.mass.sum(axis=1), np.ones(10) / 10, mode="same") / step
        needed = VISIBLE + (HIDDEN * _sampled(unrest, x, y, grid) if unrest is not None else 0.0)
        for first, last in _stretches((per_length >= needed) & in_field, at):
            lines.append(np.column_stack([x[first : last + 1 : 10], y[first : last + 1 : 10]]))
    return lines


def _sampled(field: Field, x: NDArray[np.float64], y: NDArray[np.float64], grid: Grid) -> Field:
    """Return a coarser field's values at pixels of the grid."""
    rows = np.clip(y * field.shape[0] / grid.shape[0], 0, field.shape[0] - 1).astype(np.int64)
    columns = np.clip(x * field.shape[1] / grid.shape[1], 0, field.shape[1] - 1).astype(np.int64)
    return np.asarray(field[rows, columns], dtype=np.float32)


def _stretches(calcified: NDArray[np.bool_], at: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Join calcified places less than `GAP` apart; leave out what is too short to be noticed."""
    places = np.flatnonzero(calcified)
    if len(places) == 0:
        return []
    breaks = np.flatnonzero(np.diff(at[places]) >= GAP)
    firsts = places[np.concatenate([[0], breaks + 1])]
    lasts = places[np.concatenate([breaks, [len(places) - 1]])]
    return [(int(a), int(b)) for a, b in zip(firsts, lasts, strict=True) if at[b] - at[a] >= SHORTEST]


def draw(lines: Iterable[Polyline], shape: tuple[int, int], *, width: int = LINE_WIDTH) -> NDArray[np.bool_]:
    """Return the mask of drawn lines.

    Parameters
    ----------
    lines : iterable of float array, shape (vertex, 2)
        Column and row [pixel].
    shape : (int, int)
        Rows and columns.
    width : int
        Of the line, with round ends [pixel].
    """
    canvas = np.zeros(shape, dtype=np.uint8)
    for line in lines:
        points = np.round(line * 16).astype(np.int32)
        cv2.polylines(canvas, [points.reshape(-1, 1, 2)], False, 1, width, cv2.LINE_8, 4)
    return canvas.astype(bool)
