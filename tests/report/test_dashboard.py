"""The report says what the dashboard's pages say of the same study and cohort, number by number."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from panel.widgets import Tabulator

from bactools.explore import Cohort
from bactools.report import html_report
from bactools.testing import simulate_study
from dashboards.base import Page
from dashboards.pages.agreement import AgreementPage
from dashboards.pages.cohort import TABLE, CohortPage
from dashboards.pages.regression import RegressionPage
from dashboards.pages.risk import RiskPage
from dashboards.pages.thresholds import ThresholdsPage
from dashboards.pages.trajectories import WHO, TrajectoriesPage
from tests.dashboards.made import opened, parts_of, text

COHORTS = {"everyone": Cohort(), "over 60": Cohort(ranges={"age": (60, None)})}
READINGS: dict[str, tuple[type[Page], dict[str, Any], str]] = {
    "limits of agreement": (AgreementPage, {"against": "true_tam_100"}, "On average, tam_100 minus"),
    "regression": (RegressionPage, {"against": "true_tam_100"}, "true_tam_100 explains"),
    "rate per year": (TrajectoriesPage, {"group": "ckd"}, "On average tam_100 / breast area"),
    "who progressed": (TrajectoriesPage, {"group": "ckd", "part": WHO}, "rose by more than"),
    "thresholds": (ThresholdsPage, {"against": "true_tam_100"}, "TAM agrees best with"),
    "grades": (RiskPage, {}, "women: none (0)"),
    "follow-up": (RiskPage, {}, "women followed"),
    "hazard ratio per SD": (RiskPage, {}, "Per SD of am_mm2"),
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with truth, histograms and an outcome."""
    folder = tmp_path_factory.mktemp("made") / "study"
    simulate_study(folder, 60, histograms=True, missing_views=0.03, outcomes=True)
    return folder


@pytest.fixture(scope="module")
def reports(study: Path) -> dict[str, str]:
    """The report of each cohort."""
    return {name: html_report(study, cohort=cohort) for name, cohort in COHORTS.items()}


@pytest.mark.parametrize("cohort", COHORTS)
@pytest.mark.parametrize("what", READINGS)
def test_readings_are_those_of_the_page(study: Path, reports: dict[str, str], cohort: str, what: str) -> None:
    kind, options, told = READINGS[what]
    lines = [line for line in _lines(_of(kind, study, cohort, **options)) if told in line]
    assert lines, "the page no longer says so"
    for line in lines:
        assert re.search(r"\d", line)
        assert f"<p>{line}</p>" in reports[cohort]


@pytest.mark.parametrize("cohort", COHORTS)
def test_table_1_is_that_of_the_page(study: Path, reports: dict[str, str], cohort: str) -> None:
    page = _of(CohortPage, study, cohort, part=TABLE, group="ckd")
    shown = parts_of(page, Tabulator)[0].value
    groups = [name for name in shown if name == "overall" or name.startswith("ckd")]
    theirs = [[str(row[name]) for name in groups] for _, row in shown.iterrows()]
    found = re.search(r"<caption>Characteristics of .*?</table>", reports[cohort])
    assert found
    rows = [[unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
            for row in found[0].split("<tr>")[1:]]  # fmt: skip
    places = [rows[0].index(name.replace("_", " ")) for name in groups]
    assert len(groups) == 3
    assert [[row[place] for place in places] for row in rows[1:]] == theirs


def test_another_study_is_compared_alike(study: Path, tmp_path: Path) -> None:
    simulate_study(tmp_path / "reader-two", 60, missing_views=0.03, error=9e-4)
    report = html_report(study, truth=tmp_path / "reader-two")
    for kind in (AgreementPage, RegressionPage):
        page = opened(kind, study, tmp_path / "reader-two", against="reader-two")
        lines = [line for line in _lines(page) if "tam_100 of the other cube" in line]
        assert lines
        for line in lines:
            assert line.replace("of the other cube", "of reader-two") in report


def _of(kind: type[Page], study: Path, cohort: str, **options: Any) -> Page:
    page = opened(kind, study, **options)
    page.state.cohort = COHORTS[cohort]
    page.refresh()
    return page


def _lines(page: Page) -> list[str]:
    return re.findall(r"<p>(.*?)</p>", text(page))
