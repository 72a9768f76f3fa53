"""Weights as safetensors: the same bytes, nothing lost, damage refused; and weights that come along."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from bactools.networks.checkpoint import add, details, load, save
from bactools.networks.scunet import SCUNet
from bactools.networks.weights import Spec, Weights, WeightsError, cache_folder, get, resolve, sha256_of

ABOUT = {"output": "logit", "network": "scunet", "dice": 0.5, "z": [1], "a": None}


@pytest.fixture
def network() -> SCUNet:
    torch.manual_seed(1)
    return SCUNet().double().eval()


@pytest.fixture
def saved(network: SCUNet, tmp_path: Path) -> Path:
    save(network, tmp_path / "w.safetensors", metadata=ABOUT)
    return tmp_path / "w.safetensors"


def test_round_trip(network: SCUNet, saved: Path) -> None:
    added = add(saved, name="ours")
    assert (added.spec.output, added.path.suffix) == ("logit", ".safetensors")
    assert resolve("ours") == added
    state = load(added).state_dict()
    assert all(torch.equal(state[key], value.to(state[key])) for key, value in network.state_dict().items())
    assert details(saved) == ABOUT


def test_same_network_same_bytes(network: SCUNet, saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    digest = save(network, again, metadata=dict(reversed(ABOUT.items())))
    assert again.read_bytes() == saved.read_bytes()
    assert digest == sha256_of(saved)
    assert sorted(path.name for path in tmp_path.glob("*again*")) == ["again.safetensors"]


def test_the_format_is_told_by_content(saved: Path, tmp_path: Path) -> None:
    disguised = tmp_path / "w.pt"
    shutil.copy(saved, disguised)
    assert resolve(add(disguised, name="ours").path).spec.output == "logit"


def test_damage_is_refused(saved: Path, tmp_path: Path) -> None:
    content = saved.read_bytes()
    for number, damaged in enumerate((content[:-10], content[:40], content[:9], content[:8] + b"{" * 500)):
        file = tmp_path / f"{number}.safetensors"
        file.write_bytes(damaged)
        with pytest.raises(WeightsError, match="damaged"):
            add(file, name="bad", output="logit")
    added = add(saved, name="ours")
    changed = bytearray(content)
    changed[-1] ^= 1
    added.path.write_bytes(changed)
    with pytest.raises(WeightsError, match="sha256 is not the registered"):
        load(added)


def test_a_file_of_an_unknown_network_is_refused(network: SCUNet, tmp_path: Path) -> None:
    save(network, tmp_path / "w.safetensors", metadata={**ABOUT, "network": "nosuch"})
    with pytest.raises(WeightsError, match="no network named 'nosuch'"):
        add(tmp_path / "w.safetensors", name="ours")


def test_published_checkpoints_have_no_details(published: Weights) -> None:
    assert details(published.path) == {}


def test_weights_that_come_with_bactools(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bactools.networks.weights.DEVELOPMENT", Path("does-not-exist"))
    spec = Spec("phantom", "logit", sha256_of(saved), "scunet-phantom-v1.safetensors")
    monkeypatch.setattr("bactools.networks.weights.registry", lambda: {"phantom": spec})
    folder = tmp_path / "share"
    monkeypatch.setattr("bactools.networks.weights.PACKAGED", (tmp_path / "nowhere", folder))
    with pytest.raises(WeightsError, match="they come with bactools: install it again"):
        resolve("phantom")
    with pytest.raises(WeightsError, match="have no address"):
        get("phantom")
    folder.mkdir()
    shutil.copy(saved, folder / spec.filename)
    assert resolve("phantom").path == folder / "scunet-phantom-v1.safetensors"
    assert not cache_folder().exists()
