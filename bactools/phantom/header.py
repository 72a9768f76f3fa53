"""The DICOM header of a synthetic mammogram: complete, plausible, and marked as nobody's."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import uuid
from dataclasses import dataclass
from typing import Any

from bactools.conventions import VIEWS
from bactools.phantom.position import SOURCE_TO_DETECTOR
from bactools.phantom.view import SPACING, View

PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.2"
"""Digital Mammography X-Ray Image Storage - For Presentation."""

NOTE = "Synthetic mammogram made by bactools phantom; not a person"
"""Stands in every file."""

WINDOW = (2048, 4096)
"""Window Center and Width: all twelve bits."""

_VIEW_CODES = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}
_VALUES = dict[str, Any]


@dataclass(frozen=True)
class Exam:
    """Who was examined, and when; all of it made up.

    Attributes
    ----------
    patient_id : str
        Such as ``PHANTOM-A-0001``.
    woman : int
        Her number, from 1.
    number : int
        Of the exam, from 0.
    date, birth : datetime.date
    origin : str
        What else the UIDs depend on: cohort, seed, scale.
    """

    patient_id: str
    woman: int
    number: int
    date: dt.date
    birth: dt.date
    origin: str

    @property
    def age(self) -> float:
        """Age at the exam [years]."""
        return (self.date - self.birth).days / 365.25

    def uid(self, *of: str | int) -> str:
        """Return a UID that depends on the exam and on what it is of, and on nothing else.

        References
        ----------
        DICOM PS3.5 annex B.2 (UUID derived UID).
        """
        entropy = "|".join(map(str, (self.origin, self.woman, self.number, *of)))
        digest = hashlib.sha256(entropy.encode()).digest()
        return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


def attributes(view: View, exam: Exam) -> _VALUES:
    """Return the header of one view by keyword.

    Parameters
    ----------
    view : View
    exam : Exam

    Returns
    -------
    dict
        Every Type 1 and Type 2 attribute of the mandatory modules, and others that scanners write;
        sequences are lists of such dicts. Without pixel data.

    References
    ----------
    DICOM PS3.3 A.26 (Digital Mammography X-Ray Image IOD), C.8.11.7 (Mammography Image module).
    """
    return (
        _whose(exam)
        | _study(exam)
        | _series(view, exam)
        | _equipment()
        | _image(view, exam)
        | _pixels(view)
        | _anatomy(view)
        | _acquisition(view)
    )


def _whose(exam: Exam) -> _VALUES:
    return {
        "PatientName": f"Synthetic^Woman {exam.woman}",
        "PatientID": exam.patient_id,
        "PatientBirthDate": f"{exam.birth:%Y%m%d}",
        "PatientSex": "F",
        "PatientAge": f"{math.floor(exam.age):03d}Y",
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": "synthetic: no person",
        "PatientComments": NOTE,
    }


def _study(exam: Exam) -> _VALUES:
    return {
        "StudyInstanceUID": exam.uid("study"),
        "StudyDate": f"{exam.date:%Y%m%d}",
        "StudyTime": _time(exam, 0),
        "StudyID": str(exam.number + 1),
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
        "StudyDescription": "Synthetic screening mammography",
    }


def _series(view: View, exam: Exam) -> _VALUES:
    return {
        "Modality": "MG",
        "PresentationIntentType": "FOR PRESENTATION",
        "SeriesInstanceUID": exam.uid("series", view.name),
        "SeriesNumber": _order(view),
        "SeriesDescription": f"{view.laterality} {view.view}",
        "SeriesDate": f"{exam.date:%Y%m%d}",
        "SeriesTime": _time(exam, _order(view)),
    }


def _equipment() -> _VALUES:
    return {
        "Manufacturer": "bactools phantom",
        "ManufacturerModelName": "synthetic FFDM",
        "InstitutionName": "Synthetic Breast Imaging",
        "StationName": "PHANTOM1",
        "DeviceSerialNumber": "0001",
        "SoftwareVersions": "1",
    }


def _image(view: View, exam: Exam) -> _VALUES:
    when, day = _time(exam, _order(view)), f"{exam.date:%Y%m%d}"
    away = "A" if view.laterality == "L" else "P"  # the chest wall is left of a left breast
    medial = "R" if view.laterality == "L" else "L"
    return {
        "SpecificCharacterSet": "ISO_IR 100",
        "SOPClassUID": PRESENTATION,
        "SOPInstanceUID": exam.uid("image", view.name),
        "InstanceNumber": _order(view),
        "ImageType": ["DERIVED", "PRIMARY", ""],
        "AcquisitionDate": day,
        "AcquisitionTime": when,
        "ContentDate": day,
        "ContentTime": when,
        "ImageComments": NOTE,
        "PatientOrientation": [away, medial if view.view == "CC" else "F" + medial],
        "BurnedInAnnotation": "YES",
        "LossyImageCompression": "00",
        "QualityControlImage": "NO",
        "AcquisitionContextSequence": [],
    }


def _pixels(view: View) -> _VALUES:
    rows, columns = view.image.shape
    return {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": rows,
        "Columns": columns,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "PixelIntensityRelationship": "LOG",
        "PixelIntensityRelationshipSign": -1,
        "RescaleIntercept": 0,
        "RescaleSlope": 1,
        "RescaleType": "US",
        "PresentationLUTShape": "IDENTITY",
        "WindowCenter": WINDOW[0],
        "WindowWidth": WINDOW[1],
        "VOILUTFunction": "LINEAR",
        "ImagerPixelSpacing": [SPACING, SPACING],
    }


def _anatomy(view: View) -> _VALUES:
    code = _code(*_VIEW_CODES[view.view]) | {"ViewModifierCodeSequence": []}
    return {
        "BodyPartExamined": "BREAST",
        "OrganExposed": "BREAST",
        "AnatomicRegionSequence": [_code("76752008", "Breast")],
        "ImageLaterality": view.laterality,
        "ViewPosition": view.view,
        "ViewCodeSequence": [code],
        "PartialView": "NO",
        "BreastImplantPresent": "NO",
    }


def _acquisition(view: View) -> _VALUES:
    thickness = view.position.thickness
    exposure = 60 * math.exp(0.018 * (thickness - 50))  # a thicker breast needs more [mAs]
    return {
        "PositionerType": "MAMMOGRAPHIC",
        "BodyPartThickness": _decimal(thickness),
        "CompressionForce": _decimal(95 + 20 * math.sin(thickness)),
        "EstimatedRadiographicMagnificationFactor": _decimal(view.position.magnification, 4),
        "DistanceSourceToDetector": _decimal(SOURCE_TO_DETECTOR),
        "DetectorType": "DIRECT",
        "DetectorConfiguration": "AREA",
        "DetectorID": "PHANTOM1",
        "KVP": "29",
        "ExposureTime": round(10 * exposure),
        "XRayTubeCurrent": 100,
        "Exposure": round(exposure),
        "ExposureInuAs": round(1000 * exposure),
        "AnodeTargetMaterial": "TUNGSTEN",
        "FilterMaterial": "RHODIUM",
        "Grid": ["FOCUSED", "RECIPROCATING"],
    }


def _order(view: View) -> int:
    return VIEWS.index(view.name) + 1


def _time(exam: Exam, order: int) -> str:
    minutes = 8 * 60 + (7 * exam.woman + 11 * exam.number) % 480 + 2 * order
    return f"{minutes // 60:02d}{minutes % 60:02d}00"


def _decimal(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}"


def _code(value: str, meaning: str) -> _VALUES:
    return {"CodeValue": value, "CodingSchemeDesignator": "SCT", "CodeMeaning": meaning}
