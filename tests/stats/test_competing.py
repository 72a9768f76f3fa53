"""Fine and Gray's model: against weighted rows written out, the jackknife, and Cox without competition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from bactools.stats.association import cox, fine_gray
from bactools.stats.association.subdistribution import Censoring, fit_fine_gray
from bactools.stats.result import StatsError

from .survival_data import women


def test_without_competing_events_it_is_cox() -> None:
    data = women(200, whole=True, seed=1)
    ours = fine_gray(data["time"], data["event"].astype(int), data["z"], covariates=data[["ckd"]])
    plain = cox(data["time"], data["event"], data["z"], covariates=data[["ckd"]], robust=True)
    for term in ("z", "ckd"):
        assert ours.coefficients[term].value == pytest.approx(plain.coefficients[term].value, rel=1e-9)
        assert ours.coefficients[term].se == pytest.approx(plain.coefficients[term].se, rel=1e-9)


def test_without_censoring_women_with_another_event_stay_for_ever() -> None:
    random = np.random.default_rng(2)
    z = random.normal(size=150)
    time, other = random.exponential(np.exp(-z)), random.exponential(2.0, 150)
    happened = time < other
    stayed = np.where(happened, time, 1e9)
    fit = fit_fine_gray(z[:, None], np.minimum(time, other), happened, ~happened)
    plain = cox(stayed, happened, z, per="unit", name="z")
    assert fit.cox.beta[0] == pytest.approx(plain.coefficients["z"].value, rel=1e-9)


def test_the_likelihood_is_that_of_weights_written_out() -> None:
    data = women(90, competing=True, seed=3)
    time, code, z = (data[name].to_numpy() for name in ("time", "code", "z"))

    def going_on(at: float) -> float:
        """Kaplan and Meier's survival of censoring just before a time, without ties."""
        return float(np.prod([1 - 1 / (time >= t).sum() for t in time[(code == 0) & (time < at)]]))

    def negative(beta: float) -> float:
        total = 0.0
        for own in np.flatnonzero(code == 1):
            u = time[own]
            weight = (time >= u).astype(float)
            for i in np.flatnonzero((code == 2) & (time < u)):
                weight[i] = going_on(u) / going_on(time[i])
            total += beta * z[own] - np.log((weight * np.exp(beta * z)).sum())
        return -total

    best = optimize.minimize_scalar(negative, bracket=(0.0, 1.0), tol=1e-10)
    found = fit_fine_gray(z[:, None], time, code == 1, code == 2)
    assert found.cox.beta[0] == pytest.approx(best.x, abs=1e-6)
    assert found.cox.log_likelihood == pytest.approx(-best.fun, rel=1e-9)


def test_the_standard_error_is_the_jackknifes() -> None:
    data = women(200, competing=True, seed=4)
    x = data[["z", "ckd"]].to_numpy(np.float64)
    time, code = data["time"].to_numpy(), data["code"].to_numpy()
    found = fit_fine_gray(x, time, code == 1, code == 2)
    kept = [np.arange(200) != out for out in range(200)]
    without = np.array([fit_fine_gray(x[k], time[k], code[k] == 1, code[k] == 2).cox.beta for k in kept])
    spread = np.sqrt(199 / 200 * np.square(without - without.mean(axis=0)).sum(axis=0))
    assert np.sqrt(np.diag(found.covariance(np.arange(200)))) == pytest.approx(spread, rel=0.06)
    influence = found.residuals @ found.cox.covariance
    weights_known = found.cox.score_residuals() @ found.cox.covariance
    for at in range(2):
        change = found.cox.beta[at] - without[:, at]
        # what the estimated weights add brings it nearer to the truth
        assert np.corrcoef(influence[:, at], change)[0, 1] >= np.corrcoef(weights_known[:, at], change)[0, 1]


def test_events_come_before_censoring_at_the_same_time() -> None:
    found = Censoring.of(np.array([1.0, 1.0, 2.0, 2.0]), np.array([True, False, False, True]))
    assert found.n_risk == pytest.approx([3, 1])
    assert found.before(np.array([1.0, 1.5, 2.0, 3.0])) == pytest.approx([1, 2 / 3, 2 / 3, 0])


def test_words_and_codes() -> None:
    data = women(300, competing=True, seed=5)
    words = data["code"].map({0: "alive", 1: "CVD", 2: "died"})
    by_code = fine_gray(data["time"], data["code"], data["z"])
    by_word = fine_gray(data["time"], words, data["z"], cause="CVD", censored="alive")
    assert by_word.coefficients["z"].value == by_code.coefficients["z"].value
    assert by_word.n_competing == int((data["code"] == 2).sum())
    assert f"{by_word.n_competing} women had another event first" in by_word.interpret()
    with pytest.raises(StatsError, match="no event is 0 .censored.: they are 'CVD', 'alive', 'died'"):
        fine_gray(data["time"], words, data["z"])
    with pytest.raises(StatsError, match="cause=3: no follow-up ended so, but with 0, 1, 2"):
        fine_gray(data["time"], data["code"], data["z"], cause=3)
