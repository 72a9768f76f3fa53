"""The simulated cube is a cube, and its truth is true."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from bactools.cube import on_dates, to_table
from bactools.metrics import from_histogram
from bactools.testing import simulate_cube


def test_the_same_seed_gives_the_same_cube() -> None:
    assert simulate_cube(5, seed=3).identical(simulate_cube(5, seed=3))
    assert not simulate_cube(5, seed=3).identical(simulate_cube(5, seed=4))


@pytest.mark.parametrize(
    ("name", "column"), [("am", "am"), ("sim", "sim"), ("tam", "tam_100"), ("tsim", "tsim_100")]
)
def test_the_histogram_gives_the_metrics(name: str, column: str) -> None:
    cube = simulate_cube(6, missing_views=0.2, histograms=True)
    x = {"x": 100} if "_" in column else {}
    again = from_histogram(cube["joint_histogram"].load(), name=name, cut=0.5, **x)
    xr.testing.assert_equal(again.drop_attrs(), cube[column].drop_attrs())
    total = cube["joint_histogram"].sum(("probability_bin", "intensity"))
    assert (total.where(cube["status"] == 1) == cube["breast_area"]).sum() == (cube["status"] == 1).sum()


def test_without_error_every_woman_grows_at_her_rate() -> None:
    cube = simulate_cube(12, error=0.0)
    value = cube["tam_100_norm"].sum("view")
    years = (cube["date"] - cube["date"].isel(exam=0)) / np.timedelta64(1, "D") / 365.25
    for subject in cube["subject"].values:
        slope, start = np.polyfit(years.sel(subject=subject), value.sel(subject=subject), 1)
        assert slope == pytest.approx(float(cube["true_rate"].sel(subject=subject)), abs=2e-6)
        assert start == pytest.approx(float(cube["true_start"].sel(subject=subject)), abs=2e-6)


def test_the_error_is_as_large_as_asked() -> None:
    cube = simulate_cube(400, error=2e-4, without_bac=0.0)
    true = (cube["true_tam_100"] / cube["breast_area"]).sum("view")
    off = (cube["tam_100_norm"].sum("view") - true).values
    assert off.std() == pytest.approx(2e-4, rel=0.05)
    assert abs(off.mean()) < 2e-5


def test_women_without_bac_have_exactly_none_and_single_exams_are_single() -> None:
    cube = simulate_cube(200, without_bac=0.3, one_exam=0.25)
    none = (cube["true_start"] == 0).values
    assert 0.2 < none.mean() < 0.4
    assert (cube["tam_100"].isel(subject=none).fillna(0) == 0).all()
    exams = (~np.isnat(cube["date"].values)).sum(axis=1)
    assert set(exams) == {1, 6}


def test_it_is_a_cube_in_both_forms_and_says_what_it_is() -> None:
    cube = simulate_cube(4, missing_views=0.1)
    assert len(to_table(on_dates(cube))) == len(to_table(cube)) == int((cube["status"] == 1).sum())
    assert "simulated" in cube.attrs["weights_note"]
