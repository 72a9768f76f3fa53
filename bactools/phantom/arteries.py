"""The arteries of a breast: a tree of tapering, tortuous tubes in three dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bactools.phantom.noise import stream

Points = NDArray[np.float64]

STEP = 0.25
"""Distance between points of a centre line [mm]."""

_THINNEST, _THICKEST = 0.25, 1.5
_ORIGINS = {  # of the chest wall, in units of the breast's half axes: lateral, superior
    "internal thoracic, upper": (-0.78, 0.30),
    "internal thoracic, lower": (-0.80, -0.18),
    "lateral thoracic, upper": (0.62, 0.62),
    "lateral thoracic, lower": (0.80, 0.05),
    "intercostal": (0.25, -0.70),
}


@dataclass(frozen=True, eq=False)
class Artery:
    """One artery, from its origin to its end.

    Attributes
    ----------
    name : str
        Unique in its breast.
    points : float array, shape (point, 3)
        Centre line: depth from the chest wall, lateral, superior [mm], `STEP` apart before compression.
    radius : float array, shape (point,)
        Outer radius [mm].
    """

    name: str
    points: Points
    radius: NDArray[np.float64]

    @property
    def length(self) -> float:
        """Length of the centre line [mm]."""
        return float(np.linalg.norm(np.diff(self.points, axis=0), axis=1).sum())


def grow(seed: int, side: str, half_axes: tuple[float, float, float]) -> tuple[Artery, ...]:
    """Return the arterial tree of one breast.

    Main arteries come from the internal thoracic (medial), lateral thoracic and intercostal vessels at
    the chest wall and run towards the nipple; each gives off thinner branches.

    Parameters
    ----------
    seed : int
        The woman's.
    side : {"L", "R"}
    half_axes : (float, float, float)
        Depth, lateral and vertical half width of the breast [mm].

    Returns
    -------
    tuple of Artery
        Diameters 0.5 to 3 mm.
    """
    arteries: list[Artery] = []
    general = stream(seed, "arteries", side)
    for name, origin in _ORIGINS.items():
        random = stream(seed, "arteries", side, name)
        if general.uniform() > 0.82:
            continue
        axes = np.asarray(half_axes)
        start = np.array([0.02, *origin]) * axes * np.array([1, *random.uniform(0.85, 1.1, 2)])
        target = np.array([0.93, *random.normal(0, 0.1, 2)]) * axes
        length = float(np.linalg.norm(target - start)) * random.uniform(0.6, 1.0)
        radius = float(np.clip(random.normal(0.85, 0.25), 0.5, _THICKEST))
        main = walk(random, name, start, target, length, radius, axes)
        arteries.append(main)
        arteries += _branches(random, main, axes, depth=1)
    return tuple(arteries)


def _branches(random: np.random.Generator, parent: Artery, axes: Points, *, depth: int) -> list[Artery]:
    found: list[Artery] = []
    count = int(random.poisson(parent.length / (48 if depth == 1 else 80)))
    for number in range(count):
        at = int(random.uniform(0.12, 0.85) * (len(parent.points) - 1))
        start, radius = parent.points[at], parent.radius[at] * random.uniform(0.5, 0.8)
        if radius < _THINNEST:
            continue
        ahead = parent.points[min(at + 20, len(parent.points) - 1)] - parent.points[max(at - 20, 0)]
        ahead /= max(float(np.linalg.norm(ahead)), 1e-9)
        aside = random.normal(0, 1, 3)
        aside -= aside @ ahead * ahead
        aside /= np.linalg.norm(aside)
        angle = np.deg2rad(random.uniform(25, 65))
        length = float(random.uniform(0.25, 0.6) * parent.length)
        target = start + (np.cos(angle) * ahead + np.sin(angle) * aside) * length
        name = f"{parent.name}/{number}"
        branch = walk(random, name, start, target, length, float(radius), axes)
        found.append(branch)
        if depth < 2:
            found += _branches(random, branch, axes, depth=depth + 1)
    return found


def walk(
    random: np.random.Generator,
    name: str,
    start: Points,
    target: Points,
    length: float,
    radius: float,
    axes: Points,
) -> Artery:
    """Walk from start towards target: a bent line, with windings laid over it."""
    count = max(int(length / STEP), 24)
    along = np.linspace(0, 1, count)[:, None]
    direction = target - start
    direction *= length / max(float(np.linalg.norm(direction)), 1e-9)
    bend = random.normal(0, 0.07 * length, (2, 3))
    points = start + along * direction + np.sin(np.pi * along) * bend[0] + np.sin(2 * np.pi * along) * bend[1]
    fade = np.minimum(1, np.minimum(along, 1 - along) * length / 8)
    tortuosity = random.gamma(2.0, 0.5)
    for wavelength, size in ((28.0, 1.3), (11.0, 0.5), (5.0, 0.14)):
        sigma = wavelength / STEP / 5
        wander = gaussian_filter1d(random.normal(0, 1, (count, 3)), sigma, axis=0, mode="reflect")
        wander /= max(float(wander.std()), 1e-9)
        points = points + fade * wander * size * tortuosity
    unit = points / axes
    reach = np.linalg.norm(unit, axis=1)
    points = points / np.maximum(1, reach / 0.93)[:, None]  # stays under the skin
    points[:, 0] = np.maximum(points[:, 0], 0.5)
    points = _evenly(points)
    along = np.linspace(0, 1, len(points))[:, None]
    taper = radius * (1 - 0.55 * along[:, 0]) * (1 + 0.06 * np.sin(along[:, 0] * length / 3))
    return Artery(name, points, np.clip(taper, _THINNEST, _THICKEST))


def _evenly(points: Points) -> Points:
    """Return the same line with its points `STEP` apart."""
    at = np.concatenate([[0.0], np.linalg.norm(np.diff(points, axis=0), axis=1).cumsum()])
    wanted = np.linspace(0, at[-1], max(int(at[-1] / STEP) + 1, 24))
    return np.column_stack([np.interp(wanted, at, points[:, axis]) for axis in range(3)])
