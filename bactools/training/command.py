"""What the commands ``train`` and ``finetune`` do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bactools.training.config import TrainingConfig
from bactools.training.finetune import finetune
from bactools.training.loop import train
from bactools.training.result import Trained


def train_file(config: Path, *, minutes: float | None, fresh: bool, say: Callable[[str], None]) -> Trained:
    """Train as a TOML file says.

    Parameters
    ----------
    config : pathlib.Path
    minutes : float or None
        Instead of the file's own, when given.
    fresh : bool
        Begin anew.
    say : callable
        Is told what happens.
    """
    asked = TrainingConfig.from_toml(config)
    if minutes is not None:
        asked = asked.replace(minutes=minutes)
    return train(asked, say=say, resume=not fresh, progress=True)


def finetune_folder(
    weights: str, data: Path, *, out: Path, say: Callable[[str], None], **options: Any
) -> Trained:
    """Train weights further; options that are None keep their defaults.

    Parameters
    ----------
    weights : str
        Registered name or file.
    data, out : pathlib.Path
        Truth folder, and folder of the result.
    say : callable
        Is told what happens.
    **options
        Fields of `TrainingConfig`.
    """
    changes = {key: value for key, value in options.items() if value is not None}
    return finetune(weights, data, out=out, say=say, progress=True, **changes)
