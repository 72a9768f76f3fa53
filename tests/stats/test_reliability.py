"""The error of a measurement, against published numbers, closed forms and known truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bactools.stats.reliability import measurement_error
from bactools.stats.result import StatsError

WRIGHT = [
    (494, 490), (395, 397), (516, 512), (434, 401), (476, 470), (557, 611), (413, 415), (442, 431),
    (650, 638), (433, 429), (417, 420), (656, 633), (267, 275), (478, 492), (178, 165), (423, 372),
    (427, 421),
]  # fmt: skip
"""Two readings of 17 subjects: Bland and Altman 1986, table 1."""


def _with_error(women: int, replicates: int, *, sd: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    true = random.uniform(20, 40, (women, 1))
    return true + random.normal(0, sd, (women, replicates))


def test_two_readings_of_bland_and_altman() -> None:
    found = measurement_error(WRIGHT)
    half_squares = np.diff(np.array(WRIGHT), axis=1) ** 2 / 2
    assert found.within_sd.value == pytest.approx(math.sqrt(half_squares.mean()), rel=1e-12)
    assert found.within_sd.value == pytest.approx(15.3, abs=0.05)
    assert found.repeatability.value == pytest.approx(1.96 * math.sqrt(2) * found.within_sd.value)
    low, high = 17 * half_squares.mean() / stats.chi2.ppf([0.975, 0.025], 17)
    assert (found.within_variance.low, found.within_variance.high) == pytest.approx((low, high))
    assert found.n == 34
    assert found.n_subjects == 17


def test_two_exams_without_a_true_change_differ_by_less_than_the_sdc_in_95_percent() -> None:
    error = measurement_error(_with_error(400, 3, sd=2.0, seed=1))
    first, second = _with_error(20_000, 2, sd=2.0, seed=2).T
    assert np.mean(np.abs(first - second) < error.smallest_detectable_change().value) == pytest.approx(
        0.95, abs=0.01
    )


def test_means_of_views_and_of_women_have_a_smaller_sdc() -> None:
    error = measurement_error(_with_error(400, 3, sd=2.0, seed=1))
    random = np.random.default_rng(3)
    changes = np.diff(random.normal(0, 2, (20_000, 2, 4)).mean(axis=2), axis=1).ravel()
    of_four = error.smallest_detectable_change(measurements=4)
    assert np.mean(np.abs(changes) < of_four.value) == pytest.approx(0.95, abs=0.01)
    assert error.smallest_detectable_change(women=4).value == of_four.value
    assert error.smallest_detectable_change(women=2, measurements=2).low == of_four.low
    with pytest.raises(StatsError, match="women=0: give 1 or more"):
        error.smallest_detectable_change(women=0)


def test_the_cv_of_pairs_is_the_published_root_mean_square() -> None:
    found = measurement_error(WRIGHT)
    a, b = np.array(WRIGHT, dtype=float).T
    squares = (a - b) ** 2 / 2 / ((a + b) / 2) ** 2
    assert found.cv.value == pytest.approx(math.sqrt(squares.mean()))
    # the published interval, 1.96 standard errors of the mean square, to the first order
    half = 1.96 * squares.std(ddof=1) / math.sqrt(17) / 2 / found.cv.value
    assert found.cv.high - found.cv.low == pytest.approx(2 * half, rel=0.15)
    assert measurement_error(WRIGHT, confidence=0.5).cv.low > found.cv.low


def test_the_interval_of_the_cv_covers_the_truth() -> None:
    hits = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        true = random.uniform(1, 100, (60, 1))
        cv = measurement_error(true * (1 + random.normal(0, 0.1, (60, 3)))).cv
        hits += cv.low < 0.1 < cv.high
    assert 0.9 <= hits / 200 <= 0.99


def test_the_cv_weighs_women_by_their_replicates() -> None:
    values = [9.0, 11.0, 19.0, 20.0, 21.0, 20.0]
    found = measurement_error(values, subject=list("aabbbb"))
    assert found.cv.value == pytest.approx(math.sqrt((2 / 10**2 + 2 / 20**2) / 4))


def test_laws_of_shift_scale_and_order() -> None:
    values = _with_error(30, 2, sd=2.0, seed=4)
    found, shifted, scaled = (measurement_error(v) for v in (values, values + 5, 3 * values))
    assert shifted.within_sd.value == pytest.approx(found.within_sd.value)
    assert scaled.repeatability.high == pytest.approx(3 * found.repeatability.high)
    assert scaled.cv.low == pytest.approx(found.cv.low)
    turned = measurement_error(values[::-1, ::-1])
    assert turned.cv.value == pytest.approx(found.cv.value)


def test_a_vector_with_subjects_is_the_matrix_and_lazy_is_eager() -> None:
    values = _with_error(10, 3, sd=1.0, seed=5)
    values[2, 1] = np.nan
    by_matrix = measurement_error(values)
    by_vector = measurement_error(values.ravel(), subject=np.repeat(np.arange(10), 3))
    lazy = measurement_error(xr.DataArray(values, dims=("subject", "replicate")).chunk(subject=3))
    for other in (by_vector, lazy):
        assert other.within_sd.value == by_matrix.within_sd.value
        assert other.n_dropped == 1


def test_women_without_calcification_are_counted_and_can_be_left_out() -> None:
    some = np.abs(_with_error(20, 2, sd=2.0, seed=6))
    both = np.vstack([some, np.zeros((20, 2))])
    kept, left = measurement_error(both), measurement_error(both, zeros="leave out")
    assert kept.n_zero == 20
    assert kept.within_variance.value == pytest.approx(left.within_variance.value / 2)
    assert left.within_variance.value == pytest.approx(measurement_error(some).within_variance.value)
    assert kept.cv.value == left.cv.value
    assert "20 of them are 0 in every measurement" in kept.interpret()
    assert "in every measurement" not in left.interpret()


def test_error_that_grows_with_burden_is_said() -> None:
    random = np.random.default_rng(7)
    true = random.uniform(1, 100, (60, 1))
    found = measurement_error(true * (1 + random.normal(0, 0.1, (60, 3))))
    assert found.growth.p < 0.05
    assert "grows with burden" in found.interpret()
    assert found.cv.value == pytest.approx(0.1, rel=0.2)


@pytest.mark.parametrize(
    ("values", "options", "match"),
    [
        (np.ones((4, 1)), {}, "no woman has two measurements"),
        (np.full((4, 2), np.nan), {}, "no woman has two measurements"),
        (np.zeros((4, 2)), {"zeros": "leave out"}, "is not 0 in all of them"),
    ],
)
def test_what_cannot_be_estimated_says_so(values: np.ndarray, options: dict, match: str) -> None:
    found = measurement_error(values, **options)
    assert match in found.reason
    assert match in found.interpret()
    assert found.smallest_detectable_change().reason == found.reason


def test_zero_everywhere_has_no_error_and_no_cv() -> None:
    found = measurement_error(np.zeros((5, 2)))
    assert found.within_sd.value == 0
    assert "every measurement is 0" in found.cv.reason
    assert "CV within women" in found._repr_html_()


@pytest.mark.parametrize(
    ("values", "options", "match"),
    [
        ([1.0, 2.0], {}, r"values of shape \(2,\)"),
        ([1.0, 2.0], {"subject": ["a"]}, "1 subjects for 2 values"),
        ([1.0, 2.0], {"subject": ["a", None]}, "a measurement has no subject"),
        ([[1.0, 2.0]], {"zeros": "drop"}, "zeros='drop'"),
        ([[1.0, 2.0]], {"confidence": 95}, "confidence=95"),
    ],
)
def test_bad_input_is_refused_in_words(values: list, options: dict, match: str) -> None:
    with pytest.raises(StatsError, match=match):
        measurement_error(values, **options)
