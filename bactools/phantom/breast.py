"""A breast at rest: its size, its glandular tissue in three dimensions, its ligaments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from bactools.phantom.arteries import Artery, Points, grow
from bactools.phantom.noise import Field, power_law, stream

VOXEL = 1.5
"""Side of the voxels of the glandular tissue [mm]."""

_SHARE = {"A": 0.07, "B": 0.2, "C": 0.42, "D": 0.68}
"""Glandular share of the breast's volume by BI-RADS density."""


@dataclass(frozen=True, eq=False)
class Breast:
    """One breast, uncompressed.

    Attributes
    ----------
    seed : int
        The woman's.
    side : {"L", "R"}
    density : {"A", "B", "C", "D"}
        BI-RADS composition category.
    half_axes : (float, float, float)
        Depth, lateral and vertical half width [mm].
    arteries : tuple of Artery
    """

    seed: int
    side: str
    density: str
    half_axes: tuple[float, float, float]
    arteries: tuple[Artery, ...]

    def gland(self) -> tuple[Points, Field]:
        """Return the fibroglandular tissue: centres of its voxels [mm], shape (voxel, 3), and volumes [mm3].

        A cone of tissue behind the nipple, frayed and pierced by fat, in clumps with a power-law
        spectrum; the share of the volume follows the density category.
        """
        random = stream(self.seed, "gland", self.side)
        depth, lateral, vertical = self.half_axes
        a = np.arange(0.5 * VOXEL, depth, VOXEL, dtype=np.float32)
        across = np.arange(-lateral, lateral, VOXEL, dtype=np.float32)
        s = np.arange(-vertical, vertical, VOXEL, dtype=np.float32)
        shape = (len(a), len(across), len(s))
        u, v, w = (
            a[:, None, None] / depth,
            across[None, :, None] / lateral,
            s[None, None, :] / vertical,
        )
        inside = u**2 + v**2 + w**2 < 0.9
        centre = random.normal((0.12, 0.06), 0.05)  # more tissue lies outside and above
        spread = 0.32 + 0.5 * _SHARE[self.density]
        cone = np.sqrt((v - centre[0] * (1 - u)) ** 2 + (w - centre[1] * (1 - u)) ** 2) / (
            spread * (1.15 - 0.75 * u)
        )
        texture = power_law(random, shape, exponent=3.8, longest=40 / VOXEL, stretch=(0.55, 1, 1))
        likely = 0.95 * texture - 1.5 * cone**2 - 1.2 * np.maximum(0.22 - u, 0) * 5
        likely[~inside] = -np.inf
        wanted = int(_SHARE[self.density] * np.count_nonzero(inside) * np.exp(random.normal(0, 0.15)))
        cut = np.partition(likely.ravel(), -wanted)[-wanted]
        amount = 1 / (1 + np.exp(-np.clip((likely - cut) * 2.5, -30, 30)))
        amount = gaussian_filter(amount, 0.5)
        filled = np.nonzero(amount > 0.03)
        centres = np.column_stack([a[filled[0]], across[filled[1]], s[filled[2]]]).astype(np.float64)
        volumes: Field = (amount[filled] * VOXEL**3).astype(np.float32)
        return centres, volumes


def make_breast(seed: int, side: str, *, density: str, size: float, scale: float = 1.0) -> Breast:
    """Return a breast from its woman's seed.

    Parameters
    ----------
    seed : int
    side : {"L", "R"}
    density : {"A", "B", "C", "D"}
    size : float
        Depth from chest wall to nipple [mm].
    scale : float
        Shrinks the breast but neither its arteries' width nor the pixels, for small tests.
    """
    random = stream(seed, "shape", side)
    both = stream(seed, "shape").normal(0, 0.07, 2)  # the sides resemble each other
    depth = size * np.exp(random.normal(0, 0.04))
    lateral = 0.72 * size * np.exp(both[0] + random.normal(0, 0.03))
    vertical = 0.76 * size * np.exp(both[1] + random.normal(0, 0.03))
    half_axes = (float(depth * scale), float(lateral * scale), float(vertical * scale))
    return Breast(seed, side, density, half_axes, grow(seed, side, half_axes))
