"""Where a training stands: written after every epoch, read back when it goes on."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from bactools.study.files import write_atomic
from bactools.training.checks import ConfigError
from bactools.training.config import TrainingConfig

COLUMNS = (
    "epoch",
    "seconds",
    "training_loss",
    "validation_loss",
    "dice",
    "patch_dice",
    "recall",
    "precision",
    "false_area_negative",
    "learning_rate",
)
"""Of the table of epochs."""
_FORMAT = 1


@dataclass
class Progress:
    """A training up to some epoch.

    Attributes
    ----------
    epoch : int
        Epochs finished.
    network, optimiser, best : dict
        State of the network and of AdamW, and the network's best state so far.
    best_epoch : int
        -1 before the first.
    best_dice : float
        Pooled validation Dice of the best epoch; NaN without validation.
    rows : list of dict
        One per epoch, with `COLUMNS`.
    """

    epoch: int = 0
    network: dict[str, Tensor] = field(default_factory=dict)
    optimiser: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = -1
    best_dice: float = math.nan
    rows: list[dict[str, float]] = field(default_factory=list)

    def note(self, row: dict[str, float], state: dict[str, Tensor]) -> bool:
        """Add an epoch's row; return whether it is the best so far, and keep its network then.

        Without validation the last epoch is the best. A Dice that is not defined never is, but for the
        first.
        """
        self.rows.append(row)
        self.epoch = int(row["epoch"])
        dice = row["dice"]
        first = self.best_epoch < 0
        blind = math.isnan(dice) and math.isnan(row["validation_loss"])
        better = (
            first or blind or dice > self.best_dice or (math.isnan(self.best_dice) and not math.isnan(dice))
        )
        if better:
            self.best = {key: value.detach().cpu().clone() for key, value in state.items()}
            self.best_epoch, self.best_dice = self.epoch, dice
        return better

    @property
    def table(self) -> pd.DataFrame:
        """The rows as a table."""
        return pd.DataFrame(self.rows, columns=list(COLUMNS)).astype({"epoch": int})


def write(folder: Path, progress: Progress, config: TrainingConfig, *, data: str, start: str) -> None:
    """Write checkpoint and table, each beside and renamed.

    Parameters
    ----------
    folder : pathlib.Path
    progress : Progress
    config : TrainingConfig
    data : str
        Digest of the patches.
    start : str
        sha256 of the weights it began from; empty for random ones.
    """
    content = io.BytesIO()
    stated = {"format": _FORMAT, "config": config.fixed(), "data": data, "start": start}
    torch.save({**stated, "progress": vars(progress)}, content)
    write_atomic(folder / "checkpoint.pt", content.getvalue())
    write_atomic(folder / "log.csv", progress.table.to_csv(index=False).encode())


def read(folder: Path, config: TrainingConfig, *, data: str, start: str) -> Progress | None:
    """Return where the training of a folder stands; None when it has not begun.

    Raises
    ------
    ConfigError
        If it was begun with another configuration or other data, naming what differs; or the checkpoint
        is damaged.
    """
    path = folder / "checkpoint.pt"
    if not path.is_file():
        return None
    try:
        stated = torch.load(path, map_location="cpu", weights_only=True)
        before, progress = stated["config"], Progress(**stated["progress"])
    except Exception as error:
        raise ConfigError(
            f"the checkpoint cannot be read ({type(error).__name__}): begin anew with --fresh (resume=False)"
        ) from None
    now = config.fixed()
    other = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
    if stated["data"] != data:
        other.append("data")
    if stated["start"] != start:
        other.append("start")
    if other:
        how = ", ".join(
            f"{key}: {before.get(key)!r} then, {now.get(key)!r} now" for key in other if key in now
        )
        raise ConfigError(
            f"this training was begun with another {', '.join(other)}{f' ({how})' if how else ''}: put it "
            "back, choose another out, or begin anew with --fresh (resume=False)"
        )
    return progress
