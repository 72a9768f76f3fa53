"""Cohorts by name: chosen by a query, saved inside the study with its counts, never changed again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from bactools.query import Limits, Tables, ask
from bactools.study.files import write_atomic
from bactools.study.members import NamedCohortError, named_exams

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TEXTS = ("sql", "cube", "made", "checksum", "bactools")
_COUNTS = ("n_subjects", "n_exams", "n_images")
_LIMITS = Limits(rows=20_000_000, seconds=300.0)
_PATIENCE = 30.0


@dataclass(frozen=True)
class NamedCohort:
    """Women and exams that a query chose, as they were then.

    Attributes
    ----------
    name : str
    version : int
        From 1; another query or another cube under the same name makes the next.
    sql : str
    cube : str
        SHA-256 of the cube that was asked.
    made : str
        When, ISO 8601 in UTC.
    n_subjects, n_exams, n_images : int
        Women, exams, and measured images.
    checksum : str
        SHA-256 of its members.
    bactools : str
        The version it was made by.
    folder : Path
        Where it lies.
    """

    name: str
    version: int
    sql: str
    cube: str
    made: str
    n_subjects: int
    n_exams: int
    n_images: int
    checksum: str
    bactools: str
    folder: Path

    @cached_property
    def members(self) -> pd.DataFrame:
        """One row per exam: ``subject`` and ``date``.

        Raises
        ------
        NamedCohortError
            If the file was changed or is gone.
        """
        try:
            found = pd.read_parquet(_file(self.folder, self.version, "parquet"), columns=["subject", "date"])
        except (OSError, ValueError) as error:
            raise NamedCohortError(f"the members of cohort {self.name} cannot be read") from error
        if _checksum(found) != self.checksum:
            raise NamedCohortError(f"the members of cohort {self.name} are not those that were saved")
        return found

    @property
    def cite(self) -> str:
        """What a paper should say of it."""
        return (
            f"Cohort {self.name}, version {self.version}: {self.n_subjects} women, {self.n_exams} exams, "
            f"{self.n_images} images; chosen {self.made[:10]} with bactools {self.bactools} from cube "
            f"{self.cube[:12]} by: {' '.join(self.sql.split())}"
        )

    def __str__(self) -> str:
        return self.cite


def save_cohort(folder: Path, sql: str, name: str) -> NamedCohort:
    """Choose a cohort and save it.

    Parameters
    ----------
    folder : Path
        The study.
    sql : str
        With a column ``subject``, and ``exam`` or ``date`` if it chooses exams.
    name : str
        Letters, digits, underscore and hyphen.

    Returns
    -------
    NamedCohort
        The latest version, if it is of the same query, cube and members; otherwise a new one.

    Raises
    ------
    NamedCohortError
        If the name cannot be used, or the rows do not name women and exams of the study.
    """
    place = _place(folder, name)
    tables = Tables.of(folder)
    found = ask(tables, sql, limits=_LIMITS)
    if found.capped:
        raise NamedCohortError(f"a cohort of more than {_LIMITS.rows:,} rows cannot be saved")
    exams = tables.read(["exams"])["exams"].select(["subject", "exam", "date", "n_views"])
    chosen = _chosen(found.table, exams.to_pandas(date_as_object=False))
    members = chosen[["subject", "date"]].reset_index(drop=True)
    said = {
        "sql": sql, "cube": found.version, "n_subjects": int(members["subject"].nunique()),
        "n_exams": len(members), "n_images": int(chosen["n_views"].sum()), "checksum": _checksum(members),
    }  # fmt: skip
    place.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(place / ".lock", timeout=_PATIENCE):
            before = _versions(place)
            if before:
                latest = _read(place, before[-1])
                if all(getattr(latest, key) == value for key, value in said.items()):
                    return latest
            number = before[-1] + 1 if before else 1
            made = datetime.now(UTC).isoformat(timespec="seconds")
            said |= {"name": name, "version": number, "made": made, "bactools": version_of("bactools")}
            write_atomic(_file(place, number, "parquet"), members.to_parquet(index=False))
            # a version is there when this file is
            write_atomic(_file(place, number, "json"), (json.dumps(said, indent=2) + "\n").encode())
    except Timeout as error:
        raise NamedCohortError(f"cohort {name} is being saved by somebody else: try again") from error
    return _read(place, number)


def open_cohort(folder: Path, name: str, version: int | None = None) -> NamedCohort:
    """Return a saved cohort, the latest version by default.

    Raises
    ------
    NamedCohortError
        If there is none.
    """
    place = _place(folder, name)
    known = _versions(place)
    if not known:
        names = sorted({str(row) for row in list_cohorts(folder)["name"]})
        raise NamedCohortError(f"there is no cohort {name!r}: saved are {', '.join(names) or 'none yet'}")
    if version is not None and version not in known:
        raise NamedCohortError(f"cohort {name} has the versions {', '.join(map(str, known))}")
    return _read(place, known[-1] if version is None else version)


def list_cohorts(folder: Path) -> pd.DataFrame:
    """Return one row per saved cohort and version, in order of name."""
    keys = ["name", "version", "n_subjects", "n_exams", "n_images", "made", "cube", "sql"]
    found = [_read(place, number) for place in _places(folder) for number in _versions(place)]
    return pd.DataFrame([{key: getattr(cohort, key) for key in keys} for cohort in found], columns=keys)


def saved_cohorts(folder: Path) -> list[NamedCohort]:
    """Return the saved cohorts that can be read, in order of name, the latest version of each first."""
    found = []
    for place in _places(folder):
        for number in reversed(_versions(place)):
            with suppress(NamedCohortError):
                found.append(_read(place, number))
    return found


def _places(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "cohorts").glob("*") if _NAME.fullmatch(path.name))


def _place(folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise NamedCohortError(
            f"a cohort cannot be called {name[:64]!r}: letters, digits, underscore and hyphen only"
        )
    return folder / "cohorts" / name


def _file(place: Path, number: int, suffix: str) -> Path:
    return place / f"{number:04d}.{suffix}"


def _versions(place: Path) -> list[int]:
    return sorted(int(path.stem) for path in place.glob("*.json") if path.stem.isdecimal())


def _read(place: Path, number: int) -> NamedCohort:
    try:
        said: Mapping[str, Any] = json.loads(_file(place, number, "json").read_text(encoding="utf-8"))
        told: dict[str, Any] = {key: str(said[key]) for key in _TEXTS}
        told |= {key: int(said[key]) for key in _COUNTS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NamedCohortError(f"cohort {place.name}, version {number}, cannot be read") from error
    return NamedCohort(name=place.name, version=number, folder=place, **told)


def _chosen(rows: pd.DataFrame, exams: pd.DataFrame) -> pd.DataFrame:
    """Return the exams that a query's rows name, in order of woman and date."""
    women = pd.Index(exams["subject"].unique())
    own = women.get_indexer(exams["subject"])
    exam, date = exams["exam"].to_numpy(), exams["date"].to_numpy()
    return exams[named_exams(rows, women=women, own=own, exam=exam, date=date)]


def _checksum(members: pd.DataFrame) -> str:
    days = members["date"].to_numpy().astype("datetime64[D]").astype(str)
    lines = "\n".join(f"{subject},{day}" for subject, day in zip(members["subject"], days, strict=True))
    return sha256(lines.encode()).hexdigest()
