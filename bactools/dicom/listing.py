"""Which files are looked at: a walk over the folder, or a CSV; and who they belong to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from bactools.conventions import VIEWS, is_subject
from bactools.dicom.facts import parse_date
from bactools.dicom.scan import Listed, Record

CsvPath = str | os.PathLike[str]


@dataclass(frozen=True, repr=False)
class Subjects:
    """Given names of subjects, by file or by patient ID."""

    by_file: dict[str, str] = field(default_factory=dict)
    by_patient: dict[str, str] = field(default_factory=dict)

    def name(self, record: Record) -> str:
        """Return the given name of a record's subject, ``""`` when it has none."""
        for table, key in (
            (self.by_file, record.relative),
            (self.by_patient, record.patient),
            (self.by_patient, record.raw_patient),
        ):
            if key in table:
                return table[key]
        return record.subject


def walk(folder: Path) -> list[str]:
    """Return every file under `folder`, relative to it, sorted.

    Links to folders are followed, each folder once, so a loop ends. Hidden folders are not entered.
    """
    found: list[str] = []
    seen = {_identity(folder)}
    for root, folders, files in os.walk(folder, followlinks=True):
        here = Path(root)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        kept = []
        for name in folders:
            identity = _identity(here / name)
            if identity not in seen:
                seen.add(identity)
                kept.append(name)
        folders[:] = kept
        found += [(here / name).relative_to(folder).as_posix() for name in files]
    return sorted(found)


def _identity(folder: Path) -> tuple[int, int] | str:
    try:
        status = folder.stat()
    except OSError:
        return str(folder)
    return (status.st_dev, status.st_ino)


def read_files_csv(path: CsvPath) -> list[tuple[str, Listed | None]]:
    """Read a files CSV: columns file, subject, view, date; an empty cell leaves it to the header or name.

    Returns
    -------
    list of (str, Listed)
        File relative to the folder, and what is said about it; sorted by file.

    Raises
    ------
    ValueError
        If a column is missing or a row cannot be used; the row is named by number, not by content.
    """
    table = _read_csv(path, "files CSV", ("file", "subject", "view", "date"))
    listed: dict[str, Listed] = {}
    for row, file, subject, view, date in zip(
        range(2, len(table) + 2), table["file"], table["subject"], table["view"], table["date"], strict=True
    ):
        _check_subject(subject, row, "files CSV", optional=True)
        if view and view.upper() not in VIEWS:
            raise ValueError(f"files CSV row {row}: view must be one of {', '.join(VIEWS)}")
        day = parse_date(date)
        if date and day is None:
            raise ValueError(f"files CSV row {row}: date must be like 2014-05-02 or 20140502")
        name = _relative(file, row, "files CSV")
        if name in listed:
            raise ValueError(f"files CSV row {row}: the file is listed twice")
        listed[name] = Listed(subject, view.upper(), day)
    return sorted(listed.items(), key=lambda pair: pair[0])


def read_subjects_csv(path: CsvPath) -> Subjects:
    """Read a subjects CSV: column subject, and one of file (relative to the folder) or patient_id.

    Raises
    ------
    ValueError
        If columns are missing, a subject is not allowed, or a file or patient has two subjects; the
        row is named by number, not by content.
    """
    table = _read_csv(path, "subjects CSV", ("subject",))
    keys = [name for name in ("file", "patient_id") if name in table]
    if len(keys) != 1:
        raise ValueError("subjects CSV needs a column subject and one of: file, patient_id")
    names: dict[str, str] = {}
    for row, subject, key in zip(range(2, len(table) + 2), table["subject"], table[keys[0]], strict=True):
        _check_subject(subject, row, "subjects CSV")
        key = _relative(key, row, "subjects CSV") if keys[0] == "file" else key
        if not key:
            raise ValueError(f"subjects CSV row {row}: {keys[0]} is empty")
        if names.setdefault(key, subject) != subject:
            raise ValueError(f"subjects CSV row {row}: the same {keys[0]} already has another subject")
    return Subjects(by_file=names) if keys[0] == "file" else Subjects(by_patient=names)


def _read_csv(path: CsvPath, what: str, needed: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False)
    except Exception as error:
        raise ValueError(
            f"{what} cannot be read ({type(error).__name__}): save it as UTF-8 with commas"
        ) from None
    missing = [name for name in needed if name not in table]
    if missing:
        raise ValueError(f"{what} has no column {missing[0]}; needed: {', '.join(needed)}")
    return table.map(str.strip)


def _check_subject(subject: str, row: int, what: str, *, optional: bool = False) -> None:
    if not is_subject(subject) and not (optional and not subject):
        raise ValueError(
            f"{what} row {row}: a subject is 1 to 64 letters, digits, dots, underscores or hyphens"
        )


def _relative(file: str, row: int, what: str) -> str:
    path = PurePosixPath(file.replace("\\", "/"))
    if not file or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise ValueError(f"{what} row {row}: file must be a path inside the folder, without '..'")
    return path.as_posix()
