"""Variance components of a mixed model as estimates, and in words where they are degenerate."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from bactools.stats.inputs import FloatArray
from bactools.stats.mixed.inference import Inference
from bactools.stats.result import Estimate

_ZERO = 1e-4


def variances(inference: Inference, *, confidence: float) -> tuple[Estimate, Estimate, Estimate]:
    """Return the variances of intercepts, slopes and residuals, with Wald intervals.

    They are of the logarithm, or of a variance itself, cut at zero, that is smaller than its standard error.
    """
    z = float(stats.norm.ppf((1 + confidence) / 2))
    errors = np.sqrt(np.clip(np.diag(inference.components_covariance), 0, None))
    random = inference.random

    def estimate(value: float, se: float) -> Estimate:
        if se <= 0:
            return Estimate(max(value, 0.0))
        if se > value:
            # hardly different from zero: the logarithm says nothing there
            return Estimate(max(value, 0.0), 0.0, value + z * se, se=se)
        ratio = math.exp(z * se / value)
        return Estimate(value, value / ratio, value * ratio, se=se)

    slope = (
        estimate(float(random[1, 1]), float(errors[2]))
        if inference.profile.slopes
        else Estimate.missing("slopes were taken to be alike")
    )
    first = estimate(float(random[0, 0]), float(errors[0]))
    return first, slope, estimate(inference.residual, float(errors[3]))


def singular_words(inference: Inference) -> str:
    """Say what is degenerate about the random effects, or nothing."""
    factor = inference.profile.factor(inference.theta)
    level, along, across = abs(factor[0, 0]), math.hypot(factor[1, 0], factor[1, 1]), abs(factor[1, 1])
    if not inference.profile.slopes:
        return "levels do not differ between women (a variance of zero)" if level < _ZERO else ""
    if along < _ZERO:
        return "rates do not differ between women beyond measurement error (a variance of zero)"
    if level < _ZERO:
        return "levels in mid-study do not differ between women (a variance of zero)"
    if across < _ZERO * along or across < _ZERO:
        sign = "rises" if factor[1, 0] * factor[0, 0] > 0 else "falls"
        return f"a woman's rate {sign} in strict proportion to her level (a correlation of ±1)"
    return ""


def correlation(random: FloatArray, slopes: bool, singular: str) -> Estimate:
    """Return the correlation of a woman's intercept and slope, unless it is degenerate."""
    if not slopes:
        return Estimate.missing("slopes were taken to be alike")
    if singular:
        return Estimate.missing(singular)
    return Estimate(float(random[0, 1] / math.sqrt(random[0, 0] * random[1, 1])))
