"""Variance between and within women, against other programs and simulated women."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from bactools.stats.agreement.bootstrap import Sampling, bootstrap_limits, parametric_limits
from bactools.stats.agreement.nested import Components, Groups, components, constant_components
from bactools.stats.agreement.nested_limits import nested_limits, sd_estimate
from bactools.stats.resampling import bca
from bactools.stats.result import StatsError

UNEQUAL = np.array([1, 3, 8, 2, 1, 5, 4, 12, 2, 6, 3, 1])


def _simulated(
    sizes: NDArray[np.int64], *, between: float = 1.0, within: float = 1.0, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    random = np.random.default_rng(seed)
    subject = np.repeat(np.arange(len(sizes)), sizes)
    values = random.normal(0, between, len(sizes))[subject] + random.normal(0, within, subject.size)
    return values, subject


def _matrix(sizes: NDArray[np.int64], kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the matrix of the mean square between women, and the means' covariance for variances 1 and 1."""
    weight = sizes.astype(float) if kind == "anova" else np.ones(len(sizes))
    form = (np.diag(weight) - np.outer(weight, weight) / weight.sum()) / (len(sizes) - 1)
    return form, np.diag(1 + 1 / sizes)


def test_reml_is_that_of_statsmodels() -> None:
    from statsmodels.regression.mixed_linear_model import MixedLM

    values, subject = _simulated(UNEQUAL, between=1.3, within=0.7, seed=3)
    fitted = MixedLM(values, np.ones((values.size, 1)), subject).fit(reml=True, method="lbfgs")
    found = components(Groups.of(values, subject), estimator="reml")
    assert found.bias == pytest.approx(float(fitted.fe_params[0]), abs=1e-5)
    assert found.se == pytest.approx(float(fitted.bse_fe[0]), rel=1e-4)
    assert found.between == pytest.approx(float(np.squeeze(fitted.cov_re)), rel=1e-3)
    assert found.within == pytest.approx(float(fitted.scale), rel=1e-4)


def test_anova_is_that_of_statsmodels() -> None:
    import pandas as pd
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    values, subject = _simulated(UNEQUAL, seed=4)
    table = anova_lm(ols("d ~ C(s)", pd.DataFrame({"d": values, "s": subject})).fit())
    found = components(Groups.of(values, subject))
    assert found.mean_square_between == pytest.approx(table["mean_sq"].iloc[0])
    assert found.within == pytest.approx(table["mean_sq"].iloc[1])
    # the divisor: (N - sum of squared sizes / N) / (n - 1)
    divisor = (UNEQUAL.sum() - (UNEQUAL**2).sum() / UNEQUAL.sum()) / (len(UNEQUAL) - 1)
    mean_squares = table["mean_sq"].to_numpy()
    assert found.between == pytest.approx((mean_squares[0] - mean_squares[1]) / divisor)


@given(seed=st.integers(0, 10_000), women=st.integers(3, 12), pairs=st.integers(2, 6))
def test_with_equal_numbers_anova_and_means_are_the_same(seed: int, women: int, pairs: int) -> None:
    groups = Groups.of(*_simulated(np.full(women, pairs), seed=seed))
    one, other = components(groups, estimator="anova"), components(groups, estimator="means")
    assert one.bias == pytest.approx(other.bias)
    assert one.between == pytest.approx(other.between)
    assert one.variance == pytest.approx(other.variance)
    for found in (one, other):
        assert found.parts[0][1] == pytest.approx(women - 1)
        assert found.parts[1][1] == women * (pairs - 1)
    # with a negative component cut off, only anova keeps it out of the standard error too
    assert one.se >= other.se * (1 - 1e-12)
    if one.between:
        assert (one.se, one.df) == pytest.approx((other.se, other.df))
        assert components(groups, estimator="reml").between == pytest.approx(one.between, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("kind", ["anova", "means"])
def test_degrees_of_freedom_are_satterthwaites(kind: str) -> None:
    """By traces of matrices, averaged over the same components that were found."""
    groups = Groups.of(*_simulated(UNEQUAL, seed=5))
    found = components(groups, estimator=kind)  # type: ignore[arg-type]
    form, _ = _matrix(UNEQUAL, kind)
    product = form @ np.diag(found.between + found.within / UNEQUAL)
    expected = np.trace(product) ** 2 / np.trace(product @ product)
    assert found.parts[0][1] == pytest.approx(expected)
    assert expected < len(UNEQUAL) - 1


def test_the_mean_square_varies_as_its_degrees_of_freedom_say() -> None:
    random, (form, covariance) = np.random.default_rng(6), _matrix(UNEQUAL, "anova")
    means = random.normal(size=(40_000, len(UNEQUAL))) * np.sqrt(np.diag(covariance))
    squares = np.einsum("ri,ij,rj->r", means, form, means)
    product = form @ covariance
    df = np.trace(product) ** 2 / np.trace(product @ product)
    assert 2 * squares.mean() ** 2 / squares.var() == pytest.approx(df, rel=0.05)


@pytest.mark.parametrize("kind", ["anova", "means"])
@pytest.mark.parametrize("between", [0.0, 1.0])
def test_the_variance_is_right_on_average_also_when_women_do_not_differ(kind: str, between: float) -> None:
    sizes = np.array([1] * 12 + [2] * 4)
    found = []
    for seed in range(1500):
        groups = Groups.of(*_simulated(sizes, between=between, seed=seed))
        found.append(components(groups, estimator=kind).variance)  # type: ignore[arg-type]
    assert np.mean(found) == pytest.approx(between**2 + 1, abs=4 * np.std(found) / math.sqrt(len(found)))


def test_no_spread_within_women_leaves_the_interval_of_one_pair_each() -> None:
    """A woman's pairs are copies: nothing is gained by having them."""
    values = np.random.default_rng(7).normal(size=20)
    groups = Groups.of(np.repeat(values, 4), np.repeat(np.arange(20), 4))
    for kind in ("anova", "means", "reml"):
        found = components(groups, estimator=kind)  # type: ignore[arg-type]
        assert found.within == pytest.approx(0, abs=1e-6)
        assert found.variance == pytest.approx(values.var(ddof=1), rel=1e-5)
        assert found.se == pytest.approx(values.std(ddof=1) / math.sqrt(20), rel=1e-5)
        low, high = sd_estimate(found).low, sd_estimate(found).high
        ends = np.sqrt(19 * values.var(ddof=1) / stats.chi2.ppf([0.975, 0.025], 19))
        assert (low, high) == pytest.approx(tuple(ends), rel=1e-5)


def _recovered(found: Components) -> float:
    """Zou's upper end of the upper limit, written out for two mean squares."""
    z, variance = 1.959963984540054, sum(part for part, _ in found.parts)
    up = sum((part * (df / stats.chi2.ppf(0.025, df) - 1)) ** 2 for part, df in found.parts)
    top = math.sqrt(variance + math.sqrt(up)) - math.sqrt(variance)
    return found.bias + z * math.sqrt(variance) + math.hypot(z * found.se, z * top)


def test_mover_is_zous_formula() -> None:
    found = components(Groups.of(*_simulated(np.full(9, 3), seed=8)), estimator="means")
    assert nested_limits(found)[1].high == pytest.approx(_recovered(found))


def test_the_delta_method_is_symmetric_and_near_mover_with_many_women() -> None:
    found = components(Groups.of(*_simulated(np.full(3000, 3), seed=9)))
    _, symmetric = nested_limits(found, interval="approximate")
    _, recovered = nested_limits(found, interval="mover")
    assert symmetric.high - symmetric.value == pytest.approx(symmetric.value - symmetric.low)
    assert (symmetric.low, symmetric.high) == pytest.approx((recovered.low, recovered.high), rel=2e-3)


def test_replicates_of_one_value_against_bland_and_altmans_formula() -> None:
    """Variance of the mean differences + (1 - 1/m) of each method's variance within women."""
    random = np.random.default_rng(10)
    a, b = random.normal(size=(15, 3)), random.normal(size=(15, 3))
    subject = np.repeat(np.arange(15), 3)
    difference = a.mean(axis=1) - b.mean(axis=1)
    found = constant_components(Groups.of(a.ravel(), subject), Groups.of(b.ravel(), subject), difference)
    within = [side.var(axis=1, ddof=1).mean() for side in (a, b)]
    assert found.variance == pytest.approx(difference.var(ddof=1) + (1 - 1 / 3) * sum(within))
    assert found.bias == pytest.approx((a - b).mean())


@pytest.mark.parametrize("kind", ["anova", "means"])
def test_resampled_sums_give_the_limits_of_resampled_women(kind: str) -> None:
    """BCa by drawing women one by one and analysing them anew."""
    values, subject = _simulated(UNEQUAL, seed=11)
    groups, n = Groups.of(values, subject), len(UNEQUAL)

    def upper(chosen: NDArray[np.intp]) -> float:
        part = Groups(groups.size[chosen], groups.mean[chosen], groups.squares[chosen])
        if part.total == part.n:
            return math.nan
        found = components(part, estimator=kind)  # type: ignore[arg-type]
        return found.bias + 1.959963984540054 * math.sqrt(found.variance)

    random = np.random.default_rng(12)
    resamples = np.array([upper(random.integers(0, n, n)) for _ in range(3000)])
    left_out = np.array([upper(np.delete(np.arange(n), at)) for at in range(n)])
    low, high = bca(upper(np.arange(n)), resamples[~np.isnan(resamples)], left_out)
    _, ours = bootstrap_limits(groups, Sampling(0.95, 0.95, 20_000, 0), estimator=kind)  # type: ignore[arg-type]
    assert ours == pytest.approx((low, high), abs=0.12 * (high - low))


def test_bca_is_scipys_but_for_the_widening() -> None:
    values = np.random.default_rng(13).exponential(size=2000)
    theirs = stats.bootstrap(
        (values,), np.mean, method="BCa", n_resamples=4000, batch=500, rng=np.random.default_rng(1)
    ).confidence_interval
    random = np.random.default_rng(2)
    resamples = np.array([random.choice(values, values.size).mean() for _ in range(4000)])
    left_out = (values.sum() - values) / (values.size - 1)
    ours = bca(float(values.mean()), resamples, left_out)
    assert ours == pytest.approx(tuple(theirs), abs=0.05 * (theirs.high - theirs.low))
    # of few, by sqrt(n / (n - 1)) t instead of z
    few = bca(0.0, np.random.default_rng(3).normal(size=200_000), np.array([-1.0, 0, 1, 0, 0]))
    assert few[1] == pytest.approx(math.sqrt(5 / 4) * stats.t.ppf(0.975, 4), rel=0.02)


def test_the_parametric_bootstrap_is_near_mover_under_its_model() -> None:
    groups = Groups.of(*_simulated(np.full(200, 4), seed=14))
    found = components(groups)
    ours = parametric_limits(groups, found, Sampling(0.95, 0.95, 4000, 0))
    for ends, limit in zip(ours, nested_limits(found), strict=True):
        assert ends == pytest.approx((limit.low, limit.high), abs=0.05 * (limit.high - limit.low))


def test_resampling_does_not_depend_on_the_order_of_women() -> None:
    values, subject = _simulated(UNEQUAL, seed=15)
    turned = subject.max() - subject
    first, second = (
        bootstrap_limits(Groups.of(values, codes), Sampling(0.95, 0.95, 300, 0))
        for codes in (subject, turned)
    )
    np.testing.assert_allclose(first, second)


def test_an_unknown_estimator_is_refused() -> None:
    with pytest.raises(StatsError, match="estimator='ml'"):
        components(Groups.of(*_simulated(UNEQUAL)), estimator="ml")  # type: ignore[arg-type]
