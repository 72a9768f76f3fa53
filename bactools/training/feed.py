"""Which patch comes when, and how it is varied: decided by seed, epoch and draw alone, not by history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from bactools.training.augment import Augment
from bactools.training.config import TrainingConfig
from bactools.training.patches import PatchSet

Draw = tuple[int, int, int]
"""Epoch, position in the epoch, row of the patch."""
Item = tuple[Tensor, Tensor]


class Draws(Sampler[Draw]):
    """The patches of one epoch, in their order.

    One pass after another over the patches, each in a random order of its own; an epoch is the next part
    of that row.

    Parameters
    ----------
    rows : sequence of int
        Rows of the patches.
    size : int
        Patches per epoch.
    seed : int
    epoch : int
        From 1.
    """

    def __init__(self, rows: Sequence[int], *, size: int, seed: int, epoch: int) -> None:
        self.rows = np.asarray(rows, dtype=np.int64)
        self.size, self.seed, self.epoch = size, seed, epoch

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Draw]:
        """Yield epoch, position and row."""
        count, orders = len(self.rows), dict[int, NDArray[np.int64]]()
        for position in range(self.size):
            turn, place = divmod((self.epoch - 1) * self.size + position, count)
            if turn not in orders:
                orders[turn] = np.random.default_rng([self.seed, 3, turn]).permutation(self.rows)
            yield self.epoch, position, int(orders[turn][place])


class _Varied(Dataset[Item]):
    def __init__(self, patches: PatchSet, config: TrainingConfig) -> None:
        self.patches, self.seed = patches, config.seed
        self.augment = Augment(config.augment, crop=config.crop)

    def __getitem__(self, draw: Draw) -> Item:
        epoch, position, row = draw
        image, label = self.patches.load(row)
        return self.augment(image, label, seed=(self.seed, epoch, position))


class _AsTheyAre(Dataset[Item]):
    def __init__(self, patches: PatchSet, rows: Sequence[int]) -> None:
        self.patches, self.rows = patches, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Item:
        image, label = self.patches.load(int(self.rows[index]))
        return torch.from_numpy(image.astype(np.float32)[None]), torch.from_numpy(label[None]).float()


def training_loader(
    patches: PatchSet, rows: Sequence[int], config: TrainingConfig, *, epoch: int, workers: int = 0
) -> DataLoader[Item]:
    """Return the batches of one epoch: grey values 0 to 255 and labels, both (batch, 1, y, x).

    Parameters
    ----------
    patches : PatchSet
    rows : sequence of int
        Rows to train on.
    config : TrainingConfig
    epoch : int
        From 1.
    workers : int
        Processes that load; they change nothing in what is loaded.
    """
    size = len(rows) if config.steps_per_epoch is None else config.steps_per_epoch * config.batch
    draws = Draws(rows, size=size, seed=config.seed, epoch=epoch)
    return DataLoader(_Varied(patches, config), batch_size=config.batch, sampler=draws, num_workers=workers)


def validation_loader(
    patches: PatchSet, rows: Sequence[int], config: TrainingConfig, *, workers: int = 0
) -> DataLoader[Item]:
    """Return whole patches as they are, in order."""
    return DataLoader(_AsTheyAre(patches, rows), batch_size=config.batch, num_workers=workers)
