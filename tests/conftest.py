"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from bactools.networks.weights import Weights, registry

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The developers' folder of reference material; users do not have it."""
    if not (SHARED / "README.md").exists():
        pytest.skip("needs the developers' shared/ folder beside the project")
    return SHARED


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
