"""Cooper's ligaments, septa and ducts: the fine linear tissue that crosses a breast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bactools.phantom.arteries import Points
from bactools.phantom.noise import Field, stream

_STEP = 0.2  # [mm]
_FIBRES = 3


@dataclass(frozen=True, eq=False)
class Strands:
    """Points along thin fibres, each a small volume of tissue.

    Attributes
    ----------
    points : float array, shape (point, 3)
        Depth, lateral, superior [mm].
    volume : float32 array, shape (point,)
        [mm3].
    """

    points: Points
    volume: Field


def spin(
    seed: int, side: str, half_axes: tuple[float, float, float], *, amount: float, per_litre: float = 900.0
) -> Strands:
    """Return a breast's strands.

    Most run from the chest wall towards nipple and skin, some across; each is a bundle of fibres that
    part and fade at the ends.

    Parameters
    ----------
    seed : int
        The woman's.
    side : {"L", "R"}
    half_axes : (float, float, float)
        Of the breast [mm].
    amount : float
        Multiplies every strand's tissue.
    per_litre : float
        Strands per litre of breast.
    """
    random = stream(seed, "strands", side)
    axes = np.asarray(half_axes)
    count = int(per_litre * 2 / 3 * np.pi * float(np.prod(axes)) / 1e6)
    middle = random.normal(0, 0.5, (count, 3))
    middle[:, 0] = random.uniform(0, 1, count)
    middle[:, 1:] *= np.sqrt(np.maximum(1 - 0.8 * middle[:, :1] ** 2, 0.1))
    reach = np.linalg.norm(middle, axis=1, keepdims=True)
    middle *= np.minimum(1, 0.92 / np.maximum(reach, 1e-6))
    middle *= axes
    towards = np.array([1.0, 0, 0]) * axes - middle
    towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-6)
    direction = towards + random.normal(0, 0.55, (count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    length = np.clip(np.exp(random.normal(np.log(17), 0.55, count)), 5, 70)
    strength = amount * np.exp(random.normal(0, 0.55, count))
    bend = random.normal(0, 0.16, (count, 2, 3)) * length[:, None, None]
    points, volumes = [], []
    for number in range(count):
        t = np.linspace(-0.5, 0.5, max(int(length[number] / _STEP), 12))[:, None]
        core = middle[number] + t * length[number] * direction[number]
        core = core + (t**2 - 1 / 12) * 2 * bend[number, 0] + np.sin(2 * np.pi * t) * 0.12 * bend[number, 1]
        fade = np.cos(np.pi * t[:, 0]) ** 1.5
        for _ in range(_FIBRES):
            off = random.normal(0, 0.5, 3) + t * random.normal(0, 2.2, 3)
            off = off + np.sin(2 * np.pi * t * random.uniform(0.5, 2) + random.uniform(0, 6)) * random.normal(
                0, 0.5, 3
            )
            points.append(core + off)
            volumes.append(fade * strength[number] * random.uniform(0.3, 1.7) / _FIBRES * _STEP)
    if not points:
        return Strands(np.zeros((0, 3)), np.zeros(0, dtype=np.float32))
    return Strands(np.concatenate(points), np.concatenate(volumes).astype(np.float32))
