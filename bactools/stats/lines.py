"""A straight line by least squares, with standard errors that know of women when asked."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bactools.stats.inputs import FloatArray
from bactools.stats.result import Estimate


@dataclass(frozen=True, eq=False)
class Line:
    """A fitted line.

    Attributes
    ----------
    intercept, slope : Estimate
    residuals : float array, shape (n,)
    sd : float
        Residual standard deviation, over n - 2.
    """

    intercept: Estimate
    slope: Estimate
    residuals: FloatArray
    sd: float


def line(
    x: FloatArray, y: FloatArray, *, subject: NDArray[np.intp] | None = None, confidence: float = 0.95
) -> Line:
    """Fit y = intercept + slope x by ordinary least squares.

    Parameters
    ----------
    x, y : float array, shape (n,)
        At least three; x not constant.
    subject : integer array, shape (n,), optional
        With it, standard errors are cluster-robust (CR1) with t on clusters - 1 degrees of freedom.
    confidence : float

    Returns
    -------
    Line
    """
    centre = x.mean()
    about = x - centre
    square = float(about @ about)
    slope = float(about @ y) / square
    intercept = float(y.mean() - slope * centre)
    residuals = y - intercept - slope * x
    variance = float(residuals @ residuals) / (x.size - 2)
    # of each coefficient the weight of every observation
    by_slope = about / square
    by_intercept = 1 / x.size - centre * by_slope
    if subject is None:
        df = x.size - 2
        errors = [math.sqrt(variance * float(w @ w)) for w in (by_intercept, by_slope)]
    else:
        groups = int(subject.max()) + 1
        df = groups - 1
        factor = groups / (groups - 1) * (x.size - 1) / (x.size - 2)
        summed = [np.bincount(subject, weights=w * residuals) for w in (by_intercept, by_slope)]
        errors = [math.sqrt(factor * float(w @ w)) for w in summed]
    return Line(
        t_estimate(intercept, errors[0], df, confidence=confidence),
        t_estimate(slope, errors[1], df, confidence=confidence),
        residuals,
        math.sqrt(variance),
    )


def t_estimate(
    value: float, se: float, df: float, *, confidence: float = 0.95, null: float = 0.0
) -> Estimate:
    """Return an estimate with its t interval, and the p-value of its being `null`."""
    half = float(stats.t.ppf((1 + confidence) / 2, df)) * se
    exact = 1.0 if value == null else 0.0
    p = float(2 * stats.t.sf(abs(value - null) / se, df)) if se > 0 else exact
    return Estimate(value, value - half, value + half, se=se, p=p)
