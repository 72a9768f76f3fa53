"""What one image contributes to every metric: counted once, small, without the image itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bactools.metrics.histogram import SHAPE, Comparison, first_bin, first_level, joint_histogram

Region = Literal["image", "breast"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """The counts of one image from which all metrics are computed.

    Attributes
    ----------
    histogram : int64 array, shape (100, 256)
        Joint histogram of the region.
    probability_sum : float
        Sum of the probabilities over the region, neither cut nor clipped.
    breast_area : int
        Breast pixels.
    spacing_detector_mm : float
        Distance between pixels in the detector plane [mm]; NaN when unknown.
    spacing_corrected_mm : float
        The same divided by the magnification, that is in the breast [mm]; NaN when unknown.
    cut : float
        Probability above which a pixel is called calcified.
    comparison : {">", ">="}
        How grey levels are compared with the threshold X.
    """

    histogram: NDArray[np.int64]
    probability_sum: float
    breast_area: int
    spacing_detector_mm: float
    spacing_corrected_mm: float
    cut: float
    comparison: Comparison

    def __post_init__(self) -> None:
        if self.histogram.shape != SHAPE:
            raise ValueError(f"joint histogram has shape {self.histogram.shape}: expected {SHAPE}")
        first_bin(self.cut)
        first_level(0, comparison=self.comparison)
        for spacing in (self.spacing_detector_mm, self.spacing_corrected_mm):
            if not (math.isnan(spacing) or 0 < spacing < math.inf):
                raise ValueError(f"pixel spacing {spacing} mm: give a positive number, or NaN if unknown")


def evidence(
    probability: NDArray[np.floating],
    intensity: NDArray[np.uint8],
    *,
    breast: NDArray[np.bool_] | None,
    region: Region,
    cut: float,
    comparison: Comparison,
    spacing_detector_mm: float = math.nan,
    spacing_corrected_mm: float = math.nan,
) -> Evidence:
    """Count one image.

    Parameters
    ----------
    probability : float array, shape (y, x)
        Network output.
    intensity : uint8 array, shape (y, x)
        Grey levels of the same pixels.
    breast : bool array, shape (y, x), or None
        Breast mask; needed for ``region="breast"``, unused otherwise.
    region : {"image", "breast"}
        ``breast``: everything is counted inside the mask, whose size is the breast area.
        ``image``: everything counts, and the breast area is the number of pixels brighter than 0,
        as in the published code.
    cut : float
        Probability above which a pixel is called calcified: 0.01, 0.02 … 0.99.
    comparison : {">", ">="}
        How grey levels are compared with the threshold X.
    spacing_detector_mm, spacing_corrected_mm : float
        Spacing of these pixels at the detector, and corrected for magnification [mm]; NaN unknown.

    Returns
    -------
    Evidence

    Raises
    ------
    ValueError
        If shapes or types do not fit, the region is empty, or the map holds NaN or infinity there:
        such an image failed, and must not pass for one without calcification.
    """
    if region not in ("image", "breast"):
        raise ValueError(f"region {region!r}: choose 'image' or 'breast'")
    if region == "breast" and breast is None:
        raise ValueError("region 'breast' needs the breast mask: give breast=")
    mask = np.asarray(breast) if region == "breast" else None
    probability = np.asarray(probability)
    histogram = joint_histogram(probability, intensity, region=mask)
    if not histogram.any():
        raise ValueError("no pixel to measure: the breast mask or the image is empty")
    inside = probability if mask is None else probability[mask]
    total = float(inside.sum(dtype=np.float64))
    if not math.isfinite(total):
        raise ValueError("the probability map holds NaN or infinite values: the network failed on this image")
    area = histogram.sum() if region == "breast" else histogram[:, 1:].sum()
    return Evidence(
        histogram=histogram,
        probability_sum=total,
        breast_area=int(area),
        spacing_detector_mm=float(spacing_detector_mm),
        spacing_corrected_mm=float(spacing_corrected_mm),
        cut=cut,
        comparison=comparison,
    )
