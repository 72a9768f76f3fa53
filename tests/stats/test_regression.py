"""Regression against published numbers, scipy, statsmodels, exact fractions and a dense likelihood."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import optimize, stats

from bactools.cube import on_dates
from bactools.stats.regression import Regression, regression
from bactools.stats.result import StatsError
from bactools.testing.cube import simulate_cube

# Anscombe, Am Stat 1973;27:17-21, first set
X = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
Y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]


def women(n: int = 40, each: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y and subject with what is common to a woman in x and in the error."""
    random = np.random.default_rng(seed)
    subject = np.repeat(np.arange(n), each)
    x = random.normal(size=n)[subject] + random.normal(size=n * each)
    y = 1 + 2 * x + random.normal(size=n)[subject] + random.normal(size=n * each)
    return x, y, subject


def width(found: Regression) -> float:
    return found.slope.high - found.slope.low


def test_anscombes_published_numbers() -> None:
    found = regression(X, Y)
    assert found.r2.value == pytest.approx(0.667, abs=5e-4)
    assert found.intercept.value == pytest.approx(3.0, abs=5e-4)
    assert found.slope.value == pytest.approx(0.5, abs=5e-4)
    assert found.std_err == pytest.approx(0.118, abs=5e-4)
    assert (found.model, found.naive, found.n) == ("ols", None, 11)


def test_standard_error_as_the_paper_prints_it_is_linregress_whatever_the_model() -> None:
    x, y, subject = women()
    expected = stats.linregress(x, y)
    for model in ("ols", "cluster", "mixed"):
        found = regression(x, y, subject=subject, model=model)
        assert found.std_err == pytest.approx(expected.stderr, rel=1e-12)
    naive = regression(x, y, subject=subject).naive
    assert naive is not None
    assert naive.slope.se == pytest.approx(expected.stderr, rel=1e-12)
    assert naive.intercept.se == pytest.approx(expected.intercept_stderr, rel=1e-12)
    assert naive.r2.value == pytest.approx(expected.rvalue**2, rel=1e-12)
    interval = stats.pearsonr(x, y).confidence_interval()
    assert (naive.r2.low, naive.r2.high) == pytest.approx((interval.low**2, interval.high**2))


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("model", ["ols", "cluster"])
def test_several_predictors_as_statsmodels(intercept: bool, weighted: bool, model: Any) -> None:
    from statsmodels.regression.linear_model import WLS

    x, y, subject = women()
    random = np.random.default_rng(1)
    age, weights = random.normal(60, 10, x.size), random.uniform(0.5, 2, x.size)
    weights = weights if weighted else np.ones(x.size)
    columns = np.column_stack([*([np.ones(x.size)] if intercept else []), x, age])
    fit = WLS(y, columns, weights=weights, hasconst=intercept)
    expected = (
        fit.fit(cov_type="cluster", cov_kwds={"groups": subject}, use_t=True)
        if model == "cluster"
        else fit.fit()
    )
    found = regression(
        x, y, subject=subject, model=model, covariates={"age": age}, weights=weights, intercept=intercept
    )
    held = list(found.coefficients.values())
    assert [e.value for e in held] == pytest.approx(expected.params)
    assert [e.se for e in held] == pytest.approx(expected.bse)
    assert [e.p for e in held] == pytest.approx(expected.pvalues, rel=1e-6)
    assert np.array([[e.low, e.high] for e in held]) == pytest.approx(expected.conf_int())
    assert found.r2.value == pytest.approx(expected.rsquared)
    assert found.adjusted_r2 == pytest.approx(expected.rsquared_adj)
    assert found.residual_sd == pytest.approx(np.sqrt(expected.mse_resid))
    assert list(found.coefficients) == [*(["intercept"] if intercept else []), "x", "age"]


def test_bands_as_statsmodels() -> None:
    from statsmodels.regression.linear_model import OLS

    x, y, _ = women()
    at = np.array([-1.0, 0.0, 3.0])
    expected = OLS(y, np.column_stack([np.ones(x.size), x])).fit()
    table = expected.get_prediction(np.column_stack([np.ones(3), at])).summary_frame()
    found = regression(x, y).predict(at)
    for ours, theirs in {
        "fit": "mean", "low": "mean_ci_lower", "high": "mean_ci_upper", "new_low": "obs_ci_lower",
        "new_high": "obs_ci_upper",
    }.items():  # fmt: skip
        assert found[ours].to_numpy() == pytest.approx(table[theirs].to_numpy())


def test_other_predictors_are_held_at_their_means_unless_given() -> None:
    x, y, _ = women()
    age = np.random.default_rng(1).normal(60, 10, x.size)
    found = regression(x, y, covariates={"age": age})
    by_hand = (
        found.intercept.value
        + found.slope.value
        + found.coefficients["age"].value * np.array([age.mean(), 70])
    )
    assert found.predict([1.0])["fit"][0] == pytest.approx(by_hand[0])
    assert found.predict([1.0], covariates={"age": 70.0})["fit"][0] == pytest.approx(by_hand[1])
    with pytest.raises(StatsError, match="'race' is not in the model: it has 'age'"):
        found.predict([1.0], covariates={"race": [1.0]})


def exact_polynomial(x: list[float], y: list[float], degree: int) -> list[float]:
    """Solve the normal equations in fractions."""
    rows = [[Fraction(value) ** power for power in range(degree + 1)] for value in x]
    a = [
        [sum((r[i] * r[j] for r in rows), Fraction(0)) for j in range(degree + 1)] for i in range(degree + 1)
    ]
    b = [
        sum((r[i] * Fraction(v) for r, v in zip(rows, y, strict=True)), Fraction(0))
        for i in range(degree + 1)
    ]
    for i in range(degree + 1):
        for k in range(i + 1, degree + 1):
            factor = a[k][i] / a[i][i]
            a[k] = [u - factor * v for u, v in zip(a[k], a[i], strict=True)]
            b[k] -= factor * b[i]
    found = [Fraction(0)] * (degree + 1)
    for i in reversed(range(degree + 1)):
        found[i] = b[i] / a[i][i]
        b = [value - a[k][i] * found[i] for k, value in enumerate(b)]
    return [float(value) for value in found]


def test_an_ill_conditioned_polynomial_as_exact_fractions() -> None:
    random = np.random.default_rng(2)
    x = random.uniform(-9, -3, 60)
    y = np.sin(x) + 0.01 * random.normal(size=60)
    found = regression(x, y, degree=8)
    assert [e.value for e in found.coefficients.values()] == pytest.approx(
        exact_polynomial(list(x), list(y), 8), rel=1e-8
    )
    assert list(found.coefficients)[:3] == ["intercept", "x", "x^2"]


def test_scale_and_shift() -> None:
    x, y, subject = women()
    one, other = regression(x, y, subject=subject), regression(10 * x + 3, y - 7, subject=subject)
    assert other.slope.se == pytest.approx(one.slope.se / 10)
    assert other.r2.value == pytest.approx(one.r2.value)
    assert other.r2.low == pytest.approx(one.r2.low)
    assert other.intercept.value == pytest.approx(one.intercept.value - 7 - 0.3 * one.slope.value)


def test_duplicated_images_narrow_the_naive_interval_but_not_the_nested_one() -> None:
    x, y, subject = women()
    one = regression(x, y, subject=subject)
    two = regression(*(np.tile(part, 4) for part in (x, y)), subject=np.tile(subject, 4))
    assert one.naive is not None
    assert two.naive is not None
    assert width(two) == pytest.approx(width(one), rel=0.02)
    assert two.r2.low == pytest.approx(one.r2.low, rel=0.01)
    assert width(two.naive) == pytest.approx(width(one.naive) / 2, rel=0.02)
    assert width(one) > width(one.naive)
    assert two.r2.low < two.naive.r2.low


def test_the_interval_of_r2_covers_where_women_repeat() -> None:
    # x and y have variances 2 and 4 * 2 + 2, so R2 is 0.8
    found = [regression(x, y, subject=s) for x, y, s in (women(seed=seed) for seed in range(200))]
    held = [f.r2.low <= 0.8 <= f.r2.high for f in found]
    naive = [f.naive.r2.low <= 0.8 <= f.naive.r2.high for f in found if f.naive is not None]
    assert np.mean(held) > 0.9
    assert np.mean(naive) < np.mean(held)


def dense_reml(
    ratios: np.ndarray, x: np.ndarray, y: np.ndarray, groups: list[np.ndarray]
) -> tuple[float, Any]:
    """Return minus the REML likelihood at given variance ratios, and coefficients, covariance and scale."""
    v = np.eye(y.size) + sum(r * (g[:, None] == g) for r, g in zip(ratios, groups, strict=True))
    inverse = np.linalg.inv(v)
    information = x.T @ inverse @ x
    beta = np.linalg.solve(information, x.T @ inverse @ y)
    left = y - x @ beta
    scale = left @ inverse @ left / (y.size - x.shape[1])
    logs = np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1]
    value = ((y.size - x.shape[1]) * np.log(scale) + logs) / 2
    return value, (beta, scale * np.linalg.inv(information), scale)


@pytest.mark.parametrize("by_breast", [True, False])
def test_a_mixed_model_as_the_dense_likelihood(by_breast: bool) -> None:
    x, y, subject = women(30, 6, seed=3)
    side = np.tile(["L", "L", "L", "R", "R", "R"], 30)
    breast = pd.factorize(pd.Series(subject).astype(str) + side)[0]
    y = y + np.random.default_rng(4).normal(size=breast.max() + 1)[breast]
    groups = [subject, breast][: 1 + by_breast]
    columns = np.column_stack([np.ones(x.size), x])

    def minus(logs: np.ndarray) -> float:
        return dense_reml(np.exp(logs), columns, y, groups)[0]

    best = optimize.minimize(minus, np.zeros(len(groups)), method="Nelder-Mead", options={"fatol": 1e-12})
    _, (beta, covariance, scale) = dense_reml(np.exp(best.x), columns, y, groups)
    found = regression(x, y, subject=subject, breast=side if by_breast else None, model="mixed")
    assert [found.intercept.value, found.slope.value] == pytest.approx(beta, rel=1e-3)
    assert [found.intercept.se, found.slope.se] == pytest.approx(np.sqrt(np.diag(covariance)), rel=2e-3)
    expected = [*(np.exp(best.x) * scale), scale]
    assert list(found.variances.values()) == pytest.approx(expected, rel=5e-3)
    fixed = np.var(beta[0] + beta[1] * x, ddof=1)
    assert found.r2.value == pytest.approx(fixed / (fixed + sum(expected)), rel=1e-3)
    assert found.conditional_r2.value == pytest.approx(1 - scale / (fixed + sum(expected)), rel=1e-3)
    assert found.optimiser == "powell"
    assert "Optimiser: powell" in found.interpret()


def test_women_alike_have_a_variance_of_nothing() -> None:
    random = np.random.default_rng(5)
    x, subject = random.normal(size=80), np.repeat(np.arange(20), 4)
    error = random.normal(size=(20, 4))
    error -= error.mean(axis=1, keepdims=True)
    found = regression(x, x + error.ravel(), subject=subject, model="mixed")
    assert found.variances["between women"] == 0.0
    assert "between women is estimated as 0" in found.interpret()
    assert found.r2.value == pytest.approx(found.conditional_r2.value)


def test_on_the_cube_in_any_form() -> None:
    cube = simulate_cube(12, n_exam=3, seed=1, missing_views=0.1)
    x, y = cube["true_tam_100"], cube["tam_100"]
    found = regression(x, y)
    assert (found.model, found.n_subjects) == ("cluster", 12)
    assert (found.names, found.units) == (("true_tam_100", "tam_100"), ("1", "1"))
    assert found.n == int((x.notnull() & y.notnull()).sum())
    assert {"subject", "view", "date"} <= set(found.points)
    lazy = regression(x.chunk({"subject": 5}), y.chunk({"subject": 5}))
    literal = on_dates(cube)
    others = [lazy, regression(literal["true_tam_100"], literal["tam_100"]), regression(x[::-1], y)]
    for other in others:
        assert other.slope.value == pytest.approx(found.slope.value, rel=1e-10)
        assert other.slope.se == pytest.approx(found.slope.se, rel=1e-10)
    assert found.slope.low < 1 < found.slope.high


def test_covariates_of_a_cube_spread_over_its_images() -> None:
    cube = simulate_cube(12, n_exam=3, seed=1)
    table = cube[["true_tam_100", "tam_100", "ckd", "age"]].to_dataframe().dropna().reset_index()
    found = regression(
        cube["true_tam_100"], cube["tam_100"], covariates={"ckd": cube["ckd"], "age": cube["age"]}
    )
    by_hand = regression(
        table["true_tam_100"], table["tam_100"], subject=table["subject"],
        covariates=table[["ckd", "age"]].astype(float),
    )  # fmt: skip
    assert found.n == len(table)
    assert found.coefficients["ckd"].value == pytest.approx(by_hand.coefficients["ckd"].value)
    assert found.coefficients["age"].se == pytest.approx(by_hand.coefficients["age"].se)
    mixed = regression(cube["true_tam_100"], cube["tam_100"], model="mixed")
    assert "between breasts of a woman" in mixed.variances
    with pytest.raises(StatsError, match="covariate pair has the dimension reader"):
        regression(cube["tam_100"], cube["am"], covariates={"pair": xr.DataArray([1, 2], dims="reader")})


def test_pairs_without_a_covariate_or_weight_are_left_out_and_counted() -> None:
    x, y, subject = women()
    age, weights = np.full(x.size, 60.0), np.ones(x.size)
    age[1::2], age[3], weights[7] = 50.0, np.nan, np.nan
    x[11] = np.nan
    found = regression(x, y, subject=subject, covariates={"age": age}, weights=weights)
    assert (found.n, found.n_dropped) == (x.size - 3, 3)
    keep = np.setdiff1d(np.arange(x.size), [3, 7, 11])
    other = regression(x[keep], y[keep], subject=subject[keep], covariates={"age": age[keep]})
    assert found.slope.se == pytest.approx(other.slope.se)
    assert "3 pairs were left out" in found.interpret()


@pytest.mark.parametrize(
    ("x", "y", "options", "reason"),
    [
        ([1, 2], [1, 2], {}, "only 2 pairs, at least 3"),
        ([1, 2, 3, 4], [0, 0, 0, 0], {}, "y is 0 everywhere"),
        ([2, 2, 2, 2], [1, 2, 3, 5], {}, "x is 2 everywhere"),
        ([1, 2, 3, 4], [1, 2, 3, 5], {"degree": 3}, "only 4 pairs, at least 5"),
        ([1, 2, 3, 4], [1, 3, 3, 5], {"covariates": {"z": [2, 4, 6, 8]}}, "x, z are linearly dependent"),
        ([1, 2, 3, 4], [1, 3, 3, 5], {"covariates": {"z": [1, 1, 1, 1]}}, "linearly dependent"),
        ([1, 2, 3, 4], [1, 3, 3, 5], {"subject": "aabb"}, "only 2 women, at least 3"),
        ([1, 2, 3, 4], [1, 3, 3, 5], {"model": "mixed"}, "one pair per woman"),
    ],
)  # fmt: skip
def test_what_cannot_be_estimated_says_why(x: list[int], y: list[int], options: Any, reason: str) -> None:
    if "subject" in options:
        options = {"subject": list(options["subject"])}
    found = regression(x, y, **options)
    assert reason in found.reason
    assert not found.slope.estimable
    assert not found.r2.estimable
    assert found.predict([1.0]).empty
    assert "not estimable" in repr(found)
    assert found.interpret().startswith("Not estimable")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "lasso"}, "choose one of 'ols'"),
        ({"degree": 0}, "whole number from 1 to 10"),
        ({"confidence": 95}, "between 0 and 1"),
        ({"weights": [0.0] * 11}, "weight is not above 0"),
        ({"weights": [1.0] * 3}, "weights has 3 values, x 11"),
        ({"model": "mixed", "weights": [1.0] * 11}, "takes no weights"),
        ({"covariates": {"x": X}}, "name that is taken"),
        ({"covariates": {"race": ["a"] * 11}}, "covariate race holds something that is not a number"),
        ({"breast": ["L"] * 3}, "3 breasts for 11 pairs"),
    ],
)
def test_wrong_options_are_named(options: Any, message: str) -> None:
    with pytest.raises(StatsError, match=message):
        regression(X, Y, **options)


def test_words_say_what_to_be_careful_with() -> None:
    x, y, subject = women(10)
    nested = regression(x, y, subject=subject, names=("truth", "network"), units=("mm2", "mg"))
    told = nested.interpret()
    assert "truth explains" in told
    assert "40 pairs come from 10 women" in told
    assert "R² is not agreement" in told
    assert "10 women are few" in told
    assert "Careful: 40 pairs of only 10 women" in regression(x, y, subject=subject, model="ols").interpret()
    through_zero = regression(x, y, intercept=False)
    assert "R² about 0" in through_zero.interpret()
    assert "go through 0" in through_zero.intercept.reason
    assert "x and one other predictor explain" in regression(x, y, covariates={"z": x**2}).interpret()
    assert "polynomial of degree 2" in regression(x, y, degree=2).interpret()
    table = nested.to_frame()
    assert list(table.analysis.unique()) == ["cluster", "naive"]
    assert table.term.tolist()[:3] == ["intercept", "truth", "R2"]


def test_a_perfect_line_has_no_error() -> None:
    found = regression(X, 2 * np.array(X))
    assert found.r2.value == pytest.approx(1.0)
    assert found.slope.se == pytest.approx(0.0, abs=1e-12)
    assert found.r2.high <= 1 + 1e-12
