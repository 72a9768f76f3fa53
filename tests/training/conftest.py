"""What training tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from bactools.networks import NETWORKS

from .made import Toy, write_truth


@pytest.fixture(autouse=True)
def _toy_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETWORKS, "toy", Toy)


@pytest.fixture(scope="session")
def toy_truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four women with calcium and two without; do not change it."""
    return write_truth(tmp_path_factory.mktemp("truth") / "data", women=6, empty=(4, 5))
