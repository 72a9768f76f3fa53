"""Rules that need more than one file: copies of an image, and raw images with a presentation twin."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from pathlib import Path

from bactools.dicom.scan import Record


def resolve(records: list[Record], folder: Path, *, for_processing: str = "twin") -> list[Record]:
    """Exclude copies and raw twins among the records that are eligible on their own.

    Parameters
    ----------
    records : list of Record
        In order of their files, subjects set.
    folder : pathlib.Path
        The folder, to compare copies byte by byte.
    for_processing : {"twin", "keep"}
        ``keep`` lets a raw image without presentation twin through.

    Returns
    -------
    list of Record
        In the same order.
    """
    changed = list(records)
    _exclude_copies(changed, folder)
    _exclude_raw(changed, keep=for_processing == "keep")
    return changed


def _exclude_copies(records: list[Record], folder: Path) -> None:
    groups: dict[str, list[int]] = defaultdict(list)
    for number, record in enumerate(records):
        if not record.reason and record.uid:
            groups[record.uid].append(number)
    for numbers in (group for group in groups.values() if len(group) > 1):
        if len({records[number].identity for number in numbers}) > 1:
            for number in numbers:
                records[number] = dataclasses.replace(records[number], reason="duplicate_conflict")
            continue
        # The first in order of path stays; a file that ends early only when there is no better one.
        kept, *copies = sorted(numbers, key=lambda number: ("truncated" in records[number].flags, number))
        if len({_content(folder / records[number].relative) for number in numbers}) > 1:
            flags = (*records[kept].flags, "duplicate_bytes_differ")
            records[kept] = dataclasses.replace(records[kept], flags=flags)
        for number in copies:
            records[number] = dataclasses.replace(records[number], reason="duplicate")


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _exclude_raw(records: list[Record], *, keep: bool) -> None:
    shown = {record.identity for record in records if not record.reason and not record.for_processing}
    for number, record in enumerate(records):
        if record.reason or not record.for_processing:
            continue
        if record.identity in shown:
            records[number] = dataclasses.replace(record, reason="for_processing")
        elif not keep:
            records[number] = dataclasses.replace(record, reason="for_processing_only")
