"""What the X-rays pass in one view: breast thickness, gland, muscle, strands and skin, all in mm."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from bactools.phantom.breast import Breast
from bactools.phantom.noise import Field, power_law, stream
from bactools.phantom.position import Position
from bactools.phantom.strands import spin

COARSE = 8
"""Pixels per sample of what varies slowly."""

STRAND = 1.4
"""Tissue of an average strand per length [mm2]."""

FINE = 2
"""Pixels per sample of texture; finer detail drowns in the noise."""


@dataclass(frozen=True, eq=False)
class Tissue:
    """Path lengths through a compressed breast on grids of `COARSE` and `FINE` pixels.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns that the breast fills, in detector pixels, multiples of `COARSE`.
    edge : float32 array, shape (row,)
        How far the breast reaches out in each row of the detector [mm].
    thickness : float32 array
        Of the breast, coarse [mm].
    muscle : float32 array
        Pectoral muscle, coarse [mm].
    gland : float32 array
        Fibroglandular tissue with its strands, fine [mm].
    """

    shape: tuple[int, int]
    edge: Field
    thickness: Field
    muscle: Field
    gland: Field

    def depth_of_skin(self, spacing: float) -> Field:
        """Return how far inside the skin each pixel is, along its row [pixel]; negative outside."""
        out = np.arange(self.shape[1], dtype=np.float32) + np.float32(0.5)
        return np.asarray(self.edge[:, None] / np.float32(spacing) - out[None, :], dtype=np.float32)


def lay_out(
    breast: Breast, position: Position, *, exam: int, detector: tuple[int, int], spacing: float
) -> Tissue:
    """Return what one view sees of a breast's soft tissue, chest wall at column 0.

    Parameters
    ----------
    breast : Breast
    position : Position
    exam : int
        Number of the exam: what is seen of fine strands differs a little from year to year.
    detector : (int, int)
        Rows and columns.
    spacing : float
        Pixel spacing at the detector [mm].
    """
    step = spacing * COARSE
    rows, columns = detector[0] // COARSE, detector[1] // COARSE
    up = (rows / 2 - 0.5 - np.arange(rows, dtype=np.float32)) * step - position.raised
    fine_up = (detector[0] / 2 - 0.5 - np.arange(detector[0], dtype=np.float32)) * spacing - position.raised
    edge = _edge(breast, position, fine_up)
    columns = min(columns, 4 * (int(edge.max() / step) // 4 + 2))
    out = (np.arange(columns, dtype=np.float32) + 0.5) * step
    inside = out[None, :] < _edge(breast, position, up)[:, None]
    thickness = _thickness(inside, position.thickness, step)
    muscle = _muscle(breast, position, out[None, :], up[:, None], thickness)
    coarse = _coarse_gland(breast, position, (rows, columns), step)
    gland = _textured(breast, position, exam, coarse, thickness, muscle, spacing * FINE)
    return Tissue((rows * COARSE, columns * COARSE), edge, thickness, muscle, gland)


def _edge(breast: Breast, position: Position, up: Field) -> Field:
    """Return how far the compressed breast reaches out from the chest wall at each height [mm]."""
    random = stream(breast.seed, "outline", breast.side, position.view)
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


def _thickness(inside: NDArray[np.bool_], full: float, step: float) -> Field:
    """Round the edge off as a half circle, the radius being a little less than half the thickness."""
    padded = np.pad(inside.astype(np.uint8), ((1, 1), (1, 1)), mode="edge")
    padded[:, -1] = 0
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1] * step
    radius = 0.42 * full
    rounded = np.sqrt(np.maximum(1 - np.maximum(1 - distance / radius, 0) ** 2, 0))
    field: Field = np.where(inside, full * rounded, 0).astype(np.float32)
    return field


def _muscle(breast: Breast, position: Position, out: Field, up: Field, thickness: Field) -> Field:
    """Return the pectoral muscle: a wedge in the upper corner of an MLO view, a strip at most in a CC."""
    empty: Field = np.zeros_like(thickness)
    if position.view != "MLO":
        return empty
    random = stream(breast.seed, "muscle", breast.side)
    depth = breast.half_axes[0]
    top = float(up.max())
    width = depth * random.uniform(0.34, 0.6) - 0.6 * position.pulled
    bottom = -depth * random.uniform(-0.1, 0.3)
    share = np.clip((up - bottom) / max(top - bottom, 1.0), 0, 1)
    edge = width * share ** random.uniform(0.8, 1.1)
    into = np.clip((edge - out) / (0.35 * width + 1), 0, 1) ** 0.55
    field: Field = np.where(thickness > 0, into * thickness * random.uniform(0.55, 0.8), 0).astype(np.float32)
    return np.asarray(gaussian_filter(field, 1.2), dtype=np.float32)


def _coarse_gland(breast: Breast, position: Position, shape: tuple[int, int], step: float) -> Field:
    """Project the glandular voxels [mm of tissue]."""
    centres, volumes = breast.gland()
    placed = position.project(centres, breast.half_axes)
    columns = (placed[:, 0] / step - 0.5).astype(np.float32)
    rows = (shape[0] / 2 - 0.5 - placed[:, 1] / step).astype(np.float32)
    grid = splat(rows, columns, volumes, shape)
    field: Field = np.asarray(gaussian_filter(grid, 2.2), dtype=np.float32) / np.float32(step**2)
    return field * np.float32(position.squeeze(breast.half_axes) * position.spread**2)


def splat(
    rows: NDArray[np.floating],
    columns: NDArray[np.floating],
    weights: NDArray[np.floating],
    shape: tuple[int, int],
) -> Field:
    """Add weights to a grid, shared among the four nearest samples; what falls outside is lost.

    Parameters
    ----------
    rows, columns : float array, shape (point,)
        Places, sample centres at whole numbers.
    weights : float array, shape (point,)
    shape : (int, int)

    Returns
    -------
    float32 array of that shape
        Its sum is that of the weights inside.
    """
    height, width = shape
    y, x = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    fy, fx = rows - y, columns - x
    keep = (y >= 0) & (x >= 0) & (y < height - 1) & (x < width - 1)
    y, x, fy, fx, weights = y[keep], x[keep], fy[keep], fx[keep], weights[keep]
    flat = y * width + x
    total = np.zeros(height * width)
    for offset, share in (
        (0, (1 - fy) * (1 - fx)),
        (1, (1 - fy) * fx),
        (width, fy * (1 - fx)),
        (width + 1, fy * fx),
    ):
        total += np.bincount(flat + offset, share * weights, minlength=height * width)
    return total.reshape(shape).astype(np.float32)


def _textured(
    breast: Breast,
    position: Position,
    exam: int,
    coarse: Field,
    thickness: Field,
    muscle: Field,
    sample: float,
) -> Field:
    """Return gland with its fine structure: power-law mottle, strands, septa around lobules of fat."""
    random = stream(breast.seed, "texture", breast.side, position.view)
    ratio = COARSE // FINE
    shape = (coarse.shape[0] * ratio, coarse.shape[1] * ratio)
    size = (shape[1], shape[0])
    gland = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    body = cv2.resize(thickness, size, interpolation=cv2.INTER_LINEAR)
    muscular = np.clip(cv2.resize(muscle, size, interpolation=cv2.INTER_LINEAR) / 8, 0, 1)
    share = np.clip(gland / np.maximum(body, 1), 0, 1)
    soft = np.clip(body / position.thickness, 0, 1)
    mottle = power_law(random, shape, exponent=3.1, longest=12 / sample, shortest=0.7, stretch=(1, 1.4))
    with_gland = gland * np.exp(0.03 * mottle) + mottle * soft * (0.9 + 0.6 * share)
    strands = _strands(breast, position, shape, sample) * soft * (1 - 0.1 * share)
    total = (with_gland + strands) * (1 - 0.55 * muscular)
    total += muscular * 2.0 * power_law(random, shape, exponent=3.0, longest=12 / sample, stretch=(3.5, 1))
    return np.asarray(np.where(body > 0, np.maximum(total, 0), 0), dtype=np.float32)


def _strands(breast: Breast, position: Position, shape: tuple[int, int], sample: float) -> Field:
    """Project the strands: thin bright cores in a haze of their own [mm of tissue]."""
    strands = spin(breast.seed, breast.side, breast.half_axes, amount=STRAND)
    placed = position.project(strands.points, breast.half_axes)
    rows, columns = shape[0] / 2 - 0.5 - placed[:, 1] / sample, placed[:, 0] / sample - 0.5
    grid = splat(rows, columns, strands.volume, shape) / np.float32(sample**2)
    core = cv2.GaussianBlur(grid, (0, 0), 0.22 / sample)
    haze = cv2.GaussianBlur(grid, (0, 0), 0.9 / sample)
    return np.asarray(0.5 * core + 0.8 * haze, dtype=np.float32)
