"""Grades of burden: none, mild, moderate, severe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from bactools.stats.burden import Burden
from bactools.stats.grades.grading import Scheme, cut_offs, graded, probabilities, share_rows
from bactools.stats.grades.result import ErrorKind, Grades
from bactools.stats.inputs import FloatArray, Pairs, Values, between, choice, vector
from bactools.stats.reliability import MeasurementError
from bactools.stats.reliability.sums import PLAIN, by_woman, intervals_by_woman
from bactools.stats.result import Estimate, StatsError

__all__ = ["LABELS", "Grades", "grades"]

LABELS = ("none", "mild", "moderate", "severe")


def grades(
    values: Values | Burden,
    *,
    cuts: Sequence[float] | None = None,
    labels: Sequence[str] = LABELS,
    scheme: Scheme = "mm2",
    error: float | MeasurementError | None = None,
    error_kind: ErrorKind = "sd",
    reference: Values | None = None,
    subject: Sequence[Any] | ArrayLike | None = None,
    keys: pd.DataFrame | None = None,
    name: str | None = None,
    units: str | None = None,
    confidence: float = 0.95,
) -> Grades:
    """Grade burdens, with the probability of each grade given the measurement error.

    Parameters
    ----------
    values : array, Series, DataArray or Burden
        Burdens of 0 or more; NaN is left out and counted. A DataArray brings its keys and unit, a
        `Burden` its table.
    cuts : sequence of float, optional
        Increasing cut-offs; grade k lies above cut-off k - 1, up to and including cut-off k. By default
        0, 10, 25 [mm²]; with "quantile" shares, by default 0, 1/3, 2/3.
    labels : sequence of str
        One more than cut-offs, from the lowest.
    scheme : {"mm2", "cuts", "quantile"}
        ``mm2``: values must be in mm² (an array without a unit is taken to be). ``cuts``: cut-offs in
        the unit of the values. ``quantile``: cut-offs are quantiles of the values; if the first is 0,
        those of the values above 0, and 0 is a grade of its own.
    error : float or MeasurementError, optional
        Of one value: its SD [unit of the values], or its coefficient of variation.
    error_kind : {"sd", "cv"}
        Whether the error is the same for all values or in proportion to them.
    reference : array, optional
        Values of which quantiles are taken, such as those at baseline; by default `values`.
    subject : sequence, optional
        The woman of each value; by default as the values tell, else one value per woman.
    keys : DataFrame, optional
        What is known of each value, so that a point leads to its image.
    name, units : str, optional
    confidence : float

    Returns
    -------
    Grades
        Shares have Wilson intervals; where women repeat, with the effective number of values. The
        true value is taken as normal about the measured one, truncated at 0; a measured 0 as 0.
        Not estimable without a value, or if quantiles coincide.

    Raises
    ------
    StatsError
        If a value is negative, values are not in mm² but cut-offs are, or cut-offs, labels or error
        are malformed.

    References
    ----------
    Wilson EB. J Am Stat Assoc 1927;22:209-212. Korn EL, Graubard BI. Surv Methodol 1998;24:193-201.
    """
    choice(scheme, get_args(Scheme), name="scheme")
    choice(error_kind, get_args(ErrorKind), name="error_kind")
    between(confidence, 0, 1, name="confidence")
    pairs, name, units, note = _values(values, subject, keys, name, units)
    units = _checked_units(scheme, units, name)
    sample = pairs.a if reference is None else vector(np.asarray(reference), name="reference")
    limits, reason = cut_offs(cuts, scheme, sample)
    kinds = _checked_labels(labels, len(limits))
    if not len(pairs):
        reason = "there is no value"
    size, why = _error(error, error_kind, units)
    common: dict[str, Any] = {
        "labels": kinds, "cuts": tuple(limits), "scheme": scheme, "error": size, "error_kind": error_kind,
        "name": name, "units": units, "n": len(pairs), "n_subjects": pairs.n_subjects,
        "n_dropped": pairs.n_dropped, "confidence": confidence, "note": note,
    }  # fmt: skip
    if reason:
        table, missing = pairs.keys.assign(value=pairs.a), Estimate.missing(reason)
        return Grades(table, pd.DataFrame(), missing, None, **common, reason=reason)
    codes = graded(pairs.a, limits)
    kind = pd.Categorical([kinds[code] for code in codes], categories=list(kinds), ordered=True)
    table = pairs.keys.assign(value=pairs.a, grade=kind)
    woman = np.arange(len(pairs)) if pairs.subject is None else pairs.subject
    given = np.eye(len(kinds))[codes]
    chances, misclassified, confusion = None, Estimate.missing(why), None
    if not why:
        sd = size * pairs.a if error_kind == "cv" else np.full(len(pairs), size)
        chances = probabilities(pairs.a, sd, limits)
        table = table.assign(**{f"p_{label}": chances[:, at] for at, label in enumerate(kinds)})
        confusion = pd.DataFrame(given.T @ chances, index=list(kinds), columns=list(kinds))
        wrong = 1 - chances[np.arange(len(pairs)), codes]
        misclassified = _mean_by_woman(wrong, woman, confidence)
    shares = share_rows(given, woman, chances, limits, kinds, confidence)
    return Grades(table, shares, misclassified, confusion, **common)


def _values(
    values: Values | Burden, subject: Any, keys: pd.DataFrame | None, name: str | None, units: str | None
) -> tuple[Pairs, str, str, str]:
    """Return the values with their keys, their name and unit, and what must be said of them."""
    note = ""
    if isinstance(values, Burden):
        keys = values.table.drop(columns="value") if keys is None else keys
        name, units, note = name or values.name, values.units if units is None else units, values.note
        values = values.table["value"]
    elif isinstance(values, xr.DataArray):
        values = values.compute()
        units = values.attrs.get("units") if units is None else units
    called = name or str(getattr(values, "name", None) or "burden")
    # a value paired with itself: known, with its keys, or missing
    pairs = Pairs.of(values, values, subject=subject, keys=keys, units=units)
    negative = np.flatnonzero(pairs.a < 0)
    if negative.size:
        first = pairs.keys.iloc[int(negative[0])]
        where = ", ".join(str(first[key])[:64] for key in ("image_id", "subject", "view") if key in first)
        raise StatsError(
            f"{negative.size} values of {called} are negative{f' (the first: {where})' if where else ''}: a"
            " burden is 0 or more"
        )
    return pairs, called, units or "", note


def _checked_units(scheme: Scheme, units: str, name: str) -> str:
    if scheme != "mm2":
        return units
    if units not in ("", "mm2"):
        raise StatsError(
            f"{name} is in {'pixels or a share' if units == '1' else units}, the cut-offs are in mm²: grade a"
            " metric in mm² (tam_100_mm2, am_mm2; of a burden with normalise=False), or use scheme='cuts'"
            " with cut-offs in its own unit, or scheme='quantile'"
        )
    return "mm2"


def _checked_labels(labels: Sequence[str], n: int) -> tuple[str, ...]:
    kinds = tuple(str(label) for label in labels)
    if len(kinds) != n + 1:
        raise StatsError(f"{len(kinds)} labels for {n} cut-offs: give {n + 1}, from the lowest grade")
    if len(set(kinds)) < len(kinds) or "" in kinds:
        raise StatsError(f"labels={kinds}: give every grade a name of its own")
    return kinds


def _error(error: float | MeasurementError | None, kind: ErrorKind, units: str) -> tuple[float, str]:
    """Return the size of the error, or why there is none."""
    if error is None:
        return math.nan, "no measurement error was given"
    if not isinstance(error, MeasurementError):
        return between(float(error), 0, math.inf, name="error"), ""
    if kind == "sd" and error.units and units and error.units != units:
        raise StatsError(f"the error is in {error.units}, the values in {units}: measure both in one unit")
    found = error.within_sd if kind == "sd" else error.cv
    return found.value, found.reason


def _mean_by_woman(values: FloatArray, woman: Any, confidence: float) -> Estimate:
    """Return a mean share with an interval that allows for women with several values."""
    mean = float(values.mean())
    if int(woman.max()) < 2:
        return Estimate(mean)
    sums = by_woman(np.stack([values, np.ones(values.size)], axis=1), woman)
    scale = replace(PLAIN, low=0.0, high=1.0)
    ends = intervals_by_woman(
        sums, lambda totals: totals[:, :1] / totals[:, 1:], [scale], confidence=confidence
    )
    return Estimate(mean, *ends[0])
