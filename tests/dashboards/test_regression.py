"""The page of regression: models, subgroups, the grid, and words where there is nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import bactools.accessor  # noqa: F401  (pages ask ``cube.bac``)
from bactools.testing.study import simulate_study
from dashboards.pages.regression import RegressionPage
from tests.dashboards.made import figures, opened, text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("study")
    simulate_study(made, 30, histograms=False)
    return made


def _page(*folders: Path, **options: Any) -> RegressionPage:
    return opened(RegressionPage, *folders, **options)


@pytest.mark.parametrize("model", ["cluster", "ols", "deming", "passing-bablok", "theil-sen"])
def test_each_model_draws_one_line(folder: Path, model: str) -> None:
    page = _page(folder, model=model)
    assert len(figures(page)) == 1
    drawn = figures(page)[0]
    assert [trace.name for trace in drawn.data].count("line") == 1
    assert "slope" in drawn.layout.annotations[0].text


def test_subgroups_have_a_forest_and_a_reading_each(folder: Path) -> None:
    page = _page(folder, group="view")
    assert len(figures(page)) == 2
    for view in ("LCC", "LMLO", "RCC", "RMLO"):
        assert f"{view}:" in text(page)


def test_a_metric_against_itself_is_refused_in_words(folder: Path) -> None:
    assert "against itself" in text(_page(folder, against="tam_100"))


def test_the_grid_asks_for_a_second_study_and_draws_it(folder: Path, tmp_path: Path) -> None:
    assert "choose a study" in text(_page(folder, part="the paper's five"))
    other = tmp_path / "other"
    simulate_study(other, 30, seed=0)
    page = _page(folder, other, part="the paper's five", against="other")
    assert len(figures(page)) == 1
