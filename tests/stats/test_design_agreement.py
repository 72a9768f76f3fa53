"""Sample sizes against published examples and simulated studies."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bactools.stats.agreement.limits import limits_of_agreement
from bactools.stats.design.agreement import (
    exact_test_critical,
    exact_test_power,
    interval_power,
    sample_size_agreement,
)
from bactools.stats.result import StatsError


def test_shiehs_published_example() -> None:
    """Shieh 2019, 80 % limits of 15 pairs: power 0.8315, critical value 6.39."""
    assert exact_test_power(15, margin=0.1, bias=0.011, sd=0.044, level=0.8) == pytest.approx(
        0.8315, abs=5e-5
    )
    assert exact_test_critical(15, level=0.8) == pytest.approx(6.39, abs=5e-3)


def _studies(n: int, bias: float, sd: float, replicates: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(n)
    return (
        random.normal(bias, sd / math.sqrt(n), replicates),
        sd * np.sqrt(random.chisquare(n - 1, replicates) / (n - 1)),
    )


def test_the_power_of_the_interval_is_that_of_simulated_studies() -> None:
    """Both 95 % intervals (Bland and Altman 1999) lie within the margin."""
    n, margin, bias, sd = 40, 2.9, 0.2, 1.0
    mean, s = _studies(n, bias, sd)
    lower, upper = limits_of_agreement(0, 1, n, interval="approximate-1999")
    shown = (mean + lower.low * s >= -margin) & (mean + upper.high * s <= margin)
    power = interval_power(n, margin=margin, bias=bias, sd=sd)
    assert 0.2 < power < 0.95
    assert shown.mean() == pytest.approx(power, abs=0.012)


def test_the_exact_test_has_its_level_and_power_in_simulated_studies() -> None:
    n, critical = 30, exact_test_critical(30)
    z = float(stats.norm.ppf(0.975))
    mean, s = _studies(n, 0, 1)
    inside = lambda margin: np.abs(mean) + critical / math.sqrt(n) * s < margin  # noqa: E731
    # limits that lie just at the margin are hardly ever taken to be within
    assert inside(z).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / mean.size)
    power = exact_test_power(n, margin=3.0, sd=1.0)
    assert inside(3.0).mean() == pytest.approx(power, abs=0.012)


@pytest.mark.parametrize("method", ["interval", "exact-test"])
def test_the_number_found_is_the_smallest_with_that_power(method: str) -> None:
    found = sample_size_agreement(margin=3.0, sd=1.0, bias=0.3, method=method)  # type: ignore[arg-type]
    powers = {"interval": interval_power, "exact-test": exact_test_power}[method]
    assert powers(found.n, margin=3.0, sd=1.0, bias=0.3) == pytest.approx(found.power)
    assert found.power >= 0.8 > powers(found.n - 1, margin=3.0, sd=1.0, bias=0.3)


def test_only_ratios_of_margin_bias_and_sd_matter() -> None:
    small, large = (sample_size_agreement(margin=3 * s, sd=s, bias=0.2 * s).n for s in (1e-4, 1e3))
    assert small == large


def test_images_that_are_alike_within_women_cost_images() -> None:
    none, some, all_alike = (
        sample_size_agreement(margin=3, sd=1, pairs_per_woman=4, correlation=rho) for rho in (0, 0.5, 1)
    )
    assert none.n_women == math.ceil(none.n / 4)
    assert none.n_women < some.n_women < all_alike.n_women == all_alike.n
    assert f"{some.n_women} women" in some.interpret()
    assert some.to_frame()["n_women"].item() == some.n_women


def test_a_margin_that_the_limits_exceed_is_said_in_words() -> None:
    found = sample_size_agreement(margin=1, sd=1)
    assert not found.estimable
    assert found.n == 0
    assert "limits themselves, -1.96 and 1.96, are not within the margin" in found.interpret()
    near = sample_size_agreement(margin=1.9605, sd=1)
    assert "more than 1000000 pairs" in near.interpret()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"sd": 0}, "sd=0"),
        ({"power": 1}, "power=1"),
        ({"correlation": 1.2}, "correlation=1.2: give 0 to 1"),
        ({"pairs_per_woman": 0.5}, "pairs_per_woman=0.5"),
        ({"bias": math.nan}, "bias=nan"),
        ({"margin": math.inf}, "margin=inf"),
        ({"method": "guess"}, "method='guess'"),
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, float], told: str) -> None:
    with pytest.raises(StatsError, match=told):
        sample_size_agreement(**({"margin": 3.0, "sd": 1.0} | wrong))  # type: ignore[arg-type]
