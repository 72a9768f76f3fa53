"""Toy data and a toy network for training tests."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from bactools.testing import write_mammogram
from bactools.training import TrainingConfig

SHAPE = (72, 64)


class Toy(nn.Module):
    """A few weights, batch norm and dropout: everything that could remember."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 5, padding=2), nn.BatchNorm2d(8), nn.PReLU(), nn.Dropout(0.2), nn.Conv2d(8, 1, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y


def vessel(seed: int, *, calcium: bool = True) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """Draw grey tissue with a bright line, 12 bits, and the line's mask."""
    random = np.random.default_rng(seed)
    pixels = random.normal(1500, 40, SHAPE)
    pixels[:, 48:] = 0
    mask = np.zeros(SHAPE, dtype=bool)
    if calcium:
        top = int(random.integers(8, 24))
        mask[top : top + 5, 4:40] = True
    pixels[mask] = 3500
    return pixels.clip(0, 4095).astype(np.uint16), mask


def write_truth(folder: Path, *, women: int = 4, images: int = 1, empty: tuple[int, ...] = ()) -> Path:
    """Write a truth folder; `empty` are women without calcium."""
    (folder / "truth" / "masks").mkdir(parents=True)
    (folder / "images").mkdir()
    rows: list[dict[str, Any]] = []
    for woman in range(women):
        for number in range(images):
            seed = woman * 10 + number
            pixels, mask = vessel(seed, calcium=woman not in empty)
            file, drawn = f"images/{seed}.dcm", f"truth/masks/{seed}.png"
            write_mammogram(
                folder / file, pixels=pixels, seed=seed, patient_id=f"SECRET{woman}", window=(2048, 4096)
            )
            Image.fromarray(mask.astype(np.uint8) * 255).save(folder / drawn)
            rows.append(
                {
                    "sop_instance_uid": f"1.2.{seed}",
                    "patient_id": f"SECRET{woman}",
                    "file": file,
                    "mask": drawn,
                }
            )
    with (folder / "truth" / "images.csv").open("w", newline="") as file_:
        writer = csv.DictWriter(file_, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def toy_config(data: Path, out: Path, **changes: Any) -> TrainingConfig:
    """Return a training of seconds."""
    fields: dict[str, Any] = {
        "data": [data],
        "out": out,
        "network": "toy",
        "recipe": "published",
        "patch": 32,
        "overlap": 8,
        "negatives": 0.5,
        "batch": 4,
        "epochs": 3,
        "validation": 0.25,
        "learning_rate": 0.02,
        "threads": 1,
    }
    return TrainingConfig.from_dict({**fields, **changes})
