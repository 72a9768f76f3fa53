"""Adjusted p-values, against published ones and the definitions."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from bactools.stats.comparison.multiplicity import ADJUSTMENTS, Adjustment, adjust
from bactools.stats.result import StatsError

# Benjamini and Hochberg 1995, section 2.3: the fifteen p-values of a trial of thrombolysis
TRIAL = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
    0.7590, 1.0,
]  # fmt: skip


def test_the_trial_of_benjamini_and_hochberg() -> None:
    # they report three rejections by Bonferroni's method at 0.05 and four by their own
    assert (adjust(TRIAL, method="bonferroni") <= 0.05).sum() == 3
    assert (adjust(TRIAL, method="hochberg") <= 0.05).sum() == 3
    assert (adjust(TRIAL, method="bh") <= 0.05).sum() == 4


def test_against_the_definitions() -> None:
    p = np.sort(np.random.default_rng(0).random(20)) ** 3
    m, rank = p.size, np.arange(1, 21)
    assert adjust(p, method="bonferroni") == pytest.approx(np.minimum(1, m * p))
    assert adjust(p, method="holm") == pytest.approx(np.minimum(1, np.maximum.accumulate((m - rank + 1) * p)))
    stepped = np.minimum.accumulate(((m - rank + 1) * p)[::-1])[::-1]
    assert adjust(p, method="hochberg") == pytest.approx(np.minimum(1, stepped))
    false = np.minimum.accumulate((m / rank * p)[::-1])[::-1]
    assert adjust(p, method="bh") == pytest.approx(np.minimum(1, false))
    harmonic = (1 / rank).sum()
    assert adjust(p, method="by") == pytest.approx(
        np.minimum(1, np.minimum.accumulate((harmonic * m / rank * p)[::-1])[::-1])
    )
    assert adjust(p, method="none") == pytest.approx(p)


def test_hommel_by_the_closed_procedure() -> None:
    # adjusted p: the largest Simes p-value of all subsets that hold the hypothesis
    p = np.array([0.01, 0.02, 0.022, 0.09, 0.4])
    largest = np.zeros(5)
    for subset in range(1, 32):
        held = [at for at in range(5) if subset >> at & 1]
        ordered = np.sort(p[held])
        simes = (len(held) * ordered / np.arange(1, len(held) + 1)).min()
        largest[held] = np.maximum(largest[held], simes)
    assert adjust(p, method="hommel") == pytest.approx(largest)


@pytest.mark.parametrize("method", get_args(Adjustment))
def test_order_does_not_matter_and_missing_tests_do_not_count(method: Adjustment) -> None:
    random = np.random.default_rng(1)
    p = random.random(12)
    order = random.permutation(12)
    assert adjust(p[order], method=method) == pytest.approx(adjust(p, method=method)[order])
    with_missing = adjust(np.insert(p, 3, np.nan), method=method)
    assert np.isnan(with_missing[3])
    assert np.delete(with_missing, 3) == pytest.approx(adjust(p, method=method))


def test_hommel_is_never_larger_than_hochberg_nor_that_than_holm() -> None:
    p = np.random.default_rng(2).random(30) ** 2
    holm, hochberg, hommel = (adjust(p, method=method) for method in ("holm", "hochberg", "hommel"))
    assert (hommel <= hochberg + 1e-12).all()
    assert (hochberg <= holm + 1e-12).all()


def test_nothing_and_one_and_the_input_left_alone() -> None:
    assert adjust([]).size == 0
    assert all(adjust([0.03], method=method)[0] == 0.03 for method in get_args(Adjustment))  # type: ignore[arg-type]
    assert np.isnan(adjust([np.nan, np.nan])).all()
    p = np.array([0.01, 0.02])
    adjust(p)
    assert p.tolist() == [0.01, 0.02]


def test_what_is_no_probability_or_no_method() -> None:
    with pytest.raises(StatsError, match="p is 1.2 at position 1"):
        adjust([0.1, 1.2])
    with pytest.raises(StatsError, match="'fdr'.*" + ".*".join(ADJUSTMENTS)):
        adjust([0.1], method="fdr")  # type: ignore[arg-type]
