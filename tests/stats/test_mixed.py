"""Mixed models against statsmodels' own numbers, closed forms of balanced data, and what cannot be had."""

from __future__ import annotations

import math
import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from bactools.stats.mixed import Mixed, mixed
from bactools.stats.mixed.likelihood import Profile, Sums
from bactools.stats.mixed.result import likelihood_ratio
from bactools.stats.result import StatsError


def made(
    n: int = 25, *, ragged: bool = True, seed: int = 0, rate_sd: float = 0.6, level_sd: float = 2.0
) -> pd.DataFrame:
    """Women with levels and rates of their own; ragged ones have 2 to 6 exams at odd times."""
    random = np.random.default_rng(seed)
    size = random.integers(2, 7, n) if ragged else np.full(n, 5)
    subject = np.repeat(np.arange(n), size)
    start = np.repeat(np.cumsum(size) - size, size)
    t = (np.arange(size.sum()) - start).astype(float)
    t += random.uniform(-0.3, 0.3, t.size) if ragged else 0.0
    treated = (subject % 2).astype(float)
    y = 10 + random.normal(0, level_sd, n)[subject] + (0.5 + random.normal(0, rate_sd, n))[subject] * t
    y += 0.4 * treated * t + random.normal(0, 1, t.size)
    return pd.DataFrame({"subject": subject, "t": t, "treated": treated, "txt": treated * t, "y": y})


def fitted(data: pd.DataFrame, *, slope: str | None = "t", **options: object) -> Mixed:
    terms = data[["t", "treated", "txt"]]
    return mixed(data["y"], terms, subject=data["subject"], slope=slope, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("slope", ["t", None])
def test_statsmodels_own_answer_and_the_exact_one_agree(reml: bool, slope: str | None) -> None:
    data = made()
    exact = fitted(data, slope=slope, reml=reml, engine="exact")
    other = fitted(data, slope=slope, reml=reml, engine="statsmodels")
    assert exact.optimiser.startswith("exact")
    assert other.optimiser in ("bfgs", "lbfgs", "cg", "powell", "nm")
    assert exact.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-6)
    for name in exact.terms:
        assert exact.coefficients[name].value == pytest.approx(other.coefficients[name].value, rel=1e-5)
        assert exact.coefficients[name].se == pytest.approx(other.coefficients[name].se, rel=1e-5)
    assert exact.residual_variance.value == pytest.approx(other.residual_variance.value, rel=1e-5)

    x = np.column_stack([np.ones(len(data)), data[["t", "treated", "txt"]]])
    direct = MixedLM(data["y"], x, groups=data["subject"], exog_re=x[:, : 2 if slope else 1])
    theirs = direct.fit(reml=reml, method=["lbfgs"])
    # its standard errors come from the joint information, ours from that of the fixed effects
    assert exact.log_likelihood == pytest.approx(theirs.llf, abs=1e-4)
    assert [e.value for e in exact.coefficients.values()] == pytest.approx(list(theirs.fe_params), rel=1e-3)
    assert [e.se for e in exact.coefficients.values()] == pytest.approx(list(theirs.bse_fe), rel=0.03)
    assert exact.residual_variance.value == pytest.approx(theirs.scale, rel=0.01)
    blups = np.array([theirs.random_effects[subject].iloc[0] for subject in exact.effects["subject"]])
    assert exact.effects["intercept"].to_numpy() == pytest.approx(blups, abs=0.02)


def test_the_gradient_is_that_of_the_deviance() -> None:
    data = made()
    x = np.column_stack([np.ones(len(data)), data[["t", "treated"]]])
    sums = Sums.of(data["y"].to_numpy(), x, data["t"].to_numpy(), data["subject"].to_numpy())
    for reml in (True, False):
        profile, theta = Profile(sums, True, reml), np.array([0.8, -0.2, 0.4])
        steps = 1e-5 * np.eye(3)
        slopes = [(profile.at(theta + s).deviance - profile.at(theta - s).deviance) / 2e-5 for s in steps]
        assert profile.at(theta).gradient == pytest.approx(slopes, rel=1e-5)


def test_the_deviance_is_that_of_the_multivariate_normal() -> None:
    data = made(6)
    x = np.column_stack([np.ones(len(data)), data["t"]])
    sums = Sums.of(data["y"].to_numpy(), x, data["t"].to_numpy(), data["subject"].to_numpy())
    profile, theta = Profile(sums, True, False), np.array([0.8, -0.2, 0.4])
    state = profile.at(theta)
    factor = sums.back @ profile.factor(theta)
    same = data["subject"].to_numpy()[:, None] == data["subject"].to_numpy()
    v = (x @ factor @ factor.T @ x.T * same + np.eye(len(data))) * state.variance * sums.unit**2
    beta = np.linalg.solve(x.T @ np.linalg.solve(v, x), x.T @ np.linalg.solve(v, data["y"]))
    direct = stats.multivariate_normal.logpdf(data["y"], x @ beta, v)
    assert -state.deviance / 2 == pytest.approx(direct, abs=1e-8)


def test_balanced_data_have_a_closed_form() -> None:
    """The mean rate is the mean of the own rates, with n - 1 degrees of freedom."""
    data = made(20, ragged=False)
    found = mixed(data["y"], {"t": data["t"]}, subject=data["subject"], slope="t")
    own = [float(np.polyfit(part["t"], part["y"], 1)[0]) for _, part in data.groupby("subject")]
    rate = found.coefficients["t"]
    assert rate.value == pytest.approx(np.mean(own), rel=1e-8)
    assert rate.se == pytest.approx(np.std(own, ddof=1) / math.sqrt(20), rel=1e-6)
    assert found.degrees_of_freedom("t") == pytest.approx(19, abs=1e-4)
    assert rate.p == pytest.approx(stats.ttest_1samp(own, 0).pvalue, rel=1e-3)
    robust = mixed(data["y"], {"t": data["t"]}, subject=data["subject"], slope="t", errors="robust")
    # the jackknife of a mean is its standard error
    assert robust.coefficients["t"].se == pytest.approx(rate.se, rel=1e-6)
    assert robust.degrees_of_freedom("t") == pytest.approx(19)


def test_the_predicted_rate_has_its_closed_form_in_balanced_data() -> None:
    data = made(20, ragged=False)
    found = mixed(data["y"], {"t": data["t"]}, subject=data["subject"], slope="t")
    t = data["t"].to_numpy()[:5]
    z = np.column_stack([np.ones(5), t])
    cross = found.random_covariance
    d = np.array([[found.intercept_variance.value, cross], [cross, found.slope_variance.value]])
    v = z @ d @ z.T + found.residual_variance.value * np.eye(5)
    left = data["y"].to_numpy()[:5] - z @ [e.value for e in found.coefficients.values()]
    assert found.effects.loc[0, ["intercept", "slope"]].to_numpy(float) == pytest.approx(
        d @ z.T @ np.linalg.solve(v, left), rel=1e-6
    )


def test_where_time_starts_and_in_what_unit_does_not_matter() -> None:
    data = made()
    base = fitted(data)
    late = data.assign(t=data["t"] + 2000)
    moved = fitted(late.assign(txt=late["t"] * late["treated"]))
    assert moved.converged
    assert moved.log_likelihood == pytest.approx(base.log_likelihood, abs=1e-6)
    assert moved.coefficients["t"].value == pytest.approx(base.coefficients["t"].value, rel=1e-6)
    assert moved.coefficients["t"].se == pytest.approx(base.coefficients["t"].se, rel=1e-6)
    small = fitted(data.assign(y=data["y"] * 1e-6))
    assert small.coefficients["t"].value == pytest.approx(1e-6 * base.coefficients["t"].value, rel=1e-8)
    assert small.slope_variance.value == pytest.approx(1e-12 * base.slope_variance.value, rel=1e-6)


def test_a_time_far_from_zero_is_no_trap() -> None:
    """The shape of the Orthodont trap: age 8 to 16, not centred, slopes that hardly differ."""
    data = made(27, ragged=False, rate_sd=0.05, level_sd=2)
    data = data.assign(t=8 + 2 * data["t"])
    found = fitted(data.assign(txt=data["t"] * data["treated"]))
    assert found.converged
    tried = [a.log_likelihood for a in found.attempts if math.isfinite(a.log_likelihood)]
    assert found.log_likelihood == pytest.approx(max(tried), abs=1e-8)


def test_a_rate_that_is_alike_in_all_is_said_in_words() -> None:
    random = np.random.default_rng(3)
    subject, t = np.repeat(np.arange(30), 5), np.tile(np.arange(5.0), 30)
    y = 0.3 * t + random.normal(0, 1, 150)
    for engine in ("exact", "statsmodels"):
        found = mixed(y, {"t": t}, subject=subject, slope="t", engine=engine)
        assert found.singular
        assert found.converged
        assert found.singular in found.interpret()
        assert found.correlation.reason == found.singular
        assert found.slope_variance.low == 0


def test_one_exam_women_do_not_stop_statsmodels() -> None:
    data = made()
    single = pd.DataFrame({"subject": [98, 99], "t": 0.0, "treated": 0.0, "txt": 0.0, "y": [8.0, 11.0]})
    both = pd.concat([data, single], ignore_index=True)
    found = fitted(both, engine="statsmodels")
    assert found.converged
    assert found.n_subjects == 27
    assert found.coefficients["t"].value == pytest.approx(fitted(data).coefficients["t"].value, abs=0.05)


def test_a_wider_cluster_widens_robust_errors_when_copies_are_nested() -> None:
    data = made(20, ragged=False)
    twice = pd.concat([data, data.assign(subject=data["subject"] + 100)])
    naive = fitted(twice)
    robust = fitted(twice, errors="robust", cluster=twice["subject"] % 100)
    once = fitted(data, errors="robust")
    assert naive.coefficients["t"].se < 0.8 * once.coefficients["t"].se
    assert robust.coefficients["t"].se == pytest.approx(once.coefficients["t"].se, rel=1e-3)


def test_likelihood_ratio_of_the_random_slope_is_a_mixture() -> None:
    data = made()
    small, large = (fitted(data, slope=slope, reml=False) for slope in (None, "t"))
    found = likelihood_ratio(small, large)
    assert found.value == pytest.approx(2 * (large.log_likelihood - small.log_likelihood))
    assert found.p == pytest.approx((stats.chi2.sf(found.value, 1) + stats.chi2.sf(found.value, 2)) / 2)
    with pytest.raises(StatsError, match="reml=False"):
        likelihood_ratio(fitted(data, slope=None), large)


@pytest.mark.parametrize(
    ("y", "subject", "reason"),
    [
        ([1, 2, 3], ["a", "a", "a"], "only 1 woman"),
        ([1, 2, 3], ["a", "b", "c"], "one exam"),
        ([2, 2, 2, 2], ["a", "a", "b", "b"], "all 4 values are 2"),
        ([1, 2, 1, 2], ["a", "a", "b", "b"], "no woman has more than two exams"),
        ([0, 1, 2, 5, 7, 9], ["a"] * 3 + ["b"] * 3, "exactly on a line"),
    ],
)
def test_what_cannot_be_estimated_says_why(y: list[float], subject: list[str], reason: str) -> None:
    t = np.array([0.0, 1.0, 2.0] * 2 if len(y) == 6 else [0.0, 1.0] * 2)[: len(y)]
    found = mixed(y, {"t": t}, subject=subject, slope="t")
    assert reason in found.reason
    assert reason in found.interpret()
    assert math.isnan(found.log_likelihood)
    assert found.contrast("t").reason == found.reason


def test_collinear_terms_are_named() -> None:
    data = made()
    found = mixed(data["y"], {"t": data["t"], "days": 365 * data["t"]}, subject=data["subject"])
    assert "days cannot be told from intercept and t" in found.reason


def test_wrong_input_says_what_to_do() -> None:
    data = made(5)
    with pytest.raises(StatsError, match="slope='u'"):
        fitted(data, slope="u")
    with pytest.raises(StatsError, match="give one of each"):
        mixed(data["y"], {"t": data["t"][:-1]}, subject=data["subject"])
    with pytest.raises(StatsError, match="no subject"):
        mixed([1.0, 2.0], {"t": [0.0, 1.0]}, subject=["a", None])
    with pytest.raises(StatsError, match="no coefficient 'u'"):
        fitted(data).contrast("u")


def test_missing_values_are_left_out_and_counted() -> None:
    data = made()
    holed = data.assign(y=data["y"].where(data.index != 3))
    assert fitted(holed).n_dropped == 1
    whole = fitted(data.drop(index=3))
    assert fitted(holed).coefficients["t"].value == pytest.approx(whole.coefficients["t"].value, rel=1e-9)


def test_ten_thousand_women_take_seconds() -> None:
    data = made(10_000, ragged=False)
    began = time.perf_counter()
    found = fitted(data)
    assert time.perf_counter() - began < 20
    assert found.converged
    assert found.coefficients["txt"].low < 0.4 < found.coefficients["txt"].high
    assert found.slope_variance.low < 0.36 < found.slope_variance.high
