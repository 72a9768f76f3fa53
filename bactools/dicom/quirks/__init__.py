"""What single vendors and collections do differently; one file each, one line in `QUIRKS`."""

from __future__ import annotations

from bactools.dicom.headers import Header
from bactools.dicom.quirks.base import Corrections, Quirk
from bactools.dicom.quirks.cbis_ddsm import CBIS_DDSM
from bactools.dicom.quirks.fujifilm import FUJIFILM
from bactools.dicom.quirks.ge import GE
from bactools.dicom.quirks.hologic import HOLOGIC
from bactools.dicom.quirks.siemens import SIEMENS

QUIRKS: tuple[Quirk, ...] = (CBIS_DDSM, HOLOGIC, GE, SIEMENS, FUJIFILM)
"""Tried in this order; the first that matches is applied."""

__all__ = ["QUIRKS", "Corrections", "Quirk", "corrections"]


def corrections(header: Header) -> Corrections:
    """Return what the first matching quirk says about `header`; nothing when none matches."""
    for quirk in QUIRKS:
        if quirk.matches(header):
            return quirk.correct(header)
    return Corrections()
