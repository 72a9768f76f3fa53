"""Metrics recomputed from histograms against the formulas of the paper, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bactools.metrics import from_histogram, joint_histogram

NAMES = ("am", "sim", "tam", "tsim")


def direct(p, grey, *, name, cut, x=None, comparison=">"):
    """Equations 3 and 4, in 64 bits."""
    chosen = p > np.float32(cut)
    if x is not None:
        chosen &= (grey.astype(np.int64) > x) if comparison == ">" else (grey.astype(np.int64) >= x)
    return int(grey[chosen].astype(np.int64).sum()) if name in ("sim", "tsim") else int(chosen.sum())


def options(name, x):
    return {"name": name, "x": x if name in ("tam", "tsim") else None}


percent = st.integers(1, 99).map(lambda k: k / 100)
levels = st.integers(-2, 257) | st.floats(-2, 257)
images = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda shape: st.tuples(
        hnp.arrays(np.float32, shape, elements=st.floats(-1, 2, width=32) | percent.map(np.float32)),
        hnp.arrays(np.uint8, shape),
    )
)


@settings(max_examples=150, deadline=None)
@given(images, percent, levels, st.sampled_from(NAMES), st.sampled_from((">", ">=")))
def test_equals_the_formula(image, cut, x, name, comparison):
    p, grey = image
    given_options = options(name, x) | {"cut": cut, "comparison": comparison}
    assert from_histogram(joint_histogram(p, grey), **given_options) == direct(p, grey, **given_options)


@settings(max_examples=60, deadline=None)
@given(
    images,
    st.lists(percent, min_size=2, max_size=2).map(sorted),
    st.lists(levels, min_size=2, max_size=2).map(sorted),
)
def test_laws(image, cuts, xs):
    histogram = joint_histogram(*image)
    get = lambda name, cut, x=None: from_histogram(histogram, **options(name, x), cut=cut)  # noqa: E731
    cut, x = cuts[0], xs[0]
    for name in NAMES:
        assert get(name, cuts[1], x) <= get(name, cut, x)
    for name in ("tam", "tsim"):
        assert get(name, cut, xs[1]) <= get(name, cut, x)
        assert get(name, cut, -1) == get({"tam": "am", "tsim": "sim"}[name], cut)
        assert get(name, cut, 255) == 0
    assert get("tam", cut, x) <= get("am", cut)
    assert get("tsim", cut, x) >= x * get("tam", cut, x)
    assert get("tsim", cut, x) <= 255 * get("tam", cut, x)
    at_least = from_histogram(histogram, name="tam", cut=cut, x=100, comparison=">=")
    assert at_least == get("tam", cut, 99)


def test_sums_do_not_wrap():
    p, grey = np.ones((40, 50), np.float32), np.full((40, 50), 255, np.uint8)
    assert from_histogram(joint_histogram(p, grey), name="sim", cut=0.5) == 40 * 50 * 255
    large = np.zeros((100, 256), np.uint32)
    large[99, 255] = 2**32 - 1
    assert from_histogram(large, name="tsim", cut=0.99, x=254) == (2**32 - 1) * 255


def test_an_empty_histogram_is_no_image_and_a_dark_one_has_no_calcification():
    counts = np.zeros((2, 100, 256), np.uint32)
    counts[1, 0, 0] = 9
    np.testing.assert_array_equal(from_histogram(counts, name="tam", cut=0.5, x=100), [np.nan, 0])


def test_labelled_lazy_and_bare_agree_and_lazy_stays_lazy():
    counts = np.random.default_rng(0).integers(0, 1000, (4, 2, 100, 256), dtype=np.uint32)
    labelled = xr.DataArray(counts, dims=("subject", "exam", "probability_bin", "intensity"))
    lazy = from_histogram(labelled.chunk(subject=2), name="tsim", cut=0.3, x=75)
    assert lazy.chunks is not None
    assert lazy.dims == ("subject", "exam")
    np.testing.assert_array_equal(lazy.values, from_histogram(counts, name="tsim", cut=0.3, x=75))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "pm"}, "no quantity 'pm'"),
        ({"name": "tam", "x": None}, "tam needs"),
        ({"name": "am", "x": 100}, "am takes no"),
        ({"cut": 0.123}, "nearest is 0.12"),
        ({"x": float("nan")}, "NaN"),
        ({"comparison": "<"}, "choose '>'"),
    ],
)
def test_wrong_options_say_what_to_do(wrong, message):
    with pytest.raises(ValueError, match=message):
        from_histogram(np.zeros((100, 256), np.int64), **({"name": "tam", "cut": 0.5, "x": 100} | wrong))
