"""The page of agreement: options, subgroups, and words where there is nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import bactools.accessor  # noqa: F401  (pages ask ``cube.bac``)
from bactools.testing.study import simulate_study
from dashboards.pages.agreement import AgreementPage
from tests.dashboards.made import figures, opened, text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("study")
    simulate_study(made, 30, histograms=False)
    return made


def _page(*folders: Path, **options: Any) -> AgreementPage:
    return opened(AgreementPage, *folders, **options)


def test_subgroups_stand_beside_the_whole(folder: Path) -> None:
    page = _page(folder, group="view")
    assert len(figures(page)) == 2
    assert "By view" in text(page)
    assert "RMLO: bias" in text(page)


@pytest.mark.parametrize("interval", ["", "mover", "bootstrap"])
def test_each_interval_is_drawn(folder: Path, interval: str) -> None:
    assert len(figures(_page(folder, interval=interval))) == 1


def test_a_metric_with_itself_is_refused_in_words(folder: Path) -> None:
    assert "agrees with itself" in text(_page(folder, against="tam_100"))
