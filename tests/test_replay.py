"""The replay, from nothing to an evaluation of three cohorts."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bactools import replay as replay_module
from bactools.networks.weights import Weights, WeightsError
from bactools.phantom.plan import DESIGNS, plan
from bactools.replay import replay
from bactools.study import open_study

OPTIONS = {"scale": 0.15, "weights": "toy", "workers": 0, "progress": False, "seed": 7}


@pytest.mark.slow
def test_three_cohorts_are_made_measured_and_compared(tmp_path: Path, toy_weights: Weights) -> None:
    said: list[str] = []
    found = dict(replay(tmp_path, women=1, say=said.append, **OPTIONS))  # type: ignore[arg-type]
    assert list(found) == ["A", "B", "C"]
    for name, evaluation in found.items():
        images = sum(len(views) for views in plan(name, seed=7)[0])
        assert len(evaluation.images) == images
        assert set(evaluation.images["status"]) == {"done"}
        assert evaluation.images["truth_calcium_mass_mg"].max() > 0
        assert open_study(tmp_path / name).counts["done"] == images
        assert (tmp_path / f"{name}.linkage.csv").is_file()
        assert f"cohort {name}: {images} images of 1 women" in said
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert not any("PHANTOM" in line for line in said)


def test_going_on_measures_nothing_again(
    tmp_path: Path, toy_weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "DESIGNS", {"B": DESIGNS["B"]})
    first = dict(replay(tmp_path, women=1, **OPTIONS))  # type: ignore[arg-type]
    said: list[str] = []
    again = dict(replay(tmp_path, women=1, say=said.append, **OPTIONS))  # type: ignore[arg-type]
    assert any("nothing to do" in line for line in said)
    assert again["B"].to_json() == first["B"].to_json()


def test_missing_weights_end_it_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights named 'nosuch'"):
        next(replay(tmp_path / "out", weights="nosuch"))
    assert not (tmp_path / "out").exists()
