"""A link shows a colleague the same picture; what it says is not trusted."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from bactools.explore import Source
from dashboards.link import Link
from dashboards.pages import PAGES
from dashboards.pages.agreement import AgreementPage
from dashboards.state import State
from tests.dashboards.conftest import HOSTILE, Looker, Server

pytestmark = pytest.mark.filterwarnings("error")


def _link(study: Path) -> tuple[State, Link, AgreementPage]:
    state = State([Source(study)])
    page = AgreementPage(state)
    return state, Link(state, {"agreement": page}), page


def test_reading_what_was_written_gives_the_same(study: Path) -> None:
    asked = {"o.scale": "ratio", "o.trend": "yes", "r.age": "50~70", "exams": "2", "page": "agreement"}
    state, link, page = _link(study)
    link.read(asked)
    assert state.problem == ""
    assert (page.scale, page.trend, state.cohort.at_least) == ("ratio", True, 2)
    again_state, again, again_page = _link(study)
    again.read(dict(parse_qsl(link.search[1:])))
    assert again.search == link.search
    assert again_state.cohort.key == state.cohort.key
    assert again_page.param.values()["scale"] == "ratio"
    told = dict(parse_qsl(link.search[1:]))
    assert asked.items() <= told.items()
    assert told["study"] == "study-a"


@pytest.mark.parametrize(
    "query",
    [
        {"study": "../../etc/passwd"}, {"page": HOSTILE}, {"o.scale": HOSTILE}, {"r.age": "nan~inf"},
        {f"c.{HOSTILE}": "x"}, {"exams": "-1"}, {"dates": HOSTILE}, {"views": HOSTILE}, {"o.trend": "1"},
        {"r.age": "x" * 9000},
    ],
)  # fmt: skip
def test_what_is_not_understood_is_told_and_the_rest_is_shown(study: Path, query: dict[str, str]) -> None:
    state, link, page = _link(study)
    link.read(query)
    assert state.problem
    assert "etc" not in state.problem
    assert page.scale == "difference"
    assert state.cohort.words() == "everyone"
    assert state.page == "agreement"


def test_the_address_holds_study_page_and_cohort_and_reproduces_them(server: Server, looker: Looker) -> None:
    looker.open(server.url)
    first = dict(parse_qsl(looker.page.evaluate("location.search.slice(1)")))
    assert first["study"] == "study-a"
    assert first["page"] == PAGES[0].slug
    asked = {"study": "study-a", "page": "agreement", "r.age": "50~70", "exams": "2", "o.scale": "ratio"}
    looker.open(f"{server.url}/?{urlencode(asked)}")
    held = dict(parse_qsl(looker.page.evaluate("location.search.slice(1)")))
    assert asked.items() <= held.items()
    words = looker.page.get_by_text("age from 50 to 70; at least 2 exams")
    words.first.wait_for(timeout=10_000)
    looker.page.get_by_text("Trend line").first.click()
    looker.page.wait_for_function("location.search.includes('o.trend=yes')", timeout=10_000)
    assert looker.wrong == []
