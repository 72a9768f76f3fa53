"""Filters against scipy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage as ndi
from skimage.morphology import closing, dilation, disk, opening

from bactools.preprocess.filters import (
    bounding_box,
    closing_disk,
    dilation_disk,
    median_disk,
    median_square,
    opening_disk,
)


@pytest.fixture(params=[0, 1])
def image(request: pytest.FixtureRequest) -> np.ndarray:
    rng = np.random.default_rng(request.param)
    smooth = ndi.gaussian_filter(rng.normal(size=(90, 73)), 2)
    return np.asarray(np.interp(smooth, (smooth.min(), smooth.max()), (0, 255)), dtype=np.uint8)


def test_square_median_is_scipys(image: np.ndarray) -> None:
    np.testing.assert_array_equal(median_square(image), ndi.median_filter(image, size=5, mode="nearest"))


def test_disk_median_is_scipys_inside(image: np.ndarray) -> None:
    expected = ndi.median_filter(image, footprint=disk(5).astype(bool))
    np.testing.assert_array_equal(median_disk(image)[5:-5, 5:-5], expected[5:-5, 5:-5])


def test_disk_median_of_a_part_equals_the_whole(image: np.ndarray) -> None:
    inside = np.zeros(image.shape, dtype=bool)
    inside[20:50, 30:60] = True
    whole, part = median_disk(image), median_disk(image, inside=inside)
    np.testing.assert_array_equal(part[inside], whole[inside])
    np.testing.assert_array_equal(part[:20], image[:20])
    np.testing.assert_array_equal(median_disk(image, inside=inside & False), image)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(opening_disk, opening), (closing_disk, closing), (dilation_disk, dilation)]
)
@pytest.mark.parametrize("radius", [3, 10])
def test_morphology_is_scikit_images(image: np.ndarray, ours: object, theirs: object, radius: int) -> None:
    mask = image > 140
    np.testing.assert_array_equal(ours(mask, radius=radius), theirs(mask, disk(radius)).astype(bool))


def test_bounding_box() -> None:
    mask = np.zeros((40, 50), dtype=bool)
    assert bounding_box(mask, margin=3) is None
    mask[10:13, 33] = True
    assert bounding_box(mask, margin=0) == (slice(10, 13), slice(33, 34))
    assert bounding_box(mask, margin=5, multiple=8) == (slice(0, 18), slice(24, 39))
    assert bounding_box(mask, margin=500) == (slice(0, 40), slice(0, 50))
