"""Each woman's own rate first, then their mean: an analysis in two stages."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bactools.stats.agreement.limits import variance_interval
from bactools.stats.inputs import FloatArray
from bactools.stats.lines import t_estimate
from bactools.stats.result import Estimate
from bactools.stats.trajectories.histories import Histories


@dataclass(frozen=True, eq=False)
class OwnRates:
    """Means of the women's own least-squares rates.

    Attributes
    ----------
    parts : dict
        Fields of a `Trajectories`.
    reason : str
        Why there are none.
    """

    parts: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


def own_rates(seen: Histories, *, confidence: float) -> OwnRates:
    """Average the women's own rates; groups are compared by Welch's t.

    Parameters
    ----------
    seen : Histories
        At least two women with two exams at different times, in every group.
    confidence : float

    Returns
    -------
    OwnRates

    References
    ----------
    Matthews JNS et al. BMJ 1990;300:230-235.
    """
    units = seen.per_unit
    known = units[units["years"] > 0]
    told = {"rate": "mean", "level": "mean"} | ({"group": "first"} if seen.levels else {})
    women = known.groupby("subject", sort=False).agg(told)
    rates = women["rate"].to_numpy(dtype=np.float64)
    if np.ptp(rates) == 0:
        return OwnRates(
            reason=f"all {len(rates)} women have the same rate, so there is no spread to judge by"
        )
    residual, error = own_error(seen.table, units, confidence=confidence)
    by_group = {level: rates[(women["group"] == level).to_numpy()] for level in seen.levels}
    differences = {
        f"{level} - {seen.levels[0]}": _welch(by_group[level], by_group[seen.levels[0]], confidence)
        for level in seen.levels[1:]
    }
    extra = rates.var(ddof=1) - error * float((1 / known["spread"]).mean())
    spread = (
        Estimate.missing("no woman has three exams to tell measurement error by")
        if math.isnan(error)
        else Estimate(math.sqrt(max(extra, 0.0)))
    )
    levels = women["level"].to_numpy(dtype=np.float64)
    return OwnRates(
        {
            "rate": _mean(rates, confidence),
            "intercept": _mean(levels, confidence),
            "rates": {level: _mean(held, confidence) for level, held in by_group.items()},
            "differences": differences,
            "residual_sd": residual,
            "rate_sd": spread,
        }
    )


def _mean(values: FloatArray, confidence: float) -> Estimate:
    se = float(values.std(ddof=1)) / math.sqrt(values.size)
    return t_estimate(float(values.mean()), se, values.size - 1, confidence=confidence)


def _welch(a: FloatArray, b: FloatArray, confidence: float) -> Estimate:
    parts = [float(values.var(ddof=1)) / values.size for values in (a, b)]
    if sum(parts) == 0:
        return Estimate.missing("rates do not differ within groups, so there is no spread to judge by")
    df = sum(parts) ** 2 / sum(p**2 / (v.size - 1) for p, v in zip(parts, (a, b), strict=True))
    return t_estimate(float(a.mean() - b.mean()), math.sqrt(sum(parts)), df, confidence=confidence)


def own_error(
    points: pd.DataFrame, units: pd.DataFrame, *, confidence: float, varying: bool = False
) -> tuple[Estimate, float]:
    """Return the SD of exams about the units' own lines with its chi-squared interval, and the variance.

    Parameters
    ----------
    points : DataFrame
        One row per exam: ``unit``, ``years``, ``value``.
    units : DataFrame
        One row per unit, in order: own ``rate`` and ``level``.
    confidence : float
    varying : bool
        Only units of which the value ever changes: a woman with 0 at every exam shows no error.

    Returns
    -------
    sd : Estimate
    variance : float
        NaN where the first is not estimable.
    """
    known = units["rate"].notna()
    if varying:
        values = points.groupby("unit")["value"]
        known &= values.max() > values.min()
    table = points[points["unit"].isin(units.index[known])]
    df = len(table) - 2 * int(known.sum())
    if df <= 0:
        return Estimate.missing("no woman has more than two exams"), math.nan
    unit = table["unit"].to_numpy()
    line = units["level"].to_numpy()[unit] + units["rate"].to_numpy()[unit] * table["years"].to_numpy()
    variance = float(((table["value"].to_numpy() - line) ** 2).sum()) / df
    low, high = (math.sqrt(factor) for factor in variance_interval(df, confidence=confidence))
    sd = math.sqrt(variance)
    return Estimate(sd, sd * low, sd * high, se=sd / math.sqrt(2 * df)), variance
