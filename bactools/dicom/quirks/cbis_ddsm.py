"""CBIS-DDSM, digitised films on TCIA: the woman's number is inside Patient ID, which differs per image."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bactools.dicom.headers import Header
from bactools.dicom.quirks.base import Corrections

_PATIENT = re.compile(r"(?:Mass|Calc)-(?:Test|Training)_(P_\d{5})_(LEFT|RIGHT)_(CC|MLO)(?:_\d+)?")


@dataclass(frozen=True)
class CbisDdsm:
    """Patient ``P_00173`` inside ``Mass-Test_P_00173_LEFT_CC``; view in Patient Orientation."""

    name: str = "cbis_ddsm"

    def matches(self, header: Header) -> bool:
        """Whether Patient ID has the collection's form and TCIA's private block, if any, names it."""
        collection = header.word("CTPCollection")
        return bool(_PATIENT.fullmatch(header.text("PatientID"))) and collection in ("", "CBIS-DDSM")

    def correct(self, header: Header) -> Corrections:
        """Take the woman out of Patient ID, the view out of Patient Orientation or else Patient ID."""
        found = _PATIENT.fullmatch(header.text("PatientID"))
        if found is None:
            return Corrections()
        patient, side, named_view = found.groups()
        stated_view = header.word("PatientOrientation")
        return Corrections(patient, stated_view if stated_view in ("CC", "MLO") else named_view, side[0])


CBIS_DDSM = CbisDdsm()
