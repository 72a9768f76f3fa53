"""Covariates inside the study: versions that are never changed again, and their way into the cube."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bactools.study.covariates.dictionary import Column
from bactools.study.covariates.errors import CovariatesError
from bactools.study.covariates.matching import per_exam, per_woman
from bactools.study.files import write_atomic

FOLDER = "covariates"
KEPT = "covariates_version"
"""The attribute by which a cube, and a variable of it, tells of which version it is."""


@dataclass(frozen=True)
class Kept:
    """A covariate as it is kept.

    Attributes
    ----------
    name : str
        In the cube.
    column : Column
        As in the file, with its type.
    per : str
        ``woman`` or ``exam``.
    """

    name: str
    column: Column
    per: str

    def told(self) -> dict[str, Any]:
        """Return it as JSON keeps it."""
        known = self.column
        return {
            "name": self.name, "column": known.name, "type": known.kind, "units": known.units,
            "description": known.description, "low": known.low, "high": known.high,
            "choices": dict(known.choices), "per": self.per,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Version:
    """Covariates that were added together.

    Attributes
    ----------
    number : int
        From 1; of the same name the latest counts.
    covariates : tuple of dict
        What is known of each: name, column, type, units, description, low, high, choices, per.
    window_days : int or None
        Of values per exam.
    source : str
        SHA-256 of the file they came from.
    added : str
        The day, ISO 8601 in UTC.
    checksum : str
        Of table, covariates and window.
    path : Path
        Of the table.
    """

    number: int
    covariates: tuple[Mapping[str, Any], ...]
    window_days: int | None
    source: str
    added: str
    checksum: str
    path: Path

    @cached_property
    def table(self) -> pd.DataFrame:
        """``subject``, ``date`` (missing for what is of the woman) and the covariates.

        Raises
        ------
        CovariatesError
            If the file was changed or is gone.
        """
        try:
            content = self.path.read_bytes()
            found = pd.read_parquet(io.BytesIO(content))
        except (OSError, ValueError) as error:
            raise CovariatesError(f"version {self.number} of the covariates cannot be read") from error
        if checksum(found, self.covariates, self.window_days) != self.checksum:
            raise CovariatesError(f"version {self.number} of the covariates is not what was saved")
        return found


def versions(folder: Path) -> list[Version]:
    """Return the versions of a study's covariates, the first one first.

    Raises
    ------
    CovariatesError
        If one cannot be read.
    """
    found = []
    for path in sorted((folder / FOLDER).glob("*.json")):
        if path.stem.isdecimal():
            try:
                said = json.loads(path.read_text(encoding="utf-8"))
                found.append(
                    Version(
                        int(path.stem), tuple(said["covariates"]), said["window_days"], str(said["source"]),
                        str(said["added"]), str(said["checksum"]), path.with_suffix(".parquet"),
                    )
                )  # fmt: skip
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise CovariatesError(f"version {path.stem} of the covariates cannot be read") from error
    return found


def in_force(folder: Path) -> dict[str, tuple[Version, Mapping[str, Any]]]:
    """Return the version that counts and what is known, of each covariate by name."""
    return {str(told["name"]): (version, told) for version in versions(folder) for told in version.covariates}


def keep(
    folder: Path,
    table: pd.DataFrame,
    covariates: tuple[Mapping[str, Any], ...],
    *,
    window_days: int | None,
    source: str,
) -> Version:
    """Write a new version; it is there when its JSON file is."""
    before = versions(folder)
    number = before[-1].number + 1 if before else 1
    path = folder / FOLDER / f"{number:04d}.parquet"
    found = Version(
        number, covariates, window_days, source, datetime.now(UTC).date().isoformat(),
        checksum(table, covariates, window_days), path,
    )  # fmt: skip
    said = {
        "covariates": list(covariates), "window_days": window_days, "source": source, "added": found.added,
        "checksum": found.checksum, "bactools": version_of("bactools"),
    }  # fmt: skip
    write_atomic(path, table.to_parquet(index=False))
    text = json.dumps(said, indent=2, ensure_ascii=False) + "\n"
    write_atomic(path.with_suffix(".json"), text.encode("utf-8", "replace"))
    return found


def checksum(table: pd.DataFrame, covariates: tuple[Mapping[str, Any], ...], window_days: int | None) -> str:
    """Return the SHA-256 of what is kept, whatever file or order it came in."""
    total = sha256(json.dumps([list(covariates), window_days], sort_keys=True).encode())
    for name in sorted(map(str, table.columns)):
        column = table[name]
        if column.dtype.kind == "f":
            content = column.to_numpy(dtype="<f8").tobytes()
        elif column.dtype.kind == "M":
            content = column.to_numpy().astype("datetime64[D]").astype("<i8").tobytes()
        else:
            texts = [None if value is None or value != value else str(value) for value in column]
            content = json.dumps(texts).encode()
        total.update(f"\n{name}\n{len(content)}\n".encode() + content)
    return total.hexdigest()


def sum_of(table: pd.DataFrame, told: Mapping[str, Any], window_days: int | None) -> str:
    """Return the SHA-256 of one covariate, whatever it was added with."""
    name, dated = str(told["name"]), told["per"] == "exam"
    known = table.loc[table[name].notna(), [*(["subject", "date"] if dated else ["subject"]), name]]
    return checksum(known, (told,), window_days if dated else None)


def with_covariates(cube: xr.Dataset, folder: Path) -> xr.Dataset:
    """Put a study's covariates into its cube.

    Parameters
    ----------
    cube : Dataset
        In the stored form.
    folder : Path
        The study.

    Returns
    -------
    Dataset
        With a variable per woman, or per woman and exam, for each covariate; what is measured is never
        replaced.

    Raises
    ------
    CovariatesError
        If what was kept cannot be read.
    """
    added: dict[str, xr.Variable] = {}
    newest = 0
    for name, (version, told) in in_force(folder).items():
        newest = max(newest, version.number)
        if name not in cube or "view" not in cube[name].dims:
            added[name] = _variable(cube, version, told)
    if not added:
        return cube
    left = cube.drop_vars([name for name in added if name in cube])
    return left.assign(added).assign_attrs({KEPT: newest})


def _variable(cube: xr.Dataset, version: Version, told: Mapping[str, Any]) -> xr.Variable:
    name = str(told["name"])
    attrs: dict[str, Any] = {
        "units": told["units"] or "1",
        "long_name": told["description"] or told["column"],
        "source": f"column {told['column']!r} of a file, SHA-256 {version.source}",
        "added": version.added,
        KEPT: version.number,
    }
    if told["type"] == "yes/no":
        attrs |= {"flag_values": [0, 1], "flag_meanings": "no yes"}
    elif told["choices"]:
        attrs["choices"] = " | ".join(dict.fromkeys(map(str, told["choices"].values())))
    table = version.table
    if told["per"] == "exam":
        window = int(version.window_days or 0)
        values, _ = per_exam(cube, table, name, window_days=window)
        return xr.Variable(("subject", "exam"), values, {**attrs, "window_days": window})
    own = table[table["date"].isna()] if "date" in table else table
    values = per_woman(cube["subject"].values, own, name)
    if told["type"] == "yes/no" and not np.isnan(values).any():
        values = values.astype(bool)
    return xr.Variable(("subject",), values, attrs)
