"""What can be asked: one row per image, per exam and per woman of a cube."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import xarray as xr

from bactools import metrics
from bactools.conventions import DONE
from bactools.cube import to_table
from bactools.stats.burden import DAYS_PER_YEAR, burden
from bactools.stats.grades import grades
from bactools.stats.inputs import FloatArray
from bactools.stats.stored import OF_EXAM, is_flag, of_exams, stored_form

VIEWS = ("images", "exams", "subjects")
FORMAT = 2
"""Changes when a view does."""

GRADED = "am_mm2"

_ABOUT = {
    "subject": "Pseudonym of the woman.",
    "view": "Laterality and view.",
    "date": "Day of the exam.",
    "exam": "Number of the exam, from 0, by date.",
    "years": "Years since her first exam.",
    "age": "Age at the exam.",
    "n_views": "Views that were measured.",
    "complete": "Whether all views were measured.",
    "grade": f"Grade of {GRADED} summed over the views: none 0, mild to 10, moderate to 25, severe above.",
    "n_exams": "Exams.",
    "n_complete": "Exams of which all views were measured.",
    "first_exam": "Day of her first exam.",
    "last_exam": "Day of her last exam.",
    "follow_up": "Years from her first exam to her last.",
    "first_grade": "Grade at her first complete exam.",
    "weights_note": "What must be said of the weights.",
}
_UNITS = {"years": "year", "follow_up": "year"}
_SUMMED = " Summed over the views{divided}; empty where a view lacks."
_DIVIDED = ", each divided by its breast area"
_OF_IMAGE_ONLY = frozenset({"status", "image_id", "date", "joint_histogram", "exam", "subject", "view"})

Columns = dict[str, tuple[Any, str, str]]
"""Values, meaning and unit by name."""


def view(cube: xr.Dataset, name: str) -> pa.Table:
    """Return a view of a cube.

    Parameters
    ----------
    cube : Dataset
        In either form, with ``status``.
    name : {"images", "exams", "subjects"}
        ``images``: what `bactools.to_table` gives, one row per image, measured or failed. ``exams``: one
        row per exam, every metric added up as `bactools.stats.burden.burden` does by default: summed
        over the views, what is counted in pixels divided by the breast area first, missing where a view
        lacks; age, vendor and scaling as its images agree on. ``subjects``: one row per woman, with each
        metric's first and last such sum, and her own least-squares change per year where she has two.

    Returns
    -------
    Table
        Fields carry their ``meaning`` and ``units``. Covariates are in every view they can be told in.
    """
    stored = stored_form(cube)
    columns = {"images": _images, "exams": _exams, "subjects": _subjects}[name](stored)
    arrays, fields = [], []
    for column, (values, meaning, units) in columns.items():
        array = _arrow(column, values, flag=column in stored and is_flag(stored[column]))
        about = {"meaning": meaning, "units": units}
        fields.append(pa.field(column, array.type, metadata=about))
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def columns_of(tables: Mapping[str, pa.Table]) -> pd.DataFrame:
    """Return the columns of views: view, column, type, units, meaning."""
    rows = [
        {
            "view": name,
            "column": field.name,
            "type": _type_word(field.type),
            "units": (field.metadata or {}).get(b"units", b"").decode(),
            "meaning": (field.metadata or {}).get(b"meaning", b"").decode(),
        }
        for name, table in tables.items()
        for field in table.schema
    ]
    return pd.DataFrame(rows, columns=["view", "column", "type", "units", "meaning"])


def _arrow(name: str, values: Any, *, flag: bool = False) -> pa.Array:
    array = pa.array(values, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if flag:
        return array.cast(pa.bool_())
    if pa.types.is_timestamp(array.type):
        return array.cast(pa.date32(), safe=False) if name != "acquisition_time" else array
    if pa.types.is_null(array.type):
        return array.cast(pa.string())
    if pa.types.is_large_string(array.type):
        array = array.cast(pa.string())
    if pa.types.is_string(array.type):
        # what is not known is missing, so that IS NULL finds it
        array = pc.if_else(pc.equal(array, ""), pa.scalar(None, pa.string()), array)
    few = pa.types.is_string(array.type) and name not in ("subject", "image_id")
    return array.dictionary_encode() if few else array


def _type_word(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind):
        return "text"
    if pa.types.is_boolean(kind):
        return "true or false"
    return "day" if pa.types.is_date(kind) else "time" if pa.types.is_timestamp(kind) else "number"


def _about(stored: xr.Dataset, name: str) -> tuple[str, str]:
    attrs = stored[name].attrs if name in stored.variables else {}
    units = str(attrs.get("units", _UNITS.get(name, "")))
    return _ABOUT.get(name) or str(attrs.get("long_name", "")), "" if units == "1" else units


def _images(stored: xr.Dataset) -> Columns:
    table = to_table(stored)
    return {str(name): (table[name], *_about(stored, str(name))) for name in table.columns}


def _exams(stored: xr.Dataset) -> Columns:
    place = _there(stored)
    days = _days(stored)[place]
    done = _done(stored)[place]
    columns: Columns = {
        "subject": (stored["subject"].values[place[0]], *_about(stored, "subject")),
        "exam": (stored["exam"].values[place[1]], *_about(stored, "exam")),
        "date": (days, *_about(stored, "date")),
        "years": (_since_first(stored)[place], *_about(stored, "years")),
        "n_views": (done, *_about(stored, "n_views")),
        "complete": (done == stored.sizes["view"], *_about(stored, "complete")),
    }
    for name, values in _covariates(stored):
        spread = np.broadcast_to(values, _days(stored).shape)
        columns.setdefault(name, (spread[place], *_about(stored, name)))
    for name, (values, divided) in _burdens(stored).items():
        meaning, units = _about(stored, name)
        told = meaning + _SUMMED.format(divided=_DIVIDED if divided else "")
        columns[name] = (values[place], told, "" if divided else units)
    if GRADED in columns:
        columns["grade"] = (_graded(columns[GRADED][0]), *_about(stored, "grade"))
    return columns


def _subjects(stored: xr.Dataset) -> Columns:
    days = _days(stored)
    seen = ~np.isnat(days)
    rows = np.flatnonzero(seen.any(axis=1))
    days, seen = days[rows], seen[rows]
    years = _since_first(stored)[rows]
    at_first = np.where(seen, years, np.inf).argmin(axis=1)
    at_last = np.where(seen, years, -np.inf).argmax(axis=1)
    each = np.arange(len(rows))
    complete = (_done(stored)[rows] == stored.sizes["view"]) & seen
    columns: Columns = {
        "subject": (stored["subject"].values[rows], *_about(stored, "subject")),
        "n_exams": (seen.sum(axis=1), *_about(stored, "n_exams")),
        "n_complete": (complete.sum(axis=1), *_about(stored, "n_complete")),
        "first_exam": (days[each, at_first], *_about(stored, "first_exam")),
        "last_exam": (days[each, at_last], *_about(stored, "last_exam")),
        "follow_up": (years[each, at_last], *_about(stored, "follow_up")),
    }
    for name, values in _covariates(stored):
        meaning, units = _about(stored, name)
        own = values if values.shape[0] == 1 else values[rows]
        if values.shape[1] == 1:
            columns.setdefault(name, (np.broadcast_to(own[:, 0], len(rows)), meaning, units))
        else:
            spread = np.broadcast_to(own, days.shape)
            columns.setdefault(name, (spread[each, at_first], _at_first(meaning), units))
    for name, (values, divided) in _burdens(stored).items():
        meaning, units = _about(stored, name)
        told = meaning + _SUMMED.format(divided=_DIVIDED if divided else "").partition(";")[0]
        first, last, rate = _history(values[rows], years)
        units = "" if divided else units
        columns[f"{name}_first"] = (first, f"{told}, at her first complete exam.", units)
        columns[f"{name}_last"] = (last, f"{told}, at her last complete exam.", units)
        columns[f"{name}_per_year"] = (rate, f"{told}: her own change per year.", f"{units or '1'}/year")
    if f"{GRADED}_last" in columns:
        columns["first_grade"] = (_graded(columns[f"{GRADED}_first"][0]), *_about(stored, "first_grade"))
        meaning = _ABOUT["grade"].rstrip(".") + "; at her last complete exam."
        columns["grade"] = (_graded(columns[f"{GRADED}_last"][0]), meaning, "")
    return columns


def _at_first(meaning: str) -> str:
    meaning = meaning.replace(" at the exam", "")
    return f"{meaning.rstrip('.')}, at her first exam." if meaning else "At her first exam."


def _days(stored: xr.Dataset) -> np.ndarray:
    return np.asarray(stored["date"].transpose("subject", "exam").values)


def _done(stored: xr.Dataset) -> np.ndarray:
    """Return how many views of each exam were measured."""
    return np.asarray((stored["status"] == DONE).sum("view").transpose("subject", "exam").values)


def _there(stored: xr.Dataset) -> tuple[np.ndarray, ...]:
    """Return the places of exams, women in order and exams by date."""
    return np.nonzero(~np.isnat(_days(stored)))


def _since_first(stored: xr.Dataset) -> FloatArray:
    days = _days(stored)
    known = ~np.isnat(days)
    numbers = np.where(known, days.astype("datetime64[D]").astype(np.int64), np.iinfo(np.int64).max // 2)
    since = (
        numbers - numbers.min(axis=1, initial=np.iinfo(np.int64).max // 2, keepdims=True)
    ) / DAYS_PER_YEAR
    return np.where(known, since, np.nan)


def _covariates(stored: xr.Dataset) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what is known of exams, shape (subject, exam), and of women, (subject, 1)."""
    for known, array in stored.data_vars.items():
        name = str(known)
        if name in OF_EXAM and "view" in array.dims:
            yield name, of_exams(stored, name)
        elif name not in _OF_IMAGE_ONLY and array.dims and set(array.dims) <= {"subject", "exam"}:
            full = array.expand_dims([dim for dim in ("subject", "exam") if dim not in array.dims])
            yield name, full.transpose("subject", "exam").values


def _burdens(stored: xr.Dataset) -> dict[str, tuple[FloatArray, bool]]:
    """Return each metric added up over the views, shape (subject, exam), and whether it was divided."""
    found = {}
    women = pd.Index(stored["subject"].values)
    exams = pd.Index(stored["exam"].values)
    areas = [str(name) for name in stored.data_vars if str(name).startswith("breast_area")]
    for name in metrics.METRICS:
        if name not in stored or set(stored[name].dims) != {"subject", "view", "exam"}:
            continue
        units = str(stored[name].attrs.get("units", "1"))
        if units == "1" and not name.endswith("_norm") and "breast_area" not in stored:
            continue
        # an area divided by itself would tell nothing
        divide = False if name in areas else None
        result = burden(stored[list(dict.fromkeys(["status", name, *areas]))], name, normalise=divide)
        values = np.full(_days(stored).shape, np.nan)
        at = women.get_indexer(result.table["subject"]), exams.get_indexer(result.table["exam"])
        values[at] = result.table["value"]
        found[name] = (values, result.normalised)
    return found


def _history(values: FloatArray, years: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return each woman's first and last value and her least-squares slope."""
    known = ~np.isnan(values)
    each = np.arange(len(values))
    first = values[each, np.where(known, years, np.inf).argmin(axis=1)]
    last = values[each, np.where(known, years, -np.inf).argmax(axis=1)]
    n = np.maximum(known.sum(axis=1, keepdims=True), 1)
    x = np.where(known, years - np.where(known, years, 0).sum(axis=1, keepdims=True) / n, 0)
    y = np.where(known, values - np.where(known, values, 0).sum(axis=1, keepdims=True) / n, 0)
    square = (x**2).sum(axis=1)
    slope = np.divide((x * y).sum(axis=1), square, out=np.full(len(values), np.nan), where=square > 0)
    return first, last, slope


def _graded(values: FloatArray) -> np.ndarray:
    """Return the grade of each value in words; None where there is none."""
    found = np.full(len(values), None, dtype=object)
    known = np.flatnonzero(~np.isnan(values))
    if known.size:
        found[known] = grades(values[known], units="mm2").table["grade"].astype(object).to_numpy()
    return found
