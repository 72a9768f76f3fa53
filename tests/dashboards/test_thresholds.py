"""The page of thresholds: sliders read a surface that is computed once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import bactools.accessor  # noqa: F401  (pages ask ``cube.bac``)
from bactools.explore import Source
from bactools.testing.study import simulate_study
from dashboards.pages.thresholds import ThresholdsPage
from tests.dashboards.made import figures, opened, text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("study")
    simulate_study(made, 30, histograms=True)
    return made


def _page(*folders: Path, **options: Any) -> ThresholdsPage:
    return opened(ThresholdsPage, *folders, **options)


def test_moving_a_slider_computes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = _page(folder)
    first = text(page)
    monkeypatch.setattr("bactools.explore.threshold_search._searched", lambda *_: pytest.fail("computed"))
    page.param.update(x=130, cut=0.3)
    assert len(figures(page)) == 2
    assert "At X = 130 and a cut of 0.3" in text(page) != first
    marks = [trace.x[0] for trace in figures(page)[0].data if "chosen" in (trace.name or "")]
    assert set(marks) == {130}


def test_mean_burden_at_the_published_point_is_that_of_the_cube(folder: Path) -> None:
    found, burden = _page(folder)._found()
    mean = float(Source(folder).cube["tam_100"].mean())
    assert float(burden.sel(cut=0.5, x=100, method="nearest")) == pytest.approx(mean)
    assert found.estimable


def test_without_histograms_it_says_so(tmp_path: Path) -> None:
    simulate_study(tmp_path, 5)
    assert "no joint histograms" in text(_page(tmp_path))
