"""Kappa against Cohen's table, scikit-learn, Lin's concordance and laws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.stats.grades import grades
from bactools.stats.reliability.concordance import concordance
from bactools.stats.reliability.kappa import kappa, kappa_of_table
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube

COHEN = [[0.44, 0.07, 0.09], [0.05, 0.20, 0.05], [0.01, 0.03, 0.06]]
"""Shares of 200 pairs: Cohen 1968."""


def _codes(n: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    a = random.integers(0, 4, n)
    return a, np.clip(a + random.integers(-1, 2, n), 0, 3)


def test_cohens_table_plain_and_weighted() -> None:
    plain = kappa_of_table(COHEN, n=200, weights="none")
    assert plain.observed == pytest.approx(0.70)
    assert plain.expected == pytest.approx(0.41)
    assert plain.kappa.value == pytest.approx(0.29 / 0.59)
    weighted = kappa_of_table(COHEN, n=200, weights=[[0, 1, 3], [1, 0, 6], [3, 6, 0]])
    assert weighted.kappa.value == pytest.approx(0.348, abs=5e-4)
    assert weighted.weights == "own"
    assert kappa_of_table(np.round(200 * np.array(COHEN)), weights="none").kappa.low == pytest.approx(
        plain.kappa.low
    )


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_scikit_learn_agrees(weights: str) -> None:
    from sklearn import metrics

    a, b = _codes(120, seed=1)
    expected = metrics.cohen_kappa_score(a, b, weights=None if weights == "none" else weights)
    assert kappa(a, b, weights=weights).kappa.value == pytest.approx(expected, rel=1e-12)


def test_quadratic_kappa_is_lins_concordance_of_the_codes() -> None:
    a, b = _codes(200, seed=2)
    assert kappa(a, b, weights="quadratic").kappa.value == pytest.approx(concordance(a, b).ccc.value)
    woman = np.repeat(np.arange(50), 4)
    by_woman = kappa(a, b, weights="quadratic", subject=woman)
    assert by_woman.kappa.low == pytest.approx(concordance(a, b, subject=woman).ccc.low, abs=0.02)


def test_swapping_raters_and_naming_categories_otherwise_change_nothing() -> None:
    a, b = _codes(80, seed=3)
    names = np.array(["none", "mild", "moderate", "severe"])
    found = kappa(a, b)
    for other in (
        kappa(b, a),
        kappa(names[a], names[b], categories=names),
        kappa(pd.Categorical(names[a], names, ordered=True), pd.Categorical(names[b], names, ordered=True)),
        kappa_of_table(found.table),
    ):
        assert other.kappa.value == pytest.approx(found.kappa.value)
        assert other.kappa.high == pytest.approx(found.kappa.high)
    assert list(kappa(names[a], names[b], categories=names).table.index) == list(names)


def test_two_categories_need_no_weights() -> None:
    a, b = (codes > 1 for codes in _codes(80, seed=4))
    values = {kappa(a, b, weights=weights).kappa.value for weights in ("none", "linear", "quadratic")}
    assert max(values) - min(values) < 1e-12


def test_missing_labels_are_left_out_and_counted() -> None:
    found = kappa(["x", "", None, "y", "x"], ["x", "x", "y", "y", float("nan")], weights="none")
    assert found.n == 2
    assert found.n_dropped == 3
    assert found.kappa.value == pytest.approx(1)


def test_duplicated_images_narrow_the_naive_interval_but_not_that_by_woman() -> None:
    a, b = _codes(40, seed=5)
    once = kappa(a, b).kappa
    copies = kappa(np.repeat(a, 5), np.repeat(b, 5), subject=np.repeat(np.arange(40), 5))
    assert copies.naive is not None
    assert copies.naive.high - copies.naive.low < 0.6 * (once.high - once.low)
    assert copies.kappa.high - copies.kappa.low > 0.8 * (once.high - once.low)
    assert "40 women in turn" in copies.interpret()


def test_grades_are_joined_by_their_keys() -> None:
    cube = simulate_cube(15, n_exam=2)
    ours = grades(cube["tam_100_mm2"], name="network")
    theirs = grades(cube["am_mm2"].isel(subject=slice(None, None, -1)), name="reader")
    found = kappa(ours, theirs, weights="quadratic")
    assert found.names == ("network", "reader")
    assert found.n == ours.n
    assert found.n_subjects == 15
    direct = grades(cube["am_mm2"]).table["grade"]
    assert found.kappa.value == pytest.approx(
        kappa(ours.table["grade"], direct, weights="quadratic").kappa.value
    )


def test_labels_on_a_cube_bring_the_woman() -> None:
    cube = simulate_cube(10, n_exam=2)
    found = kappa(cube["am"] > 0, cube["tam_100"].chunk() > 0, weights="none")
    assert found.n_subjects == 10
    assert found.kappa.value == 1
    assert (found.kappa.low, found.kappa.high) == (1, 1)


def test_rare_disagreement_beside_a_common_category_is_explained() -> None:
    found = kappa_of_table([[95, 2], [2, 1]], weights="none")
    assert found.observed == pytest.approx(0.96)
    assert found.kappa.value < 0.4
    assert "One category makes up 97 %" in found.interpret()


@pytest.mark.parametrize(
    ("a", "b", "options", "match"),
    [
        ([0, 0, 0], [0, 0, 0], {"categories": [0, 1]}, "one and the same category"),
        ([0, 0, 0], [0, 0, 0], {}, "one and the same category"),
        ([], [], {"categories": [0, 1]}, "only 0 pairs"),
        ([0, 1, 0, 1], [0, 1, 1, 1], {"subject": list("aabb")}, "only 2 women"),
    ],
)
def test_what_cannot_be_estimated_says_so(a: list, b: list, options: dict, match: str) -> None:
    found = kappa(a, b, **options)
    assert match in found.reason
    assert match in repr(found)


@pytest.mark.parametrize(
    ("a", "b", "options", "match"),
    [
        (["x", "y"], ["x", "y"], {}, "weights='linear' needs an order of 'x', 'y'"),
        (["x", "y"], ["x"], {"weights": "none"}, "a has 2 labels, b 1"),
        (["x", "z"], ["x", "y"], {"categories": ["x", "y"]}, "'z' is not one of the categories"),
        ([0, 1], [0, 1], {"categories": [0, 0]}, "each once"),
        ([0, 1], [0, 1], {"weights": "cubic"}, "weights='cubic'"),
        ([0, 1], [0, 1], {"weights": [[0, 1, 2]]}, r"weights of shape \(1, 3\)"),
        ([0, 1], [0, 1], {"weights": [[1, 0], [0, 1]]}, "weights count disagreement"),
        ([0, 1], [0, 1], {"subject": ["a"]}, "1 subjects for 2 pairs"),
        ([0, 1], [0, 1], {"subject": ["a", None]}, "a pair has no subject"),
    ],
)
def test_bad_input_is_refused_in_words(a: list, b: list, options: dict, match: str) -> None:
    with pytest.raises(StatsError, match=match):
        kappa(a, b, **options)


@pytest.mark.parametrize(
    ("table", "options", "match"),
    [
        ([[1, 2, 3], [4, 5, 6]], {}, r"a table of shape \(2, 3\)"),
        ([[1, -2], [3, 4]], {}, "negative or missing"),
        (COHEN, {}, "does not hold whole counts"),
        ([[1, 2], [3, 4]], {"n": 10}, "shares that add up to 1"),
    ],
)
def test_bad_tables_are_refused_in_words(table: list, options: dict, match: str) -> None:
    with pytest.raises(StatsError, match=match):
        kappa_of_table(table, **options)


def test_arrays_without_a_common_image_have_no_pairs() -> None:
    a, b = (xr.DataArray([0, 1], dims="subject", coords={"subject": s}) for s in (["p", "q"], ["r", "s"]))
    assert "only 0 pairs" in kappa(a, b, categories=[0, 1]).reason
