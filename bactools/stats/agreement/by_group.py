"""Agreement by subgroup: bias and limits of each view, vendor or kind of woman, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bactools.stats.agreement.analysis import agreement
from bactools.stats.agreement.result import Agreement
from bactools.stats.inputs import Pairs, Values, choice, vector
from bactools.stats.result import Estimate, Result, StatsError, p_words

_SHOWN = {"bias": "bias", "lower": "lower limit", "upper": "upper limit", "sd": "SD of differences"}


@dataclass(frozen=True, eq=False, repr=False)
class AgreementBy(Result):
    """Bias and limits of agreement of each subgroup.

    Attributes
    ----------
    groups : mapping of str to Agreement
        In the order of their names; one that has too few pairs says so.
    overall : Agreement
        Of all pairs that have a group.
    p : float
        Welch's test that bias is the same in all groups; NaN where it does not apply.
    p_reason : str
        Why there is no such test; empty if there is.
    name : str
        What groups are of.
    n_without : int
        Complete pairs left out because their group is missing.
    reason, note : str
    """

    groups: Mapping[str, Agreement]
    overall: Agreement
    p: float
    p_reason: str
    name: str
    n_without: int
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"{self.overall.title} by {self.name}"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group and a last one of all.

        Columns: group, n, n_subjects, then bias, lower and upper limit with the ends of their intervals,
        and SD; ``reason`` where a group is not estimable.
        """
        rows = []
        for label, found in self._rows().items():
            row: dict[str, Any] = {"group": label, "n": found.n, "n_subjects": found.n_subjects}
            for name in ("bias", "lower", "upper"):
                estimate: Estimate = getattr(found, name)
                row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
            rows.append(row | {"sd": found.sd.value, "reason": found.reason})
        table = pd.DataFrame(rows)
        return table if table["reason"].any() else table.drop(columns="reason")

    def forest(self, *parts: str) -> pd.DataFrame:
        """Return what a forest plot draws: label, estimate, low, high, n and group.

        Parameters
        ----------
        *parts : {"bias", "lower", "upper", "sd"}
            By default the bias; ``group`` tells them apart.

        Raises
        ------
        StatsError
            If a part is none of these.
        """
        parts = parts or ("bias",)
        for part in parts:
            choice(part, tuple(_SHOWN), name="part")
        rows = []
        for label, found in self._rows().items():
            for part in parts:
                estimate: Estimate = getattr(found, part)
                ends = {"estimate": estimate.value, "low": estimate.low, "high": estimate.high}
                rows.append({"label": label, **ends, "n": found.n, "group": _SHOWN[part]})
        return pd.DataFrame(rows)

    def _rows(self) -> dict[str, Agreement]:
        return {**self.groups, "all": self.overall}

    def _words(self) -> str:
        told = []
        for label, found in self.groups.items():
            if found.estimable:
                told.append(
                    f"{label}: bias {found.bias.words()}, limits {found.lower.words()} and"
                    f" {found.upper.words()}, over {found.n} pairs of {found.n_subjects} women."
                )
            else:
                told.append(f"{label}: not estimable, {found.reason}.")
        if not self.p_reason:
            same = "differs between" if self.p < 0.05 else "is not shown to differ between"
            told.append(f"Bias {same} groups ({p_words(self.p)}, Welch's test).")
        elif len(self.groups) > 1:
            told.append(f"There is no test of a difference between groups: {self.p_reason}.")
        if len(self.groups) > 4:
            told.append("With this many groups, some look different by chance alone.")
        if self.n_without:
            told.append(f"{self.n_without} pairs without a {self.name} were left out.")
        return " ".join(told)


def agreement_by(
    a: Values,
    b: Values,
    *,
    group: str | Sequence[Any] | ArrayLike | xr.DataArray,
    subject: Sequence[Any] | ArrayLike | None = None,
    keys: pd.DataFrame | None = None,
    name: str | None = None,
    names: tuple[str, str] | None = None,
    units: str | None = None,
    **options: Any,
) -> AgreementBy:
    """Compute bias and limits of agreement in each subgroup.

    Parameters
    ----------
    a, b, subject, keys, names, units
        As of `bactools.stats.agreement.analysis.agreement`.
    group : str, sequence or DataArray
        What each pair belongs to: a column of `keys`, a coordinate of two DataArrays, or one value per
        pair. Pairs without one are left out and counted.
    name : str, optional
        What groups are of.
    **options
        Passed to `agreement` for every group: repeats, estimator, scale, limits, interval …

    Returns
    -------
    AgreementBy

    Raises
    ------
    StatsError
        If there is no such column or coordinate, lengths differ, or an option does not suit.

    References
    ----------
    Welch BL. Biometrika 1951;38:330-336.
    """
    title = name or (group if isinstance(group, str) else str(getattr(group, "name", None) or "group"))
    if isinstance(a, xr.DataArray) and isinstance(b, xr.DataArray):
        a, b = (side.compute() for side in xr.broadcast(*xr.align(a, b, join="inner")))
    pairs = Pairs.of(a, b, subject=subject, keys=keys, names=names, units=units)
    complete = ~(np.isnan(vector(a, name="a")) | np.isnan(vector(b, name="b")))
    labels = _labels(group, a, keys, complete.size)[complete]
    held = ~pd.isna(labels)
    levels = sorted(set(labels[held]), key=lambda label: (isinstance(label, str), label))
    found = {str(label): _of(pairs, held & (labels == label), options) for label in levels}
    overall = _of(pairs, held, options)
    reason = "no pair has a group" if not found else ""
    tested = found
    if options.get("scale") == "ratio":  # of which only the logarithm has a standard error
        logarithmic = options | {"scale": "log"}
        tested = {str(label): _of(pairs, held & (labels == label), logarithmic) for label in levels}
    p, p_reason = _same_bias(tested, pairs, labels, held)
    return AgreementBy(found, overall, p, p_reason, title, int((~held).sum()), reason=reason)


def _labels(group: Any, a: Values, keys: pd.DataFrame | None, n: int) -> NDArray[np.object_]:
    """Return the group of every pair, complete or not, shape (pair,)."""
    if isinstance(group, str):
        if keys is not None and group in keys:
            group = keys[group]
        elif isinstance(a, xr.DataArray) and group in a.coords:
            group = a.coords[group]
        else:
            raise StatsError(f"group={group!r} is no column of keys and no coordinate of a: name one")
    if isinstance(group, xr.DataArray) and isinstance(a, xr.DataArray):
        unknown = [str(dim) for dim in group.dims if dim not in a.dims]
        if unknown:
            raise StatsError(f"group has a dimension {unknown[0]!r} that a has not")
        # only what the pairs have is asked for
        places = {dim: a[dim] for dim in group.dims if dim in group.indexes and dim in a.indexes}
        group = group.reindex(places).broadcast_like(a).transpose(*a.dims)
    labels = np.asarray(group, dtype=object).ravel()
    if labels.size != n:
        raise StatsError(f"{labels.size} groups for {n} pairs: give one of each")
    return labels


def _of(pairs: Pairs, held: NDArray[np.bool_], options: dict[str, Any]) -> Agreement:
    keys = pairs.keys.loc[held].reset_index(drop=True)
    return agreement(pairs.a[held], pairs.b[held], keys=keys, names=pairs.names, units=pairs.units, **options)


def _same_bias(
    groups: Mapping[str, Agreement], pairs: Pairs, labels: NDArray[np.object_], held: NDArray[np.bool_]
) -> tuple[float, str]:
    """Return Welch's p of bias being the same in all groups, or why there is none."""
    usable = [found for found in groups.values() if found.estimable]
    if len(usable) < 2:
        return math.nan, "fewer than two groups are estimable"
    if any(found.limits == "nonparametric" for found in usable):
        return math.nan, "medians have no standard error here"
    if any(found.n_subjects < found.n and not found.nested for found in usable):
        return math.nan, "pooled pairs of one woman are not independent"
    if pairs.subject is not None:
        per_woman = pd.Series(labels[held]).groupby(pairs.subject[held]).nunique()
        if (per_woman > 1).any():
            return math.nan, f"{int((per_woman > 1).sum())} women are in more than one group"
    bias = np.array([found.bias.value for found in usable])
    weight = np.array([1 / found.bias.se**2 for found in usable])
    df = np.array([found.n_subjects - 1.0 for found in usable])
    k, share = len(usable), weight / weight.sum()
    lack = float(((1 - share) ** 2 / df).sum())
    apart = float(weight @ (bias - share @ bias) ** 2) / (k - 1)
    statistic = apart / (1 + 2 * (k - 2) / (k**2 - 1) * lack)
    return float(stats.f.sf(statistic, k - 1, (k**2 - 1) / (3 * lack))), ""
