"""What the X-rays pass in one view: breast thickness, gland, muscle, strands and skin, all in mm."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from bactools.phantom.breast import Breast
from bactools.phantom.grid import Grid, splat
from bactools.phantom.noise import Field, power_law, stream
from bactools.phantom.position import Position
from bactools.phantom.strands import spin

COARSE = 8
"""Pixels per sample of what varies slowly."""

STRAND = 1.75
"""Tissue of an average strand per length [mm2]."""

FINE = 2
"""Pixels per sample of texture; finer detail drowns in the noise."""


@dataclass(frozen=True, eq=False)
class Tissue:
    """Path lengths through a compressed breast on grids of `COARSE` and `FINE` pixels.

    Attributes
    ----------
    grid : Grid
        Pixels of the detector that the breast fills, in whole blocks of `COARSE`.
    edge : float32 array, shape (row,)
        How far the breast reaches out in each row of the detector [mm].
    thickness : float32 array
        Of the breast, coarse [mm].
    muscle : float32 array
        Pectoral muscle, coarse [mm].
    gland : float32 array
        Fibroglandular tissue with its strands, fine [mm].
    """

    grid: Grid
    edge: Field
    thickness: Field
    muscle: Field
    gland: Field

    @property
    def inward(self) -> Field:
        """How far inside the skin each pixel is, along its row, shape of `grid` [mm]; negative outside."""
        return np.asarray(self.edge[:, None] - self.grid.out[None, :].astype(np.float32), dtype=np.float32)

    @property
    def unrest(self) -> Field:
        """Local standard deviation of the gland at scales of 0.4 to 2 mm, coarse [mm]."""
        sample = self.grid.spacing * FINE
        band = cv2.subtract(
            cv2.GaussianBlur(self.gland, (0, 0), 0.2 / sample),
            cv2.GaussianBlur(self.gland, (0, 0), 1.0 / sample),
        )
        size = (self.thickness.shape[1], self.thickness.shape[0])
        power = cv2.resize(band**2, size, interpolation=cv2.INTER_AREA)
        return np.asarray(np.sqrt(cv2.GaussianBlur(power, (0, 0), 4.0)), dtype=np.float32)


def lay_out(breast: Breast, position: Position, *, detector: tuple[int, int], spacing: float) -> Tissue:
    """Return what one view sees of a breast's soft tissue, chest wall at column 0.

    Parameters
    ----------
    breast : Breast
    position : Position
    detector : (int, int)
        Rows and columns.
    spacing : float
        Pixel spacing at the detector [mm].
    """
    whole = Grid(detector, spacing)
    edge = _edge(breast, position, whole.up)
    step = spacing * COARSE
    columns = min(detector[1] // COARSE, 4 * (int(edge.max() / step) // 4 + 2))
    grid = Grid((detector[0], columns * COARSE), spacing)
    coarse = grid.coarser(COARSE)
    thickness = _thickness(coarse.out[None, :] < _edge(breast, position, coarse.up)[:, None], position, step)
    muscle = _muscle(breast, position, coarse, thickness)
    gland = _textured(breast, position, coarse, thickness, muscle, grid.coarser(FINE))
    return Tissue(grid, edge, thickness, muscle, gland)


def _edge(breast: Breast, position: Position, heights: NDArray[np.float64]) -> Field:
    """Return how far the compressed breast reaches out from the chest wall at each height [mm]."""
    random = stream(breast.seed, "outline", breast.side, position.view)
    up = heights - position.raised
    depth = breast.half_axes[0] * position.spread * position.magnification - position.pulled
    if position.view == "CC":
        half = breast.half_axes[1] * position.spread * position.magnification * 1.08
        edge = depth * np.maximum(1 - np.abs(up / half) ** 2.25, 0) ** 0.62
    else:
        half = breast.half_axes[2] * position.spread * position.magnification
        bulge = np.where(up < 0, np.abs(up / (1.02 * half)) ** 2.2, np.abs(up / (1.25 * half)) ** 2.0)
        edge = depth * np.maximum(1 - bulge, 0) ** 0.6
        tail = depth * (0.45 + random.normal(0, 0.05)) - 0.11 * np.maximum(up, 0)
        tail = np.maximum(tail, 0) / (1 + np.exp(-np.clip((up + 0.2 * half) / (0.08 * half), -40, 40)))
        edge = (edge**3.5 + tail**3.5) ** (1 / 3.5)
        belly = 0.16 * depth - 0.35 * np.abs(up + half)
        edge = np.where(up < -0.9 * half, np.maximum(edge, belly), edge)
    wave = 1 + 0.012 * np.sin(up / 11 + random.uniform(0, 6)) + 0.008 * np.sin(up / 23)
    nipple = float(random.normal(5, 1.5)) * np.exp(-((up / 5.0) ** 2))
    return np.asarray(np.where(edge > 0, edge * wave + nipple, 0), dtype=np.float32)


def _thickness(inside: NDArray[np.bool_], position: Position, step: float) -> Field:
    """Round the edge off as a half circle, the radius being a little less than half the thickness."""
    padded = np.pad(inside.astype(np.uint8), ((1, 1), (1, 1)), mode="edge")
    padded[:, -1] = 0
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1] * step
    full = position.thickness
    radius = 0.42 * full
    rounded = np.sqrt(np.maximum(1 - np.maximum(1 - distance / radius, 0) ** 2, 0))
    field: Field = np.where(inside, full * rounded, 0).astype(np.float32)
    return field


def _muscle(breast: Breast, position: Position, grid: Grid, thickness: Field) -> Field:
    """Return the pectoral muscle: a wedge in the upper corner of an MLO view, none in a CC."""
    empty: Field = np.zeros_like(thickness)
    if position.view != "MLO":
        return empty
    random = stream(breast.seed, "muscle", breast.side)
    out, up = grid.out[None, :], grid.up[:, None] - position.raised
    depth = breast.half_axes[0]
    top = float(up.max())
    width = depth * random.uniform(0.34, 0.6) - 0.6 * position.pulled
    bottom = -depth * random.uniform(-0.1, 0.3)
    share = np.clip((up - bottom) / max(top - bottom, 1.0), 0, 1)
    edge = width * share ** random.uniform(0.8, 1.1)
    into = np.clip((edge - out) / (0.35 * width + 1), 0, 1) ** 0.55
    field: Field = np.where(thickness > 0, into * thickness * random.uniform(0.55, 0.8), 0).astype(np.float32)
    return np.asarray(gaussian_filter(field, 1.2), dtype=np.float32)


def _coarse_gland(breast: Breast, position: Position, grid: Grid) -> Field:
    """Project the glandular voxels [mm of tissue]."""
    centres, volumes = breast.gland()
    heap = splat(*grid.place(position.project(centres, breast.half_axes)), volumes, grid.shape)
    flattened = position.squeeze(breast.half_axes) * position.spread**2 / grid.spacing**2
    return np.asarray(gaussian_filter(heap, 2.2) * np.float32(flattened), dtype=np.float32)


def _textured(
    breast: Breast, position: Position, coarse: Grid, thickness: Field, muscle: Field, fine: Grid
) -> Field:
    """Return gland with its fine structure: power-law mottle and strands."""
    random = stream(breast.seed, "texture", breast.side, position.view)
    shape, sample = fine.shape, fine.spacing
    size = (shape[1], shape[0])
    gland = cv2.resize(_coarse_gland(breast, position, coarse), size, interpolation=cv2.INTER_CUBIC)
    body = cv2.resize(thickness, size, interpolation=cv2.INTER_LINEAR)
    muscular = np.clip(cv2.resize(muscle, size, interpolation=cv2.INTER_LINEAR) / 8, 0, 1)
    share = np.clip(gland / np.maximum(body, 1), 0, 1)
    soft = np.clip(body / position.thickness, 0, 1)
    mottle = power_law(random, shape, exponent=3.1, longest=12 / sample, shortest=0.7, stretch=(1, 1.4))
    with_gland = gland * np.exp(0.03 * mottle) + mottle * soft * (0.9 + 0.6 * share)
    strands = _strands(breast, position, fine) * soft * (1 - 0.6 * share)
    total = (with_gland + strands) * (1 - 0.55 * muscular)
    total += muscular * 2.0 * power_law(random, shape, exponent=3.0, longest=12 / sample, stretch=(3.5, 1))
    return np.asarray(np.where(body > 0, np.maximum(total, 0), 0), dtype=np.float32)


def _strands(breast: Breast, position: Position, grid: Grid) -> Field:
    """Project the strands: thin bright cores in a haze of their own [mm of tissue]."""
    strands = spin(breast.seed, breast.side, breast.half_axes, amount=STRAND)
    placed = position.project(strands.points, breast.half_axes)
    heap = splat(*grid.place(placed), strands.volume, grid.shape) / np.float32(grid.spacing**2)
    core = cv2.GaussianBlur(heap, (0, 0), 0.22 / grid.spacing)
    haze = cv2.GaussianBlur(heap, (0, 0), 0.9 / grid.spacing)
    return np.asarray(0.75 * core + 0.7 * haze, dtype=np.float32)
