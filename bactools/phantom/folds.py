"""Skin folds: where the compression paddle caught a crease, a bright band with one sharp edge."""

from __future__ import annotations

import cv2
import numpy as np

from bactools.phantom.noise import Field
from bactools.phantom.tissue import FINE, Tissue

CHANCE = 0.12
"""Share of views with a fold."""

_LAYERS = 8


def skin_fold(tissue: Tissue, random: np.random.Generator) -> Field:
    """Return the extra skin of a fold on the fine grid [mm]; nearly always nothing.

    A fold runs near the edge of the breast, above or below, roughly along the skin.

    Parameters
    ----------
    tissue : Tissue
    random : numpy.random.Generator
        Of the view and the day.
    """
    grid = tissue.grid.coarser(FINE)
    fold = np.zeros(grid.shape, dtype=np.float32)
    if random.uniform() >= CHANCE:
        return fold
    edge = tissue.edge[::FINE][: grid.shape[0]] / grid.spacing
    rows = np.flatnonzero(edge > 0.25 * edge.max())
    length = min(int(random.uniform(20, 60) / grid.spacing), max(len(rows) // 2, 2))
    share = random.uniform(0.02, 0.25) if random.uniform() < 0.5 else random.uniform(0.7, 0.9)
    first = int(rows[int(share * (len(rows) - 1))])
    path = np.arange(first, min(first + length, int(rows[-1])), 4)
    if len(path) < 8:
        return fold
    along = np.linspace(0, 1, len(path))
    inwards = (random.uniform(3, 15) + random.normal(0, 6) * along + 2 * np.sin(3 * along)) / grid.spacing
    width = random.uniform(1.5, 4.0) / grid.spacing
    strength = random.uniform(1.5, 5.0)
    for layer in range(_LAYERS):  # a ramp that ends sharply
        x = edge[path] - inwards - width * layer / _LAYERS
        line = np.round(np.column_stack([x, path]) * 16).astype(np.int32)
        drawn = np.zeros(grid.shape, dtype=np.uint8)
        thickness = max(1, round(width * (_LAYERS - layer) / _LAYERS))
        cv2.polylines(drawn, [line.reshape(-1, 1, 2)], False, 1, thickness, cv2.LINE_8, 4)
        fold += drawn
    fold *= np.float32(strength / _LAYERS)
    return np.asarray(cv2.GaussianBlur(fold, (0, 0), 0.2 / grid.spacing), dtype=np.float32)
