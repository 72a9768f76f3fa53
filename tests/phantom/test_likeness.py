"""Spectra against fields whose law is known, and phantoms against real mammograms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bactools.dicom import read_image
from bactools.phantom import draw_woman, render
from bactools.phantom.likeness import likeness
from bactools.phantom.noise import power_law
from bactools.preprocess import breast_mask


def as_grey(field: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(field), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("exponent", [2.0, 3.0])
def test_the_exponent_of_a_power_law_is_found(exponent: float) -> None:
    field = power_law(np.random.default_rng(1), (1536, 1536), exponent=exponent, longest=1000)
    found = likeness(as_grey(120 + 25 * field), np.ones(field.shape, dtype=bool))
    assert found.texture_exponent == pytest.approx(exponent, abs=0.2)


def test_white_noise_has_its_variance_as_power() -> None:
    """Parseval: the mean power of white noise is its variance, here with rounding's 1/12."""
    image = as_grey(np.random.default_rng(2).normal(120, 4, (1024, 1024)))
    found = likeness(image, np.ones(image.shape, dtype=bool))
    assert found.noise_power == pytest.approx(16 + 1 / 12, rel=0.05)
    assert found.texture_exponent == pytest.approx(0, abs=0.25)


def test_nothing_fits_into_a_small_breast() -> None:
    with pytest.raises(ValueError, match="choose a smaller side"):
        likeness(np.zeros((600, 600), dtype=np.uint8), np.zeros((600, 600), dtype=bool))


@pytest.mark.slow
def test_phantoms_have_the_texture_of_real_mammograms(mammograms: Path) -> None:
    """Texture exponents of phantoms lie among those of the eight real films."""
    real = []
    for path in sorted(mammograms.glob("*/*.dcm")):
        image = read_image(path).values
        real.append(likeness(image, breast_mask(image)).texture_exponent)
    drawn = []
    for seed in range(4):
        view = render(draw_woman(seed, age=60, share=0.0), "L", "CC", age=60)
        drawn.append(likeness((view.image >> 4).astype(np.uint8), view.breast).texture_exponent)
    assert 2.3 < min(real) < max(real) < 3.9  # they are mammograms
    assert min(real) - 0.3 < np.mean(drawn) < max(real) + 0.3
