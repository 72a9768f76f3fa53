"""A folder of mammograms becomes a table: one row per file, eligible or excluded with a reason."""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from bactools.card import card
from bactools.dicom.eligibility import REASONS
from bactools.dicom.listing import CsvPath, Subjects, read_files_csv, read_subjects_csv, walk
from bactools.dicom.picture import DEFAULT_PATTERN, name_regex
from bactools.dicom.privacy import PrivatePath, Pseudonymiser, load_key
from bactools.dicom.resolve import resolve
from bactools.dicom.scan import Listed, Options, Record, scan_many

_INLINE = 256  # fewer files are not worth starting processes for
_CHUNK = 64
_MAX_PROCESSES = 8

_COPIED = (
    *("view", "laterality", "reason", "detail", "kind", "manufacturer", "rows", "columns", "bits_stored"),
    *("photometric", "transfer_syntax", "spacing_detector_mm", "magnification", "spacing_corrected_mm"),
    *("acquisition_time", "age", "synthesized", "for_processing", "implant_displaced"),
)
COLUMNS: tuple[str, ...] = (
    *("image_id", "subject", "date", "view", "laterality", "eligible", "reason", "detail", "flags", "kind"),
    *("manufacturer", "rows", "columns", "bits_stored", "photometric", "transfer_syntax"),
    *("spacing_detector_mm", "magnification", "spacing_corrected_mm", "acquisition_time", "age"),
    *("synthesized", "for_processing", "implant_displaced", "fingerprint"),
)
"""Columns of `Index.table`; spacings in mm, age in years, flags joined by ``;``."""


@dataclass(frozen=True, eq=False)
class Index:
    """What is in a folder.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per file, `COLUMNS`; pseudonyms only, no paths.
    paths : dict of str to PrivatePath
        Where each image is, by ``image_id``. Private.
    linkage : pandas.DataFrame
        Private: image_id, subject, path (absolute), patient_id, date (original),
        shift_days. Keep it apart with `bactools.dicom.privacy.write_linkage`.
    naming : dict
        ``key`` (a check of the pseudonym key) and ``shift_dates``: two indices may only be joined when
        both are the same.
    """

    table: pd.DataFrame
    paths: dict[str, PrivatePath] = field(repr=False)
    linkage: pd.DataFrame = field(repr=False)
    naming: dict[str, str | int] = field(repr=False)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"<Index: {self._counts()}>"

    @property
    def eligible(self) -> pd.DataFrame:
        """The rows that are measured."""
        return self.table[self.table["eligible"]]

    def summary(self) -> str:
        """Return the counts, then a line for each reason: how many, and what to do."""
        return "\n".join([self._counts(), *(f"  {n} {code}: {told}" for code, n, told in self._reasons())])

    def _counts(self) -> str:
        good = int(self.table["eligible"].sum())
        files = "file" if len(self) == 1 else "files"
        return f"{len(self)} {files}: {good} eligible, {len(self) - good} excluded"

    def _reasons(self) -> Iterator[tuple[str, int, str]]:
        counts = Counter(self.table.loc[~self.table["eligible"], "reason"])
        for code, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
            yield str(code), count, REASONS[str(code)]

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(code)}</td><td>{count}</td><td>{html.escape(told)}</td></tr>"
            for code, count, told in self._reasons()
        )
        head = "<tr><th>excluded</th><th>files</th><th>what to do</th></tr>"
        good = self.eligible
        return card(
            f"Index of {self._counts()}",
            facts={"women": f"{good['subject'].nunique():,}"} if len(good) else {},
            table=f"<table>{head}{rows}</table>" if rows else "",
            following={
                "index.eligible": "what is measured",
                "index.table": "one row per file, with the reason of each exclusion",
                'bactools.run(FOLDER, "STUDY")': "measures them",
            },
        )


def index_folder(
    folder: str | os.PathLike[str],
    *,
    key: bytes | str | os.PathLike[str] | None = None,
    subjects_csv: CsvPath | None = None,
    files_csv: CsvPath | None = None,
    name_pattern: str = DEFAULT_PATTERN,
    shift_dates: int = 0,
    for_processing: str = "twin",
    synthesized: str = "exclude",
    processes: int | None = None,
    progress: bool = False,
) -> Index:
    """Look at every file in a folder, headers only.

    Parameters
    ----------
    folder : path
        Searched with its subfolders; links are followed, hidden folders are not entered.
    key : bytes or path, optional
        Secret of the pseudonyms, or its file; by default the user's own, see `load_key`.
    subjects_csv : path, optional
        Given names of subjects: columns subject, and file or patient_id. Others get a pseudonym.
    files_csv : path, optional
        Columns file, subject, view, date: only these files are looked at, and what is said here
        counts more than header or name.
    name_pattern : str
        Regular expression with groups subject, view, date for names of PNG and TIFF pictures. The
        subject in a picture's name is taken for a pseudonym and shown.
    shift_dates : int
        Move all dates of a subject by the same 1 to this many days, earlier or later; 0: not at all.
    for_processing : {"twin", "keep"}
        Raw images: left out (``twin``), or measured when they have no presentation twin (``keep``).
    synthesized : {"exclude", "keep"}
        Images computed from tomosynthesis.
    processes : int, optional
        Worker processes; by default as many as there are processors (at most 8), and none below 256
        files. The result is the same.
    progress : bool
        Show a progress bar on the error stream.

    Returns
    -------
    Index
        One row per file, in order of path.

    Raises
    ------
    ValueError
        If the folder, an option or a CSV cannot be used; never because of what a file holds.

    Notes
    -----
    One image UID in several files: equal woman, view and day keep the first; anything else excludes
    all. Two different images of one woman, view and day both stay; the study picks one.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ValueError("not a folder: name the folder that holds the images")
    _choice("for_processing", for_processing, ("twin", "keep"))
    _choice("synthesized", synthesized, ("exclude", "keep"))
    name_regex(name_pattern)
    subjects = read_subjects_csv(subjects_csv) if subjects_csv is not None else Subjects()
    files: list[tuple[str, Listed | None]] = (
        [(name, None) for name in walk(root)] if files_csv is None else []
    )
    if files_csv is not None:
        files = read_files_csv(files_csv)
    names = Pseudonymiser(key if isinstance(key, bytes) else load_key(key))
    names.date_shift("", shift_dates)
    options = Options(name_pattern, synthesized, dt.date.today())
    records = [
        _with_subject(record, subjects, names)
        for record in _scan_all(root, files, options, processes=processes, progress=progress)
    ]
    return _assemble(resolve(records, root, for_processing=for_processing), root, names, shift_dates)


def _choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name}={value!r}: choose one of {', '.join(choices)}")


def _with_subject(record: Record, subjects: Subjects, names: Pseudonymiser) -> Record:
    subject = subjects.name(record)
    if not subject and record.patient:
        subject = names.subject(record.patient, record.issuer)
    settled = subject and record.reason == "missing_subject"  # the last rule, so nothing else objects
    return dataclasses.replace(record, subject=subject, reason="" if settled else record.reason)


def _scan_all(
    root: Path,
    files: list[tuple[str, Listed | None]],
    options: Options,
    *,
    processes: int | None,
    progress: bool,
) -> Iterable[Record]:
    chunks = [files[start : start + _CHUNK] for start in range(0, len(files), _CHUNK)]
    workers = processes if processes is not None else min(_processors(), _MAX_PROCESSES)
    done: list[Record] = []
    with tqdm(total=len(files), unit="file", disable=None if progress else True) as bar:
        if workers > 1 and (processes is not None or len(files) >= _INLINE):
            try:
                for part in _in_processes(root, chunks, options, workers):
                    done += part
                    bar.update(len(part))
            except (BrokenProcessPool, OSError):
                pass  # processes cannot be started here: go on without
        for chunk in chunks[len(done) // _CHUNK :] if len(done) < len(files) else []:
            done += scan_many(root, chunk, options)
            bar.update(len(chunk))
    return done


def _in_processes(
    root: Path, chunks: list[list[tuple[str, Listed | None]]], options: Options, workers: int
) -> Iterator[list[Record]]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context)
    try:
        waiting = [pool.submit(scan_many, root, chunk, options) for chunk in chunks]
        for future in waiting:
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _assemble(records: list[Record], root: Path, names: Pseudonymiser, shift_dates: int) -> Index:
    ids = _image_ids(records, names)
    shifts = [names.date_shift(record.subject, shift_dates) for record in records]
    days = pd.Series([np.datetime64(record.day, "s") for record in records], dtype="datetime64[s]")
    columns = {name: [getattr(record, name) for record in records] for name in _COPIED}
    table = pd.DataFrame(
        {
            **columns,
            "image_id": ids,
            "subject": [record.subject for record in records],
            "date": days
            + pd.Series([np.timedelta64(shift, "D") for shift in shifts], dtype="timedelta64[s]"),
            "eligible": np.array([not record.reason for record in records], dtype=bool),
            "flags": [";".join(record.flags) for record in records],
            "fingerprint": [
                names.fingerprint(record.checksum) if record.checksum else "" for record in records
            ],
        },
        columns=list(COLUMNS),
    )
    linkage = pd.DataFrame(
        {
            "image_id": ids,
            "subject": [record.subject for record in records],
            "path": [str((root / record.relative).absolute()) for record in records],
            "patient_id": [record.patient for record in records],
            "date": days,
            "shift_days": shifts,
        }
    )
    paths = {image: PrivatePath(root / record.relative) for image, record in zip(ids, records, strict=True)}
    return Index(table, paths, linkage, {"key": names.check, "shift_dates": shift_dates})


def _image_ids(records: list[Record], names: Pseudonymiser) -> list[str]:
    """Name images after their UID; only one file may use it, the others are named after their path."""
    owner: dict[str, int] = {}
    for number, record in sorted(enumerate(records), key=lambda pair: (bool(pair[1].reason), pair[0])):
        if record.uid and record.reason != "duplicate_conflict":
            owner.setdefault(record.uid, number)
    return [
        names.image_id(f"uid:{record.uid}" if owner.get(record.uid) == number else f"path:{record.relative}")
        for number, record in enumerate(records)
    ]
