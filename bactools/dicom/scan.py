"""One file looked at: what it is, and whether it can be measured on its own."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

from bactools.dicom import facts
from bactools.dicom.eligibility import Case, judge
from bactools.dicom.headers import Header, read_header
from bactools.dicom.picture import MAGIC, name_regex, parse_name, picture_info
from bactools.dicom.quirks import corrections
from bactools.dicom.stream import Excluded, open_regular
from bactools.dicom.views import Position, position

_EDGE = 2**14  # bytes at either end of a file that enter its fingerprint


@dataclass(frozen=True, repr=False)
class Listed:
    """What a files CSV says about one file; empty values leave it to the header."""

    subject: str = ""
    view: str = ""
    day: dt.date | None = None


@dataclass(frozen=True)
class Options:
    """How files are judged, sent to every process."""

    pattern: str
    synthesized: str
    today: dt.date


@dataclass(frozen=True, repr=False)
class Record:
    """One file's row before pseudonyms; private."""

    relative: str
    kind: str = "dicom"
    reason: str = ""
    detail: str = ""
    flags: tuple[str, ...] = ()
    uid: str = ""
    patient: str = ""
    raw_patient: str = ""
    issuer: str = ""
    subject: str = ""
    view: str = ""
    laterality: str = ""
    day: dt.date | None = None
    manufacturer: str = ""
    rows: int = 0
    columns: int = 0
    bits_stored: int = 0
    photometric: str = ""
    transfer_syntax: str = ""
    spacing_detector_mm: float = math.nan
    magnification: float = math.nan
    spacing_corrected_mm: float = math.nan
    acquisition_time: str = ""
    age: float = math.nan
    synthesized: bool = False
    for_processing: bool = False
    implant_displaced: bool = False
    checksum: bytes = b""

    @property
    def identity(self) -> tuple[str, str, dt.date | None]:
        """What two copies of one image must share."""
        return self.subject or f"{self.issuer}|{self.patient}", self.view, self.day


def scan(folder: Path, relative: str, listed: Listed | None, options: Options) -> Record:
    """Look at one file.

    Parameters
    ----------
    folder : pathlib.Path
        The folder being indexed.
    relative : str
        The file, relative to it.
    listed : Listed or None
        What a files CSV says about it.
    options : Options
        How it is judged.

    Returns
    -------
    Record
        Always; whatever is wrong becomes its reason.
    """
    blank = Record(relative)
    try:
        if Path(relative).name.startswith("."):
            raise Excluded("hidden_file")
        head, checksum = _edges(folder / relative)
        blank = dataclasses.replace(blank, checksum=checksum)
        if head[128:132] != b"DICM" and head.startswith(MAGIC):
            blank = dataclasses.replace(blank, kind="picture")
            return _scan_picture(folder / relative, blank, listed, options)
        return _scan_dicom(read_header(folder / relative), blank, listed, options)
    except Excluded as verdict:
        return dataclasses.replace(blank, reason=verdict.reason, detail=verdict.detail)
    except Exception as error:
        return dataclasses.replace(blank, reason="unreadable", detail=type(error).__name__)


def scan_many(folder: Path, files: list[tuple[str, Listed | None]], options: Options) -> list[Record]:
    """Look at several files, one after the other."""
    return [scan(folder, relative, listed, options) for relative, listed in files]


def _edges(path: Path) -> tuple[bytes, bytes]:
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(_EDGE)
        file.seek(max(0, size - _EDGE))
        return head, hashlib.sha256(str(size).encode() + b"\0" + head + file.read(_EDGE)).digest()


def _scan_dicom(header: Header, blank: Record, listed: Listed | None, options: Options) -> Record:
    fix = corrections(header)
    raw_patient = header.text("PatientID")
    place = _listed_position(position(header, view=fix.view, laterality=fix.laterality), listed)
    date = facts.exam_date(header, today=options.today)
    if listed and listed.day:
        date = facts.ExamDate(listed.day)
    patient = fix.patient or raw_patient
    known = patient or (listed.subject if listed else "")
    case = Case(header, place, date, fix, known, listed_view=bool(listed and listed.view))
    reason, detail = judge(case, synthesized=options.synthesized)
    pixel = facts.spacing(header)
    return dataclasses.replace(
        blank,
        reason=reason,
        detail=detail,
        flags=(*place.flags, *date.flags, *pixel.flags, *_flags(case, synthesized=case.generated)),
        uid=header.text("SOPInstanceUID"),
        patient=patient,
        raw_patient=raw_patient,
        issuer="" if fix.patient else header.text("IssuerOfPatientID"),
        subject=listed.subject if listed else "",
        view=place.laterality + place.view if place.laterality and place.view in ("CC", "MLO") else "",
        laterality=place.laterality,
        day=date.day,
        manufacturer=facts.vendor(header),
        rows=header.integer("Rows", 0),
        columns=header.integer("Columns", 0),
        bits_stored=header.integer("BitsStored", 0),
        photometric=facts.photometric(header),
        transfer_syntax=facts.uid_name(header.syntax),
        spacing_detector_mm=pixel.detector_mm,
        magnification=pixel.magnification,
        spacing_corrected_mm=pixel.corrected_mm,
        acquisition_time=facts.acquisition_time(header),
        age=facts.age_years(header, date.day),
        synthesized=case.generated,
        for_processing=case.for_processing,
        implant_displaced="implant_displaced" in place.modifiers,
    )


def _listed_position(found: Position, listed: Listed | None) -> Position:
    if not listed or not listed.view:
        return found
    kept = tuple(word for word in found.modifiers if word in ("implant_displaced", "magnification", "spot"))
    return Position(listed.view[1:], listed.view[0], kept)


def _flags(case: Case, *, synthesized: bool) -> tuple[str, ...]:
    header = case.header
    flags = {
        "implant_displaced": "implant_displaced" in case.position.modifiers,
        "implant": header.word("BreastImplantPresent") == "YES",
        "burned_in": header.word("BurnedInAnnotation") == "YES",
        "for_processing": case.for_processing,
        "synthesized": synthesized,
        "truncated": header.truncated,
    }
    return tuple(flag for flag, raised in flags.items() if raised)


def _scan_picture(path: Path, blank: Record, listed: Listed | None, options: Options) -> Record:
    told = _told(path.name, listed, name_regex(options.pattern))
    picture = picture_info(path)
    record = dataclasses.replace(
        blank,
        flags=("no_spacing", "magnification_unknown"),
        rows=picture.rows,
        columns=picture.columns,
        bits_stored=picture.bits,
        photometric="MONOCHROME2",
    )
    if told is None:
        return dataclasses.replace(record, reason="unknown_name")
    subject, view, day = told
    problem = "invalid" if day is None else facts.implausible(day, today=options.today)
    return dataclasses.replace(
        record,
        subject=subject,
        view=view,
        laterality=view[0],
        day=None if problem else day,
        reason="bad_date" if problem else "",
        detail=problem,
    )


def _told(name: str, listed: Listed | None, regex: re.Pattern[str]) -> tuple[str, str, dt.date | None] | None:
    """Return (subject, view, day), the list before the name."""
    named = parse_name(name, regex)
    if listed is None:
        return named
    subject, view, day = named or ("", "", None)
    subject, view, day = listed.subject or subject, listed.view or view, listed.day or day
    return (subject, view, day) if subject and view else None
