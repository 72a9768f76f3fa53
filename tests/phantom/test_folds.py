"""Skin folds: rare, inside the breast, with one sharp edge."""

from __future__ import annotations

import numpy as np
import pytest

from bactools.phantom import folds
from bactools.phantom.position import take
from bactools.phantom.tissue import Tissue, lay_out
from bactools.phantom.woman import draw_woman


@pytest.fixture(scope="module")
def tissue() -> Tissue:
    woman = draw_woman(1, age=60, scale=0.4)
    breast = woman.breasts["L"]
    position = take(1, 0, "L", "CC", breast.half_axes)
    return lay_out(breast, position, detector=woman.detector, spacing=0.07)


def test_folds_are_rare(tissue: Tissue) -> None:
    random = np.random.default_rng(1)
    folded = sum(bool(folds.skin_fold(tissue, random).any()) for _ in range(120))
    assert 4 <= folded <= 28  # 12 %


def test_a_fold_is_a_band_of_some_millimetres_of_skin(
    tissue: Tissue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folds, "CHANCE", 1.0)
    for seed in range(6):
        fold = folds.skin_fold(tissue, np.random.default_rng(seed))
        area = np.count_nonzero(fold > 0.1) * (tissue.grid.spacing * folds.FINE) ** 2
        assert 1.0 < fold.max() < 6
        assert 5 < area < 400  # [mm2]
