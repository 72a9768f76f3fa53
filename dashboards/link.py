"""The link: study, page, cohort and options as the parameters of an address anyone may write."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from dashboards.base import Page
from dashboards.state import State

_LONGEST = 8_000


class Link:
    """What an address says of a session, both ways.

    Parameters
    ----------
    state : State
    pages : mapping of str to Page
        By slug, in the order of the menu.
    """

    def __init__(self, state: State, pages: Mapping[str, Page]) -> None:
        self._state, self._pages = state, pages
        self.ready = False
        """Whether the browser's address may be written: not before it has been read."""

    @property
    def search(self) -> str:
        """The part of the address after the path, with its question mark."""
        state = self._state
        return "?" + urlencode(state.write() | self._pages[state.page].write())

    def read(self, query: Mapping[str, str]) -> None:
        """Take everything from an address; what is not understood is told in `State.problem`."""
        state = self._state
        state.problem = ""
        if sum(map(len, query.values())) > _LONGEST:
            query = {}
            state.tell("The link is too long, so it was not read.")
        named = query.get("page", "")
        if named and named not in self._pages:
            state.tell("The link names a page that does not exist.")
        page = self._pages[named if named in self._pages else next(iter(self._pages))]
        state.read(query)
        page.read(query)
        state.page = page.slug
