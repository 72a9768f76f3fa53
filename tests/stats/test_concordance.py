"""Lin's concordance against its definition, laws and known truth."""

from __future__ import annotations

import numpy as np
import pytest

from bactools.stats.reliability.concordance import concordance
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube

WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
"""First readings of two meters: Bland and Altman 1986, table 1."""


def _pairs(women: int, each: int, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    true = np.repeat(random.normal(0, 1, women), each)
    x = true + random.normal(0, 0.3, women * each)
    y = true + np.repeat(random.normal(0, 0.3, women), each) + random.normal(0, 0.3, women * each)
    return x, y, np.repeat(np.arange(women), each)


def test_two_peak_flow_meters_as_lin_defines_it() -> None:
    found = concordance(WRIGHT, MINI)
    cov = np.cov(WRIGHT, MINI, bias=True)
    shift = np.mean(WRIGHT) - np.mean(MINI)
    assert found.ccc.value == pytest.approx(2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + shift**2), rel=1e-12)
    # as epiR prints it
    assert (found.ccc.value, found.ccc.low, found.ccc.high) == pytest.approx(
        (0.9427, 0.8505, 0.9787), abs=5e-5
    )
    assert found.precision.value == pytest.approx(np.corrcoef(WRIGHT, MINI)[0, 1], rel=1e-12)
    assert found.ccc.value == pytest.approx(found.precision.value * found.accuracy.value)
    assert found.naive is None


def test_swapping_mirrors_the_shifts_and_scaling_changes_nothing() -> None:
    a, b = np.array(WRIGHT, dtype=float), np.array(MINI, dtype=float)
    found, swapped, scaled = concordance(a, b), concordance(b, a), concordance(5 - 2 * a, 5 - 2 * b)
    assert swapped.ccc.value == pytest.approx(found.ccc.value)
    assert swapped.ccc.low == pytest.approx(found.ccc.low)
    assert swapped.scale_shift.value == pytest.approx(1 / found.scale_shift.value)
    assert swapped.location_shift.value == pytest.approx(-found.location_shift.value)
    assert scaled.ccc.high == pytest.approx(found.ccc.high)


def test_a_pure_shift_or_scale_is_lost_accuracy_alone() -> None:
    x = np.arange(30.0)
    shifted = concordance(x, x + 5)
    u2 = 25 / x.var()
    assert shifted.precision.value == pytest.approx(1)
    assert shifted.accuracy.value == pytest.approx(2 / (2 + u2))
    assert shifted.ccc.value == pytest.approx(shifted.accuracy.value)
    doubled = concordance(x - x.mean(), 2 * (x - x.mean()))
    assert doubled.ccc.value == pytest.approx(2 / 2.5)
    assert "shift more than to scatter" in doubled.interpret()
    assert concordance(x, x).ccc.value == 1


def test_large_numbers_keep_their_digits() -> None:
    a, b = np.array(WRIGHT), np.array(MINI)
    assert concordance(a + 1e9, b + 1e9).ccc.value == pytest.approx(concordance(a, b).ccc.value, rel=1e-9)


def test_duplicated_images_narrow_the_naive_interval_but_not_that_by_woman() -> None:
    x, y, _ = _pairs(30, 1, seed=1)
    once = concordance(x, y).ccc
    copies = concordance(np.repeat(x, 5), np.repeat(y, 5), subject=np.repeat(np.arange(30), 5))
    assert copies.naive is not None
    assert copies.ccc.value == pytest.approx(once.value)
    assert copies.naive.high - copies.naive.low < 0.6 * (once.high - once.low)
    assert copies.ccc.high - copies.ccc.low > 0.8 * (once.high - once.low)
    assert "30 women in turn" in copies.interpret()


def test_the_interval_by_woman_covers_the_truth_where_the_naive_one_does_not() -> None:
    truth = 1 / (1 + 0.09 + 0.09 / 2)
    hits = np.zeros(2)
    for seed in range(150):
        x, y, woman = _pairs(25, 4, seed=seed)
        found = concordance(x, y, subject=woman)
        assert found.naive is not None
        hits += [estimate.low <= truth <= estimate.high for estimate in (found.ccc, found.naive)]
    assert hits[0] / 150 > 0.89
    assert hits[1] / 150 < 0.89


def test_row_order_does_not_matter_and_lazy_is_eager() -> None:
    cube = simulate_cube(12, n_exam=2, missing_views=0.1)
    eager = concordance(cube["am"], cube["tam_100"])
    lazy = concordance(cube["am"].chunk(), cube["tam_100"].isel(subject=slice(None, None, -1)).chunk())
    assert eager.n_subjects == 12
    assert lazy.n == eager.n
    assert lazy.ccc.low == pytest.approx(eager.ccc.low)


@pytest.mark.parametrize(
    ("x", "y", "options", "match"),
    [
        ([1, 2, 3], [1, 2, 3], {}, "only 3 pairs"),
        ([0, 0, 0, 0], [1, 2, 3, 4], {}, "a is 0 everywhere"),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, 6], {"subject": list("aabbc")}, "only 3 women"),
        ([np.nan] * 4, [1, 2, 3, 4], {}, "only 0 pairs"),
    ],
)
def test_what_cannot_be_estimated_says_so(x: list, y: list, options: dict, match: str) -> None:
    found = concordance(x, y, **options)
    assert match in found.reason
    assert match in found.interpret()


def test_one_woman_on_whom_everything_rests_is_said() -> None:
    x, y = [0, 0, 0, 0, 0, 3, 4, 5], [0, 0, 0, 0, 0, 3, 4, 6]
    found = concordance(x, y, subject=list("abcdefff"))
    assert np.isnan(found.ccc.low)
    assert "has no interval" in found.interpret()


def test_bad_input_is_refused_in_words() -> None:
    with pytest.raises(StatsError, match="confidence=2"):
        concordance(WRIGHT, MINI, confidence=2)
    with pytest.raises(StatsError, match="give two of one shape"):
        concordance(WRIGHT, MINI[1:])
