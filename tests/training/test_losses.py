"""Losses against their formulas, written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bactools.training import ConfigError
from bactools.training.losses import build_loss, soft_clamp, to_probability

RAW = torch.tensor([[[[2.0, -1.0], [0.5, 0.0]]], [[[-3.0, 1.5], [0.2, -0.4]]]])
TRUE = torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]], [[[0.0, 0.0], [0.0, 0.0]]]])


def dice(p: np.ndarray, y: np.ndarray) -> float:
    return float(1 - 2 * (p * y).sum() / (p.sum() + y.sum()))


def bce(p: np.ndarray, y: np.ndarray) -> float:
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())


@pytest.mark.parametrize("name", ["dice", "bce", "dice_bce"])
def test_logit_losses_by_formula(name: str) -> None:
    p, y = 1 / (1 + np.exp(-RAW.numpy().astype(np.float64))), TRUE.numpy()
    wanted = {"dice": dice(p, y), "bce": bce(p, y), "dice_bce": dice(p, y) + bce(p, y)}[name]
    assert float(build_loss(name)(RAW, TRUE)) == pytest.approx(wanted, rel=1e-4)


def test_dice_of_probabilities_clamps_them() -> None:
    wanted = dice(np.clip(RAW.numpy(), 0, 1), TRUE.numpy())
    assert float(build_loss("dice", output="probability")(RAW, TRUE)) == pytest.approx(wanted, rel=1e-4)


def test_false_finds_in_an_empty_patch_are_pushed_down() -> None:
    raw = RAW.clone().requires_grad_()
    build_loss("dice")(raw, TRUE).backward()
    assert raw.grad is not None
    assert bool((raw.grad[1] > 0).all())


def test_soft_clamp_has_the_value_of_a_clamp_and_a_gradient_outside() -> None:
    raw = torch.tensor([-4.0, 0.3, 7.0], requires_grad=True)
    value = soft_clamp(raw)
    assert value.tolist() == pytest.approx([0, 0.3, 1])
    value.sum().backward()
    assert raw.grad is not None
    assert raw.grad.tolist() == pytest.approx([0.01, 1.01, 0.01])
    assert torch.equal(to_probability(raw, output="probability"), value)
    assert torch.equal(to_probability(raw, output="logit"), torch.sigmoid(raw))


def test_what_cannot_be_is_refused() -> None:
    for name in ("bce", "dice_bce"):
        with pytest.raises(ConfigError, match="without a sigmoid.*choose loss='dice'"):
            build_loss(name, output="probability")
    with pytest.raises(ConfigError, match="choose one of dice, bce, dice_bce"):
        build_loss("focal")
