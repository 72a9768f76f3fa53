"""The page of thresholds: sliders read a surface that is computed once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import bactools.accessor  # noqa: F401  (pages ask ``cube.bac``)
from bactools.cube import write_cube
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
    monkeypatch.setattr("dashboards.pages.thresholds.search", lambda *_, **__: pytest.fail("computed"))
    page.param.update(x=130, cut=0.3)
    assert len(figures(page)) == 2
    assert "At X = 130 and a cut of 0.3" in text(page) != first
    marks = [trace.x[0] for trace in figures(page)[0].data if "chosen" in (trace.name or "")]
    assert set(marks) == {130}


def test_mean_burden_at_the_published_point_is_that_of_the_cube(folder: Path) -> None:
    searched = _page(folder)._found()
    mean = float(Source(folder).cube["tam_100"].mean())
    assert float(searched.burden.sel(cut=0.5, x=100, method="nearest")) == pytest.approx(mean)
    assert searched.found.estimable
    assert searched.words.startswith(f"{searched.found.n:,} of {searched.n_images:,}")


def test_another_study_is_joined_by_date_not_by_exam_number(folder: Path, tmp_path: Path) -> None:
    ours = Source(folder).cube
    simulate_study(tmp_path / "reader", 30)
    # the reader has not seen anybody's first exam: all exam numbers differ by one
    later = ours.drop_vars("joint_histogram").isel(exam=slice(1, None)).drop_vars("exam", errors="ignore")
    write_cube(later, tmp_path / "reader" / "cube.zarr")
    page = _page(folder, tmp_path / "reader", against="reader")
    searched = page._found()
    assert searched.found.n == int((ours["status"] == 1).isel(exam=slice(1, None)).sum()) > 0
    there = searched.found.at(0.5, 100)
    assert there["r2"] == pytest.approx(1)
    assert there["bias"] == pytest.approx(0, abs=1e-6)


def test_a_large_cohort_is_an_even_sample_and_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bactools.explore.threshold_search._MOST_IMAGES", 150)
    page = _page(folder)
    assert "of 30 women, evenly chosen" in text(page)
    assert page._found().found.n <= 150


def test_without_histograms_it_says_so(tmp_path: Path) -> None:
    simulate_study(tmp_path, 5)
    assert "no joint histograms" in text(_page(tmp_path))
