"""The folder becomes a table: processes, pictures, CSVs, quirks, odd folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from pydicom import uid

from bactools.dicom import index_folder
from bactools.dicom.eligibility import REASONS
from bactools.dicom.index import COLUMNS
from bactools.dicom.privacy import Pseudonymiser
from bactools.dicom.quirks import QUIRKS
from bactools.testing import write_mammogram

from .conftest import KEY, TINY

VIEWS = (("L", "CC"), ("L", "MLO"), ("R", "CC"), ("R", "MLO"))
GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)


def cbis(path: Path, name: str = "Mass-Test_P_00173_LEFT_CC", **header) -> Path:
    """Write a file with the headers of CBIS-DDSM."""
    side, view = name.split("_")[3:5]
    gone = ("ViewCodeSequence", "ViewPosition", "ImageLaterality", "Manufacturer", "PresentationIntentType")
    fields = {
        **dict.fromkeys((*gone, "ImageType", "AcquisitionTime", "PresentationLUTShape")),
        "SOPClassUID": str(uid.SecondaryCaptureImageStorage),
        "Laterality": side[0],
        "PatientOrientation": view,
        **header,
    }
    return write_mammogram(
        path, pixels=TINY, patient_id=name, patient_name=name, study_date="20161004", spacing=None, **fields
    )


def test_four_views_of_two_women(tmp_path, index_here):
    for woman in ("A", "B"):
        for side, view in VIEWS:
            (tmp_path / woman).mkdir(exist_ok=True)
            write_mammogram(
                tmp_path / woman / f"{side}{view}.dcm",
                pixels=TINY,
                patient_id=woman,
                laterality=side,
                view=view,
            )
    index = index_here()
    assert tuple(index.table.columns) == COLUMNS
    assert index.summary() == "8 files: 8 eligible, 0 excluded"
    assert repr(index) == "<Index: 8 files: 8 eligible, 0 excluded>"
    assert index.table["view"].tolist() == ["LCC", "LMLO", "RCC", "RMLO"] * 2
    assert index.table.subject.nunique() == 2
    assert list(index.paths) == index.table.image_id.tolist()
    assert len(index) == len(index.eligible) == 8
    assert str(index.table.date.dtype) == "datetime64[s]"
    assert (index.table.date == pd.Timestamp("2020-01-02")).all()


def test_summary_explains_each_reason(tmp_path, index_here):
    for number in range(2):
        (tmp_path / f"{number}.txt").write_text("x")
    write_mammogram(tmp_path / "a.dcm", pixels=TINY, PartialView="YES")
    index = index_here()
    assert index.summary().splitlines() == [
        "3 files: 0 eligible, 3 excluded",
        f"  2 not_dicom: {REASONS['not_dicom']}",
        f"  1 partial_view: {REASONS['partial_view']}",
    ]
    assert "<td>not_dicom</td><td>2</td>" in index._repr_html_()


def test_empty_folder_and_no_folder(tmp_path, index_here):
    index = index_here()
    assert (len(index), index.summary()) == (0, "0 files: 0 eligible, 0 excluded")
    assert tuple(index.table.columns) == COLUMNS
    with pytest.raises(ValueError, match="not a folder"):
        index_folder(tmp_path / "absent", key=KEY)
    with pytest.raises(ValueError, match="twin, keep"):
        index_here(for_processing="all")


def test_processes_give_the_same_table(tmp_path, index_here):
    for number in range(70):
        write_mammogram(tmp_path / f"{number}.dcm", pixels=TINY, patient_id=str(number % 7), seed=number)
    (tmp_path / "x.txt").write_text("x")
    inline, parallel = index_here(processes=1, shift_dates=9), index_here(processes=2, shift_dates=9)
    pd.testing.assert_frame_equal(inline.table, parallel.table)
    pd.testing.assert_frame_equal(inline.linkage, parallel.linkage)
    assert inline.paths == parallel.paths
    assert len(inline) == 71


def test_image_ids_do_not_depend_on_where_the_folder_is(tmp_path):
    write_mammogram((tmp_path / "one").mkdir() or tmp_path / "one" / "a.dcm", pixels=TINY)
    (tmp_path / "one" / "b.txt").write_text("x")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    one, two = (index_folder(tmp_path / name, key=KEY).table for name in ("one", "two"))
    pd.testing.assert_frame_equal(one, two)
    assert one.image_id[0] == Pseudonymiser(KEY).image_id("uid:" + sop_uid(tmp_path / "one" / "a.dcm"))
    assert one.fingerprint.is_unique


def sop_uid(path: Path) -> str:
    from pydicom import dcmread

    return str(dcmread(path, stop_before_pixels=True).SOPInstanceUID)


def test_link_loops_end_and_hidden_folders_are_left(tmp_path, index_here):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path)
    for folder in (tmp_path / "a" / "b", tmp_path / ".git"):
        write_mammogram(folder / "x.dcm", pixels=TINY)
    assert index_here().linkage["path"].tolist() == [str(tmp_path / "a" / "b" / "x.dcm")]


def test_vendor_names_are_ours(tmp_path, index_here):
    makers = {
        "HOLOGIC, Inc.": "hologic",
        "GE MEDICAL SYSTEMS": "ge",
        "SIEMENS": "siemens",
        "Dr. X": "other",
        "": "",
    }
    makers |= {"FUJIFILM Corporation": "fujifilm", "Philips Digital Mammography Sweden AB": "philips"}
    makers |= {
        "LORAD, A Hologic Company": "hologic",
        "Image Systems": "other",
        "IMS s.r.l.": "ims",
        "GE": "ge",
    }
    for number, maker in enumerate(makers):
        write_mammogram(tmp_path / f"{number:02d}.dcm", pixels=TINY, seed=number, Manufacturer=maker)
    assert index_here().table.manufacturer.tolist() == list(makers.values())


@pytest.mark.parametrize(
    ("age", "birth", "years"),
    [
        ("045Y", "", 45),
        ("732.0m", "", 61),
        ("555M", "", 46.25),
        ("000Y", "", np.nan),
        ("001D", "19600102", 60.0),
        ("", "19700102", 50.0),
        ("095Y", "", 90),
        ("x", "", np.nan),
    ],
)
def test_ages(tmp_path, index_here, age, birth, years):
    write_mammogram(tmp_path / "a.dcm", pixels=TINY, PatientAge=age, PatientBirthDate=birth)
    assert index_here().table.age[0] == pytest.approx(years, abs=0.01, nan_ok=True)


@pytest.mark.parametrize(
    ("header", "detector", "magnification"),
    [
        ({"spacing": 0.07, "PixelSpacing": ["0.065", "0.065"]}, 0.07, np.nan),
        ({"spacing": None, "PixelSpacing": ["0.05", "0.05"]}, 0.05, np.nan),
        ({"spacing": None, "PixelSpacing": ["0.975", "0.975"]}, np.nan, np.nan),
        ({"EstimatedRadiographicMagnificationFactor": "0.1026"}, 0.07, np.nan),
        ({"EstimatedRadiographicMagnificationFactor": "1.07"}, 0.07, 1.07),
        ({"spacing": 0.0}, np.nan, np.nan),
        ({"ImagerPixelSpacing": ["0.07"]}, np.nan, np.nan),
    ],
)
def test_spacing(tmp_path, index_here, header, detector, magnification):
    write_mammogram(tmp_path / "a.dcm", pixels=TINY, **header)
    row = index_here().table.iloc[0]
    assert row.spacing_detector_mm == pytest.approx(detector, nan_ok=True)
    assert row.magnification == pytest.approx(magnification, nan_ok=True)
    assert row.spacing_corrected_mm == pytest.approx(detector / magnification, nan_ok=True)


def test_acquisition_times(tmp_path, index_here):
    times = {"101500.123": "101500", "10:15:00": "101500", "991500": "", "": ""}
    for number, time in enumerate(times):
        write_mammogram(tmp_path / f"{number}.dcm", pixels=TINY, seed=number, AcquisitionTime=time)
    assert index_here().table.acquisition_time.tolist() == list(times.values())


def test_cbis_ddsm(tmp_path, index_here):
    """One woman in four studies with four patient numbers; the view in Patient Orientation."""
    for number, (side, view) in enumerate(VIEWS):
        name = f"Mass-Test_P_00173_{'LEFT' if side == 'L' else 'RIGHT'}_{view}"
        cbis(tmp_path / f"{number}.dcm", name, private=None)
    table = index_here().table
    assert table.reason.tolist() == [""] * 4
    assert table["view"].tolist() == ["LCC", "LMLO", "RCC", "RMLO"]
    assert table.subject.unique().tolist() == [Pseudonymiser(KEY).subject("P_00173")]
    assert table["flags"].unique().tolist() == ["no_spacing;magnification_unknown"]


def test_cbis_ddsm_only_where_it_is(tmp_path, index_here):
    cbis(tmp_path / "a.dcm", PatientID="Somebody")
    assert index_here().table.reason.tolist() == ["unknown_view"]


def test_quirks_have_different_names():
    assert len({quirk.name for quirk in QUIRKS}) == len(QUIRKS)


def test_pictures_come_in_by_their_names(tmp_path, index_here):
    names = (
        "S001_LCC_20200102.png",
        "S001_rmlo_2021-03-04.TIFF",
        "A_1.b_LMLO_20200102_2.tif",
        "S001_LCC_20209999.png",
    )
    for name in (*names, "holiday.png", "S001_XX_20200102.png", "S 1_LCC_20200102.png"):
        cv2.imwrite(str(tmp_path / name), GREY if "2021" not in name else GREY.astype(np.uint16) * 257)
    index = index_here()
    table = index.table.set_index(index.linkage["path"].map(lambda path: Path(path).name))
    assert table.loc[list(names), "reason"].tolist() == ["", "", "", "bad_date"]
    assert table.loc[list(names[:3]), "subject"].tolist() == ["S001", "S001", "A_1.b"]
    assert table.loc[list(names[:3]), "view"].tolist() == ["LCC", "RMLO", "LMLO"]
    assert table.loc[names[1], "bits_stored"] == 16
    assert table.loc[names[1], "date"] == pd.Timestamp("2021-03-04")
    assert (table.kind == "picture").all()
    assert set(table.reason) == {"", "bad_date", "unknown_name"}


def test_another_name_pattern(tmp_path, index_here):
    cv2.imwrite(str(tmp_path / "20200102-RCC-w7.png"), GREY)
    pattern = r"(?P<date>\d{8})-(?P<view>\w+)-(?P<subject>\w+)\.png"
    row = index_here(name_pattern=pattern).table.iloc[0]
    assert (row.eligible, row.subject, row["view"]) == (True, "w7", "RCC")
    with pytest.raises(ValueError, match="subject"):
        index_here(name_pattern="(?P<view>x)")
    with pytest.raises(ValueError, match="regular expression"):
        index_here(name_pattern="(")


def test_huge_and_broken_pictures(tmp_path, index_here):
    from PIL import Image

    Image.new("1", (20000, 10)).save(tmp_path / "S1_LCC_20200101.png")
    (tmp_path / "S2_LCC_20200101.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 99)
    Image.new("RGBA", (20, 10)).save(tmp_path / "S3_LCC_20200101.png")
    assert index_here().table.reason.tolist() == ["too_large", "unreadable", "colour"]


def files_csv(folder: Path, text: str) -> Path:
    path = folder.parent / f"{folder.name}_files.csv"
    path.write_text(text)
    return path


def test_files_csv_says_what_the_header_does_not(tmp_path, index_here):
    write_mammogram(
        tmp_path / "a.dcm", pixels=TINY, ViewCodeSequence=None, ViewPosition=None, PatientOrientation=None
    )
    write_mammogram(tmp_path / "b.dcm", pixels=TINY, seed=1, PatientID="", StudyDate="")
    write_mammogram(tmp_path / "not_listed.dcm", pixels=TINY)
    cv2.imwrite(str(tmp_path / "holiday.png"), GREY)
    listed = files_csv(
        tmp_path,
        "file,subject,view,date\nb.dcm,W2,RMLO,2019-05-06\nholiday.png,W3,LCC,20200102\na.dcm,,lcc,\nabsent.dcm,,,\n",
    )
    table = index_here(files_csv=listed).table
    assert table.reason.tolist() == ["", "unreadable", "", ""]
    assert table["view"].tolist() == ["LCC", "", "RMLO", "LCC"]
    assert table.subject.tolist() == [Pseudonymiser(KEY).subject("P1"), "", "W2", "W3"]
    assert table.date[2] == pd.Timestamp("2019-05-06")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,subject,view\nSECRET,a,LCC\n", "no column date"),
        ("file,subject,view,date\nx,a,LCC,\nSECRET,a,LXX,\n", "row 3: view must be"),
        ("file,subject,view,date\nSECRET,<b>,LCC,\n", "row 2: a subject is"),
        ("file,subject,view,date\nSECRET,a,LCC,1/2/20\n", "row 2: date must be"),
        ("file,subject,view,date\n../SECRET,a,LCC,\n", "row 2: file must be"),
        ("file,subject,view,date\n/SECRET,a,LCC,\n", "row 2: file must be"),
        ("file,subject,view,date\nSECRET,a,LCC,\nSECRET,a,LCC,\n", "row 3: the file is listed twice"),
        ('file,subject,view,date\n"SECRET', "cannot be read"),
    ],
)
def test_files_csv_errors_name_the_row_only(tmp_path, index_here, text, message):
    with pytest.raises(ValueError, match=message) as error:
        index_here(files_csv=files_csv(tmp_path, text))
    assert "SECRET" not in str(error.value)


def test_subjects_csv(tmp_path, index_here):
    write_mammogram(tmp_path / "a.dcm", pixels=TINY, patient_id="4711")
    write_mammogram(tmp_path / "b.dcm", pixels=TINY, patient_id="4712")
    write_mammogram(tmp_path / "c.dcm", pixels=TINY, PatientID="")
    cbis(tmp_path / "d.dcm")
    cv2.imwrite(str(tmp_path / "S9_LCC_20200102.png"), GREY)
    by_patient = files_csv(tmp_path, "subject,patient_id\nW1,4711\nW4,P_00173\n")
    table = index_here(subjects_csv=by_patient).table
    assert table.subject.tolist() == ["S9", "W1", Pseudonymiser(KEY).subject("4712"), "", "W4"]
    by_file = files_csv(tmp_path, "subject,file\nW3,c.dcm\nW9,S9_LCC_20200102.png\n")
    table = index_here(subjects_csv=by_file).table
    assert table.subject.tolist()[0] == "W9"
    assert (table.subject[3], table.reason[3]) == ("W3", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject\nSECRET\n", "one of: file, patient_id"),
        ("subject,file,patient_id\na,b,SECRET\n", "one of: file, patient_id"),
        ("subject,patient_id\n=SECRET,1\n", "row 2: a subject is"),
        ("subject,patient_id\na,SECRET\nb,SECRET\n", "row 3: the same patient_id"),
        ("subject,patient_id\na,\n", "row 2: patient_id is empty"),
    ],
)
def test_subjects_csv_errors_name_the_row_only(tmp_path, index_here, text, message):
    with pytest.raises(ValueError, match=message) as error:
        index_here(subjects_csv=files_csv(tmp_path, text))
    assert "SECRET" not in str(error.value)


def test_issuers_separate_women_with_the_same_number(tmp_path, index_here):
    for number, issuer in enumerate(("A", "B", "A")):
        write_mammogram(tmp_path / f"{number}.dcm", pixels=TINY, seed=number, IssuerOfPatientID=issuer)
    subjects = index_here().table.subject
    assert subjects[0] == subjects[2] != subjects[1]


def test_private_block_of_the_collection(tmp_path, index_here):
    """A file of another collection with a patient number of the same form is not taken for CBIS-DDSM."""
    cbis(tmp_path / "a.dcm")
    content = (tmp_path / "a.dcm").read_bytes()
    creator = b"\x13\x00\x10\x00LO\x04\x00CTP "
    for name, expected in ((b"CBIS-DDSM ", ""), (b"OTHER ", "unknown_view")):
        block = creator + b"\x13\x00\x10\x10UN\x00\x00" + len(name).to_bytes(4, "little") + name
        place = content.index(b"\x18\x00\x15\x00CS")
        (tmp_path / "a.dcm").write_bytes(content[:place] + block + content[place:])
        assert index_here().table.reason.tolist() == [expected]
