"""Every metric has a unit, a meaning and a value worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bactools.conventions import STORED_DIMS
from bactools.metrics import METRICS, Evidence, compute, evidence, metric, variables

# Eight pixels; the second row lies outside the breast. Worked out by hand below.
PROBABILITY = np.float32([[0.5, 0.75, 1.25, 0.875], [1.0, 0.0, -0.25, 1.0]])
INTENSITY = np.uint8([[210, 100, 101, 60], [255, 0, 9, 180]])
BREAST = np.array([[True] * 4, [False] * 4])
SPACING = {"spacing_detector_mm": 0.5, "spacing_corrected_mm": 0.25}

# Inside the breast three pixels pass p > 0.5: grey 100, 101 and 60; the first lies on the cut.
INSIDE = {"pm": 3.375, "am": 3, "sim": 261}
INSIDE |= {"tam_50": 3, "tam_75": 2, "tam_100": 1, "tam_150": 0, "tam_200": 0}
INSIDE |= {"tsim_50": 261, "tsim_75": 201, "tsim_100": 101, "tsim_150": 0, "tsim_200": 0}
AREAS = ("am", "tam_50", "tam_75", "tam_100", "tam_150", "tam_200")
INSIDE |= {"breast_area": 4, "breast_area_mm2": 1.0, "breast_area_mm2_corrected": 0.25}
INSIDE |= {f"{name}_norm": INSIDE[name] / 4 for name in AREAS}
INSIDE |= {f"{name}_mm2": INSIDE[name] * 0.25 for name in AREAS}
INSIDE |= {f"{name}_mm2_corrected": INSIDE[name] * 0.0625 for name in AREAS}


def count(**changes) -> Evidence:
    given = {"breast": BREAST, "region": "breast", "cut": 0.5, "comparison": ">"} | SPACING | changes
    return evidence(PROBABILITY, INTENSITY, **given)


def test_every_metric_has_a_hand_made_reference_value():
    assert compute(count()) == INSIDE


def test_whole_image_counts_as_the_published_code_does():
    got = compute(count(region="image", breast=None, comparison=">="))
    # Five pixels pass the cut: grey 100, 101, 60, 255 and 180; one pixel of eight is black.
    expected = {"pm": 5.125, "am": 5, "sim": 696, "tam_100": 4, "tsim_100": 636, "breast_area": 7}
    assert {name: got[name] for name in expected} == expected
    assert got["tam_100_norm"] == 4 / 7


def test_every_metric_declares_itself():
    for spec, variable in zip(METRICS.values(), variables(), strict=True):
        assert spec.units in ("1", "mm2")
        assert (spec.units == "mm2") == ("_mm2" in spec.name)
        assert spec.long_name.endswith(".")
        assert (variable.name, variable.units, variable.dims) == (spec.name, spec.units, STORED_DIMS)
        assert variable.attrs == {"units": spec.units, "long_name": spec.long_name}
    assert len({spec.long_name for spec in METRICS.values()}) == len(METRICS)


def test_unknown_spacing_gives_no_area_in_mm2_and_leaves_the_pixels():
    got = compute(count(spacing_detector_mm=math.nan, spacing_corrected_mm=math.nan))
    for name, value in got.items():
        assert math.isnan(value) if "_mm2" in name else value == INSIDE[name]
    half = compute(count(spacing_corrected_mm=math.nan))
    assert half["am_mm2"] == 0.75
    assert math.isnan(half["am_mm2_corrected"])


def test_a_black_image_has_no_breast_to_divide_by():
    black = evidence(
        np.zeros((2, 2), np.float32),
        np.zeros((2, 2), np.uint8),
        breast=None,
        region="image",
        cut=0.5,
        comparison=">",
    )
    got = compute(black, names=["am", "breast_area", "am_norm"])
    assert (got["am"], got["breast_area"]) == (0, 0)
    assert math.isnan(got["am_norm"])


def test_pm_is_summed_in_64_bits():
    p = np.full((2000, 2000), 0.1, np.float32)
    e = evidence(p, np.ones(p.shape, np.uint8), breast=None, region="image", cut=0.5, comparison=">")
    assert e.probability_sum == pytest.approx(4e6 * float(np.float32(0.1)), rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"breast": np.zeros((2, 4), bool)}, "no pixel to measure"),
        ({"breast": None}, "needs the breast mask"),
        ({"breast": BREAST[:1]}, "shape"),
        ({"region": "skin"}, "choose 'image' or 'breast'"),
        ({"cut": 0.005}, "nearest is 0.01"),
        ({"comparison": "<"}, "choose '>'"),
        ({"spacing_detector_mm": 0.0}, "0.0 mm"),
        ({"spacing_corrected_mm": math.inf}, "inf mm"),
    ],
)
def test_wrong_input_says_what_to_do(changes, message):
    with pytest.raises(ValueError, match=message):
        count(**changes)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_broken_map_is_a_failed_image_but_only_inside_the_region(bad):
    broken = PROBABILITY.copy()
    broken[0, 0] = bad
    given = {"region": "breast", "cut": 0.5, "comparison": ">"}
    with pytest.raises(ValueError, match="NaN or infinite"):
        evidence(broken, INTENSITY, breast=BREAST, **given)
    outside = evidence(broken, INTENSITY, breast=~BREAST, **given)
    assert compute(outside, names=["am"]) == {"am": 2}


def test_names_choose_and_unknown_ones_are_listed():
    assert list(compute(count(), names=["tam_100", "pm"])) == ["tam_100", "pm"]
    with pytest.raises(ValueError, match="no metric 'tam_99'; metrics: pm, am"):
        compute(count(), names=["tam_99"])


def test_registering_adds_one_metric_and_refuses_a_second_of_the_name():
    def twice_am(evidence: Evidence) -> float:
        """Twice the area, for this test."""
        return 2 * METRICS["am"].function(evidence)

    try:
        metric(units="1")(twice_am)
        assert compute(count(), names=["twice_am"]) == {"twice_am": 6}
        with pytest.raises(ValueError, match="'twice_am' already"):
            metric(units="1")(twice_am)
    finally:
        METRICS.pop("twice_am", None)
    twice_am.__doc__ = None
    with pytest.raises(ValueError, match="no docstring"):
        metric(units="1")(twice_am)
