"""The images page shows the exam that was clicked, as it hangs, and says what it cannot show."""

from __future__ import annotations

from pathlib import Path

import panel as pn

import bactools.accessor  # noqa: F401
from bactools.explore import Source
from bactools.explore.exam import HANGING, days_of, exam_images
from bactools.study import Study
from bactools.testing import simulate_study
from dashboards.pages.images import ImagesPage
from dashboards.state import State


def _html(shown: list) -> str:
    return " ".join(pane.object for part in shown for pane in part.select(pn.pane.HTML))


def test_the_clicked_exam_is_shown_with_its_pictures(made_study: Study) -> None:
    state = State([Source(made_study.folder)])
    cube = state.source.cube
    subject = next(str(name) for name in cube["subject"].values if len(days_of(cube, str(name))) == 2)
    days = days_of(cube, subject)
    state.exam = {"subject": subject, "date": days[1], "view": "LCC", "image_id": ""}
    page = ImagesPage(state)
    page.prepare()
    assert (page.subject, page.date) == (subject, days[1])
    told = _html(page.show())
    assert told.count("<img ") == 4
    assert f"RCC of {subject} on {days[1]}" in told
    page.beside = days[0]
    assert _html(page.show()).count("<img ") == 8


def test_the_views_hang_right_on_the_left(made_study: Study) -> None:
    cube = Source(made_study.folder).cube
    subject = next(str(name) for name in cube["subject"].values if len(days_of(cube, str(name))) == 2)
    table = exam_images(cube, subject, days_of(cube, subject)[0], "am")
    assert table["view"].tolist() == list(HANGING)
    cell = cube.sel(subject=subject, view="RCC").isel(exam=1)
    assert table["am"].iloc[0] == float(cell["am"])


def test_what_is_out_of_reach_is_told(tmp_path: Path) -> None:
    state = State([Source(simulate_study(tmp_path / "simulated", 3, n_exam=2).folder)])
    page = ImagesPage(state)
    page.prepare()
    told = _html(page.show())
    assert "<img " not in told
    assert "no map" in told or "linkage" in told
    assert str(tmp_path) not in told


def test_another_woman_brings_her_own_days(tmp_path: Path) -> None:
    state = State([Source(simulate_study(tmp_path / "simulated", 3, n_exam=2).folder)])
    page = ImagesPage(state)
    page.prepare()
    second = page.param.subject.objects[1]
    page.subject = second
    assert page.date in days_of(state.source.cube, second)
