"""``bactools evaluate``: one JSON object, a table, plain words, and nobody's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from bactools.cli import main
from bactools.cube import open_cube
from bactools.explore.models import PARAMETERS, SCORES, read_evaluations
from bactools.study import Study

from ..study.made import SHAPE, write_key
from .made import own_mask, write_truth

Call = Callable[..., Result]


@pytest.fixture
def call(made_study: Study, made_folder: Path, tmp_path: Path) -> Call:
    """Evaluate four images of `made_study`, one of them drawn empty."""
    files = sorted(made_folder.glob("P1_20200102*.dcm"))
    truth = write_truth(tmp_path / "Erika", files, lambda image: own_mask(made_study, image))
    from PIL import Image

    Image.fromarray(np.zeros(SHAPE, dtype=np.uint8)).save(truth / "truth" / "masks" / f"{files[0].stem}.png")
    key = write_key(tmp_path / "key")

    def command(*arguments: object, key: Path = key) -> Result:
        given = ("evaluate", made_study.folder, "--truth", truth, "--key", key, *arguments)
        return CliRunner().invoke(main, [str(argument) for argument in given])

    return command


def test_json_is_one_object_without_nan_and_names(call: Call, tmp_path: Path) -> None:
    result = call("--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout, parse_constant=lambda text: pytest.fail(text))
    assert found["images"]["evaluated"] == 4
    assert found["per_image"]["dice"] == {"n": 3, "mean": 1.0, "sd": 0.0}
    assert found["dice_interval"] == {"low": None, "high": None, "women": 1}
    assert found["false_area"]["n_pixels"] == 1
    assert found["against_calcium_mass"] == {}
    assert found["recipe"] == "default*"
    for secret in ("Erika", "1.2.826", "P1", str(tmp_path)):
        assert secret not in result.output


def test_the_table_and_the_words(call: Call, tmp_path: Path) -> None:
    result = call("--csv", tmp_path / "images.csv")
    assert result.exit_code == 0
    assert "4 of 4 annotated images were compared, of 1 women; calcium is drawn on 3." in result.output
    table = pd.read_csv(tmp_path / "images.csv")
    assert len(table) == 4
    assert table["subject"].str.startswith("S").all()
    assert sorted(table["dice"]) == [0, 1, 1, 1]
    text = (tmp_path / "images.csv").read_text()
    assert "Erika" not in text
    assert "1.2.826" not in text


def test_another_key_is_refused_in_plain_words(call: Call, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("ab" * 32 + "\n")
    other.chmod(0o600)
    result = call(key=other)
    assert result.exit_code == 1
    assert result.stderr.startswith("bactools: this study's pseudonyms were made with another key")
    assert not (tmp_path / "nosuch").exists()
    missing = call(key=tmp_path / "nosuch")
    assert missing.exit_code == 1
    assert "no pseudonym key" in missing.stderr
    assert not (tmp_path / "nosuch").exists()


def test_the_dashboard_reads_what_the_command_keeps(call: Call, made_study: Study) -> None:
    result = call("--network", "SCU-Net", "--json")
    assert result.exit_code == 0
    found = read_evaluations(made_study.folder)
    assert found.problems == ()
    assert found.networks == ["SCU-Net"] == [found.usual]
    told = json.loads(result.stdout)["per_image"]
    scores = found.scores().iloc[0]
    assert scores["images"] == told["recall"]["n"] == 3
    assert found.blank == {"SCU-Net": 1}
    assert scores["parameters"] == PARAMETERS["scunet"]
    for score in SCORES:
        assert scores[score] == pytest.approx(told[score]["mean"])
    cube = open_cube(made_study.folder, axis="exam")
    assert sorted(found.within(cube).table["image_id"]) == sorted(found.table["image_id"])


def test_a_name_that_leads_elsewhere_is_refused(call: Call, made_study: Study) -> None:
    result = call("--network", "../elsewhere")
    assert result.exit_code == 1
    assert "a network's name may have" in result.stderr
    assert not (made_study.folder.parent / "elsewhere.csv").exists()
    assert not (made_study.folder / "elsewhere.csv").exists()
