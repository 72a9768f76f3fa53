"""One file in, one measured image out: the whole way, as a plain function."""

from __future__ import annotations

import hashlib
import math
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bactools.conventions import Maps
from bactools.dicom import ImageFailure, read_image
from bactools.inference import Predictor, predict
from bactools.metrics import compute, evidence
from bactools.preprocess import compose

_FLOOR = 1e-3  # smaller probabilities are stored as 0: a map then takes a ninth of the space


@dataclass(frozen=True)
class Outcome:
    """What became of one image.

    Attributes
    ----------
    image_id : str
    status : {"done", "failed"}
    row : dict
        Metrics and provenance of a measured image; empty when it failed.
    histogram : int64 array, shape (probability_bin, intensity), or None
        Joint histogram of the counted region.
    map : bool or float32 array, shape (y, x), or None
        Mask or probability map on the analysis grid, as asked for.
    code, message : str
        Why an image failed, without a word out of its header.
    """

    image_id: str
    status: Literal["done", "failed"]
    row: dict[str, Any] = field(default_factory=dict)
    histogram: NDArray[np.int64] | None = None
    map: NDArray[np.bool_] | NDArray[np.float32] | None = None
    code: str = ""
    message: str = ""


def failed(image_id: str, code: str, message: str) -> Outcome:
    """Return the outcome of an image that could not be measured."""
    return Outcome(image_id, "failed", code=code, message=message)


def quantify(image_id: str, path: Path, predictor: Predictor, *, maps: Maps = "mask") -> Outcome:
    """Read, preprocess, segment and measure one image.

    Parameters
    ----------
    image_id : str
        Name under which the image is reported; never its path.
    path : path
        A DICOM file or an 8- or 16-bit grey picture.
    predictor : Predictor
        Network, weights and recipe.
    maps : {"probability", "mask", "none"}
        Which map the outcome carries. Probabilities below 0.001 are 0 in it; PM is summed before.

    Returns
    -------
    Outcome
        Never raises for anything the image does: a failed image is an outcome with a code.
    """
    try:
        return _measure(image_id, path, predictor, maps=maps)
    except ImageFailure as failure:
        return failed(image_id, failure.code, failure.message)
    except MemoryError:
        return failed(image_id, "out_of_memory", "not enough memory for this image: give workers more")
    except Exception as error:  # its text may quote the header, so only its type is told
        return failed(image_id, "unexpected", f"{type(error).__name__} while measuring; please report it")


def _measure(image_id: str, path: Path, predictor: Predictor, *, maps: Maps) -> Outcome:
    started = time.perf_counter()
    recipe = predictor.recipe
    image = read_image(path, scaling=recipe.scaling)
    detector = float(image.attrs["spacing_detector_mm"])
    corrected = float(image.attrs["spacing_corrected_mm"])
    sample = compose(recipe)({"image": image.values[None], "spacing_mm": detector})
    grey, breast = sample["image"][0], sample["breast"][0]
    if not breast.any():
        raise ImageFailure("no_breast", "nothing in the image is brighter than its background")
    probability = predict(grey, predictor, inside=breast)
    counts = evidence(
        probability,
        grey,
        breast=breast,
        region=recipe.region,
        cut=recipe.cut,
        comparison=recipe.comparison,
        spacing_detector_mm=sample["spacing_mm"],
        spacing_corrected_mm=corrected * sample["scale"],
    )
    row = {
        **compute(counts),
        "analysis_rows": grey.shape[0],
        "analysis_columns": grey.shape[1],
        "analysis_spacing_mm": sample["spacing_mm"],
        "scaling": str(image.attrs["scaling"]),
        "pixels_sha256": hashlib.sha256(image.values.tobytes()).hexdigest()[:16],
    }
    stored = _map(probability, breast if recipe.region == "breast" else None, cut=recipe.cut, maps=maps)
    row["seconds"] = round(time.perf_counter() - started, 3)
    row["peak_memory_mib"] = _peak_memory_mib()
    return Outcome(image_id, "done", row=row, histogram=counts.histogram, map=stored)


def _peak_memory_mib() -> float:
    """Return the most memory this process has ever held [MiB]; NaN where the system does not say."""
    if sys.platform == "win32":
        return math.nan
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def _map(
    probability: NDArray[np.float32], region: NDArray[np.bool_] | None, *, cut: float, maps: Maps
) -> NDArray[np.bool_] | NDArray[np.float32] | None:
    if maps == "none":
        return None
    if region is not None:
        probability = np.where(region, probability, np.float32(0))
    if maps == "mask":
        return np.asarray(probability > np.float32(cut))
    return np.where(probability < _FLOOR, np.float32(0), probability)
