"""Where millimetres on the detector fall among pixels, and how mass is shared among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bactools.phantom.noise import Field

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Grid:
    """Pixels that cover the detector's height, from the chest wall outwards.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns; the chest wall is the left edge of column 0.
    spacing : float
        Between pixels at the detector [mm].
    """

    shape: tuple[int, int]
    spacing: float

    @property
    def up(self) -> NDArray[np.float64]:
        """Height of each row above the detector's middle [mm]."""
        rows = np.arange(self.shape[0], dtype=np.float64)
        return np.asarray((self.shape[0] / 2 - 0.5 - rows) * self.spacing, dtype=np.float64)

    @property
    def out(self) -> NDArray[np.float64]:
        """Distance of each column from the chest wall's edge [mm]."""
        columns = np.arange(self.shape[1], dtype=np.float64)
        return np.asarray((columns + 0.5) * self.spacing, dtype=np.float64)

    def place(self, placed: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return rows and columns of places on the detector.

        Parameters
        ----------
        placed : float array, shape (point, 2 or more)
            Outwards and upwards [mm], as `Position.project` gives them.
        """
        rows = self.shape[0] / 2 - 0.5 - placed[:, 1] / self.spacing
        return np.asarray(rows, dtype=np.float64), np.asarray(placed[:, 0] / self.spacing - 0.5)

    def coarser(self, factor: int) -> Grid:
        """Return the grid whose pixels hold `factor` by `factor` of these."""
        return Grid((self.shape[0] // factor, self.shape[1] // factor), self.spacing * factor)


def splat(rows: Floats, columns: Floats, weights: Floats, shape: tuple[int, int]) -> Field:
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
