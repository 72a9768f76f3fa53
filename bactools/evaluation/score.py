"""One image of a study against its drawn mask, on the grid the study measured it on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bactools.dicom import ImageFailure, read_image
from bactools.evaluation.match import EvaluationError
from bactools.metrics import Scores, compute, evidence, segmentation_scores
from bactools.preprocess import compose
from bactools.study import Study
from bactools.truth import Truth, TruthError

SCORES = ("recall", "precision", "accuracy", "dice", "jaccard")
COUNTS = ("tp", "fp", "tn", "fn")


@dataclass(frozen=True)
class Scored:
    """What became of one image.

    Attributes
    ----------
    status : {"done", "failed"}
    values : dict
        Counts, scores and the drawn mask's metrics; empty when it failed.
    at_cuts : tuple of Scores
        At each of the cuts asked for.
    failure : str
        Why it failed, without a word out of header or path.
    """

    status: Literal["done", "failed"]
    values: dict[str, Any] = field(default_factory=dict)
    at_cuts: tuple[Scores, ...] = ()
    failure: str = ""


def score_image(
    study: Study, truth: Truth, *, row: int, image_id: str, pixels_sha256: str, cuts: Sequence[float] = ()
) -> Scored:
    """Compare the study's map of an image with the drawn mask.

    Parameters
    ----------
    study : Study
        Kept with its maps.
    truth : Truth
    row : int
        Position of the image in `truth`.
    image_id : str
        Its name in `study`.
    pixels_sha256 : str
        Check of the pixels that were measured, from ``study.images``.
    cuts : sequence of float
        Further cuts of a probability map.

    Returns
    -------
    Scored
        Never raises for anything that image, mask or map do.
    """
    try:
        return _score(study, truth, row, image_id, pixels_sha256, cuts)
    except ImageFailure as failure:
        return Scored("failed", failure=failure.message)
    except (TruthError, EvaluationError) as error:
        return Scored("failed", failure=str(error))
    except MemoryError:
        return Scored("failed", failure="not enough memory for this image")
    except Exception as error:  # its text may quote a header or a path, so only its type is told
        return Scored("failed", failure=f"{type(error).__name__} while comparing; please report it")


def _score(
    study: Study, truth: Truth, row: int, image_id: str, pixels_sha256: str, cuts: Sequence[float]
) -> Scored:
    recipe = study.recipe
    sample, corrected_mm, drawn = _prepare(study, truth, row, pixels_sha256)
    grey, breast, label = sample["image"][0], sample["breast"][0], sample["label"][0]
    found = _map(study, image_id)
    if found.shape != grey.shape:
        raise EvaluationError(
            f"the map has {found.shape[0]} x {found.shape[1]} pixels, the image {grey.shape[0]} x "
            f"{grey.shape[1]}: measure this image again"
        )
    region = breast if recipe.region == "breast" else np.ones_like(breast)
    inside = label[region]
    scores = segmentation_scores(_cut(found, recipe.cut)[region], inside)
    counts = evidence(
        label.astype(np.float32),
        grey,
        breast=breast,
        region=recipe.region,
        cut=recipe.cut,
        comparison=recipe.comparison,
        spacing_detector_mm=sample["spacing_mm"],
        spacing_corrected_mm=corrected_mm * sample["scale"],
    )
    values = {
        "calcium": drawn,
        **{name: getattr(scores, name) for name in COUNTS},
        "drawn_outside": int(np.count_nonzero(label & ~region)),
        **by_name(scores),
        "false_area_mm2": scores.fp * sample["spacing_mm"] ** 2,
        **{f"{name}_truth": value for name, value in compute(counts).items()},
    }
    return Scored(
        "done", values, tuple(segmentation_scores(_cut(found, cut)[region], inside) for cut in cuts)
    )


def by_name(scores: Scores) -> dict[str, float]:
    """Return the five scores under the names of `SCORES`."""
    return {name: getattr(scores, "f1" if name == "dice" else name) for name in SCORES}


def _prepare(study: Study, truth: Truth, row: int, pixels_sha256: str) -> tuple[dict[Any, Any], float, bool]:
    """Return the preprocessed sample, the corrected spacing [mm], and whether anything is drawn."""
    image = read_image(truth.path(row), scaling=study.recipe.scaling)
    if hashlib.sha256(image.values.tobytes()).hexdigest()[:16] != pixels_sha256:
        raise EvaluationError("the image in the truth folder has other pixels than the one measured")
    mask = truth.mask(row)
    if mask.shape != image.shape:
        raise EvaluationError(
            f"truth/images.csv row {row + 1}: the mask has {mask.shape[0]} x {mask.shape[1]} pixels, the "
            f"image {image.shape[0]} x {image.shape[1]}: draw it on the stored pixel grid"
        )
    spacing = float(image.attrs["spacing_detector_mm"])
    sample = compose(study.recipe)({"image": image.values[None], "label": mask[None], "spacing_mm": spacing})
    return sample, float(image.attrs["spacing_corrected_mm"]), bool(mask.any())


def _map(study: Study, image_id: str) -> NDArray[Any]:
    try:
        return np.asarray(study.map(image_id).values)
    except KeyError:
        raise EvaluationError("the study has no map of this image: measure it again") from None
    except ValueError:
        raise EvaluationError("the study's map of this image is damaged: measure it again") from None


def _cut(found: NDArray[Any], cut: float) -> NDArray[np.bool_]:
    return found if found.dtype == bool else np.asarray(found > np.float32(cut))
