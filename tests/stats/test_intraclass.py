"""Intraclass correlation against the published table, pingouin's intervals, laws and known truth."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.stats.reliability.intraclass import icc
from bactools.stats.reliability.intraclass_result import KINDS
from bactools.stats.result import StatsError
from bactools.testing import simulate_cube

JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)
"""Six targets, four judges: Shrout and Fleiss 1979, table 2."""


def _ratings(n: int, *, seed: int, shift: float = 0.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    raters = np.array([0.0, shift, 2 * shift])
    return random.normal(10, 2, (n, 1)) + raters + random.normal(0, 1, (n, 3))


def test_shrout_and_fleiss() -> None:
    found = icc(JUDGES)
    printed = {"icc1": 0.17, "icc2": 0.29, "icc3": 0.71, "icc1k": 0.44, "icc2k": 0.62, "icc3k": 0.91}
    for field, value in printed.items():
        assert round(getattr(found, field).value, 2) == value
    # their analysis of variance: between targets 11.24, within 6.26, judges 32.49, residual 1.02
    assert found.one_way.f == pytest.approx(11.24 / 6.26, abs=0.005)
    assert found.two_way.f == pytest.approx(11.24 / 1.02, abs=0.05)
    assert found.shift.f == pytest.approx(32.49 / 1.02, abs=0.2)
    assert (found.shift.df1, found.shift.df2) == (3, 15)
    assert "Raters differ on average" in found.interpret()


def test_intervals_are_pingouins_at_full_precision_and_follow_the_confidence() -> None:
    values = _ratings(25, seed=1, shift=0.3)
    found = icc(values)
    table = pd.DataFrame(values).reset_index().melt(id_vars="index")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import pingouin

        theirs = pingouin.intraclass_corr(table, targets="index", raters="variable", ratings="value")
    for field, row in zip(KINDS, theirs.itertuples(), strict=True):
        estimate = getattr(found, field)
        assert estimate.value == pytest.approx(row.ICC, rel=1e-10)
        assert [estimate.low, estimate.high] == pytest.approx(list(row.CI95), abs=0.0051)
        assert estimate.p == pytest.approx(row.pval)
    narrow = icc(values, confidence=0.5)
    assert found.icc2.low < narrow.icc2.low < narrow.icc2.high < found.icc2.high


def test_a_rater_who_is_always_higher_costs_agreement_but_not_consistency() -> None:
    values = _ratings(40, seed=2)
    shifted = values + np.array([0.0, 5.0, 0.0])
    plain, moved = icc(values), icc(shifted)
    assert moved.icc3.value == pytest.approx(plain.icc3.value)
    assert moved.icc3.low == pytest.approx(plain.icc3.low)
    assert moved.icc2.value < plain.icc2.value - 0.2
    scaled = icc(3 * values + 7)
    assert scaled.icc2.high == pytest.approx(plain.icc2.high)


def test_known_components_are_found() -> None:
    found = icc(_ratings(4000, seed=3))
    assert found.icc2.value == pytest.approx(4 / 5, abs=0.02)
    assert found.icc3k.value == pytest.approx(4 / (4 + 1 / 3), abs=0.02)
    assert found.shift.p > 0.001


def test_long_and_wide_are_one_whatever_the_order() -> None:
    wide = icc(JUDGES)
    target, judge = np.divmod(np.random.default_rng(4).permutation(24), 4)
    for named in ({"target": target}, {"subject": target}):
        long = icc(JUDGES[target, judge], rater=judge, **named)
        assert long.icc2.value == pytest.approx(wide.icc2.value)
        assert long.icc2.low == pytest.approx(wide.icc2.low)
    frame = icc(pd.DataFrame(JUDGES, columns=list("abcd")))
    assert frame.names == ("a", "b", "c", "d")
    assert frame.icc1k.value == wide.icc1k.value


def test_targets_that_lack_a_rating_are_left_out_and_counted_or_refused() -> None:
    holed = np.vstack([JUDGES, [5, np.nan, 1, 2], [np.nan] * 4])
    found = icc(holed)
    assert found.n_dropped == 1
    assert found.icc2.value == pytest.approx(icc(JUDGES).icc2.value)
    assert "1 targets were left out" in found.interpret()
    with pytest.raises(StatsError, match="1 targets were not rated by all"):
        icc(holed, missing="refuse")


def test_duplicated_exams_narrow_the_naive_interval_but_not_that_by_woman() -> None:
    values = _ratings(20, seed=5)
    once = icc(values)
    copies = np.repeat(values, 4, axis=0)
    naive, nested = icc(copies), icc(copies, subject=np.repeat(np.arange(20), 4))
    assert naive.icc3.high - naive.icc3.low < 0.6 * (once.icc3.high - once.icc3.low)
    assert nested.icc3.high - nested.icc3.low > 0.8 * (once.icc3.high - once.icc3.low)
    assert nested.icc3.value == pytest.approx(naive.icc3.value)
    assert nested.n_subjects == 20
    assert "come from 20 women" in nested.interpret()


def test_views_of_a_cube_are_raters_lazily_too() -> None:
    cube = simulate_cube(15, n_exam=3, without_bac=0, missing_views=0.05)
    eager = icc(cube["tam_100_norm"], rater="view")
    lazy = icc(cube["tam_100_norm"].chunk(subject=4).transpose("exam", "view", "subject"), rater="view")
    assert eager.names == tuple(cube["view"].values)
    assert eager.n_subjects == 15
    assert eager.n == int(cube["tam_100_norm"].notnull().all("view").sum())
    assert lazy.icc3k.low == pytest.approx(eager.icc3k.low)


@pytest.mark.parametrize(
    ("values", "options", "match"),
    [
        (np.zeros((5, 3)), {}, "every rating is 0"),
        (np.arange(5.0)[:, None] + [0, 1, 2], {}, "differ by a constant only"),
        ([[1, 2], [2, 1], [1, 2], [2, 1]], {}, "so they do not differ"),
        (JUDGES[:2], {}, "only 2 targets"),
        (JUDGES[:, :1], {}, "only 1 rater"),
        (JUDGES, {"subject": list("aaabbb")}, "only 2 women"),
        (np.full((5, 2), np.nan), {}, "only 0 targets"),
    ],
)
def test_what_cannot_be_estimated_says_so(values: np.ndarray, options: dict, match: str) -> None:
    found = icc(values, **options)
    assert match in found.reason
    assert match in found.icc2k.reason
    assert match in repr(found)


@pytest.mark.parametrize(
    ("values", "options", "match"),
    [
        (JUDGES.ravel(), {}, r"values of shape \(24,\)"),
        ([1, 2], {"rater": [1, 2]}, "no target"),
        ([1, 2, 3], {"rater": [1, 2, 2], "target": [1, 1, 1]}, "rated more than once by rater 2"),
        ([1, 2], {"rater": [1], "target": [1, 1]}, "1 labels of rater for 2 values"),
        ([1, 2], {"rater": [1, None], "target": [1, 1]}, "a value has no rater"),
        (JUDGES, {"rater": "view"}, "rater='view' names a dimension"),
        (xr.DataArray(JUDGES, dims=("a", "b")), {"rater": "view"}, "no dimension 'view'"),
        (JUDGES, {"subject": ["a"]}, "1 subjects for 6 targets"),
        (JUDGES, {"missing": "fill"}, "missing='fill'"),
    ],
)
def test_bad_input_is_refused_in_words(values: np.ndarray, options: dict, match: str) -> None:
    with pytest.raises(StatsError, match=match):
        icc(values, **options)
