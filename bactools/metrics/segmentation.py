"""How well a predicted mask agrees with a drawn one, pixel by pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scores:
    """Pixel counts of one or several images and the scores that follow from them.

    A score whose denominator is 0 is NaN: recall without any true pixel, precision without any
    predicted pixel, F1 and Jaccard when both masks are empty. An empty mask against a filled one
    scores 0 in F1 and Jaccard.

    Attributes
    ----------
    tp, fp, tn, fn : int
        True and false positives and negatives [pixel].
    """

    tp: int
    fp: int
    tn: int
    fn: int

    def __add__(self, other: Scores) -> Scores:
        """Pool the pixels of two images."""
        return Scores(self.tp + other.tp, self.fp + other.fp, self.tn + other.tn, self.fn + other.fn)

    @property
    def recall(self) -> float:
        """Share of the true pixels that were found."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def precision(self) -> float:
        """Share of the predicted pixels that are true."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def accuracy(self) -> float:
        """Share of all pixels that were called rightly."""
        return _ratio(self.tp + self.tn, self.tp + self.tn + self.fp + self.fn)

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision, also called the Dice score."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def jaccard(self) -> float:
        """Intersection over union of the two masks."""
        return _ratio(self.tp, self.tp + self.fp + self.fn)


def segmentation_scores(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> Scores:
    """Compare a predicted mask with the truth.

    Parameters
    ----------
    predicted, truth : bool array, shape (y, x)
        Masks of the same pixels.

    Returns
    -------
    Scores
        Counts, recall, precision, accuracy, F1 (Dice) and Jaccard index; scores of several images
        are added with ``+``.

    Raises
    ------
    ValueError
        If a mask is not boolean or the shapes differ.

    References
    ----------
    Guo X, et al. Med Phys 2021;48:5851-5861, equations 1 and 2.
    """
    predicted, truth = np.asarray(predicted), np.asarray(truth)
    if predicted.dtype != np.bool_ or truth.dtype != np.bool_:
        raise ValueError(f"masks are {predicted.dtype} and {truth.dtype}: give boolean ones, such as p > 0.5")
    if predicted.shape != truth.shape:
        raise ValueError(f"masks differ in shape: {predicted.shape} predicted, {truth.shape} true")
    tp = int(np.count_nonzero(predicted & truth))
    fp = int(np.count_nonzero(predicted)) - tp
    fn = int(np.count_nonzero(truth)) - tp
    return Scores(tp, fp, predicted.size - tp - fp - fn, fn)


def _ratio(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else math.nan
