"""Dates, ages, spacings and names out of a header, in the few forms that may be shown to anyone."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass

from pydicom.uid import UID

from bactools.dicom.headers import Header

FIRST_YEAR = 1985
OLDEST = 90.0
_SPACING_MM = (0.01, 0.5)
_MAGNIFICATION = (1.0, 2.5)
_AGE = re.compile(r"(\d{1,4}(?:\.\d+)?)\s*([DWMY])", re.IGNORECASE)
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_DATES = (
    ("StudyDate", ""),
    ("AcquisitionDate", "date_from_acquisition"),
    ("ContentDate", "date_from_content"),
)
_VENDORS: tuple[tuple[str, str], ...] = (
    *(
        ("hologic", "hologic"),
        ("lorad", "lorad"),
        ("ge med", "ge"),
        ("ge health", "ge"),
        ("general electric", "ge"),
    ),
    *(("siemens", "siemens"), ("fuji", "fujifilm"), ("philips", "philips"), ("sectra", "sectra")),
    *(
        ("planmed", "planmed"),
        ("planmeca", "planmed"),
        ("ims", "ims"),
        ("giotto", "ims"),
        ("carestream", "carestream"),
    ),
    *(("kodak", "kodak"), ("agfa", "agfa"), ("konica", "konica"), ("metaltronica", "metaltronica")),
    *(("selenia", "hologic"), ("senograph", "ge"), ("mammomat", "siemens"), ("amulet", "fujifilm")),
)
_PHOTOMETRIC = frozenset({"MONOCHROME1", "MONOCHROME2", "RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422"})


@dataclass(frozen=True)
class ExamDate:
    """The day of an exam.

    Attributes
    ----------
    day : datetime.date or None
        None when it is missing or wrong.
    problem : str
        ``missing``, ``invalid``, ``before 1985``, ``before birth``, ``in the future`` or ``""``.
    flags : tuple of str
        ``date_from_acquisition``, ``date_from_content``, ``dates_shifted``, ``dates_removed``.
    """

    day: dt.date | None
    problem: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spacing:
    """Size of a pixel [mm] at the detector and in the breast; NaN where unknown.

    Attributes
    ----------
    detector_mm, magnification, corrected_mm : float
        ``corrected_mm = detector_mm / magnification``.
    flags : tuple of str
        ``no_spacing``, ``anisotropic_spacing``, ``magnification_unknown``.
    """

    detector_mm: float
    magnification: float
    corrected_mm: float
    flags: tuple[str, ...] = ()


def parse_date(text: str) -> dt.date | None:
    """Return a DICOM date (``20140502``, also ``2014.05.02`` and ``2014-05-02``), or None."""
    digits = re.sub(r"^(\d{4})[.-](\d{2})[.-](\d{2})$", r"\1\2\3", text)
    if not re.fullmatch(r"[0-9]{8}", digits):
        return None
    try:
        return dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def exam_date(header: Header, *, today: dt.date | None = None) -> ExamDate:
    """Return the day of the exam: Study Date, else Acquisition Date, else Content Date.

    A date before 1985, before birth or after today is wrong, unless the header says that its dates
    were shifted on purpose (0028,0303 MODIFIED; DICOM PS3.15 E.2).
    """
    declared = {"MODIFIED": "dates_shifted", "REMOVED": "dates_removed"}.get(
        header.word("LongitudinalTemporalInformationModified"), ""
    )
    flags = (declared,) if declared else ()
    for keyword, flag in _DATES:
        if text := header.text(keyword):
            day = parse_date(text)
            if flag:
                flags = (*flags, flag)
            problem = "invalid" if day is None else ""
            if day is not None and declared != "dates_shifted":
                problem = implausible(day, birth=parse_date(header.text("PatientBirthDate")), today=today)
            return ExamDate(None if problem else day, problem, flags)
    return ExamDate(None, "missing", flags)


def implausible(day: dt.date, *, birth: dt.date | None = None, today: dt.date | None = None) -> str:
    """Return what is wrong with an exam's day, ``""`` for nothing."""
    if day.year < FIRST_YEAR:
        return f"before {FIRST_YEAR}"
    if birth is not None and day < birth:
        return "before birth"
    return "in the future" if day > (today or dt.date.today()) else ""


def age_years(header: Header, day: dt.date | None) -> float:
    """Return the age [years] from Patient's Age, else from birth; NaN unknown, at most 90."""
    found = _AGE.fullmatch(header.text("PatientAge"))
    age = float(found[1]) * _YEARS[found[2].upper()] if found else math.nan
    birth = parse_date(header.text("PatientBirthDate"))
    if not 15 <= age <= 120 and day is not None and birth is not None:
        age = (day - birth).days / 365.25
    return round(min(age, OLDEST), 2) if 15 <= age <= 120 else math.nan


def spacing(header: Header) -> Spacing:
    """Return the pixel spacing.

    Imager Pixel Spacing (measured at the detector) when it is 0.01 to 0.5 mm, else Pixel Spacing
    likewise; rows and columns may differ by 1 %. Magnification is the header's estimate when that is
    1 to 2.5.

    References
    ----------
    DICOM PS3.3 10.7.1.1 and C.8.11.7 (Estimated Radiographic Magnification Factor).
    """
    flags: list[str] = []
    detector = math.nan
    pairs = [_plausible_pair(header.numbers(keyword)) for keyword in ("ImagerPixelSpacing", "PixelSpacing")]
    pair = next((pair for pair in pairs if pair), None)
    if pair is None:
        flags.append("no_spacing")
    elif abs(pair[0] - pair[1]) > 0.01 * min(pair):
        flags.append("anisotropic_spacing")
    else:
        detector = (pair[0] + pair[1]) / 2 if pair[0] != pair[1] else pair[0]
    factor = header.number("EstimatedRadiographicMagnificationFactor")
    known = factor is not None and _MAGNIFICATION[0] <= factor <= _MAGNIFICATION[1]
    magnification = factor if factor is not None and known else math.nan
    if not known:
        flags.append("magnification_unknown")
    return Spacing(detector, magnification, detector / magnification, tuple(flags))


def _plausible_pair(values: tuple[float, ...]) -> tuple[float, float] | None:
    low, high = _SPACING_MM
    if len(values) != 2 or not all(low <= value <= high for value in values):
        return None
    return values[0], values[1]


def vendor(header: Header) -> str:
    """Return a vendor's name from a fixed list, ``"other"``, or ``""``; never the raw text."""
    said = [header.text(keyword).lower() for keyword in ("Manufacturer", "ManufacturerModelName")]
    if said[0].strip() == "ge":
        return "ge"
    for text in said:
        for part, name in _VENDORS:
            if re.search(rf"\b{part}", text):
                return name
    return "other" if any(said) else ""


def acquisition_time(header: Header) -> str:
    """Return Acquisition Time, else Content Time, as ``HHMMSS``; ``""`` when neither is valid."""
    for keyword in ("AcquisitionTime", "ContentTime"):
        found = re.match(r"([01]\d|2[0-3]):?([0-5]\d):?([0-5]\d)", header.text(keyword))
        if found:
            return "".join(found.groups())
    return ""


def photometric(header: Header) -> str:
    """Return Photometric Interpretation when it is a common one, else ``"other"`` or ``""``."""
    word = header.word("PhotometricInterpretation")
    return word if word in _PHOTOMETRIC or not word else "other"


def uid_name(uid: str) -> str:
    """Return the standard's name of a UID, ``""`` when it has none."""
    name = UID(uid).name
    return "" if name == uid else str(name)
