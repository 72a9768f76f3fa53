"""The page of risk: with outcomes, without them, and with a link from a stranger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import panel as pn
import pytest

import bactools.accessor  # noqa: F401  (pages ask ``cube.bac``)
from bactools.cube import write_cube
from bactools.explore import Cohort, Source
from bactools.explore.outcomes import Outcome, first_exams, follow_up
from bactools.stats.association import cox
from bactools.stats.burden import burden
from bactools.testing import simulate_cube
from bactools.testing.study import simulate_study, with_outcomes
from dashboards.pages.risk import RiskPage
from dashboards.state import State
from tests.dashboards.made import opened, text

_HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("study")
    simulate_study(made, 200, outcomes=True, n_exam=3, missing_views=0.03)
    return made


def _page(*folders: Path, **options: Any) -> RiskPage:
    return opened(RiskPage, *folders, **options)


def _titles(page: RiskPage) -> list[str]:
    return [str(pane.object.layout.title.text) for pane in page._place.select(pn.pane.Plotly)]


def _tables(page: RiskPage) -> list[Any]:
    return [pane.value for pane in page._place.select(pn.widgets.Tabulator)]


def test_grades_survival_ratios_and_the_curve_are_shown(folder: Path) -> None:
    page = _page(folder, by="thirds")
    grades, survival, by_third, per_sd, curve = _titles(page)
    assert grades.startswith("Grades of am_mm2")
    assert "by burden (Kaplan-Meier)" in survival
    assert by_third == "Hazard ratio by burden of am_mm2, sum of 4 views"
    assert per_sd.startswith("Hazard ratio of am_mm2, sum of 4 views, per SD")
    assert "knots" in curve
    assert "Outcome: infarct" in text(page)
    assert "measurement error of an SD" in text(page)


def test_hazard_ratios_are_those_of_the_statistics(folder: Path) -> None:
    page = _page(folder, adjust=["age", "ckd"])
    cube = Source(folder).cube
    first = first_exams(burden(cube, "am_mm2", incomplete="scale"))
    followed = follow_up(cube, Outcome("infarct", "infarct_years"), first)
    found = cox(followed.time, followed.event, first, covariates=["age", "ckd"]).to_frame()
    shown = next(table for table in _tables(page) if "am_mm2" in set(table.get("term", [])))
    # shown with four digits
    np.testing.assert_allclose(shown["estimate"].astype(float), found["estimate"], rtol=1e-3)
    assert "adjusted for age, ckd" in text(page)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"adjust": []}, "Hazard ratios, not adjusted"), ({"by": "thirds"}, "highest third"),
        ({"metric": "tam_100"}, "is not in mm²: thirds are shown"), ({"knots": 4}, "infarct"),
        ({"incomplete": "leave out"}, "at risk from it on"),
    ],
)  # fmt: skip
def test_every_option_changes_the_answer(folder: Path, options: dict[str, Any], told: str) -> None:
    page = _page(folder)
    before = text(page)
    page.param.update(**options)
    assert told in text(page)
    assert text(page) != before


def test_a_grade_without_events_is_words_and_a_way_out(tmp_path: Path) -> None:
    simulate_study(tmp_path, 60, excluded=0, n_exam=1)
    cube = with_outcomes(simulate_cube(60, n_exam=1))
    cube["infarct"] = cube["infarct"] & (cube["true_start"] > 0)
    write_cube(cube, tmp_path / "cube.zarr")
    page = _page(tmp_path)
    assert "join it with another level" in text(page)
    assert "Thirds of the burden" in text(page)


def test_every_woman_counts_however_many(folder: Path) -> None:
    women = Source(folder).cube.sizes["subject"]
    assert f"{women} women followed" in text(_page(folder))


def test_what_an_option_does_not_touch_is_not_computed_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = _page(folder)
    for name in ("grades", "kaplan_meier", "error_of"):
        monkeypatch.setattr(f"dashboards.pages.risk.{name}", lambda *_, **__: pytest.fail("computed"))
    page.adjust = ["ckd"]
    assert "adjusted for ckd" in text(page)
    page.knots = 4
    assert "adjusted for ckd" in text(page)


def test_strata_are_those_of_the_statistics_and_no_covariate(folder: Path) -> None:
    page = _page(folder, adjust=["age", "ckd"], strata="ckd")
    assert "Hazard ratios, adjusted for age" in text(page)
    assert "of the same ckd only" in text(page)
    cube = Source(folder).cube
    first = first_exams(burden(cube, "am_mm2", incomplete="scale"))
    followed = follow_up(cube, Outcome("infarct", "infarct_years"), first)
    layer = first.table.set_index("subject")["ckd"]
    found = cox(followed.time, followed.event, first, covariates=["age"], strata=layer).to_frame()
    shown = next(table for table in _tables(page) if "am_mm2" in set(table.get("term", [])))
    np.testing.assert_allclose(shown["estimate"].astype(float), found["estimate"], rtol=1e-3)


def test_any_against_none_for_rare_outcomes(folder: Path) -> None:
    page = _page(folder, by="any")
    assert "none (0)" in text(page)
    assert "any (above 0" in text(page)
    assert any("burden: any" in set(table.get("term", [])) for table in _tables(page))


def test_a_study_without_covariates_is_not_adjusted(tmp_path: Path) -> None:
    simulate_study(tmp_path, 60, excluded=0, n_exam=1)
    cube = with_outcomes(simulate_cube(60, n_exam=1))
    described = [name for name in ("age", "ckd", "race", "vendor") if name in cube]
    write_cube(cube.drop_vars(described), tmp_path / "cube.zarr")
    page = _page(tmp_path, by="thirds")
    assert list(page.param.adjust.objects) == []
    assert list(page.param.strata.objects.values()) == [""]
    assert "Hazard ratios, not adjusted" in text(page)


def test_knots_are_those_asked_for(folder: Path) -> None:
    page = _page(folder, knots=5)
    curve = page._place.select(pn.pane.Plotly)[-1].object
    assert len([shape for shape in curve.layout.shapes if shape.x0 == shape.x1]) == 5


def test_outcomes_are_no_covariates(folder: Path) -> None:
    offered = set(_page(folder).param.adjust.objects)
    assert offered >= {"age", "ckd", "race"}
    assert not offered & {"infarct", "infarct_years"}


def test_options_go_through_a_link_and_back(folder: Path) -> None:
    page = _page(folder, adjust=["age", "ckd"], by="thirds", knots=4, metric="tam_100_mm2")
    again = RiskPage(State([Source(folder)]))
    again.read(page.write())
    for name in ("adjust", "by", "knots", "metric"):
        assert getattr(again, name) == getattr(page, name)
    assert again.state.problem == ""
    none = RiskPage(State([Source(folder)]))
    none.read(_page(folder, adjust=[]).write())
    assert none.adjust == []


@pytest.mark.parametrize("text", [_HOSTILE, "infarct", "age~nothing", "a" * 5000])
def test_a_link_cannot_adjust_for_what_is_not_offered(folder: Path, text: str) -> None:
    page = RiskPage(State([Source(folder)]))
    page.read({"o.adjust": text, "o.knots": "99"})
    assert page.adjust == ["age"]
    assert "not understood" in page.state.problem
    assert "<" not in page.state.problem


def test_without_outcomes_the_page_says_what_it_needs(tmp_path: Path) -> None:
    simulate_study(tmp_path, 30, excluded=0, n_exam=2)
    page = _page(tmp_path)
    assert len(_titles(page)) == 1
    assert "infarct_years" in text(page)
    assert "holds no outcome" in text(page)


@pytest.mark.parametrize(
    "options",
    [
        {"n_subject": 1},
        {"n_subject": 6},
        {"n_subject": 30, "without_bac": 1.0},
        {"n_subject": 30, "n_exam": 1},
    ],
)
def test_few_women_no_calcification_and_one_exam_are_words(tmp_path: Path, options: dict[str, Any]) -> None:
    simulate_study(tmp_path, excluded=0, outcomes=True, **{"n_exam": 2} | options)
    page = _page(tmp_path, by="thirds")
    assert "Outcome: infarct" in text(page)
    assert "estimable" in text(page) or "not computed" in text(page)
    page.by = "grade"
    assert "Outcome: infarct" in text(page)


def test_no_events_and_an_empty_cohort_are_words(tmp_path: Path) -> None:
    simulate_study(tmp_path, 20, excluded=0, n_exam=1)
    cube = with_outcomes(simulate_cube(20, n_exam=1))
    write_cube(cube.assign(infarct=("subject", np.zeros(20))), tmp_path / "cube.zarr")
    page = _page(tmp_path)
    assert "0 events" in text(page)
    page.state.cohort = Cohort(ranges={"age": (200.0, None)})
    assert "No woman fits" in text(page)


def test_hostile_names_are_text(tmp_path: Path) -> None:
    simulate_study(tmp_path, 60, excluded=0, n_exam=1)
    cube = with_outcomes(simulate_cube(60, n_exam=1))
    kind = np.where(np.arange(60) % 2 == 0, _HOSTILE, "b").astype(object)
    cube = cube.rename(infarct=_HOSTILE, infarct_years=f"{_HOSTILE}_years", race=f"{_HOSTILE} race")
    cube = cube.assign({f"{_HOSTILE} kind": ("subject", kind)})
    write_cube(cube, tmp_path / "cube.zarr")
    page = _page(tmp_path, adjust=["age", f"{_HOSTILE} kind"], by="thirds")
    assert "onerror" in text(page)
    assert "<img src" not in text(page)
    for pane in page._place.select(pn.pane.Plotly):
        assert "<img src" not in str(pane.object.layout.title.text)
        assert "<img src" not in str(pane.object.layout.yaxis.ticktext)
