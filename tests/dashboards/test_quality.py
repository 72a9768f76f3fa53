"""The quality page, without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

import bactools.accessor  # noqa: F401
from bactools.explore import Source
from dashboards.pages.quality import DRIFT as DRIFTED
from dashboards.pages.quality import DROPPED, ORIGIN, RESEARCH, VIEWS, QualityPage
from dashboards.state import State
from tests.dashboards.test_cohort import told

pytestmark = [  # Panel's own
    pytest.mark.filterwarnings("ignore:Both 'variant':PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning"),
]


@pytest.fixture
def page(study: Path) -> QualityPage:
    found = QualityPage(State([Source(study)]))
    found.prepare()
    return found


@pytest.mark.parametrize("part", [DROPPED, DRIFTED, VIEWS, ORIGIN])
def test_every_part_says_that_it_is_for_research_and_which_weights(page: QualityPage, part: str) -> None:
    page.part = part
    shown = page.show()
    assert len(shown) > 1
    assert RESEARCH in told(shown)
    assert "simulated" in told(shown)


def test_provenance_holds_the_hash_of_the_weights(page: QualityPage) -> None:
    page.part = ORIGIN
    table = page.show()[1][0].value
    assert page.state.source.about["weights"]["sha256"] in set(table["value"])


def test_every_drift_can_be_drawn(page: QualityPage) -> None:
    page.part = DRIFTED
    for number in page.param.number.objects:
        page.number = number
        assert "rarely biology" in told(page.show())
