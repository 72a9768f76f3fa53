"""A woman's burden at an exam: images added up by a stated rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from bactools.stats.inputs import choice
from bactools.stats.result import Result, StatsError, number
from bactools.stats.stored import OF_EXAM, of_exams, stored_form

Per = Literal["woman", "breast", "view"]
Combine = Literal["sum", "mean"]
Incomplete = Literal["leave out", "scale", "as is"]

DAYS_PER_YEAR = 365.25
_KEPT_APART = frozenset({"date", "years", "value", "n_views", "breast", "view", "exam", "subject"})


@dataclass(frozen=True, eq=False, repr=False)
class Burden(Result):
    """One number per woman (breast, view) and exam.

    Attributes
    ----------
    table : DataFrame
        One row per unit and exam, in order of subject, unit and date: ``subject``, ``breast`` (L, R) or
        ``view`` if asked for, ``date``, ``exam``, ``years`` since her first exam in the table, ``value``,
        ``n_views`` that went in, then age, vendor and scaling of the exam's images and the
        covariates of the cube.
    metric : str
    per : {"woman", "breast", "view"}
    combine : {"sum", "mean"}
    normalised : bool
        Whether each image's value was divided by its breast area.
    incomplete : {"leave out", "scale", "as is"}
        What was done with exams that lack a view.
    n_needed : int
        Views of a complete exam (of a breast, of a view).
    n_incomplete, n_left_out : int
        Exams (of a woman, breast or view) that lack a view, and those left out for it or for having none.
    units : str
    reason, note : str
    """

    table: pd.DataFrame
    metric: str
    per: Per
    combine: Combine
    normalised: bool
    incomplete: Incomplete
    n_needed: int
    n_incomplete: int
    n_left_out: int
    units: str
    reason: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        """What is measured, as a label: ``tam_100 / breast area, sum of 4 views``."""
        divided = " / breast area" if self.normalised else ""
        views = f", {self.combine} of {self.n_needed} views" if self.n_needed > 1 else ""
        return f"{self.metric}{divided}{views}"

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"Burden per {self.per} and exam: {self.name}"

    @property
    def n_subjects(self) -> int:
        """Women."""
        return int(self.table["subject"].nunique())

    def baseline(self) -> pd.DataFrame:
        """Return the first exam of each woman (breast, view): one row each."""
        unit = [name for name in ("subject", "breast", "view") if name in self.table]
        return self.table.drop_duplicates(unit).reset_index(drop=True)

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table

    def _words(self) -> str:
        values = self.table["value"]
        none = int((self.table.groupby("subject")["value"].max() == 0).sum())
        unit = f" {self.units}" if self.units not in ("", "1") else ""
        what = {"woman": "exams", "breast": "exams of a breast", "view": "exams in a view"}[self.per]
        told = (
            f"{len(self.table)} {what} from {self.n_subjects} women: {self.name}. The median is"
            f" {number(float(values.median()))}{unit}, the largest {number(float(values.max()))}{unit};"
            f" {none} women have none at any exam."
        )
        if self.n_incomplete:
            how = {
                "leave out": "left out",
                "scale": "scaled up to all of them",
                "as is": "added up as they are, which understates them",
            }
            told += f" {self.n_incomplete} {what} lack a view and were {how[self.incomplete]}."
        return told


def burden(
    cube: xr.Dataset,
    metric: str = "tam_100",
    *,
    per: Per = "woman",
    combine: Combine = "sum",
    normalise: bool | None = None,
    incomplete: Incomplete = "leave out",
) -> Burden:
    """Add up the images of each exam.

    Parameters
    ----------
    cube : Dataset
        In either form, with ``status``, the metric and, to normalise, the breast area.
    metric : str
        A variable per image.
    per : {"woman", "breast", "view"}
        What a row is.
    combine : {"sum", "mean"}
        Of the views of a woman or breast.
    normalise : bool, optional
        Divide each image's value by its breast area, in the metric's own unit of area: a breast lies
        and is magnified differently every year. By default whatever is counted in pixels is divided,
        and what is in mm² or divided already (``…_norm``) is not.
    incomplete : {"leave out", "scale", "as is"}
        Exams that lack one of the cube's views: left out, scaled by wanted / present (of a sum), or
        taken as they are.

    Returns
    -------
    Burden
        By default the paper's final measure: TAM_100 / breast area, summed over four views. Not
        estimable without a single exam.

    Raises
    ------
    StatsError
        If an option is unknown, or the cube lacks the metric, the breast area or ``status``.

    References
    ----------
    Guo X, et al. Med Phys 2021;48:5851-5861, section II.C.
    """
    choice(per, get_args(Per), name="per")
    choice(combine, get_args(Combine), name="combine")
    choice(incomplete, get_args(Incomplete), name="incomplete")
    stored = _stored(cube, metric)
    divide = _divides(stored[metric], normalise)
    values = stored[metric].transpose("subject", "exam", "view")
    if divide:
        area = stored[_area(stored, metric)].transpose("subject", "exam", "view")
        values = values / area.where(area > 0)
    parts, needed, n_incomplete, n_seen = [], 1, 0, 0
    for unit, at in _units(stored, per):
        needed = max(needed, len(at))
        images = np.asarray(values.isel(view=at).values, dtype=np.float64)
        present = (~np.isnan(images)).sum(axis=2)
        seen = ~np.isnat(stored["date"].transpose("subject", "exam").values)
        kept = (present == len(at)) if incomplete == "leave out" else (present > 0)
        n_seen += int(seen.sum())
        n_incomplete += int((seen & (present < len(at))).sum())
        total = np.nansum(images, axis=2)
        if combine == "mean" or incomplete == "scale":
            total = total / np.maximum(present, 1) * (1 if combine == "mean" else len(at))
        parts.append(_rows(stored, kept, total, present, unit))
    table = _ordered(pd.concat(parts, ignore_index=True))
    return Burden(
        table, metric, per, combine, divide, incomplete, needed, n_incomplete, n_seen - len(table),
        units="1" if divide else str(stored[metric].attrs.get("units", "1")),
        reason="" if len(table) else _nothing(n_seen, needed, metric),
        note=str(cube.attrs.get("weights_note", "")),
    )  # fmt: skip


def _stored(cube: xr.Dataset, metric: str) -> xr.Dataset:
    """Return the cube on exams with all its dimensions; refuse one that lacks what is needed."""
    for name in ("status", metric):
        if name not in cube:
            known = ", ".join(str(name) for name, a in cube.data_vars.items() if "view" in a.dims)
            raise StatsError(f"the cube has no {name!r}: its variables per image are {known}")
    stored = stored_form(cube, per_image=[metric])
    if set(stored[metric].dims) != {"subject", "view", "exam"}:
        raise StatsError(f"{metric!r} is not a number per image: choose a metric on (subject, view, exam)")
    return stored


def _divides(array: xr.DataArray, normalise: bool | None) -> bool:
    done = str(array.name).endswith("_norm")
    if normalise and done:
        raise StatsError(f"{array.name!r} is divided by the breast area already: use normalise=False")
    in_pixels = str(array.attrs.get("units", "1")) == "1" and not done
    return in_pixels if normalise is None else normalise


def _area(stored: xr.Dataset, metric: str) -> str:
    """Return the breast area in the metric's own unit."""
    in_mm2 = str(stored[metric].attrs.get("units", "1")) == "mm2"
    corrected = "_corrected" if metric.endswith("_corrected") else ""
    name = f"breast_area_mm2{corrected}" if in_mm2 else "breast_area"
    if name not in stored:
        raise StatsError(f"the cube has no {name!r} to divide {metric!r} by: use normalise=False")
    return name


def _units(stored: xr.Dataset, per: Per) -> Iterator[tuple[dict[str, str], list[int]]]:
    """Yield the label of each unit and the positions of its views."""
    views = [str(view) for view in stored["view"].values]
    if per == "woman":
        yield {}, list(range(len(views)))
    for side in "LR" if per == "breast" else "":
        at = [number for number, view in enumerate(views) if view.startswith(side)]
        if at:
            yield {"breast": side}, at
    for at_view, view in enumerate(views if per == "view" else []):
        yield {"view": view}, [at_view]


def _rows(
    stored: xr.Dataset, kept: np.ndarray, total: np.ndarray, present: np.ndarray, unit: dict[str, str]
) -> pd.DataFrame:
    """Return one row per exam kept, with the covariates of the cube."""
    subject, exam = np.nonzero(kept)
    columns: dict[str, object] = {"subject": stored["subject"].values[subject], **unit}
    columns |= {
        "date": stored["date"].transpose("subject", "exam").values[subject, exam],
        "exam": stored["exam"].values[exam],
        "value": total[subject, exam],
        "n_views": present[subject, exam],
    }
    for name in OF_EXAM:
        if name in stored and "view" in stored[name].dims:
            columns[name] = of_exams(stored, name)[subject, exam]
    at = {"subject": subject, "exam": exam}
    for known, array in stored.data_vars.items():
        name = str(known)
        if name not in _KEPT_APART and array.dims and set(array.dims) <= set(at):
            columns[name] = array.values[tuple(at[str(dim)] for dim in array.dims)]
    return pd.DataFrame(columns)


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Sort, and count years from each woman's first exam in the table."""
    units = [name for name in ("subject", "breast", "view") if name in table]
    table = table.sort_values([*units, "date"], kind="stable", ignore_index=True)
    first = table.groupby("subject")["date"].transform("min")
    table.insert(len(units) + 2, "years", (table["date"] - first).dt.days / DAYS_PER_YEAR)
    return table


def _nothing(n_seen: int, needed: int, metric: str) -> str:
    if not n_seen:
        return "the cube holds no exam"
    return (
        f"none of {n_seen} exams has a {metric} in all {needed} views: use incomplete='scale' or 'as is',"
        " or look at why images failed"
    )
