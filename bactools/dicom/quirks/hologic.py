"""Hologic: synthesized 2D images named C-View or Intelligent 2D."""

from bactools.dicom.quirks.base import NamedSynthesis

HOLOGIC = NamedSynthesis("hologic", ("C-VIEW", "CVIEW", "INTELLIGENT 2D"))
