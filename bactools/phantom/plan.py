"""Which cohorts there are, and which views of which exams each woman of one has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bactools.conventions import VIEWS
from bactools.phantom.noise import stream

Views = tuple[str, ...]


class CohortError(ValueError):
    """A cohort that cannot be made as asked; the message says what to choose."""


@dataclass(frozen=True)
class Design:
    """One of the paper's cohorts.

    Attributes
    ----------
    women, images : int
        How many.
    exams : (int, int)
        Fewest and most of one woman, about a year apart.
    total_exams : int
    fewest_views : int
        Of an exam; the most is four.
    calcified : float
        Share of women without kidney disease whose arteries have begun to calcify.
    calcified_ckd : float
        Likewise of women with it.
    """

    women: int
    images: int
    exams: tuple[int, int]
    total_exams: int
    fewest_views: int
    calcified: float
    calcified_ckd: float


DESIGNS: Mapping[str, Design] = {
    "A": Design(216, 661, (1, 1), 216, 2, 0.70, 0.85),
    "B": Design(10, 40, (1, 1), 10, 4, 1.0, 1.0),
    "C": Design(26, 961, (5, 12), 250, 3, 1.0, 1.0),
}
"""A: 661 images of 216 women, for training; three quarters with calcium, since they were chosen for a study
of it (assumed). B: 10 women, with a breast CT. C: 961 images of 26 women with calcium, in 5 to 12 yearly
exams, 250 in all (assumed), of which 39 lack a view.

References: Guo X, et al. Med Phys 2021;48:5851-5861, section II.C.
"""


def plan(name: str, *, seed: int, women: int | None = None) -> list[tuple[Views, ...]]:
    """Return the views of every exam of every woman.

    Parameters
    ----------
    name : {"A", "B", "C"}
    seed : int
    women : int, optional
        Only the first so many; they are the same as in the whole cohort.

    Returns
    -------
    list of tuple of tuple of str
        By woman and exam; of the whole cohort as many as the paper has.

    Raises
    ------
    CohortError
        If there is no such cohort, or it has fewer women.
    """
    if name not in DESIGNS:
        raise CohortError(f"cohort {name!r}: choose one of {', '.join(DESIGNS)}")
    design = DESIGNS[name]
    if women is not None and not 1 <= women <= design.women:
        raise CohortError(f"{women} women: cohort {name} has {design.women}; choose 1 to {design.women}")
    random = stream(seed, "plan", name)
    exams = _counts(random, design.women, design.exams, design.total_exams)
    views = _counts(random, design.total_exams, (design.fewest_views, 4), design.images)
    chosen = iter([_choose(random, int(count)) for count in views])
    return [tuple(next(chosen) for _ in range(int(count))) for count in exams][:women]


def _counts(random: np.random.Generator, size: int, limits: tuple[int, int], total: int) -> list[int]:
    """Draw numbers within limits that add up to a total."""
    low, high = limits
    counts = random.integers(low, high + 1, size)
    while (missing := total - int(counts.sum())) != 0:
        step = 1 if missing > 0 else -1
        free = np.flatnonzero(counts < high if step > 0 else counts > low)
        counts[random.choice(free, min(abs(missing), len(free)), replace=False)] += step
    return [int(count) for count in counts]


def _choose(random: np.random.Generator, count: int) -> Views:
    kept = sorted(random.choice(4, count, replace=False))
    return tuple(VIEWS[number] for number in kept)
