"""Every excluded reason has a file that triggers it; what stays is flagged as it should be."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest
from pydicom import uid

from bactools.dicom.eligibility import REASONS
from bactools.testing import PROCESSING, code_item, write_mammogram

from .conftest import TINY

CC = "399162004"
CT, MR, SC = str(uid.CTImageStorage), str(uid.MRImageStorage), str(uid.SecondaryCaptureImageStorage)
BTO = str(uid.BreastTomosynthesisImageStorage)


def spotted(code: str):
    return [code_item("SCT", CC, modifiers=(code_item("SCT", code),))]


SINGLE = [
    ("too_large", {"Rows": 65535, "Columns": 65535}),
    ("too_large", {"Rows": 16385, "Columns": 10}),
    ("missing_tag", {"SOPInstanceUID": None}),
    ("missing_tag", {"BitsStored": None}),
    ("missing_tag", {"Rows": None}),
    ("no_pixel_data", {"PixelData": None}),
    ("not_mammography", {"SOPClassUID": MR, "Modality": "MR"}),
    (
        "not_mammography",
        {"SOPClassUID": CT, "Modality": "CT", "ViewCodeSequence": None, "ViewPosition": None},
    ),
    ("not_mammography", {"SOPClassUID": SC, "Modality": "US"}),
    ("colour", {"PhotometricInterpretation": "PALETTE COLOR"}),
    ("tomosynthesis", {"SOPClassUID": BTO}),
    ("tomosynthesis", {"NumberOfFrames": 3}),
    ("tomosynthesis", {"SOPClassUID": CT, "Modality": "CT"}),
    (
        "tomosynthesis",
        {"SOPClassUID": CT, "Modality": "CT", "ViewCodeSequence": None, "SeriesDescription": "L CC Tomo"},
    ),
    ("tomosynthesis", {"ImageType": ["ORIGINAL", "PRIMARY", "TOMO_PROJ"]}),
    ("tomosynthesis", {"SeriesDescription": "R MLO Tomosynthesis Reconstruction"}),
    ("stereotactic", {"ImageType": ["ORIGINAL", "PRIMARY", "STEREO_SCOUT"]}),
    ("stereotactic", {"SeriesDescription": "Left stereo biopsy"}),
    ("specimen", {"ViewCodeSequence": [code_item("SCT", "127457009")], "ViewPosition": None}),
    ("specimen", {"SeriesDescription": "Specimen"}),
    ("magnification", {"ViewCodeSequence": spotted("399163009")}),
    ("magnification", {"ViewModifierCodeSequence": [code_item("SRT", "R-102D6")]}),
    ("magnification", {"EstimatedRadiographicMagnificationFactor": "1.8"}),
    ("spot", {"ViewCodeSequence": spotted("399055006")}),
    ("spot", {"ViewModifierCodeSequence": [code_item("SNM3", "R-102D7")]}),
    ("partial_view", {"PartialView": "YES"}),
    ("nonstandard_view", {"ViewCodeSequence": [code_item("SCT", "399260004")], "ViewPosition": "ML"}),
    ("nonstandard_view", {"ViewCodeSequence": [code_item("SNM3", "Y-X1770")], "ViewPosition": None}),
    ("nonstandard_view", {"ViewCodeSequence": spotted("399161006")}),
    ("quality_control", {"QualityControlImage": "YES"}),
    ("quality_control", {"ViewCodeSequence": None, "ViewPosition": "FLATFIELD"}),
    ("for_processing_only", {"SOPClassUID": PROCESSING, "PresentationIntentType": "FOR PROCESSING"}),
    ("for_processing_only", {"PresentationIntentType": "FOR PROCESSING"}),
    ("synthesized_2d", {"ImageType": ["DERIVED", "PRIMARY", "TOMO", "GENERATED_2D"]}),
    ("synthesized_2d", {"SeriesDescription": "L CC C-View"}),
    ("synthesized_2d", {"SeriesDescription": "V-Preview LCC"}),
    ("unknown_view", {"ViewCodeSequence": None, "ViewPosition": None, "PatientOrientation": None}),
    ("unknown_view", {"ViewCodeSequence": None, "ViewPosition": "ODD"}),
    ("unknown_laterality", {"ImageLaterality": None, "PatientOrientation": None}),
    ("missing_subject", {"PatientID": ""}),
    ("bad_date", {"StudyDate": ""}),
    ("bad_date", {"StudyDate": "20201341"}),
    ("bad_date", {"StudyDate": "19840101"}),
    ("bad_date", {"StudyDate": "20010101", "PatientBirthDate": "20100101"}),
    ("bad_date", {"StudyDate": (dt.date.today() + dt.timedelta(days=2)).strftime("%Y%m%d")}),
]


@pytest.mark.parametrize(
    ("reason", "header"), SINGLE, ids=lambda value: value if isinstance(value, str) else None
)
def test_reason(tmp_path, index_here, reason, header):
    path = write_mammogram(
        tmp_path / "a.dcm", pixels=TINY, **{key: value for key, value in header.items() if key != "PixelData"}
    )
    if "PixelData" in header:
        content = path.read_bytes()
        path.write_bytes(content[: content.rindex(b"\xe0\x7f\x10\x00")])
    table = index_here().table
    assert (table.reason[0], bool(table.eligible[0])) == (reason, False)
    assert reason in REASONS


def test_reasons_of_files_that_are_no_images(tmp_path, index_here):
    (tmp_path / "DICOMDIR").write_bytes(dicomdir())
    (tmp_path / "empty.dcm").write_bytes(b"")
    (tmp_path / "text.dcm").write_text("Dear colleague, " * 40)
    (tmp_path / ".hidden").write_text("x")
    write_mammogram(tmp_path / "syntax.dcm", pixels=TINY)
    content = (tmp_path / "syntax.dcm").read_bytes()
    (tmp_path / "syntax.dcm").write_bytes(
        content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0", 1)
    )
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    table = index_here().table
    assert table.reason.tolist() == [
        "hidden_file",
        "dicomdir",
        "unreadable",
        "not_dicom",
        "unknown_syntax",
        "not_dicom",
    ]


def dicomdir() -> bytes:
    """A file meta information that says: media storage directory."""
    sop = b"1.2.840.10008.1.3.10"
    syntax = b"1.2.840.10008.1.2.1\0"
    return (
        b"\0" * 128
        + b"DICM"
        + b"\x02\x00\x02\x00UI"
        + len(sop).to_bytes(2, "little")
        + sop
        + b"\x02\x00\x10\x00UI"
        + len(syntax).to_bytes(2, "little")
        + syntax
    )


def test_every_reason_has_a_test():
    """The codes of this file and of test_index (pictures) cover the table of reasons."""
    here = {reason for reason, _ in SINGLE}
    elsewhere = {"hidden_file", "dicomdir", "unreadable", "not_dicom", "unknown_syntax"}
    folder = {"for_processing", "duplicate", "duplicate_conflict", "unknown_name"}
    assert here | elsewhere | folder == set(REASONS)


def test_an_ordinary_view_is_eligible_without_flags(tmp_path, index_here):
    write_mammogram(tmp_path / "a.dcm", pixels=TINY, EstimatedRadiographicMagnificationFactor="1.06")
    row = index_here().table.iloc[0]
    assert row.eligible
    assert (row.reason, row["flags"], row["view"]) == ("", "", "LCC")
    assert row.spacing_detector_mm == pytest.approx(0.07)
    assert row.spacing_corrected_mm == pytest.approx(0.07 / 1.06)


@pytest.mark.parametrize(
    "header",
    [
        {"Modality": "RG"},
        {"Modality": "CT"},
        {"Modality": None},
        {"SOPClassUID": SC, "Modality": "MG"},
        {"SOPClassUID": SC, "Modality": "RG"},
        {"SOPClassUID": str(uid.DigitalXRayImageStorageForPresentation), "Modality": "DX"},
        {"PatientID": "x", "ImageType": None, "Manufacturer": None},
    ],
)
def test_oddities_of_real_mammograms_stay_eligible(tmp_path, index_here, header):
    write_mammogram(tmp_path / "a.dcm", pixels=TINY, **header)
    assert index_here().table.reason.tolist() == [""]


@pytest.mark.parametrize(
    ("flag", "header"),
    [
        ("implant_displaced", {"ViewCodeSequence": spotted("399209000")}),
        ("implant", {"BreastImplantPresent": "YES"}),
        ("burned_in", {"BurnedInAnnotation": "YES"}),
        ("dates_shifted", {"LongitudinalTemporalInformationModified": "MODIFIED", "StudyDate": "21500101"}),
        ("dates_removed", {"LongitudinalTemporalInformationModified": "REMOVED"}),
        ("date_from_acquisition", {"StudyDate": "", "AcquisitionDate": "20110203"}),
        ("date_from_content", {"StudyDate": "", "ContentDate": "20110203"}),
        ("no_spacing", {"ImagerPixelSpacing": None, "PixelSpacing": ["74.7", "46.6"]}),
        ("anisotropic_spacing", {"ImagerPixelSpacing": ["0.07", "0.08"]}),
        ("view_contradiction", {"ViewPosition": "MLO"}),
        ("laterality_contradiction", {"Laterality": "R"}),
        ("laterality_from_orientation", {"ImageLaterality": None}),
    ],
)
def test_flags_leave_an_image_eligible(tmp_path, index_here, flag, header):
    write_mammogram(tmp_path / "a.dcm", pixels=TINY, **header)
    row = index_here().table.iloc[0]
    assert row.eligible
    assert flag in row["flags"].split(";")


def test_a_raw_image_yields_to_its_presentation_twin(tmp_path, index_here):
    write_mammogram(tmp_path / "raw.dcm", pixels=TINY, seed=1, SOPClassUID=PROCESSING)
    write_mammogram(tmp_path / "shown.dcm", pixels=TINY, seed=2)
    write_mammogram(
        tmp_path / "raw_other_day.dcm", pixels=TINY, study_date="20210101", SOPClassUID=PROCESSING
    )
    assert index_here().table.reason.tolist() == ["for_processing", "for_processing_only", ""]
    kept = index_here(for_processing="keep").table
    assert kept.reason.tolist() == ["for_processing", "", ""]
    assert "for_processing" in kept["flags"][1]
    assert kept.for_processing.tolist() == [True, True, False]


def test_an_excluded_twin_is_no_twin(tmp_path, index_here):
    write_mammogram(tmp_path / "raw.dcm", pixels=TINY, seed=1, SOPClassUID=PROCESSING)
    write_mammogram(tmp_path / "shown.dcm", pixels=TINY, seed=2, PartialView="YES")
    assert index_here().table.reason.tolist() == ["for_processing_only", "partial_view"]


def test_synthesized_images_are_kept_on_request(tmp_path, index_here):
    write_mammogram(tmp_path / "a.dcm", pixels=TINY, ImageType=["DERIVED", "PRIMARY", "TOMO", "GENERATED_2D"])
    row = index_here(synthesized="keep").table.iloc[0]
    assert row.eligible
    assert row.synthesized
    assert row["flags"].split(";")[-1] == "synthesized"


def test_copies(tmp_path, index_here):
    first = write_mammogram(tmp_path / "b.dcm", pixels=TINY)
    shutil.copy(first, tmp_path / "c.dcm")
    table = index_here().table
    assert table.reason.tolist() == ["", "duplicate"]
    assert table["flags"][0] == "magnification_unknown"
    assert table.image_id.is_unique

    write_mammogram(tmp_path / "a.dcm", pixels=TINY, syntax=str(uid.RLELossless))
    table = index_here().table
    assert table.reason.tolist() == ["", "duplicate", "duplicate"]
    assert table["flags"][0].endswith("duplicate_bytes_differ")


def test_a_whole_copy_is_preferred_to_a_truncated_one(tmp_path, index_here):
    whole = write_mammogram(tmp_path / "b.dcm", pixels=TINY)
    (tmp_path / "a.dcm").write_bytes(whole.read_bytes()[:-10])
    assert index_here().table.reason.tolist() == ["duplicate", ""]


@pytest.mark.parametrize("other", [{"patient_id": "P2"}, {"study_date": "20210101"}, {"view": "MLO"}])
def test_one_uid_for_two_identities_excludes_both(tmp_path, index_here, other):
    write_mammogram(tmp_path / "a.dcm", pixels=TINY, SOPInstanceUID="1.2.3.4")
    write_mammogram(tmp_path / "b.dcm", pixels=TINY, SOPInstanceUID="1.2.3.4", **other)
    table = index_here().table
    assert table.reason.tolist() == ["duplicate_conflict"] * 2
    assert table.image_id.is_unique
