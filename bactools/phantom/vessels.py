"""Arteries and their calcium as one view sees them: blood's faint shadow, calcium's bright one."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bactools.phantom.arteries import Artery, Points
from bactools.phantom.calcium import Wall
from bactools.phantom.grid import Grid, splat
from bactools.phantom.lookalikes import Bodies
from bactools.phantom.noise import Field
from bactools.phantom.position import Position

HalfAxes = tuple[float, float, float]


def frames(points: Points) -> tuple[Points, Points]:
    """Return two unit vectors across a centre line, turning with it as little as possible.

    Parameters
    ----------
    points : float array, shape (point, 3)

    Returns
    -------
    two float arrays, shape (point, 3)
        Each orthogonal to the line and to the other.
    """
    tangent = np.gradient(gaussian_filter1d(points, 2.0, axis=0, mode="nearest"), axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    start = np.array([0.0, 0.0, 1.0]) if abs(tangent[0, 2]) < 0.9 else np.array([0.0, 1.0, 0.0])
    normal = np.empty_like(points)
    previous = start
    for number, ahead in enumerate(tangent):
        previous = previous - (previous @ ahead) * ahead
        size = float(np.sqrt(previous @ previous))
        previous = previous / size if size > 1e-6 else start
        normal[number] = previous
    return normal, np.cross(tangent, normal)


def calcium_map(
    walls: Iterable[Wall],
    position: Position,
    half_axes: HalfAxes,
    grid: Grid,
) -> Field:
    """Project calcified walls onto the detector.

    Parameters
    ----------
    walls : iterable of Wall
    position : Position
    half_axes : (float, float, float)
        Of the breast [mm].
    grid : Grid

    Returns
    -------
    float32 array, shape of `grid`
        Hydroxyapatite over each pixel [mg]; its sum is the mass in the field of view.
    """
    total = np.zeros(grid.shape, dtype=np.float32)
    for wall in walls:
        rows, columns, mass = _cells(wall, position, half_axes, grid)
        if len(mass) == 0:
            continue
        top, left = int(np.floor(rows.min())) - 1, int(np.floor(columns.min())) - 1
        top, left = max(top, 0), max(left, 0)
        bottom, right = min(int(rows.max()) + 3, grid.shape[0]), min(int(columns.max()) + 3, grid.shape[1])
        if bottom - top < 2 or right - left < 2:
            continue
        total[top:bottom, left:right] += splat(rows - top, columns - left, mass, (bottom - top, right - left))
    return total


def _cells(
    wall: Wall, position: Position, half_axes: HalfAxes, grid: Grid
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return row, column and mass of the wall's calcified cells; a calcified artery keeps its calibre."""
    artery = wall.artery
    line = position.project(artery.points, half_axes)
    normal, binormal = frames(line)
    at, around = np.nonzero(wall.mass > 0)
    step = wall.position[1] - wall.position[0]
    stagger = around / len(wall.angle)  # along a helix, so that no row of cells beats with the pixels
    where, angle = wall.position[at] + step * stagger, wall.angle[around]
    known = np.arange(len(line))
    places = []
    for axis in range(2):
        centre = np.interp(where, known, line[:, axis])
        side = np.interp(where, known, normal[:, axis]) * np.cos(angle)
        side += np.interp(where, known, binormal[:, axis]) * np.sin(angle)
        radius = np.interp(where, known, artery.radius) * 0.9 * position.magnification
        places.append(centre + radius * side)
    mass = wall.mass[at, around].astype(np.float64)
    return *grid.place(np.column_stack(places)), mass


def body_map(
    bodies: Bodies,
    position: Position,
    half_axes: HalfAxes,
    grid: Grid,
) -> Field:
    """Project what looks like arterial calcium and is not [mg over each pixel].

    Parameters
    ----------
    bodies : bactools.phantom.lookalikes.Bodies
    position, half_axes, grid
        As for `calcium_map`.
    """
    placed = position.project(bodies.points, half_axes)[:, :2] + position.rotate(bodies.offset)
    return splat(*grid.place(placed), bodies.mass, grid.shape)


def shadow(
    arteries: Iterable[Artery],
    position: Position,
    half_axes: HalfAxes,
    grid: Grid,
) -> Field:
    """Project the blood in arteries or veins [mm of soft tissue].

    Parameters
    ----------
    arteries, position, half_axes, grid
        As for `calcium_map`; the grid may be a coarser one.
    """
    total = np.zeros(grid.shape, dtype=np.float32)
    for artery in arteries:
        line = position.project(artery.points, half_axes)
        pixel = np.column_stack(grid.place(line)[::-1])
        for size, share in ((1.0, 0.5), (0.75, 0.3), (0.4, 0.2)):
            layer = np.zeros(grid.shape, dtype=np.uint8)
            for first in range(0, len(pixel) - 1, 24):
                piece = np.round(pixel[first : first + 25] * 16).astype(np.int32)
                width = 2 * float(artery.radius[first : first + 25].mean()) * size
                cv2.polylines(layer, [piece], False, 255, max(1, round(width / grid.spacing)), cv2.LINE_AA, 4)
            depth = 2 * float(artery.radius.mean()) * share
            total += layer.astype(np.float32) * np.float32(depth / 255)
    return total
