"""The application: a page with a menu, the cohort in the side bar, and a link that holds it all."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

import bactools.accessor  # noqa: F401  (pages ask ``cube.bac``)
from bactools.explore import Source
from dashboards import look, parts
from dashboards.base import Page
from dashboards.cohort_bar import CohortBar
from dashboards.frame import Frame
from dashboards.link import Link
from dashboards.pages import PAGES
from dashboards.state import State

BANNER = "For research only. Not a medical device."


def extend(**options: Any) -> None:
    """Bring what pages are made of; once, before one is built.

    Parameters
    ----------
    **options
        More of ``pn.extension``.
    """
    pn.extension(
        "plotly", "tabulator", notifications=True, loading_spinner="arc", loading_color=look.BLUE, **options
    )


def build(sources: Sequence[Source]) -> pmui.Page:
    """Return the application for one visitor.

    Parameters
    ----------
    sources : sequence of Source
        The studies to show; the first is shown first.
    """
    return _App(State(sources)).page


class _App:
    """The page of one visitor, and what holds its parts together."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._pages = {page.slug: page(state) for page in PAGES}
        self._first = PAGES[0].slug
        self._narrow = False
        self._waiting: Any = None
        self._main = pn.Column(sizing_mode="stretch_width", styles={"min-width": "0", "max-width": "100%"})
        self._menu = pmui.MenuList(
            items=[{"label": page.title, "icon": page.icon, "slug": page.slug} for page in PAGES],
            active=(0,), dense=True, sizing_mode="stretch_width",
        )  # fmt: skip
        self._frame = Frame(told=self._seen, width=0, height=0, margin=0)
        self._study = pn.pane.HTML("", stylesheets=[look.HEADER], margin=(0, 0, 0, 12))
        self._banner = pn.pane.HTML(
            "", sizing_mode="stretch_width", stylesheets=[look.BANNER], margin=(2, 10)
        )
        self._link = Link(state, self._pages)
        self._link.read(_query())
        bar = CohortBar(state)
        self.page = pmui.Page(
            title="bactools",
            site_url="./",
            header=[self._study, self._frame],
            sidebar=[self._menu, pmui.Divider(), bar.view()],
            main=[self._banner, self._main],
            sidebar_width=300,
            sidebar_resizable=False,
            theme_toggle=True,
            theme_config=look.THEME,
            sx=look.PAGE,
            template=look.TEMPLATE,
            meta_title="bactools",
            meta_viewport="width=device-width, initial-scale=1",
        )
        self._menu.param.watch(self._chosen, "active")
        state.param.watch(self._turned, ["page", "study"])
        state.param.watch(self._linked, "cohort")
        for page in self._pages.values():
            page.param.watch(self._linked, page.options())
        self.page.param.watch(lambda event: setattr(self._frame, "dark", bool(event.new)), "dark_theme")
        self._turned()
        pn.state.onload(self._loaded)

    def _chosen(self, event: Any) -> None:
        place = event.new[0] if isinstance(event.new, tuple) else event.new
        if place is not None and PAGES[place].slug != self._state.page:
            self._state.problem = ""
            self._state.page = PAGES[place].slug
        if self._narrow:
            self.page.sidebar_open = False

    def _turned(self, *events: Any) -> None:
        state = self._state
        if state.page not in self._pages:
            state.page = self._first
        page = self._pages[state.page]
        self._menu.active = (list(self._pages).index(state.page),)
        notices = [parts.notice(state.problem, kind="warning")] if state.problem else []
        shown = page.view()
        shown.styles = {"max-width": "min(1400px, 100%)", "min-width": "0", "width": "100%"}
        self._main.objects = [*notices, shown]
        self._study.object = f"<div>{html.escape(state.study)}</div>"
        self._banner.object = f'<div role="note">{html.escape(_told(state))}</div>'
        self._frame.titled = f"{page.title} – {state.study} – bactools"
        self._wait(page, shown[-1])
        self._linked()

    def _wait(self, page: Page, place: Any) -> None:
        """Say to those who do not see it that a page is computed, and when it is there."""
        if self._waiting is not None:
            before, watcher = self._waiting
            before.param.unwatch(watcher)

        def said(*events: Any) -> None:
            self._frame.said = f"{page.title}: computing" if place.loading else f"{page.title} is shown"

        place.min_height = 160
        self._waiting = (place, place.param.watch(said, "loading"))
        said()

    def _linked(self, *events: Any) -> None:
        location, link = pn.state.location, self._link
        if location and link.ready and location.search != link.search:
            location.search = link.search

    def _loaded(self) -> None:
        self._link.ready = True
        self._frame.ready = True
        self._linked()

    def _back(self) -> None:
        """Show what the address says, once the browser went back or forth."""
        link, location = self._link, pn.state.location
        if not link.ready or location is None or location.search == link.search:
            return
        link.ready = False
        try:
            query = _query()
            page = self._pages.get(query.get("page", ""))
            if page is not None:  # an option that a link does not name is as at first
                kinds = {name: page.param[name] for name in page.options() if f"o.{name}" not in query}
                page.param.update({name: kind.default for name, kind in kinds.items() if _held(kind)})
            link.read(query)
            self._turned()  # without writing the address: that would end the way forth
        finally:
            link.ready = True

    def _seen(self, name: str, value: bool) -> None:
        """Take what the browser is like."""
        # what is changed before the browser has read the page would be lost
        pn.state.onload(partial(self._fit, name, value))

    def _fit(self, name: str, value: bool) -> None:
        if name == "back":
            self._back()
        elif name == "dark":
            self.page.dark_theme = value
        elif value != self._narrow:
            self._narrow = value
            self.page.sidebar_open = not value


def _held(kind: Any) -> bool:
    """Whether an option may be as at first."""
    return (
        not hasattr(kind, "objects") or kind.default in list(kind.objects) or isinstance(kind.default, list)
    )


def _told(state: State) -> str:
    note = state.source.note
    return f"{BANNER} {note[0].upper()}{note[1:]}." if note else BANNER


def _query() -> dict[str, str]:
    location = pn.state.location
    return {str(k): str(v) for k, v in (location.query_params if location else {}).items()}
