"""The paper's cohorts replayed: synthetic women made, segmented, quantified, held against the truth."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from bactools.cluster import run
from bactools.evaluation import Evaluation, evaluate
from bactools.networks.weights import registry, resolve
from bactools.phantom.cohorts import make_cohort
from bactools.phantom.plan import DESIGNS
from bactools.recipe import PRESETS

PHANTOM_WEIGHTS = "phantom"
"""Weights that are used when they are registered and no others are named."""


def replay(
    out: str | os.PathLike[str],
    *,
    scale: float = 0.25,
    seed: int = 1,
    weights: str | None = None,
    women: int | None = None,
    workers: int | None = None,
    progress: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[str, Evaluation]]:
    """Make cohorts A, B and C, measure them, and compare with the truth; go on where it stopped.

    Parameters
    ----------
    out : path
        Cohorts come to ``cohorts/A`` and so on, their studies to ``A``, ``B``, ``C`` with linkage files
        beside, the pseudonym key to ``key``.
    scale, seed
        Of the cohorts, see `bactools.phantom.cohorts.make_cohort`.
    weights : str, optional
        Registered name or file; by default `PHANTOM_WEIGHTS` when registered, else the recipe's own.
    women : int, optional
        Only the first so many of each cohort.
    workers : int, optional
        Worker processes; by default one per GPU or core. 0 does all in this process.
    progress : bool
        Show progress bars on the error stream.
    say : callable
        Is told in a line what was made, found and left to do.

    Yields
    ------
    name : {"A", "B", "C"}
    Evaluation
        As soon as that cohort is finished.

    Raises
    ------
    ValueError
        If an option is out of range, weights are not to be had, or a folder holds something else.
    bactools.cluster.Interrupted
        If it was stopped; the same call goes on.
    """
    root = Path(out)
    chosen = weights or (PHANTOM_WEIGHTS if PHANTOM_WEIGHTS in registry() else PRESETS["default"].weights)
    resolve(chosen)  # fails here, before anything is made
    for name, design in DESIGNS.items():
        folder = root / "cohorts" / name
        truth = make_cohort(
            name,
            folder,
            seed=seed,
            scale=scale,
            women=None if women is None else min(women, design.women),
            processes=None if workers is None else max(workers, 1),
            progress=progress,
        )
        say(f"cohort {name}: {len(truth)} images of {truth.images['patient_id'].nunique()} women")
        study = run(
            folder / "images",
            root / name,
            weights=chosen,
            maps="mask",
            workers=workers,
            key=root / "key",
            progress=progress,
            say=say,
        )
        processes = 1 if workers == 0 else workers
        yield name, evaluate(study, truth, key=root / "key", processes=processes)
