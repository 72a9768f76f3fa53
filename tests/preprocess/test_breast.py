"""The breast mask on a drawn breast whose outline is known, with what film puts around it."""

from __future__ import annotations

import numpy as np
import pytest

from bactools.preprocess import breast_mask, breast_region


def drawn(*, mirrored: bool = False, film: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A half ellipse at the left edge; labels, a fogged chest wall and white borders when on film."""
    y, x = np.mgrid[:1200, :900]
    distance = np.hypot((y - 600) / 420, x / 560)
    breast = distance < 1
    rng = np.random.default_rng(0)
    image = np.where(breast, 60 + 120 * np.sqrt(np.clip(1 - distance, 0, 1)), 0)
    image += rng.normal(0, 3, image.shape) * breast
    if film:
        image[60:140, 700:720] = image[60:80, 700:800] = image[100:120, 700:800] = 250
        image[:, :14] = np.maximum(image[:, :14], 40)
        image[:10] = image[-8:] = 230
        image[:, :5] = 235  # a frame thinner than the working copy can show
        breast &= x >= 16  # what lies under frame and fog cannot be measured
    image = np.clip(image, 0, 255).astype(np.uint8)
    return (image[:, ::-1].copy(), breast[:, ::-1]) if mirrored else (image, breast)


def jaccard(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("film", [False, True])
def test_finds_the_known_outline(mirrored: bool, film: bool) -> None:
    image, truth = drawn(mirrored=mirrored, film=film)
    assert jaccard(breast_mask(image), truth) > 0.97


def test_label_and_border_are_neither_breast_nor_surround() -> None:
    image, truth = drawn(film=True)
    region = breast_region(image)
    assert (region.breast <= region.surround).all()
    assert not region.surround[60:140, 700:800].any()
    assert not region.surround[:10].any()
    assert not region.surround[:, :5].any()
    assert not region.surround[-8:].any()
    assert region.surround[truth].mean() > 0.99


def test_mirror_mirrors() -> None:
    image, _ = drawn(film=True)
    flipped = breast_mask(np.ascontiguousarray(image[:, ::-1]))[:, ::-1]
    assert jaccard(breast_mask(image), flipped) > 0.99


@pytest.mark.parametrize("value", [0, 128, 255])
def test_image_of_one_grey_has_no_breast(value: int) -> None:
    assert not breast_mask(np.full((300, 200), value, dtype=np.uint8)).any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (17, 9), (2000, 30)])
def test_any_size_is_survived(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert breast_mask(image).shape == shape
