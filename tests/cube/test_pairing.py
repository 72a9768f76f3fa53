"""Pairing: only images both cubes have, side by side, against a merge of the tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.cube import assemble, on_dates, pair, to_table

from .made import study


@pytest.fixture(scope="module")
def cubes():
    rows, _ = study(6)
    other = rows.assign(tam_100=rows.tam_100 + 3, image_id="x" + rows.image_id)
    a = assemble(rows.sample(frac=0.7, random_state=1))[0]
    b = assemble(other.sample(frac=0.7, random_state=2), attrs={"weights": "b"})[0]
    return a, b


def test_equals_an_inner_merge_of_the_tables(cubes):
    a, b = cubes
    paired = pair(a, b, names=("net", "reader"))
    key = ["subject", "view", "date"]
    merged = to_table(a).merge(to_table(b), on=key, suffixes=("_a", "_b"))
    assert 5 < len(merged) < len(to_table(a))
    for name, side in (("net", "a"), ("reader", "b")):
        table = to_table(paired.sel({"method": name}, drop=True)).sort_values(key).reset_index(drop=True)
        wanted = merged.sort_values(key).reset_index(drop=True)
        pd.testing.assert_frame_equal(table[key], wanted[key], check_dtype=False)
        for column in ("tam_100", "pm", "image_id", "status"):
            np.testing.assert_array_equal(table[column].to_numpy(), wanted[f"{column}_{side}"].to_numpy())
    shift = (paired.tam_100.sel({"method": "reader"}) - paired.tam_100.sel({"method": "net"})).values
    assert np.unique(shift[~np.isnan(shift)]).tolist() == [3]
    assert paired.tam_100.attrs == a.tam_100.attrs
    assert paired.attrs == {"Conventions": "bactools-1"}


def test_a_cube_with_itself_is_itself_twice(cubes):
    paired = pair(cubes[0], cubes[0])
    assert paired.method.values.tolist() == ["a", "b"]
    for name in ("a", "b"):
        xr.testing.assert_equal(paired.sel({"method": name}, drop=True), cubes[0])


def test_swapping_the_cubes_swaps_the_methods(cubes):
    a, b = cubes
    xr.testing.assert_equal(pair(a, b), pair(b, a, names=("b", "a")).sel({"method": ["a", "b"]}))


def test_the_literal_form_pairs_alike(cubes):
    a, b = cubes
    xr.testing.assert_identical(pair(on_dates(a), on_dates(b)), pair(a, b))


def test_covariates_of_the_first_come_along(cubes):
    a = cubes[0].copy()
    a["age"] = (("subject", "exam"), np.arange(a.date.size, dtype=float).reshape(a.date.shape))
    a["race"] = ("subject", np.array(list("abcdef"), dtype=object)[: a.sizes["subject"]])
    table, single = to_table(pair(a, cubes[1])), to_table(a)
    merged = table[table.method == "a"].merge(single, on="image_id", suffixes=("", "_own"))
    assert len(merged) > 5
    np.testing.assert_array_equal(merged.age, merged.age_own)
    np.testing.assert_array_equal(merged.race.to_numpy(), merged.race_own.to_numpy())


def test_cubes_of_different_women_pair_to_nothing(cubes):
    a = cubes[0]
    stranger = a.assign_coords(subject=[f"T{k}" for k in range(a.sizes["subject"])])
    nothing = pair(a, stranger)
    assert nothing.sizes["subject"] == 0
    assert to_table(nothing).empty


def test_names_must_differ_and_a_status_is_needed(cubes):
    with pytest.raises(ValueError, match="two different names"):
        pair(*cubes, names=("x", "x"))
    with pytest.raises(ValueError, match="no status"):
        pair(cubes[0], cubes[1].drop_vars("status"))
