"""A woman: one seed, two breasts, arteries that calcify at her own pace."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bactools.phantom.breast import Breast, make_breast
from bactools.phantom.calcium import Course, Wall, calcify
from bactools.phantom.noise import stream

SIDES = ("L", "R")
DENSITIES: Mapping[str, float] = {"A": 0.072, "B": 0.436, "C": 0.417, "D": 0.075}
"""Shares of the BI-RADS densities in the paper's cohort A."""

DETECTORS = ((3328, 2560), (4096, 3328))
"""Rows and columns of the two image sizes of the paper; 0.07 mm pixels, as Hologic's."""


@dataclass(frozen=True)
class Woman:
    """A synthetic woman.

    Attributes
    ----------
    seed : int
        Everything about her follows from it and from the other fields.
    density : {"A", "B", "C", "D"}
        BI-RADS composition.
    size : float
        Depth of the breast [mm].
    course : Course
        When her arteries begin to calcify, and how fast they go on.
    scale : float
        Below 1, breast and detector are smaller, while arteries' calibre and pixels stay as they are.
    """

    seed: int
    density: str
    size: float
    course: Course
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.density not in DENSITIES:
            raise ValueError(f"density {self.density!r}: choose one of {', '.join(DENSITIES)}")
        if not 40 <= self.size <= 160:
            raise ValueError(f"breast size {self.size} mm: choose 40 to 160")
        if not 0.1 <= self.scale <= 1:
            raise ValueError(f"scale {self.scale}: choose 0.1 to 1")

    @cached_property
    def breasts(self) -> Mapping[str, Breast]:
        """Her two breasts by side."""
        return {
            side: make_breast(self.seed, side, density=self.density, size=self.size, scale=self.scale)
            for side in SIDES
        }

    @property
    def detector(self) -> tuple[int, int]:
        """Rows and columns of the detector that fits her, in whole blocks of 32 pixels."""
        large = self.size > 100
        rows, columns = (max(round(side * self.scale / 32) * 32, 128) for side in DETECTORS[large])
        return rows, columns

    def walls(self, side: str, age: float) -> tuple[Wall, ...]:
        """Return the calcified arteries of one breast at an age [years]."""
        found = (
            calcify(self.seed, side, artery, course=self.course, age=age)
            for artery in self.breasts[side].arteries
        )
        return tuple(wall for wall in found if wall is not None)

    def calcium_mg(self, side: str, age: float) -> float:
        """Return the hydroxyapatite in the arteries of one breast at an age [mg]."""
        return math.fsum(wall.mass_mg for wall in self.walls(side, age))

    def with_calcium(self, factor: float) -> Woman:
        """Return the same woman with `factor` times the calcium at every place."""
        return replace(self, course=replace(self.course, amount=self.course.amount * factor))


def draw_course(random: np.random.Generator, *, age: float, share: float) -> Course:
    """Draw when calcification begins, such that `share` of women have some at `age`.

    Parameters
    ----------
    random : numpy.random.Generator
    age : float
        [years]
    share : float
        0 to 1.
    """
    calcified = random.uniform() < share
    years = float(np.clip(random.gamma(3.5, 5.5), 4, 40))
    rate = float(np.clip(np.exp(random.normal(np.log(0.1), 0.25)), 0.05, 0.2))
    amount = float(np.clip(np.exp(random.normal(np.log(0.65), 0.12)), 0.4, 1.0))  # plaques differ in density
    return Course(onset=age - years if calcified else math.inf, rate=rate, amount=amount)


def draw_woman(
    seed: int,
    *,
    age: float | None = None,
    share: float | None = None,
    density: str | None = None,
    scale: float = 1.0,
) -> Woman:
    """Draw a woman.

    Parameters
    ----------
    seed : int
    age : float, optional
        At her first exam; drawn from 40 to 85 years when not given [years].
    share : float, optional
        Share of women of that age with calcium; by default it rises from 4 % at 40 to 45 % at 80, so
        that most women have none.
    density : {"A", "B", "C", "D"}, optional
    scale : float
        See `Woman`.
    """
    random = stream(seed, "woman")
    drawn = float(np.clip(random.normal(61, 11), 40, 85))
    age = drawn if age is None else age
    usual = float(np.clip(0.04 + (age - 40) / 40 * 0.41, 0.02, 0.6))
    letter = str(
        random.choice(list(DENSITIES), p=np.array(list(DENSITIES.values())) / sum(DENSITIES.values()))
    )
    size = float(np.clip(random.normal(92, 13), 62, 125))
    course = draw_course(random, age=age, share=usual if share is None else share)
    return Woman(seed, density or letter, size, course, scale)
