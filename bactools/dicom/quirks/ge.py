"""GE: synthesized 2D images named V-Preview."""

from bactools.dicom.quirks.base import NamedSynthesis

GE = NamedSynthesis("ge", ("V-PREVIEW", "VPREVIEW"))
