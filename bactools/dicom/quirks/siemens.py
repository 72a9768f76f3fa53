"""Siemens: synthesized 2D images named Insight 2D."""

from bactools.dicom.quirks.base import NamedSynthesis

SIEMENS = NamedSynthesis("siemens", ("INSIGHT 2D", "INSIGHT2D"))
