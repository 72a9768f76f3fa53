"""Configurations: defaults of the paper, errors that name the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bactools.training import ConfigError, TrainingConfig

GIVEN: dict[str, Any] = {"data": ["a"], "out": "b"}


def test_defaults_are_the_papers() -> None:
    config = TrainingConfig.from_dict(GIVEN)
    assert (config.patch, config.overlap, config.loss, config.learning_rate) == (512, 64, "dice", 1e-3)
    assert (config.epochs, config.negatives, config.network) == (50, 0.0, "scunet")
    assert config.augment.flip
    assert config.augment.rotate90
    assert config.augment.noise == 0


def test_toml_paths_start_where_the_file_lies(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text('data = ["x", "../y"]\nout = "o"\nlearning_rate = 1\n[augment]\nnoise = 3\n')
    config = TrainingConfig.from_toml(file)
    assert config.data == (tmp_path / "x", tmp_path / "../y")
    assert config.out == tmp_path / "o"
    assert config.augment.noise == 3.0
    assert config.learning_rate == 1.0


def test_round_trip() -> None:
    config = TrainingConfig.from_dict({**GIVEN, "crop": 64, "augment": {"gamma": 0.5}, "minutes": 2})
    assert TrainingConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batchsize": 3}, "batchsize: no such key; keys: augment, batch, calibrate, crop"),
        ({"augment": {"flips": True}}, "augment.flips: no such key; keys: blur"),
        ({"augment": {"flip": 1}}, "augment.flip=1: write true or false"),
        ({"augment": {"noise": "much"}}, "augment.noise='much': write a number"),
        ({"augment": 3}, "write it as a table"),
        ({"patch": 100}, "patch=100: choose a multiple of 8"),
        ({"patch": 64.0}, "patch=64.0: write a whole number"),
        ({"crop": 1024}, "crop=1024: .* at most the patch"),
        ({"overlap": 512}, "overlap=512: choose 0 to 511"),
        ({"loss": "focal"}, "loss='focal': choose one of dice, bce, dice_bce"),
        ({"network": "x"}, "network='x': choose one of scunet"),
        ({"recipe": "x"}, "recipe='x': choose one of default"),
        ({"batch": 0}, "batch=0: choose at least 1"),
        ({"learning_rate": float("nan")}, "learning_rate=nan"),
        ({"validation": 1.0}, "validation=1.0: choose 0 to 0.9"),
        ({"validation": 0, "patience": 3}, "patience: needs validation"),
        ({"data": []}, "data: name at least one"),
        ({"data": 3}, "data=3: write the folder as a text"),
        ({"data": [3]}, "data=3: write the folder as a text"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainingConfig.from_dict({**GIVEN, **change})


def test_missing_and_broken_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="out: missing"):
        TrainingConfig.from_dict({"data": ["a"]})
    file = tmp_path / "t.toml"
    file.write_text("data = [")
    with pytest.raises(ConfigError, match="no TOML"):
        TrainingConfig.from_toml(file)


def test_what_is_published_names_no_place() -> None:
    config = TrainingConfig.from_dict({"data": ["secret"], "out": "secret", "start": "secret/w.pt"})
    assert "secret" not in str(config.choices())
