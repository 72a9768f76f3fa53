"""Agreement: Bland and Altman's numbers, laws that must hold, and refusals in words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bactools.stats.agreement import Agreement, agreement
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube

# Bland and Altman, Lancet 1986;i:307-310: peak expiratory flow of 17 people, first readings [l/min]
WRIGHT = np.array([494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427.0])
MINI = np.array([512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451.0])

RANDOM = np.random.default_rng(0)
WOMEN = np.repeat(np.arange(30), 4)
TRUE = RANDOM.lognormal(2, 0.6, 120)
A = TRUE * np.exp(RANDOM.normal(0.05, 0.1, 30)[WOMEN] + RANDOM.normal(0, 0.1, 120))
B = TRUE * np.exp(RANDOM.normal(0, 0.1, 120))

EVERY_WAY: list[dict[str, Any]] = [
    {"repeats": "pooled"},
    {"repeats": "varying"},
    {"repeats": "varying", "estimator": "means"},
    {"repeats": "varying", "estimator": "reml"},
    {"repeats": "varying", "interval": "approximate"},
    {"repeats": "constant"},
    {"repeats": "varying", "limits": "nonparametric", "n_bootstrap": 100},
    {"repeats": "varying", "limits": "regression"},
]
WAYS = pytest.mark.parametrize("way", EVERY_WAY, ids=lambda way: "-".join(map(str, way.values())))


def _numbers(found: Agreement) -> list[float]:
    ends = (found.bias, found.lower, found.upper)
    return [number for e in ends for number in (e.value, e.low, e.high)] + [found.sd.value]


def _same(one: Agreement, other: Agreement, **tolerance: float) -> None:
    np.testing.assert_allclose(_numbers(one), _numbers(other), **({"rtol": 1e-6, "atol": 1e-9} | tolerance))


def test_bland_and_altmans_17_subjects() -> None:
    """With 2 SD limits -79.7 and 75.5, their intervals -114.3 to -45.1 and 40.9 to 110.1."""
    two = math.erf(2 / math.sqrt(2))
    found = agreement(WRIGHT, MINI, level=two, interval="approximate-1986")
    assert found.bias.value == pytest.approx(-2.1, abs=0.05)
    assert found.sd.value == pytest.approx(38.8, abs=0.05)
    assert found.bias.se == pytest.approx(9.4, abs=0.05)
    assert (found.lower.value, found.upper.value) == pytest.approx((-79.7, 75.5), abs=0.11)
    assert (found.bias.low, found.bias.high) == pytest.approx((-22.0, 17.8), abs=0.11)
    assert (found.lower.low, found.lower.high) == pytest.approx((-114.3, -45.1), abs=0.25)
    assert (found.upper.low, found.upper.high) == pytest.approx((40.9, 110.1), abs=0.25)
    assert found.bias.p == pytest.approx(stats.ttest_rel(WRIGHT, MINI).pvalue)
    assert found.slope.p > 0.05
    assert "-2.118" in found.interpret()


@WAYS
def test_swapping_raters_mirrors_the_limits(way: dict[str, Any]) -> None:
    ours, theirs = agreement(A, B, subject=WOMEN, **way), agreement(B, A, subject=WOMEN, **way)
    assert ours.bias.value == pytest.approx(-theirs.bias.value)
    # the same women are drawn, but counted from the other end
    tolerance = 1e-6 if way.get("limits") != "nonparametric" else 0.25
    for one, other in ((ours.lower, theirs.upper), (ours.upper, theirs.lower)):
        np.testing.assert_allclose(
            [one.value, one.low, one.high], [-other.value, -other.high, -other.low], rtol=tolerance
        )
    assert ours.bias.p == pytest.approx(theirs.bias.p, nan_ok=True)


@WAYS
@settings(max_examples=20)
@given(shift=st.floats(-50, 50))
def test_adding_a_constant_shifts_and_does_nothing_else(way: dict[str, Any], shift: float) -> None:
    plain, moved = agreement(A, B, subject=WOMEN, **way), agreement(A + shift, B, subject=WOMEN, **way)
    for name in ("bias", "lower", "upper"):
        one, other = getattr(plain, name), getattr(moved, name)
        np.testing.assert_allclose(
            [one.value + shift, one.low + shift, one.high + shift],
            [other.value, other.low, other.high],
            atol=1e-7,
        )
    assert moved.sd.value == pytest.approx(plain.sd.value)
    assert (moved.slope.value, moved.slope.p) == pytest.approx((plain.slope.value, plain.slope.p))


@WAYS
@settings(max_examples=20)
@given(scale=st.floats(1e-4, 1e4))
def test_another_unit_scales_everything(way: dict[str, Any], scale: float) -> None:
    plain, scaled = (
        agreement(A, B, subject=WOMEN, **way),
        agreement(scale * A, scale * B, subject=WOMEN, **way),
    )
    np.testing.assert_allclose(np.array(_numbers(plain)) * scale, _numbers(scaled), rtol=1e-5)
    assert scaled.bias.p == pytest.approx(plain.bias.p, nan_ok=True)
    assert scaled.slope.value == pytest.approx(plain.slope.value)


@WAYS
def test_the_order_of_rows_does_not_matter(way: dict[str, Any]) -> None:
    order = np.random.default_rng(1).permutation(120)
    plain, mixed = (
        agreement(A[rows], B[rows], subject=WOMEN[rows], **way) for rows in (np.arange(120), order)
    )
    _same(plain, mixed)


def test_resampled_intervals_do_not_depend_on_the_order_of_rows() -> None:
    order = np.random.default_rng(2).permutation(120)
    options: dict[str, Any] = {"repeats": "varying", "interval": "bootstrap", "n_bootstrap": 200}
    _same(
        agreement(A, B, subject=WOMEN, **options),
        agreement(A[order], B[order], subject=WOMEN[order], **options),
    )


@pytest.mark.parametrize("times", [2, 5])
@pytest.mark.parametrize("estimator", ["anova", "means", "reml"])
def test_copies_of_a_womans_images_narrow_only_the_naive_interval(times: int, estimator: str) -> None:
    """Copies are no news: nested, the answer is that of one pair per woman."""
    once = agreement(WRIGHT, MINI, interval="mover")
    people = np.repeat(np.arange(17), times)
    found = agreement(
        np.repeat(WRIGHT, times),
        np.repeat(MINI, times),
        subject=people,
        repeats="varying",
        estimator=estimator,  # type: ignore[arg-type]
    )
    _same(found, once, rtol=1e-5)
    assert found.bias.p == pytest.approx(once.bias.p, rel=1e-4)
    assert found.naive is not None
    for name in ("bias", "lower", "upper"):
        naive, honest = getattr(found.naive, name), getattr(found, name)
        assert naive.high - naive.low < 1.1 * (honest.high - honest.low) / math.sqrt(times)


def test_the_same_women_in_unequal_numbers_of_copies() -> None:
    """Each woman counts once with 'means', however often she was copied."""
    once = agreement(WRIGHT, MINI, interval="mover")
    times = 1 + np.arange(17) % 5
    copied = [np.repeat(side, times) for side in (WRIGHT, MINI, np.arange(17))]
    found = agreement(copied[0], copied[1], subject=copied[2], repeats="varying", estimator="means")
    _same(found, once)


def test_logarithms_are_differences_of_logarithms_and_ratios_their_exponentials() -> None:
    options: dict[str, Any] = {"subject": WOMEN, "repeats": "varying"}
    log = agreement(A, B, scale="log", **options)
    by_hand = agreement(np.log(A), np.log(B), **options)
    ratio = agreement(A, B, scale="ratio", **options)
    _same(log, by_hand)
    assert (log.slope.value, log.slope.p) == pytest.approx((by_hand.slope.value, by_hand.slope.p))
    np.testing.assert_allclose(np.exp(_numbers(by_hand)[:9]), _numbers(ratio)[:9])
    assert ratio.bias.p == by_hand.bias.p
    assert ratio.naive is not None
    assert ratio.naive.bias.value == pytest.approx(math.exp(np.mean(np.log(A / B))))
    np.testing.assert_allclose(ratio.points["difference"], A / B)
    np.testing.assert_allclose(ratio.points["mean"], np.sqrt(A * B))
    assert ratio.critical_difference == pytest.approx(math.exp(by_hand.critical_difference))
    assert ratio.share_within(1.2) == pytest.approx(np.mean(np.abs(np.log(A / B)) <= math.log(1.2)))


def test_sloping_limits_of_ratios_slope_on_logarithms() -> None:
    log, ratio = (agreement(A, B, scale=scale, limits="regression") for scale in ("log", "ratio"))  # type: ignore[arg-type]
    at = np.array([2.0, 7.0, 30.0])
    np.testing.assert_allclose(np.exp(log.limits_at(np.log(at))), ratio.limits_at(at))
    assert log.observed_level == ratio.observed_level
    assert ratio.lower.value < ratio.bias.value < ratio.upper.value


def test_percent_is_of_the_mean_of_both() -> None:
    found = agreement(A, B, scale="percent")
    expected = 100 * (A - B) / ((A + B) / 2)
    assert found.bias.value == pytest.approx(expected.mean())
    assert found.sd.value == pytest.approx(expected.std(ddof=1))
    assert "%" in found.interpret()
    # V-shaped limits of the logarithm are nearly the same (Euser 2008)
    shares = agreement(A, B, scale="log").as_shares_of_the_mean()
    assert 100 * shares["upper"].value == pytest.approx(found.upper.value, rel=0.03)


def test_regression_limits_by_hand() -> None:
    """Bland and Altman 1999, section 3.2: line of the differences, then of the absolute residuals."""
    x = np.linspace(1, 100, 400)
    y = 0.5 + 0.1 * x + np.random.default_rng(3).normal(0, 0.05 * x)
    found = agreement(x + y / 2, x - y / 2, limits="regression")
    slope, intercept = np.polyfit(x, y, 1)
    spread = np.polyfit(x, np.abs(y - intercept - slope * x), 1)
    bias, low, high = found.limits_at([10, 90])
    np.testing.assert_allclose(bias, intercept + slope * np.array([10, 90]))
    half = 1.96 * math.sqrt(math.pi / 2) * np.polyval(spread, [10, 90])
    np.testing.assert_allclose((high - low) / 2, half, rtol=1e-4)
    assert found.observed_level == pytest.approx(0.95, abs=0.02)
    assert "as these limits do" in found.interpret()


def test_a_nested_analysis_brings_the_naive_one_along() -> None:
    found = agreement(A, B, subject=WOMEN, repeats="varying")
    naive = agreement(A, B)
    assert found.naive is not None
    _same(found.naive, naive)
    assert found.bias.value == pytest.approx(naive.bias.value)
    assert found.bias.high - found.bias.low > naive.bias.high - naive.bias.low
    table = found.to_frame()
    assert table.groupby("analysis")["term"].first().to_dict() == {"naive": "bias", "nested": "bias"}
    assert "30 women" in found.interpret()
    assert (found.n, found.n_subjects) == (120, 30)


def test_pooling_is_refused_unless_asked_for() -> None:
    with pytest.raises(StatsError, match="120 pairs come from 30 women.*repeats='varying'"):
        agreement(A, B, subject=WOMEN)
    pooled = agreement(A, B, subject=WOMEN, repeats="pooled")
    _same(pooled, agreement(A, B))
    assert "Careful: 120 pairs of only 30 women" in pooled.interpret()
    assert not agreement(WRIGHT, MINI, subject=range(17)).nested


def test_one_pair_for_most_women() -> None:
    """Nothing explodes when a single woman has a second pair."""
    women = np.append(np.arange(60), 0)
    random = np.random.default_rng(4)
    d = random.normal(size=60)[women] + random.normal(0, 0.5, 61)
    nested, naive = agreement(d, 0 * d, subject=women, repeats="varying"), agreement(d, 0 * d)
    assert nested.sd.value == pytest.approx(naive.sd.value, rel=0.05)
    for name in ("bias", "lower", "upper"):
        honest, plain = getattr(nested, name), getattr(naive, name)
        assert 0.8 < (honest.high - honest.low) / (plain.high - plain.low) < 2


def test_one_woman_with_most_of_the_pairs() -> None:
    women = np.concatenate([np.zeros(300, int), np.arange(1, 31)])
    random = np.random.default_rng(5)
    d = random.normal(size=31)[women] + random.normal(0, 0.3, 330)
    by_pair, by_woman = (
        agreement(d, 0 * d, subject=women, repeats="varying", estimator=estimator)  # type: ignore[arg-type]
        for estimator in ("anova", "means")
    )
    assert by_pair.naive is not None
    # 330 pairs are worth hardly more than one woman
    assert by_pair.bias.high - by_pair.bias.low > 10 * (by_pair.naive.bias.high - by_pair.naive.bias.low)
    assert by_woman.bias.value == pytest.approx(pd.Series(d).groupby(women).mean().mean())
    assert "One woman gives 91 % of the pairs" in by_pair.interpret()
    assert "One woman" not in by_woman.interpret()


@pytest.mark.parametrize("women", [1, 2])
def test_pairs_of_too_few_women(women: int) -> None:
    found = agreement(WRIGHT, MINI, subject=np.arange(17) % women, repeats="varying")
    assert not found.estimable
    assert not found.bias.estimable
    told = "only 1 woman, at least 3 are needed" if women == 1 else "only 2 women, at least 3"
    assert told in found.interpret()
    assert len(found.points) == 17


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_pairs(n: int) -> None:
    found = agreement(WRIGHT[:n], MINI[:n])
    assert found.reason == f"only {n} {'pair' if n == 1 else 'pairs'}, at least 3 are needed"
    assert "Not estimable" in found.interpret()
    assert "not estimable" in repr(found)


@pytest.mark.parametrize("scale", ["difference", "log", "ratio", "percent"])
def test_no_spread_is_said_in_words(scale: str) -> None:
    """Also where rounding makes differences that should be alike a little different."""
    b = {"difference": A + 0.1, "log": 1.1 * A, "ratio": 1.1 * A, "percent": 1.1 * A}[scale]
    assert "no spread" in agreement(A, b, scale=scale).reason  # type: ignore[arg-type]
    assert "all 9 differences are 0" in agreement(np.zeros(9), np.zeros(9)).interpret()


@pytest.mark.parametrize("scale", ["log", "ratio", "percent"])
def test_zeros_where_there_must_be_none_are_said_in_words(scale: str) -> None:
    a, b = A.copy(), B.copy()
    a[7] = b[7] = a[9] = b[9] = 0
    keys = pd.DataFrame({"image_id": [f"i{at}" for at in range(120)], "subject": WOMEN})
    found = agreement(a, b, keys=keys, repeats="varying", scale=scale)  # type: ignore[arg-type]
    assert not found.estimable
    assert found.scale == scale
    assert "2 of 120 pairs" in found.interpret()
    assert "i7" in found.reason
    assert math.isnan(found.observed_level)


def test_missing_values_are_dropped_and_counted() -> None:
    a, b = WRIGHT.copy(), MINI.copy()
    a[2], b[5] = np.nan, np.nan
    _same(agreement(a, b), agreement(np.delete(WRIGHT, [2, 5]), np.delete(MINI, [2, 5])))
    found = agreement(a, b)
    assert (found.n, found.n_dropped) == (15, 2)
    assert "2 pairs were left out" in found.interpret()


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return simulate_cube(40, n_exam=3, missing_views=0.1, seed=4)


def test_a_lazy_cube_gives_the_same_answer_in_any_order_of_dimensions(cube: xr.Dataset) -> None:
    eager = agreement(cube["tam_100"], cube["true_tam_100"], repeats="varying")
    chunked = cube.chunk(subject=7)
    lazy = agreement(chunked["tam_100"], chunked["true_tam_100"].transpose(), repeats="varying")
    _same(eager, lazy, rtol=1e-9)
    pd.testing.assert_frame_equal(eager.points, lazy.points)
    assert {"subject", "view", "date"} <= set(eager.points)
    assert eager.names == ("tam_100", "true_tam_100")


def test_the_truth_of_a_simulated_cube_lies_in_the_intervals(cube: xr.Dataset) -> None:
    """Measured with an error of 3e-4 / 2 per view, about the true share of the breast."""
    calcified = cube["true_tam_100"] > 1500  # so that no noise is cut off at 0
    a, b = (cube[name].where(calcified) / cube["breast_area"] for name in ("tam_100", "true_tam_100"))
    found = agreement(a, b, repeats="varying")
    assert abs(found.bias.value) < 3.5 * found.bias.se
    assert abs(found.sd.value - 1.5e-4) < 3.5 * found.sd.se
    assert abs(found.lower.value + 1.96 * 1.5e-4) < 3.5 * found.lower.se
    assert found.observed_level == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"repeats": "maybe"}, "repeats='maybe'"),
        ({"scale": "sqrt"}, "scale='sqrt'"),
        ({"limits": "wide"}, "limits='wide'"),
        ({"estimator": "ml"}, "estimator='ml'"),
        ({"interval": "exact"}, "interval='exact' is not for women with several pairs"),
        ({"interval": "guess"}, "interval='guess': choose one of 'mover'"),
        ({"repeats": "pooled", "interval": "bootstrap"}, "is not for one pair per woman"),
        ({"repeats": "constant", "scale": "percent"}, "scale='percent' does not go with repeats='constant'"),
        ({"estimator": "reml", "interval": "bootstrap"}, "does not go with estimator='reml'"),
        ({"repeats": "constant", "interval": "parametric-bootstrap"}, "estimator='anova' only"),
        ({"n_bootstrap": 10}, "n_bootstrap=10"),
        ({"level": 95}, "level=95"),
        ({"confidence": 0}, "confidence=0"),
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(StatsError, match=told):
        agreement(A, B, **({"subject": WOMEN, "repeats": "varying"} | wrong))


def test_v_shaped_limits_need_logarithms() -> None:
    with pytest.raises(StatsError, match="use scale='log'"):
        agreement(A, B).as_shares_of_the_mean()


def test_replicates_of_one_value_may_be_paired_in_any_way() -> None:
    random = np.random.default_rng(6)
    true = random.normal(size=20)
    a, b = (true[:, None] + random.normal(0, 0.3, (20, 3)) for _ in range(2))
    women = np.repeat(np.arange(20), 3)
    for interval in ("mover", "bootstrap"):
        plain, turned = (
            agreement(
                a.ravel(), side.ravel(), subject=women, repeats="constant", interval=interval, n_bootstrap=200
            )
            for side in (b, b[:, ::-1])
        )
        _same(plain, turned)
        for limit in (plain.lower, plain.upper):
            assert limit.low < limit.value < limit.high
    # varying, the pairing is taken at its word
    assert agreement(a.ravel(), b.ravel(), subject=women, repeats="varying").sd.value != pytest.approx(
        plain.sd.value, rel=1e-6
    )


def test_many_pairs_are_quick() -> None:
    import time

    women = np.repeat(np.arange(5000), 20)
    random = np.random.default_rng(7)
    a, b = random.normal(size=(2, women.size)) + random.normal(size=5000)[women]
    start = time.process_time()
    found = agreement(a, b, subject=women, repeats="varying")
    assert time.process_time() - start < 2
    assert found.naive is not None
    assert found.slope.estimable
