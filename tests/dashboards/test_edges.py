"""Models, Thresholds, Quality and Risk where there is little or nothing: they say so in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bactools.accessor  # noqa: F401  (pages ask ``cube.bac``)
from bactools.cube import write_cube
from bactools.explore import Cohort, Source
from bactools.testing import simulate_study
from dashboards.base import Page
from dashboards.pages.models import ModelsPage
from dashboards.pages.quality import DRIFT, DROPPED, ORIGIN, VIEWS, QualityPage
from dashboards.pages.risk import RiskPage
from dashboards.pages.thresholds import ThresholdsPage
from tests.dashboards.made import figures, opened, text
from tests.explore.test_models import put, scored

pytestmark = [  # Panel's own
    pytest.mark.filterwarnings("ignore:Both 'variant':PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning"),
]
_PAGES = (ModelsPage, ThresholdsPage, QualityPage, RiskPage)


def _made(folder: Path, n: int = 12, **options: Any) -> Path:
    simulate_study(folder, n, **{"excluded": 0, "n_exam": 2, "histograms": True, "outcomes": True} | options)
    put(folder, "scunet", scored(folder, n=40))
    put(folder, "U-Net", scored(folder, n=40, seed=1))
    return folder


@pytest.mark.parametrize("kind", _PAGES)
def test_an_empty_cohort(tmp_path: Path, kind: type[Page]) -> None:
    page = opened(kind, _made(tmp_path))
    page.state.cohort = Cohort(ranges={"age": (200.0, None)})
    assert "No woman fits this cohort" in text(page)
    assert not figures(page)


def test_one_woman(tmp_path: Path) -> None:
    folder = _made(tmp_path, 1)
    assert "1 women followed" in text(opened(RiskPage, folder, by="thirds"))
    assert "At X = 100" in text(opened(ThresholdsPage, folder))
    assert "1 women in common" in text(opened(ModelsPage, folder))
    for part in (DROPPED, DRIFT, VIEWS, ORIGIN):
        assert "could not be drawn" not in text(opened(QualityPage, folder, part=part))
    assert "only 1 women" in text(opened(QualityPage, folder, part=VIEWS))


def test_no_calcification_at_all(tmp_path: Path) -> None:
    folder = _made(tmp_path, without_bac=1.0)
    assert "estimable" in text(opened(ThresholdsPage, folder))
    risk = text(opened(RiskPage, folder))
    assert "none (0) 100 %" in risk
    assert "Not estimable" in text(opened(QualityPage, folder, part=VIEWS))
    drawn = figures(opened(QualityPage, folder, part=DRIFT))[0]
    assert set(np.concatenate([trace.y for trace in drawn.data if trace.type == "scatter"])) == {0.0}


@pytest.mark.parametrize("kind", _PAGES)
def test_no_covariates(tmp_path: Path, kind: type[Page]) -> None:
    folder = _made(tmp_path, outcomes=False)
    cube = Source(folder).cube
    per_woman = [name for name, array in cube.data_vars.items() if array.dims == ("subject",)]
    described = [name for name in ("age", "vendor", *per_woman) if name in cube]
    write_cube(cube.drop_vars(described).load(), folder / "cube.zarr")
    page = opened(kind, folder)
    assert "could not be drawn" not in text(page)
    assert text(page)
    if kind is RiskPage:
        assert "holds no outcome" in text(page)
    if kind is QualityPage:
        page.part = DRIFT
        assert [trace.name for trace in figures(page)[0].data if trace.type == "scatter"] == ["unknown"]


def test_missing_truth(tmp_path: Path) -> None:
    folder = _made(tmp_path)
    cube = Source(folder).cube
    truth = [str(name) for name in cube.data_vars if str(name).startswith("true_")]
    write_cube(cube.drop_vars(truth).load(), folder / "cube.zarr")
    assert "no truth, and no other study is served" in text(opened(ThresholdsPage, folder))
    for file in (folder / "evaluations").iterdir():
        file.unlink()
    models = text(opened(ModelsPage, folder))
    assert "No network was evaluated" in models
    assert "bactools evaluate" in models
