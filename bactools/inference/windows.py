"""Sliding windows: MONAI's patch inferer with the published grid and three ways to merge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from monai.data.utils import compute_importance_map
from monai.inferers import PatchInferer
from monai.inferers.merger import Merger
from monai.inferers.splitter import Splitter
from torch import Tensor


def starts(size: int, *, patch: int, stride: int) -> list[int]:
    """Return where windows begin along an axis: 0, stride, ..., the last one pulled back to end at the edge.

    Parameters
    ----------
    size : int
        Length of the axis [pixel], at least `patch`.
    patch, stride : int
        Length of a window and distance between windows [pixel].
    """
    regular = list(range(0, size - patch + 1, stride))
    if regular[-1] + patch < size:
        regular.append(size - patch)
    return regular


class WindowSplitter(Splitter):
    """Windows on a regular grid, the last of each row and column pulled back inside the image.

    MONAI's own splitter pads the last window instead, which shows the network an edge that is not there.

    Parameters
    ----------
    patch, stride : int
        Side of a window and distance between windows [pixel].
    keep : callable
        Takes a window (1, channels, patch, patch) and says whether the network needs to see it.
    """

    def __init__(self, *, patch: int, stride: int, keep: Callable[[Tensor], bool]) -> None:
        super().__init__(patch_size=patch)
        self.patch = patch
        self.stride = stride
        self.keep = keep

    def get_input_shape(self, inputs: Tensor) -> tuple[int, ...]:
        """Return the spatial shape."""
        return tuple(inputs.shape[2:])

    def get_padded_shape(self, inputs: Tensor) -> tuple[int, ...]:
        """Return the spatial shape; nothing is padded."""
        return self.get_input_shape(inputs)

    def __call__(self, inputs: Tensor) -> Iterator[tuple[Tensor, tuple[int, int]]]:
        """Yield every kept window with its upper left corner."""
        height, width = self.get_input_shape(inputs)
        for top in starts(height, patch=self.patch, stride=self.stride):
            for left in starts(width, patch=self.patch, stride=self.stride):
                window = inputs[:, :, top : top + self.patch, left : left + self.patch]
                if self.keep(window):
                    yield window, (top, left)


class MaxMerger(Merger):
    """Element-wise maximum onto a canvas of zeros, as the authors' script merges windows."""

    def __init__(
        self,
        merged_shape: Sequence[int],
        cropped_shape: Sequence[int] | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(merged_shape, cropped_shape, device)
        self.canvas = torch.zeros(self.merged_shape, device=device)

    def aggregate(self, values: Tensor, location: Sequence[int]) -> None:
        """Raise the canvas to `values` at `location`."""
        place = self.canvas[_place(values, location)]
        torch.maximum(place, values.to(place), out=place)

    def finalize(self) -> Tensor:
        """Return the canvas."""
        self.is_finalized = True
        return self.canvas


class WeightedMerger(Merger):
    """Mean of overlapping windows with MONAI's importance map; 0 where no window was looked at.

    Parameters
    ----------
    mode : {"constant", "gaussian"}
        Weight of a window's pixels.
    """

    def __init__(
        self,
        merged_shape: Sequence[int],
        cropped_shape: Sequence[int] | None = None,
        device: torch.device | str | None = None,
        *,
        mode: str = "gaussian",
    ) -> None:
        super().__init__(merged_shape, cropped_shape, device)
        self.mode = mode
        self.sums = torch.zeros(self.merged_shape, device=device)
        self.weights = torch.zeros(self.merged_shape, device=device)
        self._importance: Tensor | None = None

    def aggregate(self, values: Tensor, location: Sequence[int]) -> None:
        """Add `values` at `location`, weighted."""
        if self._importance is None:
            self._importance = compute_importance_map(
                tuple(values.shape[2:]), mode=self.mode, sigma_scale=0.125, device=self.sums.device
            )
        place = _place(values, location)
        self.sums[place] += values.to(self.sums) * self._importance
        self.weights[place] += self._importance

    def finalize(self) -> Tensor:
        """Return the weighted mean."""
        self.is_finalized = True
        return torch.where(self.weights > 0, self.sums / self.weights.clamp_min(1e-12), 0.0)


def _place(values: Tensor, location: Sequence[int]) -> tuple[slice, ...]:
    spatial = zip(location, values.shape[2:], strict=True)
    return (slice(None), slice(None), *(slice(start, start + size) for start, size in spatial))


_MERGERS: dict[str, tuple[type[Merger], dict[str, Any]]] = {
    "maximum": (MaxMerger, {}),
    "mean": (WeightedMerger, {"mode": "constant"}),
    "gaussian": (WeightedMerger, {"mode": "gaussian"}),
}


def by_windows(
    grey: np.ndarray[tuple[int, int], np.dtype[np.uint8]],
    score: Callable[[Tensor], Tensor],
    *,
    patch: int,
    stride: int,
    merge: str,
    reject_mean: float,
    reject_sd: float,
    batch: int = 4,
    device: torch.device | str = "cpu",
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Run a network over windows of an image and merge what it says.

    Parameters
    ----------
    grey : uint8, shape (y, x)
        Any size; smaller than a window it is padded with black below and to the right.
    score : callable
        Takes grey windows (batch, 1, patch, patch), float32 0..255, and returns scores of that shape.
    patch, stride : int
        Side of a window and distance between windows [pixel].
    merge : {"maximum", "mean", "gaussian"}
        How overlapping windows are combined.
    reject_mean, reject_sd : float
        A window whose grey mean or standard deviation is not above these is skipped: its pixels get 0.
    batch : int
        Windows per call of the network.
    device : torch.device or str
        Where windows are scored and merged.

    Returns
    -------
    float32, shape (y, x)
    """
    height, width = grey.shape
    padded = np.pad(grey, ((0, max(0, patch - height)), (0, max(0, patch - width))))

    def keep(window: Tensor) -> bool:
        pixels = window.double()
        return bool(pixels.mean() > reject_mean) and bool(pixels.std(correction=0) > reject_sd)

    splitter = WindowSplitter(patch=patch, stride=stride, keep=keep)
    inputs = torch.from_numpy(padded)[None, None]
    if next(iter(splitter(inputs)), None) is None:  # MONAI cannot merge nothing
        return np.zeros(grey.shape, dtype=np.float32)
    merger, options = _MERGERS[merge]
    inferer = PatchInferer(splitter=splitter, merger_cls=merger, batch_size=batch, device=device, **options)
    merged: Tensor = inferer(inputs, lambda windows: score(windows.to(device, torch.float32)))
    return np.asarray(merged[0, 0, :height, :width].cpu().numpy(), dtype=np.float32)
