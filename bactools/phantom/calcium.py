"""Calcium in the wall of an artery: where it lies, and how it grows with age."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bactools.phantom.arteries import STEP, Artery
from bactools.phantom.noise import Field, smooth, stream

DENSITY = 1.6
"""Hydroxyapatite in a plaque [mg/mm3]: more than in cortical bone, half of the pure mineral's 3.16."""

_ALONG = 0.1  # samples of the wall [mm]
_AROUND = 0.1
_THICKEST = 0.26  # plaque in an artery of 1 mm radius [mm]


@dataclass(frozen=True)
class Course:
    """When a woman's arteries begin to calcify, and how fast it goes on.

    Attributes
    ----------
    onset : float
        Age at which the first grains appear [years]; infinite for a woman who stays free.
    rate : float
        How fast the wall's threshold sinks [standard deviations of the wall's susceptibility a year].
    amount : float
        Multiplies all calcium, for experiments.
    """

    onset: float
    rate: float
    amount: float = 1.0

    def level(self, age: float) -> float:
        """Return how far the wall's threshold has sunk at an age; 0 before the onset, then steadily more."""
        return float(self.rate * max(age - self.onset, 0.0))


@dataclass(frozen=True, eq=False)
class Wall:
    """The calcified wall of one artery on a grid of length and angle.

    Attributes
    ----------
    artery : Artery
    position : float array, shape (length,)
        Where along the centre line, as a fraction of its points.
    angle : float array, shape (angle,)
        Around the centre line [radian].
    mass : float32 array, shape (length, angle)
        Hydroxyapatite of each cell of the wall [mg].
    """

    artery: Artery
    position: NDArray[np.float64]
    angle: NDArray[np.float64]
    mass: Field

    @property
    def mass_mg(self) -> float:
        """Hydroxyapatite in this artery [mg]."""
        return float(self.mass.sum(dtype=np.float64))


def calcify(seed: int, side: str, artery: Artery, *, course: Course, age: float) -> Wall | None:
    """Return the calcium in an artery's wall at an age; None when there is none.

    Every place in the wall has a susceptibility that never changes: clumps of some tenths of a
    millimetre, one side more than the other, stretches of centimetres, some arteries more than others.
    Calcium is what exceeds a threshold that only sinks, so nothing once there goes away.

    Parameters
    ----------
    seed : int
        The woman's.
    side : {"L", "R"}
    artery : Artery
    course : Course
    age : float
        Age at the exam [years].
    """
    level = course.level(age)
    if level <= 0 or course.amount <= 0:
        return None
    susceptible, grain = _susceptibility(seed, side, artery)
    excess = susceptible + np.float32(level)
    if float(excess.max()) <= 0:
        return None
    count, around = susceptible.shape
    position = np.linspace(0, len(artery.points) - 1, count)
    radius = np.interp(position, np.arange(len(artery.radius)), artery.radius)
    thickest = _THICKEST * np.sqrt(radius[:, None])
    thickness = thickest * (1 - np.exp(-np.maximum(excess, 0) / 0.4))  # [mm]
    cell = (2 * np.pi * radius[:, None] / around) * (artery.length / (count - 1))  # [mm2]
    mass = (thickness * cell * DENSITY * course.amount * grain).astype(np.float32)
    return Wall(artery, position, np.arange(around) * (2 * np.pi / around), mass)


def _susceptibility(seed: int, side: str, artery: Artery) -> tuple[Field, Field]:
    """Return how early each cell of the wall calcifies, and how densely: plaques are made of grains."""
    random = stream(seed, "wall", side, artery.name)
    length = len(artery.points) * STEP
    mean_radius = float(artery.radius.mean())
    count = max(int(length / _ALONG), 16)
    around = int(np.clip(2 * np.pi * mean_radius / _AROUND, 12, 96))
    shape = (count, around)
    modes = ["reflect", "wrap"]
    arc = around / (2 * np.pi * mean_radius)  # samples per mm around
    clumps = smooth(random, shape, (0.17 / _ALONG, 0.17 * arc), mode=modes)
    lumps = smooth(random, shape, (0.5 / _ALONG, 0.4 * arc), mode=modes)
    sided = smooth(random, shape, (3.0 / _ALONG, 0.12 * around), mode=modes)
    stretches = smooth(random, (count,), (7.0 / _ALONG,), mode="reflect")[:, None]
    own = random.normal(0, 0.5) + 3.0 * (mean_radius - 0.6)
    field = 0.62 * clumps + 0.35 * lumps + 0.4 * sided + 1.0 * stretches + np.float32(own - 2.7)
    grain = np.exp(0.75 * smooth(random, shape, (0.2 / _ALONG, 0.2 * arc), mode=modes) - 0.28)
    return np.asarray(field, dtype=np.float32), np.asarray(grain, dtype=np.float32)
