"""The training itself: the same result whether it ran through or was stopped and went on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from bactools.inference import Predictor
from bactools.networks import build
from bactools.networks.checkpoint import load
from bactools.networks.weights import Weights, resolve
from bactools.recipe import named
from bactools.training import progress as checkpoints
from bactools.training.calibrate import best_cut
from bactools.training.checks import ConfigError
from bactools.training.config import TrainingConfig
from bactools.training.cut import Cutting
from bactools.training.feed import training_loader, validation_loader
from bactools.training.losses import Criterion, build_loss
from bactools.training.patches import PatchSet, cut_patches, digest, settings
from bactools.training.progress import Progress
from bactools.training.repeat import begin, repeatable
from bactools.training.result import Trained, finish
from bactools.training.split import split_by_woman
from bactools.training.validate import as_input, validate
from bactools.truth import open_truth


@dataclass
class _Run:
    config: TrainingConfig
    patches: PatchSet
    training: NDArray[np.int64]
    validation: NDArray[np.int64]
    predictor: Predictor
    criterion: Criterion
    optimiser: torch.optim.AdamW
    progress: Progress
    workers: int
    bar: bool


def train(
    config: TrainingConfig,
    *,
    say: Callable[[str], None] | None = None,
    resume: bool = True,
    device: torch.device | str | None = None,
    workers: int = 0,
    progress: bool = False,
) -> Trained:
    """Train a network, or go on with a training.

    Everything random follows from the seed, the epoch and the position in it. A training that is stopped,
    killed or limited by `minutes` goes on after its last finished epoch, with the same result.

    Parameters
    ----------
    config : TrainingConfig
    say : callable, optional
        Is told what happens.
    resume : bool
        Go on with what `config.out` holds; False begins anew.
    device : torch.device or str, optional
        The first GPU when there is one, otherwise the CPU.
    workers : int
        Processes that load patches; they change nothing in the result.
    progress : bool
        Show a bar.

    Returns
    -------
    Trained
        Its folder holds ``weights.safetensors``, ``card.json``, ``log.csv`` and ``checkpoint.pt``.

    Raises
    ------
    ConfigError
        If the training was begun with another configuration or data, or cannot be done as asked.
    TruthError, PatchError, WeightsError
        If data or start weights cannot be used.

    References
    ----------
    Guo X, et al. Med Phys 2021;48:5851-5861, section II.C.
    """
    began = time.monotonic()
    tell = say or (lambda _: None)
    with repeatable(threads=config.threads):
        if not resume:
            _clear(config.out)
        run, data, start = _prepare(config, device=device, workers=workers, bar=progress, tell=tell)
        keep = {"data": data, "start": start.spec.sha256 if start else ""}
        state = run.progress
        reason = _reason(config, state)
        while not reason:
            row = _one_epoch(run, state.epoch + 1) if state.rows or start is None else _before(run)
            state.note(row, run.predictor.network.state_dict())
            state.network = run.predictor.network.state_dict()
            state.optimiser = run.optimiser.state_dict()
            checkpoints.write(config.out, state, config, **keep)
            tell(f"epoch {state.epoch}: loss {row['training_loss']:.4f}, Dice {row['dice']:.4f}")
            reason = _reason(config, state, seconds=time.monotonic() - began)
        output = "logit" if run.predictor.logit else "probability"
        counts = _counts(run)
        cut = _calibrated(run) if config.calibrate and run.predictor.logit else 0.5
        synthetic = all(open_truth(folder).synthetic for folder in config.data)
        return finish(
            config,
            state,
            output=output,
            counts=counts,
            start=start,
            reason=reason,
            synthetic=synthetic,
            cut=cut,
        )


def _clear(folder: Path) -> None:
    """Remove a training, but not its patches, which say themselves what they were cut from."""
    for name in ("checkpoint.pt", "log.csv", "weights.safetensors", "card.json", "curve.html"):
        (folder / name).unlink(missing_ok=True)


def _prepare(
    config: TrainingConfig,
    *,
    device: torch.device | str | None,
    workers: int,
    bar: bool,
    tell: Callable[[str], None],
) -> tuple[_Run, str, Weights | None]:
    recipe = named(config.recipe)
    truths = [open_truth(folder) for folder in config.data]
    cutting = Cutting(
        recipe, patch=config.patch, overlap=config.overlap, negatives=config.negatives, seed=config.seed
    )
    data = digest(settings(truths, cutting))
    start = resolve(config.start) if config.start is not None else None
    output = start.spec.output if start else "logit"
    criterion = build_loss(config.loss, output=output)
    before = checkpoints.read(config.out, config, data=data, start=start.spec.sha256 if start else "")
    if output == "probability":
        tell(
            "The start weights give probabilities without a sigmoid: trained on as such, output limited "
            "to [0, 1] in the loss; the result is of the same kind."
        )
    tell(f"{sum(len(truth) for truth in truths)} annotated images; cutting patches")
    patches = cut_patches(
        truths,
        (config.patches or config.out / "patches") / data,
        recipe=recipe,
        patch=config.patch,
        overlap=config.overlap,
        negatives=config.negatives,
        seed=config.seed,
        processes=config.threads,
        progress=bar,
        say=tell,
    )
    training, validation = split_by_woman(patches.table, share=config.validation, seed=config.seed)
    tell(f"{len(training)} patches for training, {len(validation)} for validation, no woman in both")
    network = _network(config, start, before)
    chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    network = network.to(chosen).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    predictor = Predictor(network, recipe, logit=output == "logit", device=chosen)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    if before is not None and before.optimiser:
        optimiser.load_state_dict(before.optimiser)
    state = before or Progress()
    run = _Run(config, patches, training, validation, predictor, criterion, optimiser, state, workers, bar)
    return run, data, start


def _network(config: TrainingConfig, start: Weights | None, before: Progress | None) -> nn.Module:
    if start is not None:
        network = load(start, network=config.network)
    else:
        begin(config.seed, epoch=0)
        network = build(config.network)
    if before is not None:
        network.load_state_dict(before.network)
    return network


def _reason(config: TrainingConfig, state: Progress, *, seconds: float | None = None) -> str:
    """Return why to stop, or nothing; `seconds` since the call, None before its first epoch."""
    if state.rows and state.epoch >= config.epochs:
        return "epochs"
    if config.patience is not None and state.rows and state.epoch - state.best_epoch >= config.patience:
        return "patience"
    limit = math.inf if config.minutes is None else 60 * config.minutes
    if seconds is not None and seconds + state.rows[-1]["seconds"] > limit:
        return "minutes"
    return ""


def _before(run: _Run) -> dict[str, float]:
    """Return the row of epoch 0: the start weights as they are."""
    began = time.monotonic()
    return {"epoch": 0, "training_loss": math.nan, "learning_rate": 0.0, **_validated(run, began)}


def _one_epoch(run: _Run, epoch: int) -> dict[str, float]:
    began = time.monotonic()
    config, network = run.config, run.predictor.network
    begin(config.seed, epoch=epoch)
    rate = config.learning_rate
    if config.schedule == "cosine":
        rate *= 0.5 * (1 + math.cos(math.pi * (epoch - 1) / config.epochs))
    for group in run.optimiser.param_groups:
        group["lr"] = rate
    network.train()
    loader = training_loader(run.patches, run.training.tolist(), config, epoch=epoch, workers=run.workers)
    total, count = 0.0, 0
    for grey, label in tqdm(
        loader, desc=f"epoch {epoch}", unit="batch", leave=False, disable=None if run.bar else True
    ):
        run.optimiser.zero_grad()
        loss = run.criterion(network(as_input(run.predictor, grey)), label.to(run.predictor.device))
        if not bool(torch.isfinite(loss)):
            raise ConfigError(f"the loss of epoch {epoch} is no number: choose a smaller learning_rate")
        loss.backward()  # type: ignore[no-untyped-call]
        run.optimiser.step()
        total, count = total + loss.item() * len(grey), count + len(grey)
    return {"epoch": epoch, "training_loss": total / count, "learning_rate": rate, **_validated(run, began)}


def _validated(run: _Run, began: float) -> dict[str, float]:
    batches = validation_loader(run.patches, run.validation.tolist(), run.config, workers=run.workers)
    scores = validate(run.predictor, batches, run.criterion)
    return {**scores, "seconds": round(time.monotonic() - began, 3)}


def _calibrated(run: _Run) -> float:
    """Return where the best network's scores should be cut."""
    run.predictor.network.load_state_dict(run.progress.best)
    batches = validation_loader(run.patches, run.validation.tolist(), run.config, workers=run.workers)
    return best_cut(run.predictor, batches)


def _counts(run: _Run) -> dict[str, int]:
    """Return what was trained on, in numbers."""
    counts = {"images_failed": run.patches.failed}
    for name, rows in (("training", run.training), ("validation", run.validation)):
        part = run.patches.table.iloc[rows]
        counts[f"{name}_women"] = int(part["subject"].nunique())
        counts[f"{name}_images"] = int(part["file"].nunique())
        counts[f"{name}_patches"] = len(part)
        counts[f"{name}_patches_with_calcium"] = int(part["is_positive"].sum())
    return counts
