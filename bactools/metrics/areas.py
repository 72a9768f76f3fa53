"""Areas: the breast's, and the calcified one as a share of it and in square millimetres.

Detector-plane areas use the pixel spacing at the detector. The corrected ones divide by the square
of the magnification, that is they use the spacing in the breast (DICOM PS3.3 10.7.1: Imager Pixel
Spacing is measured at the detector; (0018,1114) is the estimated magnification).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from bactools.metrics.evidence import Evidence
from bactools.metrics.registry import metric
from bactools.metrics.sums import THRESHOLDS, am, thresholded_area

Area = Callable[[Evidence], float]
"""Pixels counted in one image."""


@metric(units="1")
def breast_area(evidence: Evidence) -> float:
    """Count of the breast pixels."""
    return float(evidence.breast_area)


def _register(name: str, area: Area, *, meaning: str) -> None:
    """Register an area in square millimetres, in the detector plane and corrected."""

    def in_detector(evidence: Evidence) -> float:
        return area(evidence) * evidence.spacing_detector_mm**2

    def corrected(evidence: Evidence) -> float:
        return area(evidence) * evidence.spacing_corrected_mm**2

    in_detector.__name__, corrected.__name__ = f"{name}_mm2", f"{name}_mm2_corrected"
    in_detector.__doc__ = f"Area of {meaning}, in the detector plane."
    corrected.__doc__ = f"Area of {meaning}, corrected for magnification."
    metric(units="mm2")(in_detector)
    metric(units="mm2")(corrected)


def _register_share(name: str, area: Area, *, meaning: str) -> None:
    """Register an area as a share of the breast area; NaN where that is 0."""

    def share(evidence: Evidence) -> float:
        return area(evidence) / evidence.breast_area if evidence.breast_area else math.nan

    share.__name__ = f"{name}_norm"
    share.__doc__ = f"Area of {meaning}, divided by the breast area."
    metric(units="1")(share)


def _tam(x: int) -> Area:
    return lambda evidence: thresholded_area(evidence, x)


_register("breast_area", breast_area, meaning="the breast")
_CALCIFIED = "the pixels called calcified"
_AREAS: dict[str, tuple[Area, str]] = {"am": (am, _CALCIFIED)} | {
    f"tam_{x}": (_tam(x), f"{_CALCIFIED} whose grey level passes the threshold {x}") for x in THRESHOLDS
}
for _name, (_area, _meaning) in _AREAS.items():
    _register_share(_name, _area, meaning=_meaning)
for _name, (_area, _meaning) in _AREAS.items():
    _register(_name, _area, meaning=_meaning)
