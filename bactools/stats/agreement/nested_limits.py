"""Limits of agreement where women have several pairs, from the variance between and within women."""

from __future__ import annotations

import math
from typing import Literal, get_args

from scipy import stats

from bactools.stats.agreement.limits import variance_interval
from bactools.stats.agreement.nested import Components
from bactools.stats.result import Estimate

NestedInterval = Literal["mover", "approximate", "bootstrap", "parametric-bootstrap"]
"""How the intervals of the limits are made; see `bactools.stats.agreement.analysis.agreement`."""

NESTED_INTERVALS: tuple[str, ...] = get_args(NestedInterval)


def nested_limits(
    found: Components,
    *,
    interval: NestedInterval = "mover",
    level: float = 0.95,
    confidence: float = 0.95,
) -> tuple[Estimate, Estimate]:
    """Compute limits of agreement from components, with confidence intervals.

    Parameters
    ----------
    found : Components
    interval : {"mover", "approximate"}
        ``mover``: variance estimates recovery (Zou 2013). ``approximate``: delta method.
    level, confidence : float

    Returns
    -------
    lower, upper : Estimate

    References
    ----------
    Zou GY. Stat Methods Med Res 2013;22:630-642. Olofsen E et al. J Clin Monit Comput
    2015;29:127-139.
    """
    z, q = (float(stats.norm.ppf((1 + share) / 2)) for share in (level, confidence))
    sd = math.sqrt(found.variance)
    of_variance = math.sqrt(sum(2 * part**2 / df for part, df in found.parts))
    se = math.hypot(found.se, z * of_variance / (2 * sd))
    near = far = q * se
    if interval == "mover":
        low, high = _variance_ends(found, confidence)
        near = math.hypot(q * found.se, z * (sd - math.sqrt(low)))
        far = math.hypot(q * found.se, z * (math.sqrt(high) - sd))
    lower, upper = found.bias - z * sd, found.bias + z * sd
    return (
        Estimate(lower, lower - far, lower + near, se=se),
        Estimate(upper, upper - near, upper + far, se=se),
    )


def sd_estimate(found: Components, *, confidence: float = 0.95) -> Estimate:
    """Return the standard deviation of a single difference, with its interval by variance recovery."""
    low, high = _variance_ends(found, confidence)
    sd = math.sqrt(found.variance)
    of_variance = math.sqrt(sum(2 * part**2 / df for part, df in found.parts))
    return Estimate(sd, math.sqrt(low), math.sqrt(high), se=of_variance / (2 * sd))


def _variance_ends(found: Components, confidence: float) -> tuple[float, float]:
    """Return the ends of the interval of a sum of independent mean squares."""
    down = up = 0.0
    for part, df in found.parts:
        low, high = variance_interval(df, confidence=confidence)
        down += (part * (1 - low)) ** 2
        up += (part * (high - 1)) ** 2
    variance = found.variance
    return max(0.0, variance - math.sqrt(down)), variance + math.sqrt(up)
