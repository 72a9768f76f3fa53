"""Covariates that are not known of everybody: blank texts, and flags with gaps, wherever they are counted."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from bactools.cube import write_cube
from bactools.explore import Cohort
from bactools.explore.controls import controls
from bactools.testing import simulate_cube, simulate_study


@pytest.fixture
def cube() -> xr.Dataset:
    """Twelve women: four smoke and four do not; of four it is not known."""
    made = simulate_cube(12)
    smokes = np.repeat([1.0, 0.0, np.nan], 4)
    made["smokes"] = ("subject", smokes, {"flag_values": [0, 1], "flag_meanings": "no yes"})
    made["habit"] = ("subject", np.repeat(np.array(["often", "never", ""], dtype=object), 4))
    return made


@pytest.mark.parametrize(("name", "levels"), [("smokes", ("no", "yes")), ("habit", ("never", "often"))])
def test_table_1_counts_them_as_missing(cube: xr.Dataset, name: str, levels: tuple[str, str]) -> None:
    told = cube.bac.table1(columns=[name]).to_frame().astype(str).to_string()
    assert all(level in told for level in levels)
    assert told.count("4 (50.0)") == 2  # of the eight of whom it is known


def test_a_cohort_is_chosen_by_yes_and_no(cube: xr.Dataset) -> None:
    found = {control.name: control.choices for control in controls(cube)}
    assert found["smokes"] == ("no", "yes")
    assert found["habit"] == ("never", "often")
    for name, value in (("smokes", "yes"), ("habit", "often")):
        chosen = Cohort(choices={name: (value,)}).apply(cube)
        assert list(chosen["subject"].values) == list(cube["subject"].values[:4])
    assert Cohort(choices={"smokes": ("no", "yes")}).apply(cube).sizes["subject"] == 8


def test_queries_find_what_is_missing(tmp_path: Path, cube: xr.Dataset) -> None:
    study = simulate_study(tmp_path / "study", 12)
    write_cube(cube, study.folder / "cube.zarr")
    counted = study.sql(
        "SELECT count(*) FILTER (WHERE smokes) AS yes, count(*) FILTER (WHERE NOT smokes) AS no,"
        " count(*) FILTER (WHERE smokes IS NULL) AS gap, count(*) FILTER (WHERE habit IS NULL) AS blank"
        " FROM subjects"
    )
    assert counted.iloc[0].tolist() == [4, 4, 4, 4]
