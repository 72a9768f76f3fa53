"""The joint histogram against direct counting of pixels."""

from __future__ import annotations

import time

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bactools.metrics import above, joint_histogram

CUTS = np.arange(1, 100) / 100


def every_edge() -> np.ndarray:
    """Probabilities on, just below and just above every float32 edge, and far outside [0, 1]."""
    edges = (np.arange(101) / 100).astype(np.float32)
    beside = [np.nextafter(edges, np.float32(side)) for side in (-np.inf, np.inf)]
    return np.concatenate([edges, *beside, np.float32([-5, -0.0, 1e-30, 1.2, 40, np.inf, -np.inf])])


def test_counts_are_exact_at_every_cut_for_values_on_and_beside_the_edges():
    p = every_edge()
    histogram = joint_histogram(p[None], np.full((1, p.size), 7, np.uint8))
    for cut in CUTS:
        assert above(histogram, cut)[7] == (p > np.float32(cut)).sum()
        assert above(histogram, cut).sum() == above(histogram, cut)[7]


@pytest.mark.parametrize("density", [0.01, 1.0])
def test_equals_direct_counts_in_several_blocks(density):
    rng = np.random.default_rng(3)
    shape = (1300, 1000)
    p = np.where(rng.random(shape) < density, rng.normal(0.5, 0.4, shape), 0).astype(np.float32)
    grey = rng.integers(0, 256, shape, dtype=np.uint8)
    region = rng.random(shape) < 0.7
    histogram = joint_histogram(p, grey, region=region)
    assert histogram.dtype == np.int64
    assert histogram.sum() == region.sum()
    for cut in (0.01, 0.5, 0.65, 0.99):
        direct = np.bincount(grey[region & (p > np.float32(cut))], minlength=256)
        np.testing.assert_array_equal(above(histogram, cut), direct)


images = st.tuples(st.integers(1, 8), st.integers(2, 8)).flatmap(
    lambda shape: st.tuples(
        hnp.arrays(
            np.float32, shape, elements=st.floats(-1, 2, width=32) | st.sampled_from(CUTS.astype(np.float32))
        ),
        hnp.arrays(np.uint8, shape),
        hnp.arrays(np.bool_, shape),
    )
)


@settings(max_examples=60, deadline=None)
@given(images)
def test_pieces_of_an_image_add_up_and_order_does_not_matter(image):
    p, grey, region = image
    whole = joint_histogram(p, grey, region=region)
    pieces = [
        joint_histogram(p[:, part], grey[:, part], region=region[:, part])
        for part in (slice(1), slice(1, None))
    ]
    np.testing.assert_array_equal(whole, pieces[0] + pieces[1])
    np.testing.assert_array_equal(whole, joint_histogram(p.T, grey.T, region=region.T))
    np.testing.assert_array_equal(whole + joint_histogram(p, grey, region=~region), joint_histogram(p, grey))


@pytest.mark.parametrize(("cut", "nearest"), [(0.505, "0.5"), (0, "0.01"), (1.0, "0.99"), (-3, "0.01")])
def test_a_cut_off_the_grid_names_the_nearest(cut, nearest):
    with pytest.raises(ValueError, match=f"nearest is {nearest}$"):
        above(np.zeros((100, 256), np.int64), cut)


def test_a_float32_cut_is_the_same_cut():
    histogram = np.arange(100 * 256).reshape(100, 256)
    np.testing.assert_array_equal(above(histogram, np.float32(0.65)), above(histogram, 0.65))


def test_labelled_lazy_and_bare_agree_and_lazy_stays_lazy():
    counts = np.random.default_rng(0).integers(0, 2**32, (3, 2, 100, 256), dtype=np.uint32)
    labelled = xr.DataArray(counts, dims=("subject", "view", "probability_bin", "intensity"))
    lazy = above(labelled.chunk(subject=1), 0.4)
    assert lazy.chunks is not None
    assert lazy.dims == ("subject", "view", "intensity")
    np.testing.assert_array_equal(lazy.values, above(counts, 0.4))
    np.testing.assert_array_equal(
        above(labelled.transpose(..., "subject"), 0.4).transpose("subject", ...), lazy
    )
    assert above(counts, 0.4).max() > 2**32


@pytest.mark.parametrize(
    ("grey", "region", "message"),
    [
        (np.zeros((2, 3), np.uint16), None, "uint16"),
        (np.zeros((3, 2), np.uint8), None, "shape"),
        (np.zeros((2, 3), np.uint8), np.ones((2, 3), np.uint8), "boolean"),
        (np.zeros((2, 3), np.uint8), np.ones((1, 3), bool), "shape"),
    ],
)
def test_wrong_input_is_refused(grey, region, message):
    with pytest.raises(ValueError, match=message):
        joint_histogram(np.zeros((2, 3), np.float32), grey, region=region)


def test_a_histogram_of_another_size_is_refused():
    with pytest.raises(ValueError, match="100, 256"):
        above(np.zeros((10, 256), np.int64), 0.5)
    with pytest.raises(ValueError, match="100, 256"):
        above(xr.DataArray(np.zeros((100, 25), np.int64), dims=("probability_bin", "intensity")), 0.5)


def test_thirteen_megapixels_take_a_moment():
    rng = np.random.default_rng(0)
    p = np.zeros((4096, 3328), np.float32)
    p[:, :200] = rng.random((4096, 200), dtype=np.float32)
    grey = rng.integers(0, 256, p.shape, dtype=np.uint8)
    start = time.process_time()
    joint_histogram(p, grey)
    assert time.process_time() - start < 0.6  # 0.06 s measured; the margin is for a busy machine
