"""Agreement in subgroups: each is the analysis of its pairs, and the test of a difference is Welch's."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.stats.agreement import agreement
from bactools.stats.agreement.by_group import agreement_by
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube

RANDOM = np.random.default_rng(0)
GROUP = np.repeat(["GE", "HOLOGIC", "FUJI"], [20, 25, 15])
A = RANDOM.lognormal(2, 0.5, 60)
B = A * np.exp(RANDOM.normal(0.02, 0.1, 60) + np.where(GROUP == "GE", 0.08, 0))


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return simulate_cube(30, n_exam=3, missing_views=0.1, seed=2)


def test_each_group_is_the_analysis_of_its_pairs() -> None:
    found = agreement_by(A, B, group=GROUP, name="vendor")
    table = found.to_frame().set_index("group")
    assert list(table.index) == ["FUJI", "GE", "HOLOGIC", "all"]
    for name in ("FUJI", "GE", "HOLOGIC"):
        alone = agreement(A[name == GROUP], B[name == GROUP])
        row = table.loc[name]
        assert (row["bias"], row["lower_low"], row["upper_high"]) == pytest.approx(
            (alone.bias.value, alone.lower.low, alone.upper.high)
        )
        assert row["n"] == (name == GROUP).sum()
    assert table.loc["all", "bias"] == pytest.approx((A - B).mean())
    assert found.title == "Agreement of a and b by vendor"


def test_the_test_of_a_difference_is_welchs() -> None:
    import pingouin

    data = pd.DataFrame({"d": A - B, "group": GROUP})
    expected = pingouin.welch_anova(data, dv="d", between="group")
    p = float(expected.filter(like="p").filter(regex="unc").iloc[0, 0])
    found = agreement_by(A, B, group=GROUP)
    assert found.p == pytest.approx(p)
    ratio, log = (agreement_by(A, B, group=GROUP, scale=scale) for scale in ("ratio", "log"))
    assert ratio.p == log.p < 0.05
    assert "Bias differs between groups" in ratio.interpret()


def test_a_forest_has_a_row_per_group_and_part() -> None:
    found = agreement_by(A, B, group=GROUP)
    plain, parts = found.forest(), found.forest("lower", "upper")
    assert {"label", "estimate", "low", "high", "n"} <= set(plain)
    assert plain["label"].tolist() == ["FUJI", "GE", "HOLOGIC", "all"]
    assert parts["group"].tolist() == ["lower limit", "upper limit"] * 4
    assert (parts["low"] < parts["estimate"]).all()
    with pytest.raises(StatsError, match="part='slope'"):
        found.forest("slope")


def test_a_coordinate_and_a_variable_of_a_cube_are_groups(cube: xr.Dataset) -> None:
    a, b = cube["tam_100"], cube["true_tam_100"]
    by_view = agreement_by(a, b, group="view", repeats="varying")
    assert set(by_view.groups) == set(cube["view"].values)
    alone = agreement(a.sel(view="LCC"), b.sel(view="LCC"), repeats="varying")
    assert by_view.groups["LCC"].upper.high == pytest.approx(alone.upper.high)
    assert by_view.groups["LCC"].n == alone.n
    # women are in all views: no test for independent groups
    assert math.isnan(by_view.p)
    assert "30 women are in more than one group" in by_view.interpret()

    by_race = agreement_by(a, b, group=cube["race"][::-1], repeats="varying", units="pixel")
    chunked = cube.chunk(subject=7)
    lazy = agreement_by(
        chunked["tam_100"], chunked["true_tam_100"], group=cube["race"], repeats="varying", units="pixel"
    )
    pd.testing.assert_frame_equal(by_race.to_frame(), lazy.to_frame())
    assert by_race.p == lazy.p > 0
    assert by_race.title.endswith("by race")
    first = cube["subject"].values[cube["race"].values == "Caucasian"][0]
    assert first in set(by_race.groups["Caucasian"].points["subject"])
    assert first not in set(by_race.groups["African-American"].points["subject"])


def test_columns_of_keys_missing_groups_and_missing_values() -> None:
    a, group = A.copy(), GROUP.astype(object)
    a[0], group[1], group[59] = np.nan, None, np.nan
    found = agreement_by(a, B, group="vendor", keys=pd.DataFrame({"vendor": group}))
    assert found.n_without == 2
    assert found.overall.n == 57
    assert found.groups["GE"].n == 18
    assert "2 pairs without a vendor" in found.interpret()


def test_a_group_too_small_says_so_and_the_others_go_on() -> None:
    group = np.where(np.arange(60) < 2, "few", GROUP)
    found = agreement_by(A, B, group=group)
    table = found.to_frame().set_index("group")
    assert table.loc["few", "reason"] == "only 2 pairs, at least 3 are needed"
    assert not math.isnan(table.loc["FUJI", "bias"])
    assert not math.isnan(found.p)
    assert "few: not estimable" in found.interpret()
    assert math.isnan(found.forest().set_index("label").loc["few", "estimate"])
    none = agreement_by(A, B, group=[None] * 60)
    assert none.reason == "no pair has a group"
    assert "Not estimable" in none.interpret()


def test_pooled_women_and_medians_have_no_test() -> None:
    women = np.arange(60) // 2
    group = np.where(women < 15, "x", "y")
    assert "pooled" in agreement_by(A, B, group=group, subject=women, repeats="pooled").p_reason
    assert "medians" in agreement_by(A, B, group=group, limits="nonparametric").p_reason
    assert not agreement_by(A, B, group=group, subject=women, repeats="varying").p_reason


def test_numbers_as_groups_are_in_their_order() -> None:
    found = agreement_by(A, B, group=np.repeat([10, 9, 100], 20))
    assert list(found.groups) == ["9", "10", "100"]


def test_what_cannot_be_a_group_is_refused(cube: xr.Dataset) -> None:
    with pytest.raises(StatsError, match="group='vendor' is no column of keys"):
        agreement_by(A, B, group="vendor")
    with pytest.raises(StatsError, match="3 groups for 60 pairs"):
        agreement_by(A, B, group=["x", "y", "z"])
    with pytest.raises(StatsError, match="dimension 'reader'"):
        agreement_by(cube["tam_100"], cube["am"], group=xr.DataArray([1, 2], dims="reader"))
    with pytest.raises(StatsError, match="repeats='varying'"):
        agreement_by(cube["tam_100"], cube["am"], group="view")
