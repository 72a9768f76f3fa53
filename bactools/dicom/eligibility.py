"""Which images are measured: an ordered tuple of rules, each with a coded reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pydicom import uid as uids

from bactools.dicom.facts import ExamDate, uid_name
from bactools.dicom.headers import Header
from bactools.dicom.quirks import Corrections
from bactools.dicom.views import STANDARD, Position

REASONS: dict[str, str] = {
    "not_dicom": "Neither a DICOM file nor a PNG or TIFF picture: nothing to do.",
    "dicomdir": "A DICOMDIR lists other files and holds no image: nothing to do.",
    "hidden_file": "A hidden file, not opened: rename it if it is an image.",
    "unreadable": "The file cannot be opened or its header is damaged: fetch it again from the source.",
    "too_large": "Larger than any mammogram (120 megapixels, 16384 a side): check the file.",
    "unknown_syntax": "An image compression that is not known here: re-encode the file losslessly.",
    "missing_tag": "An attribute that an image needs is missing: fetch the file again from the source.",
    "no_pixel_data": "The file holds no pixel data: nothing to do.",
    "not_mammography": "Not a mammogram: if it is one, list it in a files CSV with its view.",
    "quality_control": "A quality control image, not of a woman: nothing to do.",
    "synthesized_2d": 'Computed from tomosynthesis: keep with synthesized="keep" or --keep-synthesized.',
    "tomosynthesis": "Tomosynthesis: only two-dimensional mammograms are measured.",
    "colour": "A colour image: export the mammogram in grey.",
    "stereotactic": "Taken for a biopsy: not a whole view.",
    "specimen": "A specimen, not a breast: nothing to do.",
    "partial_view": "Shows a part of the breast only: not comparable with whole views.",
    "magnification": "A magnification view: not comparable with whole views.",
    "spot": "A spot compression view: not comparable with whole views.",
    "nonstandard_view": "Neither CC nor MLO: only these views are measured.",
    "unknown_view": "The header does not tell the view: list the file in a files CSV.",
    "unknown_laterality": "The header does not tell left or right: list the file in a files CSV.",
    "missing_subject": "No Patient ID: list the file in a subjects CSV or files CSV.",
    "bad_date": "The exam's date is missing or impossible: list the file in a files CSV.",
    "unknown_name": "The picture's name does not fit the pattern: rename it or use a files CSV.",
    "for_processing": "Raw image whose presentation twin is measured: nothing to do.",
    "for_processing_only": 'Raw without a twin: keep with for_processing="keep" or --keep-for-processing.',
    "duplicate": "The same image as an earlier file: nothing to do.",
    "duplicate_conflict": "Files share one image UID but differ in woman, view or date: keep the right one.",
}
"""What each code means and what to do, in one sentence."""

PRESENTATION = str(uids.DigitalMammographyXRayImageStorageForPresentation)
PROCESSING = str(uids.DigitalMammographyXRayImageStorageForProcessing)
_TOMOSYNTHESIS = frozenset(
    {
        str(uids.BreastTomosynthesisImageStorage),
        str(uids.BreastProjectionXRayImageStorageForPresentation),
        str(uids.BreastProjectionXRayImageStorageForProcessing),
    }
)
_CT = str(uids.CTImageStorage)
_OTHER_CARRIERS = frozenset(
    {
        str(uids.DigitalXRayImageStorageForPresentation),
        str(uids.DigitalXRayImageStorageForProcessing),
        str(uids.ComputedRadiographyImageStorage),
        str(uids.SecondaryCaptureImageStorage),
        str(uids.MultiFrameGrayscaleByteSecondaryCaptureImageStorage),
        str(uids.MultiFrameGrayscaleWordSecondaryCaptureImageStorage),
    }
)
_OTHER_MODALITIES = frozenset(
    {"US", "MR", "NM", "PT", "XA", "RF", "SR", "PR", "KO", "SEG", "OP", "ES", "SM", "BMD"}
)
_NEEDED = ("SOPInstanceUID", "Rows", "Columns", "BitsAllocated", "BitsStored", "PhotometricInterpretation")
_TOMO_WORDS = re.compile(r"\bTOMO|\bDBT\b")
_STEREO_WORDS = re.compile(r"STEREO|BIOPS|PRE-?FIRE|POST-?FIRE")
_STEREO_TYPES = ("STEREO", "PREFIRE", "POSTFIRE")
_SPOT_WORDS = re.compile(r"\bSPOT\b")
_MAGNIFICATION_WORDS = re.compile(r"\bMAG\b|\bMAGN")
_MAGNIFIED = 1.3  # 1.04 to 1.07 are ordinary contact views


@dataclass(frozen=True, repr=False)
class Case:
    """All that a rule may look at."""

    header: Header
    position: Position
    date: ExamDate
    corrections: Corrections
    patient: str
    listed_view: bool = False

    @property
    def description(self) -> str:
        """Series Description in capitals."""
        return self.header.word("SeriesDescription")

    @property
    def image_type(self) -> tuple[str, ...]:
        """Image Type in capitals."""
        return tuple(value.upper() for value in self.header.values("ImageType"))

    @property
    def generated(self) -> bool:
        """Whether the image was computed from tomosynthesis."""
        return "GENERATED_2D" in self.image_type or self.corrections.synthesized

    @property
    def for_processing(self) -> bool:
        """Whether the image is raw (PS3.3 C.8.11.7, Presentation Intent Type)."""
        stated = self.header.word("PresentationIntentType")
        return self.header.text("SOPClassUID") == PROCESSING or stated == "FOR PROCESSING"


Verdict = tuple[str, str] | None
Rule = Callable[[Case], Verdict]


def judge(case: Case, *, synthesized: str = "exclude") -> tuple[str, str]:
    """Return the first reason, and its detail, for which an image is excluded; empty when eligible.

    Parameters
    ----------
    case : Case
        Header, position, date.
    synthesized : {"exclude", "keep"}
        Whether images computed from tomosynthesis are let through.
    """
    for rule in RULES:
        verdict = rule(case)
        if verdict and not (verdict[0] == "synthesized_2d" and synthesized == "keep"):
            return verdict
    return "", ""


def _has_signs(case: Case) -> bool:
    """Whether something other than the storage class speaks of a mammogram."""
    return bool(
        case.listed_view
        or case.corrections.view
        or case.header.word("Modality") == "MG"
        or case.header.view_codes
        or case.header.word("ViewPosition") in ("CC", "MLO", "ML", "LM", "XCCL")
    )


def _not_mammography(case: Case) -> Verdict:
    stored_as, modality = case.header.text("SOPClassUID"), case.header.word("Modality")
    if stored_as in (PRESENTATION, PROCESSING) or stored_as in _TOMOSYNTHESIS:
        return None
    breast = _has_signs(case) or case.header.word("BodyPartExamined") == "BREAST"
    if stored_as in _OTHER_CARRIERS and modality not in _OTHER_MODALITIES and breast:
        return None
    if not stored_as and modality in ("MG", "") and breast:
        return None
    if stored_as == _CT and (_has_signs(case) or _tomosynthesis_words(case)):
        return None
    return "not_mammography", uid_name(stored_as)


def _quality_control(case: Case) -> Verdict:
    found = case.header.word("QualityControlImage") == "YES" or case.position.view == "FLATFIELD"
    return ("quality_control", "") if found else None


def _no_pixel_data(case: Case) -> Verdict:
    return None if case.header.has_pixels else ("no_pixel_data", "")


def _missing_tag(case: Case) -> Verdict:
    missing = [keyword for keyword in _NEEDED if not case.header.text(keyword)]
    missing += [k for k in ("Rows", "Columns") if k not in missing and case.header.integer(k, 0) < 1]
    return ("missing_tag", missing[0]) if missing else None


def _synthesized(case: Case) -> Verdict:
    return ("synthesized_2d", "") if case.generated and case.header.frames == 1 else None


def _tomosynthesis_words(case: Case) -> bool:
    words = (case.description, case.header.word("BodyPartExamined"), *case.image_type)
    return any(_TOMO_WORDS.search(word) for word in words)


def _tomosynthesis(case: Case) -> Verdict:
    if case.header.frames > 1:
        return "tomosynthesis", f"{case.header.frames} frames"
    if case.generated:
        return None
    if case.header.text("SOPClassUID") in (*_TOMOSYNTHESIS, _CT) or _tomosynthesis_words(case):
        return "tomosynthesis", uid_name(case.header.text("SOPClassUID"))
    return None


def _colour(case: Case) -> Verdict:
    grey = case.header.word("PhotometricInterpretation") in ("MONOCHROME1", "MONOCHROME2")
    return None if grey and case.header.integer("SamplesPerPixel", 1) == 1 else ("colour", "")


def _stereotactic(case: Case) -> Verdict:
    typed = any(value.startswith(_STEREO_TYPES) for value in case.image_type)
    return ("stereotactic", "") if typed or _STEREO_WORDS.search(case.description) else None


def _specimen(case: Case) -> Verdict:
    said = "SPECIMEN" in (case.position.view, case.header.word("BodyPartExamined"))
    return ("specimen", "") if said or "SPECIMEN" in case.description else None


def _partial_view(case: Case) -> Verdict:
    return ("partial_view", "") if case.header.word("PartialView") == "YES" else None


def _magnification(case: Case) -> Verdict:
    factor = case.header.number("EstimatedRadiographicMagnificationFactor") or 1.0
    said = "magnification" in case.position.modifiers or _MAGNIFICATION_WORDS.search(case.description)
    return ("magnification", "") if said or factor > _MAGNIFIED else None


def _spot(case: Case) -> Verdict:
    said = "spot" in case.position.modifiers or _SPOT_WORDS.search(case.description)
    return ("spot", "") if said else None


def _view(case: Case) -> Verdict:
    odd = [word for word in case.position.modifiers if word not in ("implant_displaced", "nipple_in_profile")]
    if not case.position.view:
        return "unknown_view", ""
    if case.position.view not in STANDARD or odd:
        return "nonstandard_view", " ".join([case.position.view, *odd])
    return None if case.position.laterality else ("unknown_laterality", "")


def _subject(case: Case) -> Verdict:
    return None if case.patient else ("missing_subject", "")


def _date(case: Case) -> Verdict:
    return ("bad_date", case.date.problem) if case.date.day is None else None


RULES: tuple[Rule, ...] = (
    _not_mammography,
    _quality_control,
    _no_pixel_data,
    _missing_tag,
    _synthesized,
    _tomosynthesis,
    _colour,
    _stereotactic,
    _specimen,
    _partial_view,
    _magnification,
    _spot,
    _view,
    _date,
    _subject,
)
"""The rules, in the order in which they are asked; the first that objects gives the reason."""
