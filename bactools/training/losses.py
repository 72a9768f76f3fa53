"""Losses on a network's raw output, MONAI's, by name."""

from __future__ import annotations

from collections.abc import Callable

import torch
from monai.losses import DiceCELoss, DiceLoss
from torch import Tensor, nn

from bactools.training.checks import ConfigError

Criterion = Callable[[Tensor, Tensor], Tensor]

_LEAK = 0.01


def soft_clamp(raw: Tensor) -> Tensor:
    """Return `raw` limited to [0, 1], with a gradient outside as well.

    The value is that of a clamp. The gradient is one hundredth outside and 1.01 inside, so that a pixel
    beyond the bounds can come back. Networks whose output is called a probability have no sigmoid.
    """
    return raw.clamp(0, 1) + _LEAK * (raw - raw.detach())


def to_probability(raw: Tensor, *, output: str) -> Tensor:
    """Return raw output as probabilities.

    Parameters
    ----------
    raw : Tensor
    output : {"logit", "probability"}
        What the network's last layer gives: a sigmoid follows, or `soft_clamp`.
    """
    return torch.sigmoid(raw) if output == "logit" else soft_clamp(raw)


def _dice(output: str) -> nn.Module:
    if output == "logit":
        return DiceLoss(sigmoid=True, batch=True)
    return DiceLoss(other_act=soft_clamp, batch=True)


def _bce(output: str) -> nn.Module:
    return nn.BCEWithLogitsLoss()


def _dice_bce(output: str) -> nn.Module:
    return DiceCELoss(sigmoid=True, batch=True)


LOSSES: dict[str, Callable[[str], nn.Module]] = {"dice": _dice, "bce": _bce, "dice_bce": _dice_bce}
"""Builders by name; they take what the network's output is.

Dice pools the pixels of a batch, so that patches without calcium count by what is falsely found in them.
"""


def build_loss(name: str, *, output: str = "logit") -> Criterion:
    """Return a loss that takes raw output and label, both (batch, 1, y, x), and gives one number.

    Parameters
    ----------
    name : str
        In `LOSSES`.
    output : {"logit", "probability"}
        What the network's last layer gives.

    Raises
    ------
    ConfigError
        If there is no such loss, or cross-entropy is asked of output that is no logit.
    """
    if name not in LOSSES:
        raise ConfigError(f"loss={name!r}: choose one of {', '.join(LOSSES)}")
    if output != "logit" and name != "dice":
        raise ConfigError(
            f"loss={name!r}: the start weights give probabilities without a sigmoid, which cross-entropy "
            "cannot take; choose loss='dice'"
        )
    return LOSSES[name](output)
