"""Segmentation scores against equations 1 and 2 of the paper, and their symmetries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bactools.metrics import segmentation_scores

masks = st.tuples(st.integers(0, 5), st.integers(1, 5)).flatmap(
    lambda shape: st.tuples(hnp.arrays(np.bool_, shape), hnp.arrays(np.bool_, shape))
)


def same(a: float, b: float) -> bool:
    return a == pytest.approx(b, nan_ok=True)


@given(masks)
def test_equals_the_formulas(pair):
    predicted, truth = pair
    scores = segmentation_scores(predicted, truth)
    tp, fp = (predicted & truth).sum(), (predicted & ~truth).sum()
    fn, tn = (~predicted & truth).sum(), (~predicted & ~truth).sum()
    assert (scores.tp, scores.fp, scores.tn, scores.fn) == (tp, fp, tn, fn)
    with np.errstate(invalid="ignore"):
        recall, precision = np.divide(tp, tp + fn), np.divide(tp, tp + fp)
        assert same(scores.recall, recall)
        assert same(scores.precision, precision)
        assert same(scores.accuracy, np.divide(tp + tn, predicted.size))
        assert same(scores.jaccard, np.divide(tp, tp + fp + fn))
        if tp:
            assert same(scores.f1, 2 * recall * precision / (recall + precision))


@given(masks)
def test_laws(pair):
    predicted, truth = pair
    scores, swapped = segmentation_scores(predicted, truth), segmentation_scores(truth, predicted)
    assert same(scores.recall, swapped.precision)
    assert same(scores.f1, swapped.f1)
    assert same(scores.jaccard, swapped.jaccard)
    assert same(scores.f1, 2 * scores.jaccard / (1 + scores.jaccard))
    halves = [segmentation_scores(predicted[:, part], truth[:, part]) for part in (slice(1), slice(1, None))]
    assert halves[0] + halves[1] == scores


def test_empty_masks_follow_the_stated_convention():
    none, some = np.zeros((2, 2), bool), np.array([[True, False], [False, False]])
    both = segmentation_scores(none, none)
    assert both.accuracy == 1
    assert all(math.isnan(score) for score in (both.recall, both.precision, both.f1, both.jaccard))
    missed = segmentation_scores(none, some)
    assert (missed.recall, missed.f1, missed.jaccard) == (0, 0, 0)
    assert math.isnan(missed.precision)
    invented = segmentation_scores(some, none)
    assert (invented.precision, invented.f1, invented.jaccard) == (0, 0, 0)
    assert math.isnan(invented.recall)


def test_masks_must_be_boolean_and_of_one_shape():
    mask = np.ones((2, 2), bool)
    with pytest.raises(ValueError, match="uint8"):
        segmentation_scores(mask, mask.astype(np.uint8))
    with pytest.raises(ValueError, match=r"\(2, 2\) predicted, \(2, 1\) true"):
        segmentation_scores(mask, mask[:, :1])
