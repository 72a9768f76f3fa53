"""Training further: it starts from what the weights can, and keeps what their output means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from bactools.inference import load_predictor
from bactools.metrics.segmentation import Scores, segmentation_scores
from bactools.networks.checkpoint import details, load
from bactools.networks.weights import Weights, resolve
from bactools.recipe import named
from bactools.training import ConfigError, finetune, open_patches
from bactools.training.split import split_by_woman


def evaluated(out: Path, weights: Weights) -> Scores:
    """Segment the validation patches as inference does, one by one, and pool their pixels."""
    predictor = load_predictor(named("published"), weights)
    patches = open_patches(next((out / "patches").iterdir()))
    pooled = Scores(0, 0, 0, 0)
    for row in split_by_woman(patches.table, share=0.5, seed=0)[1]:
        image, label = patches.load(int(row))
        with torch.no_grad():
            score = predictor.score(torch.from_numpy(image).float()[None, None])
        pooled += segmentation_scores((score > predictor.recipe.cut).numpy()[0, 0], label)
    return pooled


def test_epoch_0_is_the_start_weights_as_inference_has_them(
    toy_weights: Weights, toy_truth: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    tuned = finetune(
        "toy", toy_truth, out=tmp_path / "out", say=said.append,
        recipe="published", patch=32, overlap=8, epochs=1, validation=0.5, learning_rate=1e-3,
    )  # fmt: skip
    assert any("without a sigmoid" in line for line in said)
    assert tuned.table["epoch"].to_list() == [0, 1]
    pooled = evaluated(tmp_path / "out", toy_weights)
    assert pooled.tp > 0
    assert tuned.table["dice"].iloc[0] == pytest.approx(pooled.f1, abs=1e-3)
    assert details(tuned.weights)["output"] == "probability"
    assert details(tuned.weights)["start"] == {"name": "toy", "sha256": toy_weights.spec.sha256}


def test_cross_entropy_on_probabilities_is_refused(
    toy_weights: Weights, toy_truth: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="without a sigmoid, which cross-entropy cannot take"):
        finetune("toy", toy_truth, out=tmp_path / "out", loss="bce")
    with pytest.raises(ConfigError, match="epoch: no such key"):
        finetune("toy", toy_truth, out=tmp_path / "out", epoch=3)


def real_truth(folder: Path, shared: Path) -> Path:
    """Make two women of the upper and lower part of a real mammogram, with the network's mask as truth."""
    (folder / "truth").mkdir(parents=True)
    rows = ["sop_instance_uid,patient_id,file,mask"]
    for number, half in enumerate((slice(None, 1060), slice(1060, None))):
        for name in ("", "_model_mask"):
            with Image.open(shared / "data" / f"cbis_ddsm_P00646_L_CC_crop{name}.png") as picture:
                pixels = np.asarray(picture.convert("L"))[half]
            Image.fromarray(pixels).save(folder / f"{number}{name}.png")
        rows.append(f"1.{number},{number},{number}.png,{number}_model_mask.png")
    (folder / "truth" / "images.csv").write_text("\n".join(rows))
    return folder


def test_the_papers_checkpoint_starts_at_its_dice_and_stays_if_not_bettered(
    paper_weights: Weights, shared: Path, tmp_path: Path
) -> None:
    tuned = finetune(
        paper_weights.path, real_truth(tmp_path / "data", shared), out=tmp_path / "out", negatives=0.0,
        recipe="published", patch=256, overlap=0, validation=0.5, epochs=1, steps_per_epoch=1, batch=1,
        learning_rate=10.0,
    )  # fmt: skip
    assert resolve(paper_weights.path).spec.output == details(tuned.weights)["output"] == "probability"
    pooled = evaluated(tmp_path / "out", paper_weights)
    assert pooled.tp > 100
    assert tuned.table["dice"].iloc[0] == pytest.approx(pooled.f1, abs=1e-3)
    assert tuned.table["epoch"].to_list() == [0, 1]
    assert tuned.table["dice"].iloc[1] < pooled.f1 - 0.1  # such a step spoils them: the start is kept
    assert tuned.best_epoch == 0
    best, start = load_file(tuned.weights), load(paper_weights).state_dict()
    assert all(torch.equal(best[key], start[key]) for key in start)
