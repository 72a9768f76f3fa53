"""The referee: networks trained on real calcified arteries only find the phantom's calcium.

The full figures, on more images, are in data/phantom.md.
"""

from __future__ import annotations

import numpy as np
import pytest

from bactools.inference import load_predictor, predict
from bactools.metrics import segmentation_scores
from bactools.networks.weights import Weights
from bactools.phantom import Woman, draw_woman, render
from bactools.phantom.calcium import Course
from bactools.preprocess import compose
from bactools.recipe import named


@pytest.mark.slow
def test_the_published_network_finds_the_calcium_of_phantoms(paper_weights: Weights) -> None:
    predictor = load_predictor(named("default"), paper_weights)
    scores, areas, masses = [], [], []
    for number in range(6):
        woman = draw_woman(200 + number, age=70)
        woman = Woman(woman.seed, woman.density, woman.size, Course(onset=52 - 2 * number, rate=0.1))
        view = render(woman, "LR"[number % 2], ("CC", "MLO")[number // 2 % 2], age=70)
        image = (view.image >> 4).astype(np.uint8)
        sample = compose(predictor.recipe)(
            {"image": image[None], "label": view.mask[None], "spacing_mm": 0.07}
        )
        breast = sample["breast"][0]
        found = (predict(sample["image"][0], predictor, inside=breast) > 0.5) & breast
        scores.append(segmentation_scores(found, sample["label"][0] & breast).f1)
        areas.append(int(found.sum()))
        masses.append(view.calcium_mg)
    assert np.mean(scores) >= 0.7
    assert np.corrcoef(areas, masses)[0, 1] > 0.8
