"""The quality page, without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

import bactools.accessor  # noqa: F401
from bactools.explore import Source
from dashboards.pages.quality import DRIFT as DRIFTED
from dashboards.pages.quality import DROPPED, ORIGIN, VIEWS, QualityPage
from dashboards.state import State
from tests.dashboards.made import figures, opened
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


@pytest.mark.parametrize("part", [DRIFTED, VIEWS])
def test_a_large_cohort_is_an_even_sample_and_says_so(
    page: QualityPage, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.part = part
    assert "evenly chosen" not in told(page.show())
    monkeypatch.setattr("dashboards.pages.quality._MOST_WOMEN", {part: 20})
    page.metric = page.param.metric.objects[1]
    assert "From 20 of 60 women, evenly chosen" in told(page.show())


def test_the_apps_banner_is_the_only_one(page: QualityPage) -> None:
    page.part = DROPPED
    assert "These count the whole study" in told(page.show())
    assert "research only" not in told(page.show())


def test_provenance_holds_the_hash_of_the_weights(page: QualityPage) -> None:
    page.part = ORIGIN
    table = page.show()[0][0].value
    assert page.state.source.about["weights"]["sha256"] in set(table["value"])


def test_every_drift_can_be_drawn(page: QualityPage) -> None:
    page.part = DRIFTED
    for number in page.param.number.objects:
        page.number = number
        known = number != "guessed"  # simulated images were never scaled
        assert ("rarely biology" if known else "not known of any image") in told(page.show())


def test_options_that_do_nothing_for_a_part_are_not_offered(page: QualityPage) -> None:
    widgets = {widget.name: widget for widget in page.controls()}
    for part, shown in ((DROPPED, []), (DRIFTED, ["Metric", "Drift of"]), (VIEWS, ["Metric"])):
        page.part = part
        assert [name for name in ("Metric", "Drift of") if widgets[name].visible] == shown


def test_how_views_agree_is_drawn_as_it_is_computed(study: Path) -> None:
    shown = opened(QualityPage, study, part=VIEWS)
    found = Source(study).cube.bac.view_consistency("tam_100").to_frame()
    ours = found[found["term"] == "concordance (CCC)"].set_index("comparison")["estimate"]
    drawn = figures(shown)[0]
    marks = next(trace for trace in drawn.data if trace.mode == "markers" and len(trace.x) == len(ours))
    assert sorted(marks.x) == pytest.approx(sorted(ours))
    assert any("CC and MLO" in label for label in drawn.layout.yaxis.ticktext)
