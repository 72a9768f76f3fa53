"""Consistency of views and correlation within women, against pingouin, statsmodels, laws and known truth."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.cube import on_dates
from bactools.stats.agreement import agreement
from bactools.stats.reliability.concordance import concordance
from bactools.stats.reliability.repeated import repeated_correlation, view_consistency
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube


def _measured(women: int, exams: int, *, seed: int, arms: float = 0.0, mlo: float = 0.0) -> xr.DataArray:
    """Return burdens whose SD is 1 within a view, `arms` between breasts, and `mlo` more in MLO views."""
    random = np.random.default_rng(seed)
    own = random.uniform(20, 60, (women, 1, 1))
    breast = np.repeat(random.normal(0, arms, (women, 1, 2)), 2, axis=2)
    values = own + breast + random.normal(0, 1, (women, exams, 4)) + np.array([0, mlo, 0, mlo])
    return xr.DataArray(
        values,
        dims=("subject", "exam", "view"),
        coords={
            "subject": [f"S{n}" for n in range(women)],
            "exam": range(exams),
            "view": ["LCC", "LMLO", "RCC", "RMLO"],
        },
        name="burden",
        attrs={"units": "mm2"},
    )


def test_known_differences_between_views_and_breasts_are_found() -> None:
    found = view_consistency(_measured(150, 3, seed=1, arms=3.0, mlo=2.0))
    cc_mlo, left_right = found.cc_mlo.agreement, found.left_right.agreement
    assert cc_mlo.bias.value == pytest.approx(-2, abs=0.15)
    assert cc_mlo.sd.value == pytest.approx(np.sqrt(2), rel=0.1)
    assert left_right.sd.value == pytest.approx(np.sqrt(2 * 9 + 2), rel=0.15)
    assert left_right.bias.low < 0 < left_right.bias.high
    assert found.cc_mlo.concordance.ccc.low > found.left_right.concordance.ccc.high
    assert found.n_exams == found.n_complete == 450
    assert found.n_subjects == 150
    assert "mm2" in found.interpret()


def test_a_comparison_is_the_agreement_and_concordance_of_its_pairs() -> None:
    array = _measured(20, 2, seed=2)
    found = view_consistency(array).comparisons["left and right, CC"]
    a, b = (array.sel(view=view).drop_vars("view") for view in ("LCC", "RCC"))
    assert found.agreement.upper.high == agreement(a, b, repeats="varying").upper.high
    assert found.concordance.ccc.low == concordance(a, b).ccc.low
    row = found.points.iloc[7]
    cell = array.sel(subject=row["subject"], exam=row["exam"])
    assert (row["a"], row["b"]) == (float(cell.sel(view="LCC")), float(cell.sel(view="RCC")))
    assert (row["view"], row["view_b"]) == ("LCC", "RCC")


def test_swapping_left_and_right_mirrors_the_limits() -> None:
    array = _measured(20, 2, seed=3, arms=2)
    swapped = array.assign_coords(view=["RCC", "RMLO", "LCC", "LMLO"])
    one, other = (view_consistency(each).left_right for each in (array, swapped))
    assert other.agreement.lower.value == pytest.approx(-one.agreement.upper.value)
    assert other.concordance.ccc.value == pytest.approx(one.concordance.ccc.value)
    assert view_consistency(swapped).cc_mlo.concordance.ccc.value == pytest.approx(
        view_consistency(array).cc_mlo.concordance.ccc.value
    )


def test_every_form_of_a_cube_gives_the_same() -> None:
    cube = simulate_cube(12, n_exam=3, missing_views=0.1, one_exam=0.2)
    name = "tam_100_mm2"
    table = cube[[name]].to_dataframe().reset_index()[["subject", "view", "exam", name]]
    first = view_consistency(cube[name])
    for other in (
        view_consistency(cube[name].chunk(subject=3).transpose("view", "exam", "subject")),
        view_consistency(cube, name),
        view_consistency(on_dates(cube)[name]),
        view_consistency(table.sample(frac=1, random_state=0), name),
    ):
        pd.testing.assert_frame_equal(other.to_frame(), first.to_frame())
        assert other.n_exams == first.n_exams
    assert first.cc_mlo.points["date"].notna().all()
    assert "simulated numbers" in view_consistency(cube, name).interpret()


def test_missing_views_leave_pairs_out_and_absent_ones_say_so() -> None:
    array = _measured(15, 2, seed=4)
    array[0, 0, 0] = np.nan
    found = view_consistency(array)
    assert len(found.comparisons["CC and MLO, left"].points) == 29
    assert len(found.comparisons["left and right, MLO"].points) == 30
    assert (found.n_exams, found.n_complete) == (30, 29)
    one_breast = view_consistency(array.sel(view=["LCC", "LMLO"]))
    assert one_breast.estimable
    assert one_breast.left_right.estimates["bias"].reason == "no exam has both views"
    assert "left and right: not estimable, no exam has both views" in one_breast.interpret()
    alone = view_consistency(array.sel(view=["LCC"]))
    assert alone.reason == "no exam has both views"


def test_images_without_calcification_are_counted_and_can_be_left_out() -> None:
    array = _measured(20, 2, seed=5)
    array[:5] = 0
    array[6, 0, 0] = 0
    kept, left = view_consistency(array), view_consistency(array, zeros="leave out")
    assert kept.cc_mlo.n_zero == left.cc_mlo.n_zero == 20
    assert len(left.cc_mlo.points) == len(kept.cc_mlo.points) - 20
    assert "20 of these pairs are 0 in both views" in kept.interpret()
    presence = kept.cc_mlo.presence
    assert presence.table.to_numpy().tolist() == [[20, 1], [0, 59]]
    assert left.cc_mlo.presence.kappa.value == presence.kappa.value
    assert left.cc_mlo.concordance.ccc.value < kept.cc_mlo.concordance.ccc.value


def test_no_calcification_anywhere_is_not_estimable() -> None:
    found = view_consistency(0 * _measured(10, 2, seed=6))
    assert "0 everywhere" in found.reason
    assert found.icc.reason
    assert "Not estimable" in found._repr_html_()


def test_a_single_exam_and_one_woman() -> None:
    array = _measured(12, 2, seed=7)
    found = view_consistency(array.sel(exam=1))
    assert found.n_exams == 12
    assert found.estimable
    assert view_consistency(array.sel(subject="S3")).reason


@pytest.mark.parametrize(
    ("values", "metric", "match"),
    [
        (xr.DataArray(np.zeros((2, 2)), dims=("subject", "view")), None, "the metric has no subject"),
        (_measured(3, 1, seed=0).assign_coords(view=list("abcd")), None, "none of the views"),
        (_measured(3, 1, seed=0).expand_dims(bin=2), None, "a metric on"),
        (xr.Dataset(), None, "no metric"),
        (xr.Dataset(), "am", "the cube has no 'am'"),
        (pd.DataFrame({"subject": [], "view": []}), "am", "no column 'exam'"),
        (pd.DataFrame({"subject": ["a"] * 2, "view": ["LCC"] * 2, "exam": [0, 0], "am": [1, 2]}), "am",
         "an image occurs twice"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_words(values: xr.DataArray, metric: str | None, match: str) -> None:
    with pytest.raises(StatsError, match=match):
        view_consistency(values, metric)


def _within(women: int, each: int, *, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    own = np.repeat(random.normal(0, 10, women), each)
    x = random.normal(0, 1, women * each)
    y = own + 0.5 * x + random.normal(0, 1, women * each)
    return pd.DataFrame({"s": np.repeat(np.arange(women), each), "x": x - own, "y": y})


def test_repeated_measures_correlation_is_pingouins() -> None:
    data = _within(12, 4, seed=1).drop(index=[3, 17, 18])
    found = repeated_correlation(data["x"], data["y"], subject=data["s"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import pingouin

        theirs = pingouin.rm_corr(data, x="x", y="y", subject="s").iloc[0]
    assert found.r.value == pytest.approx(theirs["r"], rel=1e-9)
    assert found.df == theirs["dof"]
    assert found.r.p == pytest.approx(theirs["pval"], rel=1e-7)
    assert [found.r.low, found.r.high] == pytest.approx(list(theirs["CI95"]), abs=0.0051)


def test_its_slope_is_that_of_the_covariance_analysis() -> None:
    from statsmodels.formula.api import ols

    data = _within(8, 5, seed=2)
    fit = ols("y ~ x + C(s)", data).fit()
    slope = repeated_correlation(data["x"], data["y"], subject=data["s"]).slope
    assert slope.value == pytest.approx(fit.params["x"])
    assert slope.se == pytest.approx(fit.bse["x"])
    assert [slope.low, slope.high] == pytest.approx(list(fit.conf_int().loc["x"]))


def test_it_sees_what_differences_between_women_hide() -> None:
    data = _within(40, 5, seed=3)
    found = repeated_correlation(data["x"], data["y"], subject=data["s"])
    assert found.pooled < -0.9
    assert found.r.low > 0.2
    moved = repeated_correlation(data["x"], data["y"] + 100 * data["s"], subject=data["s"])
    assert moved.r.value == pytest.approx(found.r.value)
    assert repeated_correlation(data["y"], data["x"], subject=data["s"]).r.high == pytest.approx(found.r.high)
    alone = pd.concat([data, pd.DataFrame({"s": [99], "x": [50.0], "y": [50.0]})])
    assert repeated_correlation(alone["x"], alone["y"], subject=alone["s"]).df == found.df


def test_many_women_take_no_time_and_arrays_bring_the_woman() -> None:
    cube = simulate_cube(300, n_exam=6)
    found = repeated_correlation(cube["am"], cube["tam_100"].chunk())
    assert found.n_subjects == 300
    assert found.r.value > 0.99


@pytest.mark.parametrize(
    ("x", "y", "subject", "match"),
    [
        ([1, 2, 3], [1, 2, 3], list("abc"), "only 0 women have two pairs"),
        ([1, 1, 2, 2, 3, 3], [1, 2, 3, 4, 5, 6], list("aabbcc"), "a does not change within any woman"),
        ([1, 2, 2, 3, 3, 4], [0, 0, 0, 0, 0, 0], list("aabbcc"), "b does not change within any woman"),
        ([], [], [], "only 0 women"),
    ],
)
def test_what_cannot_be_estimated_says_so(x: list, y: list, subject: list, match: str) -> None:
    found = repeated_correlation(x, y, subject=subject)
    assert match in found.reason
    assert match in found.interpret()


def test_the_woman_must_be_known() -> None:
    with pytest.raises(StatsError, match="no subject"):
        repeated_correlation([1, 2], [1, 2])
