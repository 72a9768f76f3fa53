"""The same numbers every time: repeatable algorithms, and random numbers that follow from seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from monai.utils import set_determinism

from bactools.inference import use_threads


@contextmanager
def repeatable(*, threads: int | None = None) -> Iterator[None]:
    """Choose repeatable algorithms and the number of threads; put both back afterwards.

    Parameters
    ----------
    threads : int, optional
        CPU threads; by default as many as before.
    """
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    before = use_threads(threads) if threads is not None else None
    # Some of the GPU's have no repeatable twin: they are used all the same, with a warning.
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn
        if before is not None:
            use_threads(before)


def begin(seed: int, *, epoch: int) -> None:
    """Seed Python, numpy, torch and MONAI for an epoch, whatever was drawn before.

    Parameters
    ----------
    seed : int
        Of the training.
    epoch : int
        0 stands for the network's first weights.
    """
    set_determinism(seed=int(np.random.SeedSequence([seed, 4, epoch]).generate_state(1)[0]))
