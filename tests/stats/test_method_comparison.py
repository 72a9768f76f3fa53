"""Deming, Passing–Bablok and Theil–Sen against geometry, exact fractions, scipy, laws and known truth."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from statistics import median
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bactools.cube import on_dates
from bactools.stats.method_comparison import MethodComparison, deming, passing_bablok, theil_sen
from bactools.stats.method_comparison.passing_bablok import MOST
from bactools.stats.result import StatsError
from bactools.testing.cube import simulate_cube

RANKS = (passing_bablok, theil_sen)
ALL = (deming, passing_bablok, theil_sen)


def measured(n: int = 60, *, seed: int = 0, slope: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    true = random.gamma(3, 3, n) + 2
    return true + random.normal(0, 0.5, n), slope * true + random.normal(0, 0.5, n)


def nested(women: int = 30, each: int = 4, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y, subject: errors have a part that is a woman's own; the true slope is 1."""
    random = np.random.default_rng(seed)
    subject = np.repeat(np.arange(women), each)
    n = subject.size
    true = 20 + 3 * random.normal(size=women)[subject] + random.normal(size=n)
    x, y = (true + 0.7 * (random.normal(size=women)[subject] + random.normal(size=n)) for _ in range(2))
    return x, y, subject


def width(found: MethodComparison | None) -> float:
    assert found is not None
    return found.slope.high - found.slope.low


@pytest.mark.parametrize("ratio", [1.0, 0.25, 4.0])
def test_deming_is_the_first_axis_of_a_scaled_cloud(ratio: float) -> None:
    x, y = measured()
    scaled = np.column_stack([x / np.sqrt(ratio), y])
    axis = np.linalg.svd(scaled - scaled.mean(axis=0))[2][0]
    found = deming(x, y, ratio=ratio)
    assert found.slope.value == pytest.approx(axis[1] / axis[0] / np.sqrt(ratio))
    assert found.intercept.value == pytest.approx(y.mean() - found.slope.value * x.mean())


@pytest.mark.parametrize("weighted", [True, False])
def test_jackknife_one_by_one(weighted: bool) -> None:
    x, y = measured(25)
    whole = deming(x, y, weighted=weighted)
    lines = []
    for left in range(25):
        part = deming(np.delete(x, left), np.delete(y, left), weighted=weighted)
        lines.append([part.intercept.value, part.slope.value])
    covariance = 24**2 / 25 * np.cov(np.array(lines).T)
    assert whole.covariance == pytest.approx(covariance, rel=1e-6)
    half = stats.t.ppf(0.975, 23) * np.sqrt(covariance[1, 1])
    assert whole.slope.high == pytest.approx(whole.slope.value + half)
    at = whole.predict([0.0])
    assert at["low"][0] == pytest.approx(whole.intercept.low)


def test_weighted_deming_settles_where_its_weights_come_from_the_line() -> None:
    x, y = measured()
    found = deming(x, y, weighted=True, ratio=2.0)
    a, b = found.intercept.value, found.slope.value
    off = (y - a - b * x) / (1 + 2 * b**2)
    level = (x + 2 * b * off + 2 * (y - off)) / 3
    w = 1 / level**2
    centred_x, centred_y = x - np.average(x, weights=w), y - np.average(y, weights=w)
    sxx, syy, sxy = (float(w @ part) for part in (centred_x**2, centred_y**2, centred_x * centred_y))
    again = (2 * syy - sxx + np.sqrt((2 * syy - sxx) ** 2 + 8 * sxy**2)) / (4 * sxy)
    assert again == pytest.approx(b, rel=1e-9)
    assert np.average(y, weights=w) - b * np.average(x, weights=w) == pytest.approx(a, abs=1e-9)


def test_the_large_sample_formula_is_near_the_jackknife_and_the_bootstrap() -> None:
    x, y = measured(400)
    by = {kind: deming(x, y, interval=kind) for kind in ("analytic", "jackknife", "bootstrap")}
    for kind in ("jackknife", "bootstrap"):
        assert by[kind].slope.se == pytest.approx(by["analytic"].slope.se, rel=0.15)
        assert by[kind].intercept.se == pytest.approx(by["analytic"].intercept.se, rel=0.15)


def brute_passing_bablok(x: list[str], y: list[str]) -> tuple[Fraction, Fraction]:
    """Return intercept and slope in exact fractions of decimals."""
    points = [(Fraction(a), Fraction(b)) for a, b in zip(x, y, strict=True)]
    slopes: list[tuple[int, Fraction]] = []
    for (x1, y1), (x2, y2) in combinations(points, 2):
        if x1 == x2 and y1 != y2:
            slopes.append((1, Fraction(0)))
        elif x1 != x2 and (y2 - y1) != (x1 - x2):
            slopes.append((0, (y2 - y1) / (x2 - x1)))
    slopes.sort()
    n, below = len(slopes), sum(kind == 0 and slope < -1 for kind, slope in slopes)
    middle = [slopes[(n + 1) // 2 + below - 1], slopes[n // 2 + below]]
    assert all(kind == 0 for kind, _ in middle)
    slope = (middle[0][1] + middle[1][1]) / 2
    return median(b - slope * a for a, b in points), slope


@pytest.mark.parametrize("seed", range(8))
def test_ties_and_slopes_of_minus_one_as_exact_fractions(seed: int) -> None:
    random = np.random.default_rng(seed)
    level = random.integers(1, 8, 24)
    x = [f"{value / 10:.1f}" for value in level]
    y = [f"{value / 10:.1f}" for value in level + random.integers(-3, 4, 24)]
    expected = brute_passing_bablok(x, y)
    found = passing_bablok([float(value) for value in x], [float(value) for value in y])
    assert found.slope.value == pytest.approx(float(expected[1]), rel=1e-12)
    assert found.intercept.value == pytest.approx(float(expected[0]), abs=1e-12)


def test_theil_sen_as_scipy() -> None:
    x, y = measured(41)
    x = x.round(0)
    expected = stats.theilslopes(y, x, method="joint")
    found = theil_sen(x, y)
    assert found.slope.value == pytest.approx(expected.slope)
    assert found.intercept.value == pytest.approx(expected.intercept)
    assert (found.slope.low, found.slope.high) == pytest.approx((expected.low_slope, expected.high_slope))


@pytest.mark.parametrize(
    "method",
    [
        lambda x, y: deming(x, y, ratio=1.0),
        lambda x, y: deming(x, y, weighted=True),
        passing_bablok,
    ],
)
def test_swapping_the_methods_turns_the_line_over(method: Callable[..., MethodComparison]) -> None:
    # an odd number of slopes has a median that is one of them
    x, y = measured(59, slope=1.2)
    one, other = method(x, y), method(y, x)
    assert other.slope.value == pytest.approx(1 / one.slope.value)
    assert other.intercept.value == pytest.approx(-one.intercept.value / one.slope.value)


def test_swapping_turns_the_ratio_over() -> None:
    x, y = measured()
    found = deming(y, x, ratio=1 / 3).slope.value
    assert found == pytest.approx(1 / deming(x, y, ratio=3).slope.value)


@pytest.mark.parametrize("method", ALL)
def test_shift_and_scale(method: Callable[..., MethodComparison]) -> None:
    x, y = measured()
    one, other = method(x, y), method(4 * x, 4 * y + 8)
    assert other.slope.value == pytest.approx(one.slope.value)
    assert other.slope.low == pytest.approx(one.slope.low)
    assert other.intercept.value == pytest.approx(4 * one.intercept.value + 8)


@pytest.mark.parametrize(
    ("method", "options"),
    [(deming, {}), (deming, {"weighted": True}), (passing_bablok, {"interval": "analytic"}),
     (theil_sen, {"interval": "analytic"}), (passing_bablok, {"n_bootstrap": 200})],
)  # fmt: skip
def test_duplicated_images_narrow_the_naive_interval_but_not_the_nested_one(
    method: Callable[..., MethodComparison], options: dict[str, Any]
) -> None:
    x, y, subject = nested()
    one = method(x, y, subject=subject, **options)
    two = method(np.tile(x, 2), np.tile(y, 2), subject=np.tile(subject, 2), **options)
    assert one.nested
    assert width(two) == pytest.approx(width(one), rel=0.1)
    assert width(two.naive) < 0.8 * width(one.naive)


@pytest.mark.parametrize("method", [deming, passing_bablok])
def test_intervals_cover_one_where_women_repeat(method: Callable[..., MethodComparison]) -> None:
    options = {} if method is deming else {"interval": "analytic"}
    held, naive = [], []
    for seed in range(150):
        x, y, subject = nested(seed=seed)
        found = method(x, y, subject=subject, **options)
        assert found.naive is not None
        held.append(not found.proportional_bias)
        naive.append(not found.naive.proportional_bias)
    assert np.mean(held) > 0.9
    assert np.mean(naive) < 0.88


@pytest.mark.parametrize("method", ALL)
def test_bias_is_called_what_it_is(method: Callable[..., MethodComparison]) -> None:
    x, y = measured(200)
    none = method(x, y)
    if method is not theil_sen:  # which takes x without error, so that its slope is too flat
        assert none.proportional_bias is False
        assert "no proportional bias is shown" in none.interpret()
        assert "not the same as no bias" in none.interpret()
    steep = method(x, 1.5 * y)
    assert steep.proportional_bias is True
    assert "excludes 1" in steep.interpret()
    shifted = method(x, y + 5)
    assert shifted.constant_bias is True
    assert "constant bias" in shifted.interpret()


def test_bias_at_a_decision_limit() -> None:
    x, y = measured(100)
    table = deming(x, y).predict([10.0, 25.0])
    assert table["bias"].to_numpy() == pytest.approx((table["fit"] - table["x"]).to_numpy())
    assert (table["bias_low"] < table["bias"]).all()
    assert passing_bablok(x, y).predict([10.0])["low"].isna().all()
    resampled = passing_bablok(x, y, interval="bootstrap", n_bootstrap=200)
    assert resampled.predict([10.0])["low"][0] < resampled.predict([10.0])["fit"][0]
    assert resampled.slope.value == passing_bablok(x, y).slope.value


def test_the_cusum_finds_a_bend() -> None:
    random = np.random.default_rng(0)
    x = random.uniform(1, 10, 150)
    straight = passing_bablok(x, x + random.normal(0, 0.3, 150))
    bent = passing_bablok(x, x**2 / 5 + random.normal(0, 0.3, 150))
    assert straight.linearity_p > 0.05
    assert bent.linearity_p < 0.001
    assert "do not follow a straight line" in bent.interpret()
    assert "straight line" not in straight.interpret()
    assert np.isnan(theil_sen(x, x**2).linearity_p)


def test_the_cusum_rarely_cries_wolf() -> None:
    found = [passing_bablok(*measured(50, seed=seed)).linearity_p < 0.05 for seed in range(300)]
    assert 0.02 < np.mean(found) < 0.12


def test_on_the_cube_in_any_form_and_order() -> None:
    cube = simulate_cube(12, n_exam=3, seed=1, missing_views=0.1)
    x, y = cube["true_tam_100"], cube["tam_100"]
    found = deming(x, y)
    assert found.names == ("true_tam_100", "tam_100")
    assert found.n_subjects == 12
    literal = on_dates(cube)
    lazy = deming(x.chunk({"subject": 5}), y.chunk({"subject": 5}))
    for other in (lazy, deming(literal["true_tam_100"], literal["tam_100"]), deming(x[::-1], y)):
        assert other.slope.value == pytest.approx(found.slope.value, rel=1e-10)
        assert other.slope.se == pytest.approx(found.slope.se, rel=1e-10)
    assert found.proportional_bias is False
    assert {"subject", "view", "date"} <= set(found.points)
    assert "by woman" in found.interpret()
    assert list(found.to_frame().analysis.unique()) == ["nested", "naive"]


def test_thousands_of_pairs_are_not_too_many_and_more_are_refused_in_words() -> None:
    random = np.random.default_rng(0)
    x = random.gamma(2, 2, 5000).round(1)
    found = passing_bablok(x, (x + random.normal(0, 0.5, 5000)).round(1))
    assert found.slope.value == pytest.approx(1, abs=0.05)
    many = random.normal(size=MOST + 1)
    assert f"{MOST + 1} pairs are more than" in passing_bablok(many, many).reason
    with pytest.raises(StatsError, match="takes too long: use interval='analytic'"):
        theil_sen(x, x + 1, interval="bootstrap")
    many = np.abs(many[:5000]) + 10
    slow = deming(many, many + 1, weighted=True, interval="bootstrap", n_bootstrap=100_000)
    assert "take too long" in slow.reason


def test_where_most_have_none_the_words_say_so() -> None:
    x, y = measured(50)
    x[:10] = y[:10] = 0
    assert "10 pairs are 0 by both" in passing_bablok(x, y).interpret()


@pytest.mark.parametrize(
    ("method", "x", "y", "options", "reason"),
    [
        (deming, [1, 2, 3], [1, 2, 4], {}, "only 3 pairs"),
        (deming, [1, 2, 3, 4], [0, 0, 0, 0], {}, "y is 0 everywhere"),
        (deming, [1, 2, 3, 4, 5, 6], [1, 2, 4, 4, 5, 7], {"subject": list("aabbcc")}, "only 3 women"),
        (deming, [0, 1, 2, 3, 4], [0, 1, 2, 3, 5], {"weighted": True}, "0 or below"),
        (deming, [1, 1, 2, 2], [1, 2, 1, 2], {}, "nothing in common"),
        (passing_bablok, [1, 2, 3, 4], [1, 2, 3, 5], {}, "only 4 pairs"),
        (passing_bablok, [1, 2, 3, 4, 5], [5, 4, 3, 2, 1], {}, "do not grow together"),
        (theil_sen, [2, 2, 2, 2, 2], [5, 4, 3, 2, 1], {}, "x is 2 everywhere"),
    ],
)  # fmt: skip
def test_what_cannot_be_estimated_says_why(
    method: Callable[..., MethodComparison], x: list[int], y: list[int], options: Any, reason: str
) -> None:
    found = method(x, y, **options)
    assert reason in found.reason
    assert found.proportional_bias is None
    assert found.predict([1.0]).empty
    assert found.interpret().startswith("Not estimable")


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        (deming, {"ratio": 0.0}, "ratio=0: choose"),
        (deming, {"interval": "exact"}, "choose one of 'jackknife'"),
        (deming, {"interval": "analytic", "weighted": True}, "no formula"),
        (deming, {"interval": "analytic", "subject": [0, 0, *range(58)]}, "takes pairs as independent"),
        (passing_bablok, {"interval": "jackknife"}, "choose one of 'analytic'"),
        (theil_sen, {"confidence": 1.0}, "between 0 and 1"),
    ],
)
def test_wrong_options_are_named(method: Callable[..., MethodComparison], options: Any, message: str) -> None:
    with pytest.raises(StatsError, match=message):
        method(*measured(), **options)
