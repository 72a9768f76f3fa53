"""A page without a server, and what is to be read and seen on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import panel as pn
import panel_material_ui as pmui

import bactools.accessor  # noqa: F401  (pages ask ``cube.bac``)
from bactools.explore import Source
from dashboards.base import Page
from dashboards.state import State

AnyPage = TypeVar("AnyPage", bound=Page)


def opened(kind: type[AnyPage], *folders: Path, **options: Any) -> AnyPage:
    """Open a page of some studies with these options, and fill it once."""
    state = State([Source(each) for each in folders])
    page = kind(state)
    page.prepare()
    page.param.update(**options)
    state.page = page.slug
    page.refresh()
    return page


def parts_of(page: Page, kind: type) -> list[Any]:
    """Return what the page shows of a kind."""
    return list(page._place.select(kind))


def text(page: Page) -> str:
    """Return all words of the page."""
    return " ".join(str(part.object) for part in parts_of(page, pn.pane.HTML) + parts_of(page, pmui.Alert))


def figures(page: Page) -> list[Any]:
    """Return the plotly figures of the page."""
    return [part.object for part in parts_of(page, pn.pane.Plotly)]
