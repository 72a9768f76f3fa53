"""From a presentation image to what a network sees: exact filters, breast mask, MONAI transforms."""

from bactools.preprocess.breast import BreastRegion, breast_mask, breast_region
from bactools.preprocess.filters import closing_disk, median_disk, median_square, opening_disk
from bactools.preprocess.transforms import compose

__all__ = [
    "BreastRegion",
    "breast_mask",
    "breast_region",
    "closing_disk",
    "compose",
    "median_disk",
    "median_square",
    "opening_disk",
]
