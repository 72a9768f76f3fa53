"""Which breast, which projection: sources, their order, contradictions."""

from __future__ import annotations

import pytest
from pydicom.sr._cid_dict import cid_concepts
from pydicom.sr._concepts_dict import concepts
from pydicom.sr._snomed_dict import mapping

from bactools.dicom.headers import Header
from bactools.dicom.views import _MODIFIERS, _VIEWS, orientation, position


def header(views=(), modifiers=(), **texts: str) -> Header:
    return Header(
        {key: tuple(value.split("\\")) for key, value in texts.items()}, tuple(views), tuple(modifiers)
    )


@pytest.mark.parametrize(("cid", "table", "count"), [(4014, _VIEWS, 11), (4015, _MODIFIERS, 14)])
def test_every_code_of_the_standard_is_known(cid, table, count):
    """Against pydicom's own copy of PS3.16: each SCT code, and its older SRT twin, is in the table."""
    codes = [
        code
        for name in cid_concepts[cid]["SCT"]
        for code, (_, groups) in concepts["SCT"][name].items()
        if cid in groups
    ]
    assert len(codes) == count
    for code in codes:
        assert table[0, code] == table[1, mapping["SCT"][code]]


@pytest.mark.parametrize(
    ("scheme", "code", "view"),
    [
        ("SCT", "399162004", "CC"),
        ("SRT", "R-10242", "CC"),
        ("SNM3", "R-10242", "CC"),
        ("SCT", "399368009", "MLO"),
        ("SRT", "R-10226", "MLO"),
        ("SNM3", "R-10226", "MLO"),
        ("SNM3", "Y-X1770", "XCCL"),
        ("99HOLOGIC", "399162004", ""),
        ("SCT", "R-10242", ""),
    ],
)
def test_codes_of_all_three_schemes(scheme, code, view):
    assert position(header([(scheme, code)])).view == view


def test_view_sources_in_order():
    texts = {"ViewPosition": "MLO", "PatientOrientation": "A\\R"}
    found = position(header([("SCT", "399260004")], **texts), view="CC")
    assert (found.view, "view_contradiction" in found.flags) == ("ML", True)
    found = position(header([("99X", "1"), ("SRT", "R-10226")], **texts))
    assert (found.view, "view_contradiction" in found.flags) == ("MLO", True)
    assert position(header(**texts), view="CC").view == "MLO"
    assert position(header(PatientOrientation="A\\R"), view="MLO").view == "MLO"
    assert position(header(PatientOrientation="A\\FR")).view == "MLO"


def test_agreeing_sources_are_not_flagged():
    found = position(
        header(
            [("SCT", "399368009")],
            ViewPosition="MLO",
            PatientOrientation="A\\FR",
            ImageLaterality="L",
            Laterality="L",
        )
    )
    assert (found.view, found.laterality, found.flags) == ("MLO", "L", ())


def test_a_word_that_nobody_knows_is_not_replaced_by_a_guess():
    assert position(header(ViewPosition="XYZ", PatientOrientation="A\\FR")).view == ""


def test_laterality_sources_in_order_and_empty_is_absent():
    assert position(header(ImageLaterality="R", Laterality="")).laterality == "R"
    assert position(header(ImageLaterality="", Laterality="L")).laterality == "L"
    both = position(header(ImageLaterality="R", Laterality="L"))
    assert (both.laterality, both.flags) == ("R", ("laterality_contradiction",))
    assert position(header(ImageLaterality="B")).laterality == ""


def test_laterality_from_orientation_is_flagged():
    found = position(header(ViewPosition="CC", PatientOrientation="A\\R"))
    assert (found.laterality, found.flags) == ("L", ("laterality_from_orientation",))
    # for CC the orientation holds only with the lateral side at the top: no contradiction
    assert position(header(ViewPosition="CC", PatientOrientation="A\\R", ImageLaterality="R")).flags == ()
    found = position(header(ViewPosition="MLO", PatientOrientation="A\\FR", ImageLaterality="R"))
    assert found.flags == ("laterality_contradiction",)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("FR", ("MLO", "L")),
        ("HL", ("MLO", "L")),
        ("FL", ("MLO", "R")),
        ("HR", ("MLO", "R")),
        ("R", ("CC", "L")),
        ("L", ("CC", "R")),
        ("F", ("", "")),
        ("FRA", ("MLO", "L")),
        ("FHR", ("", "")),
        ("A", ("", "")),
    ],
)
def test_orientation(column, expected):
    assert orientation(("A", column)) == expected


def test_orientation_needs_two_values():
    assert orientation(("CC",)) == orientation(()) == ("", "")


def test_modifiers():
    found = position(
        header([("SRT", "R-10242")], [("SRT", "R-102D7"), ("SCT", "399209000"), ("99X", "R-102D6")])
    )
    assert found.modifiers == ("spot", "implant_displaced")
