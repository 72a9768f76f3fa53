"""The cohort page, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import panel as pn
import pytest

import bactools.accessor  # noqa: F401
from bactools.explore import Cohort, Source
from dashboards.pages.cohort import BURDEN, FLOW, MISSING, TABLE, CohortPage
from dashboards.state import State

pytestmark = [  # Panel's own
    pytest.mark.filterwarnings("ignore:Both 'variant':PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning"),
]


def told(shown: list[Any]) -> str:
    """Return all texts of viewables."""
    return " ".join(str(each.object) for each in pn.Column(*shown).select(lambda at: hasattr(at, "object")))


@pytest.fixture
def page(study: Path) -> CohortPage:
    found = CohortPage(State([Source(study)]))
    found.prepare()
    return found


def test_cards_count_women_exams_and_images(page: CohortPage) -> None:
    status = page.state.source.cube["status"] != 0
    text = told(page.show())
    for n in (status.sizes["subject"], int(status.any("view").sum()), int(status.sum())):
        assert f"{n:,}" in text


@pytest.mark.parametrize("part", [FLOW, TABLE, BURDEN, MISSING])
@pytest.mark.parametrize("women", [None, 1])
def test_every_part_shows_something(page: CohortPage, part: str, women: int | None) -> None:
    if women:
        age = float(page.state.source.cube["age"].max())
        page.state.cohort = Cohort(ranges={"age": (age, None)})
    page.part = part
    assert len(page.show()) > 1


def test_no_woman_is_said_in_words(page: CohortPage) -> None:
    page.state.page = page.slug
    page.state.cohort = Cohort(ranges={"age": (500.0, None)})
    assert "No woman fits" in told(list(page._place.objects))


def test_small_cells_are_hidden(page: CohortPage) -> None:
    page.part, page.group = TABLE, "ckd"
    plain = page.show()[1][0].value
    page.suppress = True
    assert not page.show()[1][0].value.equals(plain)


def test_options_survive_a_link(page: CohortPage) -> None:
    page.part, page.group, page.by = BURDEN, "ckd", "race"
    other = CohortPage(page.state)
    other.read(page.write())
    assert (other.part, other.group, other.by) == (BURDEN, "ckd", "race")
