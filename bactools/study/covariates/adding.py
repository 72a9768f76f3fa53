"""From a file to covariates in a study: read, named, checked, matched, kept, and put into the cube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from filelock import Timeout

from bactools.cube import open_stored, write_cube
from bactools.study.covariates.checking import checked
from bactools.study.covariates.choosing import chosen
from bactools.study.covariates.dictionary import Column
from bactools.study.covariates.errors import CovariatesError
from bactools.study.covariates.kept import KEPT, Kept, in_force, keep, sum_of, with_covariates
from bactools.study.covariates.matching import column_of, merged, numbers_of, per_exam, per_woman
from bactools.study.covariates.naming import shift_of, variable_name
from bactools.study.covariates.reading import read_source
from bactools.study.covariates.report import COLUMNS, CovariatesReport
from bactools.study.covariates.rows import Asked, Rows


def add(
    folder: Path, source: Path | str | pd.DataFrame, asked: Asked, *, lock: AbstractContextManager[Any]
) -> CovariatesReport:
    """Add covariates to a study, see `bactools.study.Study.add_covariates`."""
    if asked.window_days < 0:
        raise CovariatesError("the window is 0 or more days")
    at_most, key = shift_of(folder)
    if asked.names is not None and key and asked.names.check != key:
        raise CovariatesError("this study's pseudonyms were made with another key")
    held = read_source(source)
    cube = _cube(folder)
    rows = Rows.of(held, asked, folder, cube, at_most=at_most)
    columns, left_out, texts = chosen(rows, held, asked)
    values, problems = checked(texts, columns)
    table, covariates, known_out, repeated = _table(rows, values, columns, asked)
    left_out |= known_out
    told = tuple(each.told() for each in covariates)
    window = asked.window_days if any(each.per == "exam" for each in covariates) else None
    before = in_force(folder)
    names = [each.name for each in covariates]
    there = {name: before[name] for name in names if name in before}
    held_so = {
        name
        for name, (kept, known) in there.items()
        if sum_of(kept.table, known, kept.window_days) == sum_of(table, told[names.index(name)], window)
    }
    same = len(held_so) == len(names)
    version = max((kept.number for kept, _ in there.values()), default=0) if same else 0
    if not same and not asked.replace:
        _refuse_replacing([name for name in names if name in cube and name not in held_so])
    done = same and all(
        name in cube and cube[name].attrs.get(KEPT) == there[name][0].number for name in names
    )
    if covariates and not done and not asked.dry_run:
        try:
            with lock:
                if not same:
                    kept = keep(folder, table, told, window_days=window, source=held.sha256)
                    version = kept.number
                write_cube(with_covariates(_cube(folder), folder), folder / "cube.zarr")
        except Timeout:
            raise CovariatesError("another run is writing to this study: wait for it to end") from None
    return CovariatesReport(
        version=version,
        added=bool(covariates) and not done and not asked.dry_run,
        dry_run=asked.dry_run,
        columns=_about(cube, table, covariates, window),
        left_out=left_out,
        problems=tuple(problems),
        n_rows=len(held.table),
        n_women=int(rows.subjects[rows.in_cube].nunique()),
        without_subject=rows.nobody,
        without_exams=rows.strangers,
        repeated=repeated,
        without_date=rows.undated,
        without_row=tuple(sorted(set(map(str, cube["subject"].values)) - set(rows.subjects))),
        window_days=window,
    )


def _cube(folder: Path) -> xr.Dataset:
    try:
        cube = open_stored(folder)
        # read now: the cube is about to be written anew
        return cube.assign_coords(date=cube["date"].compute())
    except FileNotFoundError:
        raise CovariatesError("this study has no finished run yet: bactools run FOLDER --out STUDY") from None


def _refuse_replacing(names: list[str]) -> None:
    if names:
        raise CovariatesError(
            f"the study holds {', '.join(names[:5])} already, otherwise: replace them (--replace), or choose"
            " other columns (--only)"
        )


def _table(
    rows: Rows, values: pd.DataFrame, columns: list[Column], asked: Asked
) -> tuple[pd.DataFrame, list[Kept], dict[str, str], tuple[int, ...]]:
    """Return what is kept, and what is known of it."""
    constant = {column_of(name, list(map(str, rows.table.columns))) for name in asked.constant}
    left_out = {each.name: "no possible value is left" for each in columns if values[each.name].isna().all()}
    covariates: list[Kept] = []
    for column in sorted(columns, key=lambda column: (column.name.lower(), column.name)):
        if column.name not in left_out:
            dated = rows.dates is not None and bool(values.loc[rows.dates.notna(), column.name].notna().any())
            woman = not dated or column.per_woman or column.name in constant
            covariates.append(Kept(variable_name(column.name), column, "woman" if woman else "exam"))
    values = values.rename(columns={each.column.name: each.name for each in covariates})
    own = [each.name for each in covariates if each.per == "woman"]
    dated_names = [each.name for each in covariates if each.per == "exam"]
    keys = pd.DataFrame({"subject": rows.subjects.astype(object)})
    parts = []
    if own:
        parts.append(merged(values[own], keys))
    if rows.dates is not None:
        keys["date"] = rows.dates
        has = rows.dates.notna()
        if dated_names:
            parts.append(merged(values.loc[has, dated_names], keys[has]))
    repeated = numbers_of(keys.duplicated() & (keys["date"].notna() if "date" in keys else True))
    kept = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"subject": []}, dtype=object)
    if "date" in keys and "date" not in kept:
        kept["date"] = pd.Series(pd.NaT, index=kept.index, dtype="datetime64[s]")
    if "date" in kept:
        kept["date"] = kept["date"].astype("datetime64[s]")
    order = [*(["subject", "date"] if "date" in kept else ["subject"]), *own, *dated_names]
    return kept[order], covariates, left_out, repeated


def _about(
    cube: xr.Dataset, table: pd.DataFrame, covariates: Sequence[Kept], window: int | None
) -> pd.DataFrame:
    """Return one row per covariate: what it is, and how many women or exams have it."""
    rows: list[Mapping[str, Any]] = []
    women = cube["subject"].values
    n_exams = int(cube["date"].notnull().sum())
    for each in covariates:
        distance = np.nan
        if each.per == "exam":
            _, apart = per_exam(cube, table, each.name, window_days=window or 0)
            known = len(apart)
            distance = float(np.median(apart)) if known else np.nan
        else:
            own = table[table["date"].isna()] if "date" in table else table
            found = per_woman(women, own, each.name)
            known = int((~np.isnan(found)).sum() if found.dtype.kind == "f" else (found != "").sum())
        rows.append(
            {
                "name": each.name, "column": each.column.name, "type": each.column.kind,
                "units": each.column.units, "per": each.per, "known": known,
                "of": n_exams if each.per == "exam" else len(women), "median_days": distance,
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))
