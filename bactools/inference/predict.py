"""Image, network and recipe in, probability map out."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from bactools.inference.onepass import one_pass
from bactools.inference.windows import by_windows
from bactools.networks.checkpoint import load
from bactools.networks.scunet import SCUNet
from bactools.networks.weights import Weights
from bactools.preprocess.filters import bounding_box
from bactools.recipe import Recipe

_SIGHT = 64  # pixels beyond which a zero border cannot reach through the convolutions


@dataclass(frozen=True)
class Predictor:
    """A network with its weights on a device, and the recipe by which it looks at images.

    Attributes
    ----------
    network : torch.nn.Module
        Takes (batch, 3, y, x), gives raw scores (batch, 1, y, x).
    recipe : Recipe
    logit : bool
        Whether raw scores are logits, which get a sigmoid before windows are merged.
    device : torch.device
    """

    network: nn.Module
    recipe: Recipe
    logit: bool = False
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def score(self, grey: Tensor) -> Tensor:
        """Return scores (batch, 1, y, x) of grey windows (batch, 1, y, x), float 0..255."""
        return self.finish(self.network(self.normalise(grey).expand(-1, 3, -1, -1)))

    def normalise(self, grey: Tensor) -> Tensor:
        """Return grey values as the recipe shows them to the network."""
        scaled = grey / 255.0
        mean: float | Tensor = self.recipe.mean
        if self.recipe.normalisation == "patch_mean":
            mean = scaled.mean(dim=(1, 2, 3), keepdim=True)
        return (scaled - mean) / self.recipe.sd

    def finish(self, raw: Tensor) -> Tensor:
        """Return raw scores as (pseudo-)probabilities."""
        scores = torch.sigmoid(raw) if self.logit else raw
        return scores.clamp(0, 1) if self.recipe.clip else scores


def load_predictor(
    recipe: Recipe,
    weights: Weights,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Predictor:
    """Load a network once, to be used on many images.

    Parameters
    ----------
    recipe : Recipe
    weights : Weights
        From `bactools.networks.weights.resolve`.
    device : torch.device or str, optional
        The first GPU when there is one, otherwise the CPU.
    dtype : torch.dtype
        Precision of the network's weights.

    Raises
    ------
    WeightsError
        If the file changed, is not a checkpoint or is one of another network.
    ValueError
        If the recipe wants one pass of a network that has none.
    """
    network = load(weights, network=recipe.network, dtype=dtype)
    if recipe.inference == "one_pass" and not isinstance(network, SCUNet):
        raise ValueError(f"network {recipe.network!r} cannot run in one pass: use inference='windows'")
    chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    network = network.to(chosen).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Predictor(network, recipe, logit=weights.spec.output == "logit", device=chosen)


def gpu_count() -> int:
    """Return how many CUDA devices torch sees."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def use_threads(count: int) -> int:
    """Let torch and OpenCV of this process use `count` CPU threads; return how many torch used before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    cv2.setNumThreads(count)
    return before


@torch.inference_mode()
def predict(
    image: NDArray[np.uint8], predictor: Predictor, *, inside: NDArray[np.bool_] | None = None, batch: int = 4
) -> NDArray[np.float32]:
    """Return the probability map of a preprocessed image.

    Parameters
    ----------
    image : uint8, shape (y, x)
        From `bactools.preprocess.compose`; any size.
    predictor : Predictor
    inside : bool, shape (y, x), optional
        Where the answer is wanted; one-pass inference looks only at what can bear on it.
    batch : int
        Windows per call of the network.

    Returns
    -------
    float32, shape (y, x)
        In [0, 1] when the recipe clips; 0 where the network did not look.
    """
    recipe = predictor.recipe
    if recipe.inference == "windows":
        return by_windows(
            image,
            predictor.score,
            patch=recipe.patch,
            stride=recipe.stride,
            merge=recipe.merge,
            reject_mean=recipe.reject_mean,
            reject_sd=recipe.reject_sd,
            batch=batch,
            device=predictor.device,
        )
    whole = np.ones(image.shape, dtype=bool) if inside is None else inside
    # Half a window and the convolutions' sight around the breast: no gate in it averages over a cut edge.
    box = bounding_box(whole, margin=recipe.patch // 2 + _SIGHT, multiple=8)
    result = np.zeros(image.shape, dtype=np.float32)
    if box is not None:
        result[box] = _predict_one_pass(image[box], predictor)
    return result


def _predict_one_pass(image: NDArray[np.uint8], predictor: Predictor) -> NDArray[np.float32]:
    network, window = predictor.network, predictor.recipe.patch
    if not isinstance(network, SCUNet):
        raise ValueError("one-pass inference is SCU-Net's: use inference='windows'")
    height, width = image.shape
    large = np.pad(image, ((0, max(0, window - height)), (0, max(0, window - width))))
    grey = torch.from_numpy(large)[None, None].to(predictor.device, next(network.parameters()).dtype)
    tail = (0, -grey.shape[3] % 8, 0, -grey.shape[2] % 8)
    grey = functional.pad(grey, tail, mode="replicate")
    raw = one_pass(network, predictor.normalise(grey).expand(-1, 3, -1, -1), window=window)
    return np.asarray(predictor.finish(raw)[0, 0, :height, :width].cpu().numpy(), dtype=np.float32)
