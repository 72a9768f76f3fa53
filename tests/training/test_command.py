"""The commands: what they print, what they write, how they fail."""

from __future__ import annotations

import shutil
from pathlib import Path

from click.testing import CliRunner

from bactools.cli import main
from bactools.networks.weights import Weights

TOML = """
data = "data"
out = "out"
network = "toy"
recipe = "published"
patch = 32
overlap = 8
epochs = 2
threads = 1
"""


def test_train_stops_goes_on_and_says_how_to_register(toy_truth: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_truth, tmp_path / "data")
    file = tmp_path / "t.toml"
    file.write_text(TOML)
    part = CliRunner().invoke(main, ["train", str(file), "--minutes", "0"])
    assert part.exit_code == 0, part.output
    assert "the time was up; run the same again" in part.output
    whole = CliRunner().invoke(main, ["train", str(file)])
    assert "epoch 1:" not in whole.output
    assert "validation Dice 0." in whole.output
    assert "bactools weights add" in whole.output
    assert (tmp_path / "out" / "weights.safetensors").is_file()
    assert "Plotly.newPlot" in (tmp_path / "out" / "curve.html").read_text(encoding="utf-8")
    fresh = CliRunner().invoke(main, ["train", str(file), "--fresh"])
    assert "epoch 1:" in fresh.output
    file.write_text(TOML + "loss = 'focal'\n")
    wrong = CliRunner().invoke(main, ["train", str(file)])
    assert wrong.exit_code == 1
    assert "bactools: loss='focal': choose one of" in wrong.output


def test_finetune(toy_weights: Weights, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    command = ["finetune", "toy", str(tmp_path / "data"), "--out", str(tmp_path / "out"), "--epochs", "1"]
    empty = CliRunner().invoke(main, command)
    assert empty.exit_code == 1
    assert "no truth/images.csv" in empty.output
    unknown = CliRunner().invoke(main, ["finetune", "nosuch", *command[2:]])
    assert "no weights named 'nosuch'" in unknown.output
