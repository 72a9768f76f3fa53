"""Files: a complete header, the pixels that were made, and the truth beside them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import UID, ImplicitVRLittleEndian

from bactools.conventions import VIEWS
from bactools.dicom import index_folder
from bactools.phantom.annotation import draw
from bactools.phantom.exam import SYNTAXES, ExamError, write_exam, write_view
from bactools.phantom.header import NOTE, Exam
from bactools.phantom.subjects import Subject
from bactools.phantom.view import SPACING, View, render
from bactools.truth import Truth

# DICOM PS3.3 A.26: Type 1 attributes of the mandatory modules, by module
_TYPE_1 = """
StudyInstanceUID
Modality SeriesInstanceUID PresentationIntentType
SamplesPerPixel PhotometricInterpretation Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation
PixelData
ImageLaterality
ImageType PixelIntensityRelationship PixelIntensityRelationshipSign RescaleIntercept RescaleSlope RescaleType
PresentationLUTShape LossyImageCompression PatientOrientation BurnedInAnnotation WindowCenter WindowWidth
ImagerPixelSpacing
OrganExposed AnatomicRegionSequence ViewCodeSequence
SOPClassUID SOPInstanceUID
"""
TYPE_1 = tuple(_TYPE_1.split())
# Type 2: there, perhaps empty
_TYPE_2 = """
PatientName PatientID PatientBirthDate PatientSex
StudyDate StudyTime ReferringPhysicianName StudyID AccessionNumber
SeriesNumber Manufacturer InstanceNumber DetectorType PositionerType AcquisitionContextSequence
"""
TYPE_2 = tuple(_TYPE_2.split())


@pytest.fixture(scope="module")
def taken(first: Subject) -> View:
    return render(first.woman, "R", "MLO", exam=0, age=first.exams[0].age)


def test_every_file_is_indexed_as_what_it_is(cohort: Truth) -> None:
    index = index_folder(cohort.folder / "images", key=b"0123456789abcdef0123456789abcdef")
    assert index.table["eligible"].all()
    assert len(index.table) == len(cohort) == 8
    assert index.table.groupby("subject")["view"].apply(lambda views: sorted(views) == sorted(VIEWS)).all()
    assert (index.table["laterality"] == index.table["view"].str[0]).all()
    linked = index.table.merge(index.linkage[["image_id", "patient_id"]], on="image_id")
    found = linked.assign(date=linked["date"].dt.strftime("%Y-%m-%d"))
    keys = ["patient_id", "view", "date"]
    both = found.merge(cohort.images, on=keys, suffixes=("", "_true"))
    assert len(both) == 8
    np.testing.assert_allclose(both["magnification"], both["magnification_true"], atol=1e-4)
    np.testing.assert_allclose(both["age"], np.floor(both["age_true"]))
    assert (both["spacing_detector_mm"] == SPACING).all()
    flags = {flag for text in index.table["flags"] for flag in text.split(";")}
    assert not {flag for flag in flags if "contradiction" in flag}


def test_the_header_is_complete(cohort: Truth) -> None:
    for row in range(len(cohort)):
        header = dcmread(cohort.path(row))
        for keyword in TYPE_1:
            assert keyword in header, keyword
            assert header[keyword].value not in (None, "", []), keyword
        assert [keyword for keyword in TYPE_2 if keyword not in header] == []
        assert header.AnatomicRegionSequence[0].CodeValue == "76752008"
        assert "ViewModifierCodeSequence" in header.ViewCodeSequence[0]
        assert (header.WindowCenter, header.WindowWidth, header.VOILUTFunction) == (2048, 4096, "LINEAR")
        assert header.SOPClassUID.name == "Digital Mammography X-Ray Image Storage - For Presentation"
        assert header.file_meta.MediaStorageSOPInstanceUID == header.SOPInstanceUID
        assert header.SOPInstanceUID.startswith("2.25.")
        assert UID(header.StudyInstanceUID).is_valid


def test_nobody_is_marked_as_somebody(cohort: Truth) -> None:
    header = dcmread(cohort.path(0), stop_before_pixels=True)
    assert header.PatientName == "Synthetic^Woman 1"
    assert header.PatientID == "PHANTOM-B-0001"
    assert header.PatientIdentityRemoved == "YES"
    assert header.PatientComments == header.ImageComments == NOTE


def test_images_of_an_exam_share_the_study_and_nothing_else(cohort: Truth) -> None:
    headers = [dcmread(cohort.path(row), stop_before_pixels=True) for row in range(8)]
    assert len({header.SOPInstanceUID for header in headers}) == 8
    assert len({header.SeriesInstanceUID for header in headers}) == 8
    assert len({header.StudyInstanceUID for header in headers}) == 2


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_pixels_are_those_that_were_made(
    syntax: str, taken: View, first: Subject, tmp_path: Path
) -> None:
    path = tmp_path / "folder" / "view.dcm"
    write_view(path, taken, exam=first.exams[0], syntax=syntax)
    file = dcmread(path)
    assert file.file_meta.TransferSyntaxUID != ImplicitVRLittleEndian
    assert np.array_equal(file.pixel_array, taken.image)


def test_the_cohort_holds_what_is_rendered(cohort: Truth, taken: View) -> None:
    row = cohort.images.query("patient_id == 'PHANTOM-B-0001' and view == 'RMLO'").index[0]
    assert np.array_equal(dcmread(cohort.path(row)).pixel_array, taken.image)
    assert np.array_equal(cohort.mask(row), taken.mask)
    assert np.array_equal(cohort.mask(row, column="calcium"), taken.calcified)
    told = cohort.images.loc[row]
    assert told["mask_pixels"] == taken.mask.sum() > 0
    assert told["calcium_pixels"] == taken.calcified.sum() > 0
    assert told["mask_mm2"] == pytest.approx(taken.mask.sum() * 0.07 * 0.07, abs=1e-3)
    assert told["calcium_mass_mg"] == pytest.approx(float(taken.calcium.sum()), rel=1e-4)
    assert told["thickness_mm"] == pytest.approx(taken.position.thickness, abs=0.01)


def test_the_lines_draw_the_mask(cohort: Truth, taken: View) -> None:
    day = cohort.images.query("patient_id == 'PHANTOM-B-0001'")["date"].iloc[0].replace("-", "")
    lines = json.loads((cohort.folder / "truth" / "lines" / f"PHANTOM-B-0001_{day}.json").read_text())
    assert set(lines) == set(VIEWS)
    drawn = draw([np.array(line) for line in lines["RMLO"]], taken.image.shape) & taken.breast
    either = (drawn | taken.mask).sum()
    assert (drawn & taken.mask).sum() / either > 0.95  # but for mirroring and rounding


def test_a_file_is_the_same_every_time(taken: View, first: Subject, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one.dcm", "two.dcm")]
    rows = [write_view(path, taken, exam=first.exams[0]) for path in paths]
    assert rows[0] == rows[1]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_uids_differ_when_anything_differs() -> None:
    day, birth = dt.date(2010, 1, 1), dt.date(1950, 1, 1)
    exams = [
        Exam("P", woman, number, day, birth, origin)
        for woman in (1, 11)
        for number in (0, 1)
        for origin in ("A|1|1", "A|2|1", "A|1|0.5")
    ]
    uids = {exam.uid(*of) for exam in exams for of in (("study",), ("image", "LCC"), ("image", "RCC"))}
    assert len(uids) == 36
    assert all(UID(uid).is_valid for uid in uids)


def test_what_cannot_be_made_is_refused(taken: View, first: Subject, tmp_path: Path) -> None:
    with pytest.raises(ExamError, match="'jpeg': choose one of jpeg_ls"):
        write_view(tmp_path / "a.dcm", taken, exam=first.exams[0], syntax="jpeg")
    with pytest.raises(ExamError, match="'LML': choose some of LCC"):
        write_exam(tmp_path, first.woman, exam=first.exams[0], views=["LML"])
    assert list(tmp_path.iterdir()) == []
