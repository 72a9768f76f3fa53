"""The loop: it learns, it goes on where it stopped to the last bit, and refuses what does not fit."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from bactools.networks import NETWORKS
from bactools.networks.checkpoint import add, details
from bactools.networks.scunet import SCUNet
from bactools.networks.weights import sha256_of
from bactools.training import ConfigError, open_patches, train
from bactools.training import loop as loop_module
from bactools.training.losses import build_loss
from bactools.training.progress import Progress

from .made import toy_config, write_truth


class Killed(BaseException):
    pass


def test_uninterrupted_killed_and_limited_end_the_same(
    toy_truth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropout, batch norm, AdamW and augmentation all remember something; none may remember too much."""
    how: dict[str, Any] = {"epochs": 4, "crop": 24, "augment": {"noise": 4, "scale": 0.1}}
    whole = train(toy_config(toy_truth, tmp_path / "whole", **how))

    calls = 0
    real = build_loss("dice")

    def failing(raw: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += raw.requires_grad
        if calls == 2 * steps + 2:  # in the middle of epoch 3
            raise Killed
        return real(raw, label)

    steps = math.ceil(
        json.loads((tmp_path / "whole" / "card.json").read_text())["data"]["training_patches"] / 4
    )
    assert steps > 2
    config = toy_config(toy_truth, tmp_path / "killed", **how)
    with monkeypatch.context() as patch:
        patch.setattr(loop_module, "build_loss", lambda *_, **__: failing)
        with pytest.raises(Killed):
            train(config)
    assert pd.read_csv(tmp_path / "killed" / "log.csv")["epoch"].to_list() == [1, 2]
    assert not (tmp_path / "killed" / "weights.safetensors").exists()
    torch.manual_seed(99)  # whatever happened in between
    killed = train(config)

    limited = toy_config(toy_truth, tmp_path / "limited", **how)
    parts = [train(limited.replace(minutes=0.0)) for _ in range(4)]
    assert [part.reason for part in parts] == ["minutes", "minutes", "minutes", "epochs"]

    for other in (killed, parts[-1]):
        pd.testing.assert_frame_equal(
            other.table.drop(columns="seconds"), whole.table.drop(columns="seconds"), check_exact=True
        )
        assert other.sha256 == whole.sha256 == sha256_of(other.weights)
        ends = [torch.load(r.folder / "checkpoint.pt")["progress"]["network"] for r in (other, whole)]
        assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[1])
    assert whole.sha256 != train(toy_config(toy_truth, tmp_path / "seed", **how, seed=1)).sha256


def test_a_finished_training_is_only_reported_and_more_epochs_may_be_asked(
    toy_truth: Path, tmp_path: Path
) -> None:
    first = train(toy_config(toy_truth, tmp_path / "a", epochs=1))
    again = train(toy_config(toy_truth, tmp_path / "a", epochs=1))
    assert (again.sha256, len(again.table)) == (first.sha256, 1)
    more = train(toy_config(toy_truth, tmp_path / "a", epochs=2))
    straight = train(toy_config(toy_truth, tmp_path / "b", epochs=2))
    assert more.sha256 == straight.sha256
    anew = train(toy_config(toy_truth, tmp_path / "a", epochs=1, learning_rate=1e-3), resume=False)
    assert len(anew.table) == 1


def test_another_configuration_or_other_data_is_refused(toy_truth: Path, tmp_path: Path) -> None:
    train(toy_config(toy_truth, tmp_path / "out", epochs=1))
    for change in ({"batch": 2}, {"augment": {"noise": 1}}, {"patch": 40}):
        name = next(iter(change))
        with pytest.raises(ConfigError, match=f"begun with another {name}.*--fresh"):
            train(toy_config(toy_truth, tmp_path / "out", **{"epochs": 1, **change}))
    other = write_truth(tmp_path / "other", women=5)
    with pytest.raises(ConfigError, match="begun with another data"):
        train(toy_config(other, tmp_path / "out", epochs=1))
    (tmp_path / "out" / "checkpoint.pt").write_bytes(b"torn")
    with pytest.raises(ConfigError, match="checkpoint cannot be read.*--fresh"):
        train(toy_config(toy_truth, tmp_path / "out", epochs=1))


def test_it_learns_two_patches_by_heart(tmp_path: Path) -> None:
    data = write_truth(tmp_path / "data", women=2)
    still = {"flip": False, "rotate90": False, "brightness": 0.0, "contrast": 0.0}
    config = toy_config(
        data,
        tmp_path / "out",
        patch=64,
        overlap=0,
        epochs=40,
        steps_per_epoch=4,
        validation=0.5,
        augment=still,
    )
    table = train(config.replace(learning_rate=0.05)).table
    assert table["training_loss"].iloc[-1] < 0.3 * table["training_loss"].iloc[0]
    assert table["dice"].max() > 0.9


def test_early_stop(toy_truth: Path, tmp_path: Path) -> None:
    stopped = train(toy_config(toy_truth, tmp_path / "out", epochs=50, patience=2, learning_rate=0.0))
    assert stopped.reason == "patience"
    best = stopped.best_epoch
    assert stopped.table["epoch"].max() == best + 2
    assert stopped.dice == stopped.table["dice"].max()


def test_the_best_epoch_is_kept_not_the_last() -> None:
    progress = Progress()
    for epoch, dice in enumerate([math.nan, 0.2, 0.7, 0.7, 0.4], start=1):
        row = {"epoch": epoch, "dice": dice, "validation_loss": 1.0}
        progress.note(row, {"w": torch.tensor(float(epoch))})
    assert (progress.best_epoch, progress.best_dice, float(progress.best["w"])) == (3, 0.7, 3.0)


def test_without_validation_the_last_epoch_counts(toy_truth: Path, tmp_path: Path) -> None:
    done = train(toy_config(toy_truth, tmp_path / "out", epochs=2, validation=0))
    assert done.best_epoch == 2
    assert math.isnan(done.dice)
    assert json.loads((tmp_path / "out" / "card.json").read_text())["dice"] is None


def test_the_learning_rate_follows_a_cosine(toy_truth: Path, tmp_path: Path) -> None:
    done = train(toy_config(toy_truth, tmp_path / "out", epochs=2, schedule="cosine", learning_rate=0.01))
    assert done.table["learning_rate"].to_list() == pytest.approx([0.01, 0.005])
    with pytest.raises(ConfigError, match="begun with another epochs"):
        train(toy_config(toy_truth, tmp_path / "out", epochs=3, schedule="cosine", learning_rate=0.01))


def test_loading_processes_change_nothing_but_time(toy_truth: Path, tmp_path: Path) -> None:
    one, two = (train(toy_config(toy_truth, tmp_path / str(n), epochs=1), workers=n).sha256 for n in (0, 1))
    assert one == two


def test_what_is_written_says_all_and_names_nobody(toy_truth: Path, tmp_path: Path) -> None:
    said: list[str] = []
    done = train(toy_config(toy_truth, tmp_path / "out", epochs=1), say=said.append)
    card = json.loads((done.folder / "card.json").read_text())
    stated = details(done.weights)
    assert stated["output"] == "logit"
    assert stated["network"] == "toy"
    table = open_patches(next((done.folder / "patches").iterdir())).table
    assert card["data"]["training_women"] + card["data"]["validation_women"] == table["subject"].nunique()
    assert card["data"]["training_patches"] + card["data"]["validation_patches"] == len(table)
    assert card["sha256"] == done.sha256
    assert set(load_file(done.weights)) == set(NETWORKS["toy"]().state_dict())
    assert "<table" in done._repr_html_()
    for file in (path for path in done.folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        assert b"SECRET" not in content
        assert str(tmp_path).encode() not in content
    assert not any("SECRET" in line or str(tmp_path) in line for line in said)


def test_scunet_trains_every_parameter_and_its_weights_can_be_added(toy_truth: Path, tmp_path: Path) -> None:
    how: dict[str, Any] = {"network": "scunet", "epochs": 1, "steps_per_epoch": 1, "validation": 0}
    config = toy_config(toy_truth, tmp_path / "out", **how, weight_decay=0.0)
    done = train(config)
    optimiser = torch.load(done.folder / "checkpoint.pt")["progress"]["optimiser"]
    names = [name for name, _ in SCUNet().named_parameters()]
    assert len(optimiser["state"]) == len(names)
    for number, name in enumerate(names):
        assert float(optimiser["state"][number]["exp_avg"].abs().sum()) > 0, name
    added = add(done.weights, name="ours")  # says itself that it gives logits
    assert added.spec.output == "logit"
    assert added.path.suffix == ".safetensors"


def test_a_loss_that_is_no_number_stops(
    toy_truth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_module, "build_loss", lambda *_, **__: lambda raw, _: raw.sum() * math.nan)
    with pytest.raises(ConfigError, match="loss of epoch 1 is no number: choose a smaller learning_rate"):
        train(toy_config(toy_truth, tmp_path / "out"))
