"""The application: a page with a menu, the cohort in the side bar, and a link that holds it all."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui

import bactools.accessor  # noqa: F401  (pages ask ``cube.bac``)
from bactools.explore import Source
from dashboards import parts
from dashboards.cohort_bar import CohortBar
from dashboards.link import Link
from dashboards.pages import PAGES
from dashboards.state import State

BANNER = "For research only. Not a medical device."

pn.extension("plotly", "tabulator", notifications=True)


def build(sources: Sequence[Source]) -> pmui.Page:
    """Return the application for one visitor.

    Parameters
    ----------
    sources : sequence of Source
        The studies to show; the first is shown first.
    """
    state = State(sources)
    pages = {page.slug: page(state) for page in PAGES}
    first = PAGES[0].slug
    main = pn.Column(sizing_mode="stretch_width", styles={"min-width": "0", "max-width": "100%"})
    menu = pmui.MenuList(
        items=[{"label": page.title, "icon": page.icon, "slug": page.slug} for page in PAGES],
        active=(0,), dense=True, sizing_mode="stretch_width",
    )  # fmt: skip
    bar = CohortBar(state)
    link = Link(state, pages)
    link.read(_query())

    def chosen(event: Any) -> None:
        place = event.new[0] if isinstance(event.new, tuple) else event.new
        if place is not None and PAGES[place].slug != state.page:
            state.problem = ""
            state.page = PAGES[place].slug

    def turned(*events: Any) -> None:
        if state.page not in pages:
            state.page = first
        menu.active = (list(pages).index(state.page),)
        notices = [parts.notice(state.problem, kind="warning")] if state.problem else []
        main.objects = [*notices, pages[state.page].view()]
        linked()

    def linked(*events: Any) -> None:
        location = pn.state.location
        if location and link.ready and location.search != link.search:
            location.search = link.search

    def loaded() -> None:
        link.ready = True
        linked()

    menu.param.watch(chosen, "active")
    state.param.watch(turned, ["page", "study"])
    state.param.watch(linked, "cohort")
    for page in pages.values():
        page.param.watch(linked, page.options())
    turned()
    pn.state.onload(loaded)
    return pmui.Page(
        title="bactools",
        sidebar=[menu, pmui.Divider(), bar.view()],
        main=[_banner(state), main],
        sidebar_width=320,
        theme_toggle=True,
    )


def _banner(state: State) -> pn.pane.HTML:
    note = state.source.note
    told = f"{BANNER} {note[0].upper()}{note[1:]}." if note else BANNER
    return pn.pane.HTML(
        f'<div role="note">{html.escape(told)}</div>', sizing_mode="stretch_width",
        styles={"background": "#fff4e5", "color": "#663c00", "padding": "4px 16px", "font-size": "13px"},
    )  # fmt: skip


def _query() -> dict[str, str]:
    location = pn.state.location
    return {str(k): str(v) for k, v in (location.query_params if location else {}).items()}
