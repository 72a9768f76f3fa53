"""Comparison of groups of different images or women, pair by pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bactools.stats.comparison.multiplicity import ADJUSTMENTS, Adjustment
from bactools.stats.comparison.multiplicity import adjust as adjusted
from bactools.stats.comparison.result import Comparison, Difference
from bactools.stats.inputs import FloatArray, Values, between, choice, vector
from bactools.stats.lines import t_estimate
from bactools.stats.result import Estimate, StatsError

GroupTest = Literal["pooled", "student", "welch", "tukey"]
"""Tests of two groups; see `compare_groups`."""

Groups = dict[str, FloatArray]


def compare_groups(
    values: Values,
    group: Sequence[Any] | ArrayLike,
    *,
    subject: Sequence[Any] | ArrayLike | None = None,
    repeats: Literal["refuse", "pooled"] = "refuse",
    test: GroupTest = "pooled",
    adjust: Adjustment = "holm",
    name: str = "value",
    units: str = "",
    confidence: float = 0.95,
) -> Comparison:
    """Compare the means of groups, every pair of groups.

    Parameters
    ----------
    values : array, Series or DataArray
        One per woman; NaN is left out and counted.
    group : sequence
        The group of each value. Groups are ordered as a Categorical is, else sorted.
    subject : sequence, optional
        The woman of each value.
    repeats : {"refuse", "pooled"}
        What to do when a woman has several values: refuse, or take them as independent.
    test : {"pooled", "student", "welch", "tukey"}
        ``pooled``: t test with the standard deviation of all groups together. ``student``: of the two
        groups. ``welch``: unequal variances. ``tukey``: the honest significant difference, whose intervals
        and p-values allow for all pairs at once; `adjust` is then not used.
    adjust : {"holm", "hochberg", "hommel", "bonferroni", "bh", "by", "none"}
        Of the p-values; intervals are not adjusted.
    name, units : str
        What the value is.
    confidence : float

    Returns
    -------
    Comparison
        The effect size is Hedges' g with the pooled SD of the two groups. A pair with fewer than two values
        in a group, or without spread, is not estimable.

    Raises
    ------
    StatsError
        If a woman repeats and `repeats` is "refuse", lengths differ, or an option is unknown.

    References
    ----------
    Tukey JW. Biometrics 1949;5:99-114. Welch BL. Biometrika 1947;34:28-35.
    """
    choice(test, get_args(GroupTest), name="test")
    choice(adjust, ADJUSTMENTS, name="adjust")
    choice(repeats, ("refuse", "pooled"), name="repeats")
    between(confidence, 0, 1, name="confidence")
    flat = vector(values, name="values")
    points = pd.DataFrame({"value": flat})
    typed = isinstance(group, pd.Categorical | pd.Series)
    labels: Any = group if typed else np.asarray(group, dtype=object).ravel()
    if len(labels) != flat.size:
        raise StatsError(f"{len(labels)} groups for {flat.size} values: give one of each")
    points["group"] = pd.Categorical(labels)
    if subject is not None:
        points["subject"] = np.asarray(subject, dtype=object).ravel()
    unknown = int(points.isna().any(axis=1).sum())
    points = points.dropna().reset_index(drop=True)
    repeated = "subject" in points and bool(points["subject"].duplicated().any())
    if repeated and repeats == "refuse":
        raise StatsError(
            f"{len(points)} values come from {points['subject'].nunique()} women, and values of one woman are"
            " alike: take one per woman (bactools.stats.burden) or, knowing this, repeats='pooled'"
        )
    groups: Groups = {
        str(key): part.to_numpy() for key, part in points.groupby("group", observed=True)["value"]
    }
    if len(groups) < 2:
        raise StatsError(f"{len(groups)} groups with values: give two or more")
    found = _tukey(groups, confidence) if test == "tukey" else _pairs(groups, test, confidence)
    p = adjusted([d.difference.p for d in found], method="none" if test == "tukey" else adjust)
    differences = tuple(replace(d, p_adjusted=float(at)) for d, at in zip(found, p, strict=True))
    estimable = any(d.difference.estimable for d in differences)
    return Comparison(
        differences,
        _scores(groups, points),
        points,
        tuple(groups),
        test,
        "tukey" if test == "tukey" else adjust,
        "g_s",
        "pooled" if repeated else "",
        confidence,
        name=name,
        units=units,
        reason="" if estimable else found[0].difference.reason,
        note=f"{unknown} values without number, group or woman are left out" if unknown else "",
    )


def _scores(groups: Groups, points: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {
            "method": label,
            "mean": part.mean(),
            "sd": part.std(ddof=1) if part.size > 1 else np.nan,
            "median": np.median(part),
            "n": part.size,
            "n_subjects": points.loc[points["group"].astype(str) == label, "subject"].nunique()
            if "subject" in points
            else part.size,
            "n_missing": 0,
        }
        for label, part in groups.items()
    ]
    return pd.DataFrame(rows)


def _pairs(groups: Groups, test: GroupTest, confidence: float) -> list[Difference]:
    df = sum(part.size - 1 for part in groups.values())
    square = sum(float(((part - part.mean()) ** 2).sum()) for part in groups.values())
    found = []
    for a, b in combinations(groups, 2):
        x, y = groups[a], groups[b]
        reason = _obstacle(a, b, x, y, together=test == "pooled", df=df, square=square)
        if reason:
            found.append(_nothing(a, b, x, y, reason))
            continue
        if test == "pooled":
            se = math.sqrt(square / df * (1 / x.size + 1 / y.size))
            difference = t_estimate(float(x.mean() - y.mean()), se, df, confidence=confidence)
        else:
            tested = stats.ttest_ind(x, y, equal_var=test == "student")
            low, high = tested.confidence_interval(confidence)
            value = float(x.mean() - y.mean())
            se = value / float(tested.statistic) if value else float("nan")
            difference = Estimate(value, float(low), float(high), se=se, p=float(tested.pvalue))
        found.append(_difference(a, b, x, y, difference, confidence))
    return found


def _tukey(groups: Groups, confidence: float) -> list[Difference]:
    names, parts = list(groups), list(groups.values())
    short = [name for name, part in groups.items() if part.size < 2]
    spread = sum(float(np.ptp(part)) for part in parts)
    if short or spread == 0:
        reason = f"group {short[0]} has one value only" if short else "no group has any spread"
        return [_nothing(a, b, groups[a], groups[b], reason) for a, b in combinations(names, 2)]
    tested = stats.tukey_hsd(*parts)
    ends = tested.confidence_interval(confidence)
    return [
        _difference(
            names[i],
            names[j],
            parts[i],
            parts[j],
            Estimate(
                float(tested.statistic[i, j]),
                float(ends.low[i, j]),
                float(ends.high[i, j]),
                p=float(tested.pvalue[i, j]),
            ),
            confidence,
        )
        for i, j in combinations(range(len(names)), 2)
    ]


def _difference(
    a: str, b: str, x: FloatArray, y: FloatArray, difference: Estimate, confidence: float
) -> Difference:
    return Difference(a, b, difference, _hedges(x, y, confidence), math.nan, x.size + y.size, x.size + y.size)


def _nothing(a: str, b: str, x: FloatArray, y: FloatArray, reason: str) -> Difference:
    missing = Estimate.missing(reason)
    return Difference(a, b, missing, missing, math.nan, x.size + y.size, x.size + y.size)


def _hedges(x: FloatArray, y: FloatArray, confidence: float) -> Estimate:
    df = x.size + y.size - 2
    square = float(((x - x.mean()) ** 2).sum() + ((y - y.mean()) ** 2).sum())
    if df < 1 or square == 0:
        return Estimate.missing("no spread to divide by")
    value = float(x.mean() - y.mean()) / math.sqrt(square / df) * (1 - 3 / (4 * df - 1))
    from pingouin import compute_esci

    low, high = compute_esci(value, x.size, y.size, confidence=confidence, decimals=12)
    return Estimate(value, float(low), float(high))


def _obstacle(a: str, b: str, x: FloatArray, y: FloatArray, *, together: bool, df: int, square: float) -> str:
    if together:
        return "" if df > 0 and square > 0 else "no group has any spread"
    short = [name for name, part in ((a, x), (b, y)) if part.size < 2]
    if short:
        return f"group {short[0]} has one value only"
    return "" if np.ptp(x) > 0 or np.ptp(y) > 0 else f"neither {a} nor {b} has any spread"
