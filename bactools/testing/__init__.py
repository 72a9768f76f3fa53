"""Made-up mammograms and cubes with known answers, for tests, documentation and notebooks."""

import bactools.accessor  # noqa: F401  (made-up cubes have ``cube.bac``)
from bactools.dicom.encode import LOSSLESS
from bactools.testing.cube import simulate_cube
from bactools.testing.mammogram import (
    PRESENTATION,
    PROCESSING,
    breast_pixels,
    code_item,
    write_mammogram,
)
from bactools.testing.study import simulate_study

__all__ = [
    "LOSSLESS",
    "PRESENTATION",
    "PROCESSING",
    "breast_pixels",
    "code_item",
    "simulate_cube",
    "simulate_study",
    "write_mammogram",
]
