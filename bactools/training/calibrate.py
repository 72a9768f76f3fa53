"""Moving a network's scores so that one half is where its masks agree best with the drawn ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

from bactools.inference import Predictor
from bactools.training.checks import ConfigError
from bactools.training.validate import as_input

_BINS = 100


@torch.no_grad()
def best_cut(predictor: Predictor, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Return the probability above which the pooled Dice of validation patches is highest.

    Parameters
    ----------
    predictor : Predictor
        Put into evaluation mode.
    batches : iterable of (grey, label)
        Both (batch, 1, y, x), grey 0 to 255.

    Returns
    -------
    float
        0.05 to 0.95 in steps of 0.01; one half when nothing is drawn.
    """
    predictor.network.eval()
    counts = np.zeros((2, _BINS), dtype=np.int64)  # pixels not drawn and drawn, by probability
    for grey, label in batches:
        probability = predictor.finish(predictor.network(as_input(predictor, grey))).cpu().numpy()
        drawn = label.numpy() > 0
        bins = np.clip(np.ceil(probability * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
        for row, chosen in enumerate((~drawn, drawn)):
            counts[row] += np.bincount(bins[chosen], minlength=_BINS)
    if not counts[1].any():
        return 0.5
    above = counts[:, ::-1].cumsum(axis=1)[:, ::-1]  # bin k and more: probability above k / 100
    dice = 2 * above[1] / (above.sum(axis=0) + counts[1].sum())
    return float(np.argmax(dice[5:96]) + 5) / _BINS


def moved(state: Mapping[str, Tensor], cut: float) -> dict[str, Tensor]:
    """Return a network's state in which the probability `cut` has become one half.

    Parameters
    ----------
    state : mapping
        Of a network that gives logits and whose last bias is of its one output.
    cut : float
        Between 0 and 1.

    Raises
    ------
    ConfigError
        If the network's last layer has no single bias.
    """
    biases = [key for key, value in state.items() if key.endswith("bias") and value.numel() == 1]
    if not biases:
        raise ConfigError("calibrate: this network's last layer has no bias to move")
    last = biases[-1]
    return {**state, last: state[last] + math.log((1 - cut) / cut)}
