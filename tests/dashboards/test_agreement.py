"""The page of agreement: options, subgroups, and words where there is nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
import pytest

import bactools.accessor  # noqa: F401  (pages ask ``cube.bac``)
from bactools.explore import Source
from bactools.testing.study import simulate_study
from dashboards.pages.agreement import AgreementPage
from dashboards.state import State

pytestmark = [  # Panel's own
    pytest.mark.filterwarnings("ignore:Both 'variant':PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("study")
    simulate_study(made, 30, histograms=False)
    return made


def _page(*folders: Path, **options: Any) -> AgreementPage:
    state = State([Source(each) for each in folders])
    page = AgreementPage(state)
    page.prepare()
    state.page = page.slug
    page.param.update(**options)
    page.refresh()
    return page


def _text(page: AgreementPage) -> str:
    shown = [*page._place.select(pn.pane.HTML), *page._place.select(pmui.Alert)]
    return " ".join(str(pane.object) for pane in shown)


def _figures(page: AgreementPage) -> list[Any]:
    return [pane.object for pane in page._place.select(pn.pane.Plotly)]


def test_subgroups_stand_beside_the_whole(folder: Path) -> None:
    page = _page(folder, group="view")
    assert len(_figures(page)) == 2
    assert "By view" in _text(page)
    assert "RMLO: bias" in _text(page)


@pytest.mark.parametrize("interval", ["", "mover", "bootstrap"])
def test_each_interval_is_drawn(folder: Path, interval: str) -> None:
    assert len(_figures(_page(folder, interval=interval))) == 1


def test_a_metric_with_itself_is_refused_in_words(folder: Path) -> None:
    assert "agrees with itself" in _text(_page(folder, against="tam_100"))
