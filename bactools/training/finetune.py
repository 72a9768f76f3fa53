"""Training on from weights there are, on annotated images of one's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bactools.networks.checkpoint import details
from bactools.networks.weights import resolve
from bactools.training.config import TrainingConfig
from bactools.training.loop import train
from bactools.training.result import Trained

Folder = str | os.PathLike[str]


def finetune(
    weights: Folder,
    data: Folder | Sequence[Folder],
    *,
    out: Folder,
    say: Callable[[str], None] | None = None,
    resume: bool = True,
    progress: bool = False,
    **changes: Any,
) -> Trained:
    """Train weights further on images of one's own; epoch 0 of the table is the weights as they are.

    Parameters
    ----------
    weights : str or path
        Registered name, or a file of registered weights.
    data : path or sequence of paths
        Truth folders.
    out : path
        Folder of the result.
    say, resume, progress
        As `train` takes them.
    **changes
        Fields of `TrainingConfig`; by default learning rate 1e-4, 10 epochs, and one patch without
        calcium per patch with calcium.

    Returns
    -------
    Trained
        Its best epoch is 0 when none was better than the weights it started from.

    Raises
    ------
    ConfigError, TruthError, PatchError, WeightsError
        As `train`. Weights that give probabilities, such as the paper's, were trained without a sigmoid
        and cannot take a cross-entropy loss; the result gives probabilities as they do.
    """
    found = resolve(weights)
    folders = [data] if isinstance(data, str | os.PathLike) else list(data)
    fields = {
        "network": details(found.path).get("network", "scunet"),
        "learning_rate": 1e-4,
        "epochs": 10,
        "negatives": 1.0,
        **changes,
        "start": str(found.path),
        "data": [Path(folder) for folder in folders],
        "out": Path(out),
    }
    return train(TrainingConfig.from_dict(fields), say=say, resume=resume, progress=progress)
