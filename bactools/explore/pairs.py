"""Pairs of measurements, subgroup by subgroup."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, cast

import pandas as pd
import xarray as xr

from bactools.explore.controls import controls
from bactools.stats.agreement import agreement_by
from bactools.stats.agreement.by_group import AgreementBy
from bactools.stats.joining import Against, Joined, joined
from bactools.stats.method_comparison import deming, passing_bablok, theil_sen
from bactools.stats.method_comparison.result import MethodComparison
from bactools.stats.regression import regression
from bactools.stats.regression.result import Regression

LINES: dict[str, Callable[..., MethodComparison]] = {
    "deming": deming,
    "passing-bablok": passing_bablok,
    "theil-sen": theil_sen,
}
"""Lines that allow for errors in both, or that outliers do not move."""

_Model = Literal["cluster", "ols", "mixed"]
MODELS = ("cluster", "ols", "mixed")

_MOST_GROUPS = 8


def groupings(cube: xr.Dataset) -> list[str]:
    """Return by what subgroups can be made: covariates with few values, and the view."""
    held = [
        each.name for each in controls(cube) if each.kind == "choice" and len(each.choices) <= _MOST_GROUPS
    ]
    return ["view", *(name for name in held if name != "view")]


def agreement_of_groups(
    cube: xr.Dataset, metric: str, against: Against, *, group: str, **options: Any
) -> AgreementBy:
    """Return bias and limits of agreement of each subgroup.

    Parameters
    ----------
    cube : Dataset
    metric : str
    against : Dataset or str
        See `bactools.stats.joining.joined`.
    group : str
        One of `groupings`.
    **options
        See `bactools.stats.agreement.agreement`.
    """
    both = _pairs(cube, metric, against, group)
    labels = list(_labels(both, group))
    found = agreement_by(
        both.a, both.b, group=labels, name=group, **both.options(), **({"repeats": "varying"} | options)
    )
    return replace(found, note=both.note)


def lines_of_groups(
    cube: xr.Dataset, metric: str, against: Against, *, group: str, fit: str
) -> dict[str, Regression | MethodComparison]:
    """Return the line of each subgroup.

    Parameters
    ----------
    cube, metric, against, group
        As of `agreement_of_groups`; the other measurement is on the x axis.
    fit : str
        One of `MODELS` or `LINES`.
    """
    both = _pairs(cube, metric, against, group)
    labels = _labels(both, group)
    found: dict[str, Regression | MethodComparison] = {}
    for label in sorted(set(labels.dropna())):
        here = (labels == label).to_numpy()
        some = both.turned() | {"keys": both.keys[here].reset_index(drop=True)}
        x, y = (side[here].reset_index(drop=True) for side in (both.b, both.a))
        line: Regression | MethodComparison
        line = LINES[fit](x, y, **some) if fit in LINES else regression(x, y, model=cast(_Model, fit), **some)
        found[label] = replace(line, note=both.note)
    return found


def slopes(lines: dict[str, Regression | MethodComparison]) -> pd.DataFrame:
    """Return one row per subgroup: label, n, slope as estimate, low and high, R² where there is one."""
    rows = []
    for label, line in lines.items():
        slope = line.slope
        row = {"label": label, "estimate": slope.value, "low": slope.low, "high": slope.high, "n": line.n}
        if isinstance(line, Regression):
            row["r2"] = line.r2.value
        rows.append(row | {"reason": line.reason})
    return pd.DataFrame(rows, columns=None if rows else ["label", "estimate", "low", "high", "n", "reason"])


def _pairs(cube: xr.Dataset, metric: str, against: Against, group: str) -> Joined:
    return joined(cube, metric, against, covariates=[] if group == "view" else [group])


def _labels(both: Joined, group: str) -> pd.Series:
    """Return the subgroup of each pair as text; None where it is not known."""
    values = both.keys["view"] if group == "view" else both.covariates[group]
    if values.dtype.kind == "b":
        return values.map({False: "no", True: "yes"}).astype(object)
    return values.astype(object).where(values.notna() & (values.astype(str) != ""), None)
