"""A metric finds its counterpart by subject, view and date, whatever form that comes in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.cube import on_dates, to_table
from bactools.stats.joining import Joined, joined
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return simulate_cube(12, n_exam=4, missing_views=0.1, seed=5)


def _values(found: Joined) -> pd.DataFrame:
    table = found.keys.assign(a=found.a, b=found.b)[["subject", "view", "date", "a", "b"]]
    return table.sort_values(["subject", "view", "date"], ignore_index=True)


def test_every_form_of_the_other_gives_the_same_pairs(cube: xr.Dataset) -> None:
    expected = _values(joined(cube, "am", "true_tam_100"))
    assert len(expected) == int((cube["status"] == 1).sum())
    other = cube.assign(am=cube["true_tam_100"])
    table = to_table(cube).rename(columns={"true_tam_100": "am_truth"})
    shuffled = table.sample(frac=1, random_state=1)[["subject", "view", "date", "am_truth"]]
    forms = {
        "array": cube["true_tam_100"],
        "lazy array": cube["true_tam_100"].chunk(),
        "literal array": on_dates(cube)["true_tam_100"],
        "cube": other,
        "literal cube": on_dates(other),
        "table": shuffled,
        "table with dates as text": shuffled.assign(date=shuffled["date"].dt.strftime("%Y-%m-%d")),
    }
    for name, form in forms.items():
        pd.testing.assert_frame_equal(_values(joined(cube, "am", form)), expected, obj=name)
        pd.testing.assert_frame_equal(_values(joined(on_dates(cube), "am", form)), expected, obj=name)


def test_exams_are_joined_by_date_and_not_by_number(cube: xr.Dataset) -> None:
    """A cube cut by date numbers its exams anew; joining by number would pair different years."""
    later = cube.isel(exam=slice(1, None)).assign_coords(exam=[0, 1, 2])
    found = joined(later, "am", cube["am"])
    np.testing.assert_array_equal(found.a, found.b)
    assert len(found.a) == int((later["status"] == 1).sum())


def test_a_value_that_is_missing_in_one_stays_as_missing(cube: xr.Dataset) -> None:
    holed = cube.copy(deep=True)
    holed["am"][0, 0, 0] = np.nan
    found = joined(cube, "am", holed)
    assert int(found.b.isna().sum()) == 1
    assert not found.a.isna().any()


def test_units_names_and_notes_come_along(cube: xr.Dataset) -> None:
    found = joined(cube, "am_mm2", cube.assign_attrs(weights_note="phantom"))
    assert found.units == "mm2"
    assert found.names == ("am_mm2", "am_mm2 of the other cube")
    assert found.note == "phantom; simulated numbers, for tests and documentation"
    assert joined(cube, "am", "pm", names=("us", "them")).names == ("us", "them")


def test_what_cannot_be_joined_is_refused_in_words(cube: xr.Dataset) -> None:
    table = to_table(cube)
    for other, match in (
        ("nosuch", "no 'nosuch': its variables per image"),
        (table.drop(columns="view"), "no column 'view'"),
        (table.drop(columns="am"), "no column 'am' or 'am_truth'"),
        (pd.concat([table, table.head(1)]), "two values for one image"),
        (table.assign(date="yesterday"), "date .* cannot be read"),
        (xr.DataArray([1.0], dims="x"), "needs the coordinates subject, view and date"),
    ):
        with pytest.raises(StatsError, match=match):
            joined(cube, "am", other)
    with pytest.raises(StatsError, match="no 'status'"):
        joined(cube.drop_vars("status"), "am", "pm")
