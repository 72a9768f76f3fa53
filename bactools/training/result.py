"""What a training leaves behind: weights, their card, and a few words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from bactools.card import card
from bactools.conventions import SYNTHETIC
from bactools.networks import build
from bactools.networks.checkpoint import save
from bactools.networks.weights import Weights
from bactools.study.files import write_atomic
from bactools.training.calibrate import moved
from bactools.training.config import TrainingConfig
from bactools.training.progress import Progress

WEIGHTS = "weights.safetensors"
_WHY = {
    "epochs": "all epochs are done",
    "patience": "validation Dice no longer rose",
    "minutes": "the time was up; run the same again to go on",
}


@dataclass(frozen=True, eq=False)
class Trained:
    """A training and its best weights.

    Attributes
    ----------
    folder : pathlib.Path
    weights : pathlib.Path
        The network of the best epoch, as safetensors.
    sha256 : str
        Of that file.
    best_epoch : int
        0: the weights it started from.
    dice : float
        Pooled validation Dice of that epoch; NaN without validation.
    table : pandas.DataFrame
        One row per epoch, see `bactools.training.progress.COLUMNS`.
    reason : {"epochs", "patience", "minutes"}
        Why it stopped.
    """

    folder: Path
    weights: Path
    sha256: str
    best_epoch: int
    dice: float
    table: pd.DataFrame
    reason: str

    def summary(self) -> str:
        """Return in plain words what came out and what to do with it."""
        return (
            f"{self.table['epoch'].max()} epochs; {_WHY[self.reason]}.\n"
            f"Best: epoch {self.best_epoch}, validation Dice {self.dice:.4f} (pooled over patches).\n"
            f"Weights: {self.weights}\nsha256:  {self.sha256}\n"
            f"Register them:  bactools weights add {self.weights} --name NAME"
        )

    def __repr__(self) -> str:
        return f"<Trained: best epoch {self.best_epoch}, validation Dice {self.dice:.4f}, {self.reason}>"

    def _repr_html_(self) -> str:
        return card(
            f"Trained: best epoch {self.best_epoch}, validation Dice {self.dice:.4f}",
            table=self.table.to_html(index=False, border=0, max_rows=12),
            words=[f"{_WHY[self.reason]}."],
            following={
                "bactools weights add FILE --name NAME": "registers the weights",
                "bactools.figures.training.training_curve(trained.table)": "losses and scores by epoch",
            },
        )


def finish(
    config: TrainingConfig,
    progress: Progress,
    *,
    output: str,
    counts: Mapping[str, int],
    start: Weights | None,
    reason: str,
    synthetic: bool = False,
    cut: float = 0.5,
) -> Trained:
    """Write the best weights and their card.

    Parameters
    ----------
    config : TrainingConfig
    progress : Progress
    output : {"logit", "probability"}
        What the network's last layer gives.
    counts : mapping
        Women, images and patches.
    start : Weights or None
        What it began from.
    reason : str
        Why it stopped.
    synthetic : bool
        Whether all data were phantoms; the weights then say so wherever they are used.

    cut : float
        Probability that becomes one half, see `bactools.training.calibrate`.

    Returns
    -------
    Trained
    """
    network = build(config.network)
    network.load_state_dict(progress.best if cut == 0.5 else moved(progress.best, cut))
    best = next(row for row in progress.rows if row["epoch"] == progress.best_epoch)
    about: dict[str, Any] = {
        "network": config.network,
        "output": output,
        "config": config.choices(),
        "start": {"name": start.spec.name, "sha256": start.spec.sha256} if start else None,
        "epoch": progress.best_epoch,
        "dice": _number(progress.best_dice),
        "calibrated_from": cut,
        "data": dict(counts),
        "bactools": version("bactools"),
    }
    if synthetic:
        about["note"] = SYNTHETIC
    target = config.out / WEIGHTS
    sha256 = save(network, target, metadata=about)
    scores = {key: _number(value) for key, value in best.items() if key != "seconds"}
    card = {**about, "sha256": sha256, "file": WEIGHTS, "validation": scores, "stopped": reason}
    write_atomic(config.out / "card.json", json.dumps(card, indent=1, allow_nan=False).encode())
    return Trained(
        config.out, target, sha256, progress.best_epoch, progress.best_dice, progress.table, reason
    )


def _number(value: float) -> float | None:
    return None if value != value else value  # NaN is no JSON
