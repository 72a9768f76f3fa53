"""From files to an index, and from the index to images."""

from bactools.dicom.decode import ImageFailure
from bactools.dicom.index import Index, index_folder
from bactools.dicom.pixels import read_image

__all__ = ["ImageFailure", "Index", "index_folder", "read_image"]
