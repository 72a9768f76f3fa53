"""What goes into a statistic is aligned, complete and checked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.stats.inputs import Pairs, between, choice, vector
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube


def test_incomplete_pairs_are_dropped_with_their_keys_and_counted() -> None:
    pairs = Pairs.of([1, np.nan, 3, 4], [1, 2, np.nan, 5], subject=["a", "b", "c", "a"])
    assert pairs.a.tolist() == [1, 4]
    assert pairs.b.tolist() == [1, 5]
    assert pairs.n_dropped == 2
    assert pairs.keys["subject"].tolist() == ["a", "a"]
    assert pairs.repeated
    assert pairs.n_subjects == 1


def test_without_subjects_every_pair_is_its_own() -> None:
    pairs = Pairs.of([1, 2, 3], [1, 2, 3])
    assert pairs.subject is None
    assert pairs.n_subjects == len(pairs) == 3
    assert not pairs.repeated


def test_arrays_of_a_cube_bring_subject_view_date_names_and_units() -> None:
    cube = simulate_cube(3, n_exam=2, missing_views=0.2)
    pairs = Pairs.of(cube["am_mm2"], cube["tam_100_mm2"].transpose("view", "subject", "exam"))
    assert pairs.names == ("am_mm2", "tam_100_mm2")
    assert pairs.units == "mm2"
    at = 5
    key = pairs.keys.iloc[at]
    cell = cube.sel(subject=key["subject"], view=key["view"], exam=key["exam"])
    assert pairs.a[at] == float(cell["am_mm2"])
    assert pairs.b[at] == float(cell["tam_100_mm2"])
    assert pairs.keys["date"].iloc[at] == pd.Timestamp(cell["date"].values)


def test_arrays_are_joined_by_their_coordinates_and_may_be_lazy() -> None:
    a = xr.DataArray([1.0, 2.0, 3.0], dims="subject", coords={"subject": ["x", "y", "z"]}, name="a")
    b = xr.DataArray([30.0, 10.0], dims="subject", coords={"subject": ["z", "x"]}, name="b")
    for left in (a, a.chunk()):
        pairs = Pairs.of(left, b)
        assert sorted(zip(pairs.a, pairs.b, strict=True)) == [(1.0, 10.0), (3.0, 30.0)]


@pytest.mark.parametrize(
    ("a", "b", "options", "match"),
    [
        ([1, 2], [1], {}, r"a has shape \(2,\), b \(1,\)"),
        ([1, np.inf], [1, 2], {}, "a is infinite at position 1"),
        (["x", "y"], [1, 2], {}, "a holds something that is not a number"),
        ([1, 2], [1, 2], {"subject": ["s", None]}, "a pair has no subject"),
        ([1, 2], [1, 2], {"keys": pd.DataFrame({"view": ["LCC"]})}, "1 keys for 2 pairs"),
    ],
)
def test_bad_input_is_refused_in_words(a: list, b: list, options: dict, match: str) -> None:
    with pytest.raises(StatsError, match=match):
        Pairs.of(a, b, **options)


def test_options_are_checked() -> None:
    assert between(0.5, 0, 1, name="level") == 0.5
    with pytest.raises(StatsError, match="level=1: choose a number between 0 and 1"):
        between(1, 0, 1, name="level")
    with pytest.raises(StatsError, match="model='x': choose one of 'a', 'b'"):
        choice("x", ("a", "b"), name="model")
    assert vector([[1, 2], [3, 4]], name="a").tolist() == [1, 2, 3, 4]
