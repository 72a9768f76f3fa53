"""Restricted cubic splines: the formula, patsy's space of functions, straightness outside, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from patsy import cr

from bactools.stats.association import cox, logistic
from bactools.stats.association.splines import QUANTILES, knots_of, spline_basis
from bactools.stats.result import StatsError

from .survival_data import women

KNOTS = (1.0, 2.0, 4.0, 7.0)


def test_the_basis_is_harrells_formula() -> None:
    x = np.linspace(-1, 10, 23)
    basis = spline_basis(x, knots=KNOTS)
    assert basis[:, 0] == pytest.approx(x)
    t = KNOTS
    for j in range(2):
        expected = [
            (
                max(v - t[j], 0) ** 3
                - max(v - t[2], 0) ** 3 * (t[3] - t[j]) / (t[3] - t[2])
                + max(v - t[3], 0) ** 3 * (t[2] - t[j]) / (t[3] - t[2])
            )
            / (t[3] - t[0]) ** 2
            for v in x
        ]
        assert basis[:, j + 1] == pytest.approx(expected, abs=1e-12)


def test_it_is_flat_before_the_first_knot_straight_after_the_last_and_smooth_between() -> None:
    step = 1e-3
    after = spline_basis(np.arange(7, 12, 0.5), knots=KNOTS)
    assert np.diff(after, n=2, axis=0) == pytest.approx(np.zeros((8, 3)), abs=1e-9)
    assert spline_basis([-5.0, 0.0, 1.0], knots=KNOTS)[:, 1:] == pytest.approx(np.zeros((3, 2)))
    fine = spline_basis(np.arange(0, 8, step), knots=KNOTS)
    bend = np.diff(fine, n=2, axis=0) / step**2
    # the second derivative is continuous, so its own steps are small
    assert np.abs(np.diff(bend, axis=0)).max() < 0.05 * np.abs(bend).max()


def test_it_spans_the_natural_splines_of_patsy() -> None:
    x = np.linspace(1, 7, 60)
    theirs = np.asarray(cr(x, knots=list(KNOTS[1:-1]), lower_bound=KNOTS[0], upper_bound=KNOTS[-1]))
    ours = np.column_stack([np.ones(60), spline_basis(x, knots=KNOTS)])
    fitted = ours @ np.linalg.lstsq(ours, theirs, rcond=None)[0]
    assert fitted == pytest.approx(theirs, abs=1e-10)
    assert np.linalg.matrix_rank(ours) == theirs.shape[1]


@pytest.mark.parametrize("n", sorted(QUANTILES))
def test_knots_lie_at_quantiles(n: int) -> None:
    places = knots_of(np.append(np.arange(1001.0), np.nan), n)
    assert places == pytest.approx(1000 * np.array(QUANTILES[n]))
    assert spline_basis(np.arange(50.0), knots=n).shape == (50, n - 1)


def test_knots_that_have_no_place_are_refused() -> None:
    with pytest.raises(StatsError, match="quantiles of x coincide .0, 0, "):
        knots_of(np.append(np.zeros(60), np.arange(40.0)), 5)
    with pytest.raises(StatsError, match="knots=2: choose from 3 to 7"):
        knots_of(np.arange(9.0), 2)
    with pytest.raises(StatsError, match="give three or more, increasing"):
        knots_of(np.arange(9.0), [1, 3, 2])
    with pytest.raises(StatsError, match="no number"):
        knots_of([np.nan], 3)


def test_what_bends_is_found() -> None:
    random = np.random.default_rng(0)
    x = random.uniform(-2, 2, 3000)
    bent = logistic(random.random(3000) < 1 / (1 + np.exp(1.5 - x**2)), x, spline=4)
    assert bent.nonlinearity.p < 1e-10
    assert bent.nonlinearity.df == 2
    assert "The curve bends" in bent.interpret()


def test_what_is_straight_is_called_bent_in_one_of_twenty() -> None:
    random = np.random.default_rng(1)
    found = []
    for _ in range(120):
        x = random.uniform(-2, 2, 400)
        found.append(logistic(random.random(400) < 1 / (1 + np.exp(0.5 - x)), x, spline=4))
    called = np.array([one.nonlinearity.p < 0.05 for one in found])
    assert called.mean() < 0.12
    assert "could be a straight line" in found[int(np.argmin(called))].interpret()


def test_the_curve_is_1_at_its_reference_and_follows_the_truth() -> None:
    data = women(4000, seed=1)
    found = cox(data["time"], data["event"], data["z"], covariates={"ckd": data["ckd"]}, spline=3)
    curve = found.dose_response([-1.0, 0.0, 1.0], reference=0.0)
    assert curve["ratio"].to_numpy()[1] == curve["low"].to_numpy()[1] == curve["high"].to_numpy()[1] == 1
    truth = np.exp(0.5 * np.array([-1.0, 1.0]))
    ends = curve.iloc[[0, 2]]
    assert (ends["low"] < truth).all()
    assert (truth < ends["high"]).all()
    assert len(found.dose_response()) == 101
    straight = cox(data["time"], data["event"], data["z"], per="sd")
    along = straight.dose_response([0.0, float(data["z"].std())], reference=0.0)
    assert along["ratio"].iloc[1] == pytest.approx(straight.value.value, rel=1e-9)
    assert along["high"].iloc[1] == pytest.approx(straight.value.high, rel=1e-9)


def test_many_zeros_have_no_quantiles_but_knots_can_be_given() -> None:
    data = women(400, seed=2)
    bac = data["z"].clip(lower=0)
    lost = cox(data["time"], data["event"], bac, spline=5)
    assert not lost.estimable
    assert "quantiles of x coincide" in lost.interpret()
    given = cox(data["time"], data["event"], bac, spline=[0.1, 0.5, 1.5])
    assert given.estimable
    assert given.curve is not None
    assert given.curve.reference == 0
    assert list(given.to_frame()["term"]) == ["z: curve", "z: not a straight line"]
