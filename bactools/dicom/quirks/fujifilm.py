"""Fujifilm: synthesized 2D images named S-View."""

from bactools.dicom.quirks.base import NamedSynthesis

FUJIFILM = NamedSynthesis("fujifilm", ("S-VIEW",))
