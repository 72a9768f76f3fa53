"""Calibration: the cut that agrees best becomes one half, and nothing else changes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bactools.inference import Predictor
from bactools.recipe import named
from bactools.training.calibrate import best_cut, moved
from bactools.training.checks import ConfigError


class Grey(nn.Module):
    """Gives the probability that stands in the picture, a hundredth per grey level."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Conv2d(1, 1, 1)
        nn.init.ones_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, normalised: Tensor) -> Tensor:
        recipe = named("default")
        probability = (normalised[:, :1] * recipe.sd + recipe.mean) * 2.55
        return self.last(torch.logit(probability.clamp(0.001, 0.999)))


def patch(drawn_above: int) -> tuple[Tensor, Tensor]:
    grey = torch.arange(1, 100, dtype=torch.float32).repeat(10, 1)[None, None]
    return grey, (grey > drawn_above).float()


@pytest.mark.parametrize("level", [20, 50, 80])
def test_the_best_cut_is_found(level: int) -> None:
    predictor = Predictor(Grey(), named("default"), logit=True)
    assert best_cut(predictor, [patch(level), patch(level)]) == pytest.approx(level / 100, abs=0.011)


def test_nothing_drawn_changes_nothing() -> None:
    predictor = Predictor(Grey(), named("default"), logit=True)
    assert best_cut(predictor, [patch(100)]) == 0.5


@pytest.mark.parametrize("cut", [0.2, 0.7])
def test_the_cut_becomes_one_half(cut: float) -> None:
    network, grey = Grey(), patch(50)[0]
    predictor = Predictor(network, named("default"), logit=True)
    before = predictor.score(grey).detach().numpy()
    network.load_state_dict(moved(network.state_dict(), cut))
    after = predictor.score(grey).detach().numpy()
    far = np.abs(before - cut) > 0.005
    assert np.array_equal((before > cut)[far], (after > 0.5)[far])
    assert (np.diff(after[0, 0, 0]) > 0).all()
    odds = math.log((1 - cut) / cut)
    np.testing.assert_allclose(np.log(after / (1 - after)), np.log(before / (1 - before)) + odds, atol=1e-3)


def test_a_network_without_a_last_bias_says_so() -> None:
    with pytest.raises(ConfigError, match="no bias"):
        moved({"a.weight": torch.ones(3)}, 0.3)
