"""Weights: found in the stated order, checked by hash, loaded strictly, never run."""

from __future__ import annotations

import functools
import http.server
import pickle
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from bactools.networks.checkpoint import add, load
from bactools.networks.scunet import SCUNet
from bactools.networks.weights import Weights, WeightsError, cache_folder, get, registry, resolve


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the development folder out of the search; each test says where weights lie."""
    monkeypatch.setattr("bactools.networks.weights.DEVELOPMENT", Path("does-not-exist"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A checkpoint of our own, as DataParallel would save it."""
    torch.manual_seed(0)
    state = {f"module.{key}": value for key, value in SCUNet().state_dict().items()}
    path = tmp_path / "own.pt"
    torch.save({"epoch": 1, "model_state_dict": state}, path)
    return path


def test_published_checkpoints_load_strictly(published: Weights) -> None:
    network = load(published)
    assert not network.training
    assert {p.dtype for p in network.parameters()} == {torch.float32}


def test_what_each_checkpoint_gives() -> None:
    outputs = {name: spec.output for name, spec in registry().items()}
    assert outputs == {
        "published-8bit": "probability",
        "published-16bit": "probability",
        "published-bce": "logit",
        "phantom": "logit",
    }


def test_nothing_found_says_how_to_get_them() -> None:
    with pytest.raises(
        WeightsError, match="bactools weights get published-8bit .*BACTOOLS_WEIGHTS.*--weights"
    ):
        resolve("published-8bit")


def test_search_order(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = shared / "weights" / registry()["published-8bit"].filename
    monkeypatch.setattr("bactools.networks.weights.DEVELOPMENT", source.parent)
    assert resolve("published-8bit").path == source
    cache_folder().mkdir(parents=True)
    cached = cache_folder() / source.name
    shutil.copy(source, cached)
    assert resolve("published-8bit").path == cached
    named = tmp_path / "named"
    named.mkdir()
    shutil.copy(source, named / "renamed.pt")  # found by its hash, whatever it is called
    monkeypatch.setenv("BACTOOLS_WEIGHTS", str(named))
    assert resolve("published-8bit").path == named / "renamed.pt"
    monkeypatch.setenv("BACTOOLS_WEIGHTS", str(named / "renamed.pt"))
    assert resolve("published-bce").spec.name == "published-8bit"
    assert resolve(source).path == source


def test_unregistered_file_is_refused_and_can_be_added(own: Path) -> None:
    with pytest.raises(WeightsError, match="not registered.*bactools weights add"):
        resolve(own)
    with pytest.raises(WeightsError, match="--name NAME and --output"):
        add(own)
    added = add(own, name="ours", output="logit")
    assert resolve("ours") == added
    assert resolve(own).spec.name == "ours"
    reference = SCUNet()
    reference.load_state_dict(
        {k.removeprefix("module."): v for k, v in torch.load(own)["model_state_dict"].items()}
    )
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(load(added)(image), reference.eval()(image))


def test_taken_and_odd_names_are_refused(own: Path) -> None:
    for name in ("published-8bit", "two words", "-x", "../up"):
        with pytest.raises(WeightsError, match="taken or not made of"):
            add(own, name=name, output="logit")


def test_changed_file_is_refused(own: Path) -> None:
    added = add(own, name="ours", output="logit")
    with added.path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(WeightsError, match="sha256 is not the registered"):
        load(added)
    with pytest.raises(WeightsError, match="not on this machine: add the file again"):
        resolve("ours")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"a": torch.zeros(1)}, "are not of network 'scunet': .* tensors missing"),
        (SCUNet().state_dict() | {"extra": torch.zeros(1)}, "0 tensors missing, 1 too many"),
        (SCUNet().state_dict() | {"outc.conv.bias": torch.zeros(2)}, r"outc.conv.bias has shape \(2,\)"),
    ],
)
def test_checkpoint_of_another_network(tmp_path: Path, state: dict[str, torch.Tensor], message: str) -> None:
    path = tmp_path / "other.pt"
    torch.save(state, path)
    with pytest.raises(WeightsError, match=message):
        add(path, name="other", output="logit")
    assert "other" not in registry()


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('ran')",))


def test_a_checkpoint_never_runs_code(tmp_path: Path) -> None:
    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps({"model_state_dict": Evil()}))
    torch_path = tmp_path / "evil2.pt"
    torch.save({"model_state_dict": Evil()}, torch_path)
    for file in (path, torch_path):
        with pytest.raises(WeightsError, match="cannot be read as a plain torch checkpoint"):
            add(file, name="evil", output="logit")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    root = tmp_path / "served"
    root.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", root
        running.shutdown()
        thread.join()


def test_get_downloads_by_hash(server: tuple[str, Path], shared: Path) -> None:
    address, root = server
    source = shared / "weights" / registry()["published-8bit"].filename
    shutil.copy(source, root / "w.pt")
    found = get("published-8bit", url=f"{address}/w.pt")
    assert found.path.parent == cache_folder()
    assert found.path.read_bytes() == source.read_bytes()
    assert resolve("published-8bit") == found


def test_get_refuses_another_file_and_a_dead_address(server: tuple[str, Path]) -> None:
    address, root = server
    (root / "w.pt").write_bytes(b"something else")
    with pytest.raises(WeightsError, match="differs from the registered sha256"):
        get("published-8bit", url=f"{address}/w.pt")
    with pytest.raises(WeightsError, match="could not be downloaded"):
        get("published-8bit", url=f"{address}/nothing.pt")
    with pytest.raises(WeightsError, match="not on this machine"):
        resolve("published-8bit")


def test_unknown_name_lists_the_registered() -> None:
    for call in (resolve, get):
        with pytest.raises(WeightsError, match="no weights named 'x'; registered: published-8bit"):
            call("x")
