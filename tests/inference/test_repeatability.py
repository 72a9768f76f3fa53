"""The same image, its window grid moved: how far the measured area moves with it.

`pytest -s tests/inference/test_repeatability.py` prints the figures of the README.
"""

from __future__ import annotations

import numpy as np
import pytest

from bactools.inference import load_predictor, predict
from bactools.networks.weights import Weights
from bactools.preprocess import compose
from bactools.recipe import named

SHIFTS = ((0, 0), (8, 0), (3, 5), (96, 96), (240, 130), (401, 77), (60, 200), (128, 320))


def areas(image: np.ndarray, recipe_name: str, weights: Weights) -> tuple[list[int], list[np.ndarray]]:
    """Area and mask of an image pushed down and right inside a black frame."""
    recipe = named(recipe_name)
    predictor = load_predictor(recipe, weights)
    masks = []
    for dy, dx in SHIFTS:
        pushed = np.pad(image, ((dy, 0), (dx, 0)))
        sample = compose(recipe)({"image": pushed[None], "spacing_mm": np.nan})
        inside = sample["breast"][0]
        mask = (predict(sample["image"][0], predictor, inside=inside) > recipe.cut) & inside
        masks.append(mask[dy:, dx:])
    return [int(mask.sum()) for mask in masks], masks


@pytest.mark.slow
def test_one_pass_repeats_itself_where_windows_do_not(paper_weights: Weights, real_crop: np.ndarray) -> None:
    found: dict[str, float] = {}
    for name in ("published", "default"):
        area, masks = areas(real_crop, name, paper_weights)
        dice = [2 * (a & b).sum() / (a.sum() + b.sum()) for i, a in enumerate(masks) for b in masks[:i]]
        found[name] = float(np.std(area, ddof=1) / np.mean(area))
        print(  # noqa: T201
            f"{name}: AM {min(area)} to {max(area)}, CV {100 * found[name]:.2f} %, "
            f"Dice between masks median {np.median(dice):.2f}, worst {min(dice):.2f}"
        )
        assert min(area) > 10_000
    assert found["default"] < 0.015
    assert found["published"] > 2 * found["default"]
