"""What may be taken for arterial calcium and is not: other calcifications, skin, clips, veins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bactools.phantom.arteries import Artery, Points, walk
from bactools.phantom.noise import Field, stream

KINDS = ("rods", "round", "popcorn", "cluster", "skin", "clip", "rim", "marker")
"""Calcifications that are not in an artery, surgical clips and skin markers."""

_CHANCE = {
    "rods": 0.10,
    "round": 0.45,
    "popcorn": 0.05,
    "cluster": 0.15,
    "skin": 0.25,
    "clip": 0.04,
    "rim": 0.06,
    "marker": 0.1,
}
_GRAIN = 0.05  # distance between points of a body [mm]


@dataclass(frozen=True, eq=False)
class Bodies:
    """Dense bodies in one breast as points with mass.

    Attributes
    ----------
    points : float array, shape (point, 3)
        Depth, lateral, superior [mm].
    offset : float array, shape (point, 3)
        From the body's centre, which compression moves but does not squash; same axes [mm].
    mass : float32 array, shape (point,)
        As if of hydroxyapatite [mg].
    kinds : tuple of str
        What there is.
    """

    points: Points
    offset: Points
    mass: Field
    kinds: tuple[str, ...]


def scatter(seed: int, side: str, half_axes: tuple[float, float, float]) -> Bodies:
    """Return the bodies in a breast; most breasts have few or none.

    Parameters
    ----------
    seed : int
        The woman's.
    side : {"L", "R"}
    half_axes : (float, float, float)
        Of the breast [mm].
    """
    chance = stream(seed, "look-alikes", side)
    axes = np.asarray(half_axes)
    centres: list[Points] = [np.zeros((0, 3))]
    offsets: list[Points] = [np.zeros((0, 3))]
    masses: list[NDArray[np.float64]] = [np.zeros(0)]
    kinds = [kind for kind in KINDS if chance.uniform() < _CHANCE[kind]]
    for kind in kinds:
        random = stream(seed, "look-alikes", side, kind)
        for centre, offset, mass in _MAKERS[kind](random, axes):
            centres.append(np.broadcast_to(centre, offset.shape))
            offsets.append(offset)
            masses.append(mass)
    return Bodies(
        np.concatenate(centres),
        np.concatenate(offsets),
        np.concatenate(masses).astype(np.float32),
        tuple(kinds),
    )


Body = tuple[Points, Points, NDArray[np.float64]]


def _place(random: np.random.Generator, axes: Points, *, at_skin: bool = False) -> Points:
    direction = random.normal(0, 1, 3)
    direction[0] = abs(direction[0])
    direction /= np.linalg.norm(direction)
    reach = 0.97 if at_skin else random.uniform(0.05, 0.85) ** (1 / 2)
    return np.asarray(direction * reach * axes)


def _ball(
    random: np.random.Generator, radius: float, density: float, *, hollow: float = 0.0
) -> tuple[Points, NDArray[np.float64]]:
    """Fill a ball, or a shell, with points; its mass is volume times density."""
    count = int(np.clip((radius / _GRAIN) ** 3 * 4, 30, 12_000))
    direction = random.normal(0, 1, (count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    distance = radius * (hollow**3 + (1 - hollow**3) * random.uniform(0, 1, count)) ** (1 / 3)
    volume = 4 / 3 * np.pi * radius**3 * (1 - hollow**3)
    return direction * distance[:, None], np.full(count, volume * density / count)


def _rods(random: np.random.Generator, axes: Points) -> list[Body]:
    """Benign secretory calcification: smooth rods in the ducts, pointing at the nipple."""
    bodies: list[Body] = []
    for _ in range(int(random.integers(3, 16))):
        centre = _place(random, axes)
        ahead = np.array([1.0, 0, 0]) * axes - centre
        ahead = ahead / np.linalg.norm(ahead) + random.normal(0, 0.15, 3)
        length, radius = random.uniform(2, 9), random.uniform(0.15, 0.4)
        count = int(length / _GRAIN * 30)
        t = random.uniform(-0.5, 0.5, count)
        bend = random.normal(0, 0.05, 3) * length
        core = t[:, None] * length * ahead + (t[:, None] ** 2) * bend
        across = random.normal(0, 1, (count, 3))
        across *= (radius * np.sqrt(random.uniform(0, 1, count)) / np.linalg.norm(across, axis=1))[:, None]
        volume = np.pi * radius**2 * length
        bodies.append((centre, core + across, np.full(count, volume * random.uniform(0.3, 0.8) / count)))
    return bodies


def _round(random: np.random.Generator, axes: Points) -> list[Body]:
    return [
        (_place(random, axes), *_ball(random, float(np.clip(random.gamma(2, 0.17), 0.12, 1.2)), 0.9))
        for _ in range(1 + random.poisson(3))
    ]


def _popcorn(random: np.random.Generator, axes: Points) -> list[Body]:
    """Make a calcifying fibroadenoma: a coarse, lobed clump."""
    centre = _place(random, axes) * 0.8
    size = random.uniform(2, 5)
    bodies: list[Body] = []
    for _ in range(int(random.integers(6, 18))):
        points, mass = _ball(
            random, float(random.uniform(0.15, 0.35) * size), float(random.uniform(0.2, 0.7))
        )
        bodies.append((centre, points + random.normal(0, 0.4 * size, 3), mass))
    return bodies


def _cluster(random: np.random.Generator, axes: Points) -> list[Body]:
    """Microcalcifications: grains of some tenths of a millimetre, close together."""
    centre, spread = _place(random, axes), random.uniform(2, 7)
    bodies: list[Body] = []
    for _ in range(int(random.integers(6, 40))):
        points, mass = _ball(random, float(random.uniform(0.07, 0.25)), 1.5)
        bodies.append((centre, points + random.normal(0, spread / 2, 3), mass))
    return bodies


def _skin(random: np.random.Generator, axes: Points) -> list[Body]:
    return [
        (_place(random, axes, at_skin=True), *_ball(random, float(random.uniform(0.2, 0.6)), 1.0, hollow=0.6))
        for _ in range(1 + random.poisson(5))
    ]


def _clip(random: np.random.Generator, axes: Points) -> list[Body]:
    """Make a biopsy marker: a bent wire of metal, opaque."""
    points = np.linspace(-1.2, 1.2, 400)[:, None] * np.array([1.0, 0.3, 0.2])
    points = points + np.abs(points[:, :1]) * np.array([0, 0.8, 0.1]) + random.normal(0, 0.09, (400, 3))
    return [(_place(random, axes) * 0.8, points, np.full(400, 0.012))]


def _marker(random: np.random.Generator, axes: Points) -> list[Body]:
    """Make the metal ball that is taped to the skin over a nipple, mole or scar."""
    return [(_place(random, axes, at_skin=True), *_ball(random, float(random.uniform(0.6, 1.3)), 3.0))]


def _rim(random: np.random.Generator, axes: Points) -> list[Body]:
    """Fat necrosis: a lucent centre in an eggshell."""
    radius = float(random.uniform(1.5, 5))
    return [(_place(random, axes) * 0.8, *_ball(random, radius, 0.35, hollow=1 - 0.25 / radius))]


_MAKERS = {
    "rods": _rods,
    "round": _round,
    "popcorn": _popcorn,
    "cluster": _cluster,
    "skin": _skin,
    "clip": _clip,
    "rim": _rim,
    "marker": _marker,
}


def veins(seed: int, side: str, half_axes: tuple[float, float, float]) -> tuple[Artery, ...]:
    """Return the large superficial veins: vessels that never calcify.

    Parameters
    ----------
    seed : int
        The woman's.
    side : {"L", "R"}
    half_axes : (float, float, float)
        Of the breast [mm].
    """
    random = stream(seed, "veins", side)
    axes = np.asarray(half_axes)
    found = []
    for number in range(int(random.integers(1, 5))):
        start = np.array([random.uniform(0, 0.2), *random.uniform(-0.9, 0.9, 2)]) * axes
        target = np.array([random.uniform(0.5, 0.9), *random.uniform(-0.6, 0.6, 2)]) * axes
        length = float(np.linalg.norm(target - start)) * random.uniform(0.6, 1)
        radius = float(random.uniform(0.7, 1.5))
        found.append(walk(random, f"vein {number}", start, target, length, radius, axes))
    return tuple(found)
