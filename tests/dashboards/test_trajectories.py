"""The page of trajectories: what it shows of whom, and what it says where there is nothing to show."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui
import pytest
from PIL import Image

import bactools.accessor  # noqa: F401  (pages ask ``cube.bac``)
from bactools.cube import write_cube
from bactools.explore import Cohort, Source
from bactools.explore.picture import PictureError
from bactools.testing import simulate_cube
from bactools.testing.study import simulate_study
from dashboards.pages.trajectories import EVERYONE, ONE, WHO, TrajectoriesPage
from dashboards.state import State
from tests.dashboards.made import figures, opened, parts_of, text

_HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("study")
    simulate_study(made, 40, missing_views=0.03, one_exam=0.1)
    return made


def _page(*folders: Path, **options: Any) -> TrajectoriesPage:
    return opened(TrajectoriesPage, *folders, **options)


def test_everyone_is_drawn_by_group_and_the_rates_are_those_of_the_statistics(folder: Path) -> None:
    page = _page(folder, group="ckd")
    names = {trace.name for trace in figures(page)[0].data}
    assert {"mean, ckd no", "mean, ckd yes"} <= names
    found = Source(folder).cube.bac.trajectories("tam_100", group="ckd", engine="exact")
    table = parts_of(page, pn.widgets.Tabulator)[0].value
    row = table.set_index("term").loc["rate per year, ckd yes"]
    assert float(row["estimate"]) == pytest.approx(found.rates["yes"].value, rel=1e-3)  # rounded for reading


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("metric", "am_mm2", "am_mm2"), ("per", "breast", "tam_100"), ("combine", "mean", "mean of 4 views"),
        ("incomplete", "scale", "tam_100"), ("group", "race", "race Caucasian"), ("metric", "pm", "pm"),
    ],
)  # fmt: skip
def test_every_option_changes_the_answer(folder: Path, option: str, value: str, told: str) -> None:
    page = _page(folder)
    before = text(page)
    setattr(page, option, value)
    assert text(page) != before
    assert told in text(page)


def test_zeros_have_no_logarithm_and_it_says_so(folder: Path) -> None:
    assert "no logarithm" in text(_page(folder, scale="log"))


def test_who_progressed_is_listed_and_a_click_shows_her(folder: Path) -> None:
    page = _page(folder, part=WHO)
    found = Source(folder).cube.bac.trajectories("tam_100", engine="exact").progressed()
    rows = parts_of(page, pn.widgets.Tabulator)[0].value
    assert set(rows["subject"]) == set(found.table.loc[found.table["progressed"], "subject"])
    assert f"{found.n_progressed} of {found.n} rose" in text(page)
    plotly = parts_of(page, pn.pane.Plotly)[0]
    clicked = next(trace for trace in plotly.object.data if trace.customdata is not None)
    subject = clicked.customdata[0][0]
    plotly.click_data = {"points": [{"customdata": list(clicked.customdata[0])}]}
    assert (page.part, page.woman) == (ONE, subject)
    assert page.state.page == page.slug
    assert subject in text(page)


def test_one_woman_has_her_exams_and_a_film_strip_that_opens_them(folder: Path) -> None:
    page = _page(folder, part=ONE, woman="S00001")
    cube = Source(folder).cube.sel(subject="S00001")
    days = [str(day) for day in np.sort(cube["date"].values.astype("datetime64[D]"))]
    buttons = [button for button in parts_of(page, pmui.Button) if button.label in days]
    assert [button.label for button in buttons] == days
    buttons[2].clicks += 1
    assert page.state.page == "images"
    assert page.state.exam["date"] == days[2]
    assert page.state.exam["view"] == "LMLO"
    assert page.state.exam["image_id"] in cube["image_id"].sel(view="LMLO").values


def test_pictures_are_shown_where_they_can_be_reached_and_words_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hers = Source(folder).cube.sel(subject="S00001", view="RMLO")
    there = [str(name) for name in hers["image_id"].values if name]
    asked: set[str] = set()

    def overview(source: Source, image_id: str, *, height: int, overlay: bool) -> bytes:
        asked.add(image_id)
        if image_id == there[0]:
            raise PictureError("The image is not reachable <b>here</b>.")
        made = io.BytesIO()
        Image.new("L", (height // 2, height)).save(made, "JPEG")
        return made.getvalue()

    monkeypatch.setattr("dashboards.film_strip.overview", overview)
    page = _page(folder, part=ONE, woman="S00001", images="RMLO")
    assert asked == set(there)
    assert len(parts_of(page, pn.pane.JPG)) == len(there) - 1
    assert "not reachable &lt;b&gt;here" in text(page)


def test_a_click_on_an_exam_opens_it(folder: Path) -> None:
    page = _page(folder)
    pane = parts_of(page, pn.pane.Plotly)[0]
    points = next(trace for trace in pane.object.data if trace.customdata is not None)
    pane.click_data = {"points": [{"customdata": list(points.customdata[0])}]}
    assert page.state.page == "images"
    assert page.state.exam["subject"] == points.customdata[0][0]


def test_without_a_choice_who_rose_most_is_shown(folder: Path) -> None:
    page = _page(folder, part=ONE)
    women = Source(folder).cube.bac.trajectories("tam_100", engine="exact").women
    assert women.loc[women["change"].idxmax(), "subject"] in text(page)
    assert "rose most" in text(page)


def test_the_fit_is_not_repeated_for_another_woman_or_another_visitor(folder: Path) -> None:
    page = _page(folder, part=ONE)
    before = page._fit()
    page.woman = "S00002"
    assert page._fit() is before
    other = TrajectoriesPage(State(list(page.state._sources.values())))
    other.prepare()
    assert other._fit() is before
    other.per = "view"
    assert other._fit() is not before
    page.state.cohort = Cohort(at_least=2)
    assert page._fit() is not before


def test_options_go_through_a_link_and_back(folder: Path) -> None:
    page = _page(folder, part=ONE, woman="S00003", group="ckd", images="RCC", per="view")
    again = TrajectoriesPage(State([Source(folder)]))
    again.read(page.write())
    for name in ("part", "woman", "group", "images", "per"):
        assert getattr(again, name) == getattr(page, name)
    assert again.state.problem == ""


@pytest.mark.parametrize("woman", [_HOSTILE, "nobody", "../../etc"])
def test_an_unknown_woman_is_words_and_never_markup(folder: Path, woman: str) -> None:
    page = _page(folder, part=ONE, woman=woman)
    assert "no exam of" in text(page)
    assert "<img src" not in text(page)


def test_the_picker_holds_the_woman_who_was_clicked(folder: Path) -> None:
    page = _page(folder)
    picker = page._widget("woman")
    page._choose({"subject": "S00004"})
    assert picker.value == "S00004"
    picker.value = None
    assert page.woman == ""
    picker.value = "S00005"
    assert (page.woman, page.part) == ("S00005", ONE)


@pytest.fixture
def study_of(tmp_path: Path) -> Any:
    def made(**options: Any) -> Path:
        n = options.pop("n", 12)
        simulate_study(tmp_path, n, excluded=0, **options)
        return tmp_path

    return made


@pytest.mark.parametrize("part", [EVERYONE, WHO, ONE])
@pytest.mark.parametrize(
    ("options", "told"),
    [({"n": 1}, "1"), ({"n": 8, "without_bac": 1.0}, "0"), ({"n": 8, "one_exam": 1.0}, "exam")],
)
def test_one_woman_no_calcification_and_one_exam_each_are_words(
    study_of: Any, part: str, options: dict[str, Any], told: str
) -> None:
    page = _page(study_of(**options), part=part)
    assert told in text(page)
    assert page._place.objects


def test_an_empty_cohort_is_words(folder: Path) -> None:
    page = _page(folder)
    page.state.cohort = Cohort(ranges={"age": (200.0, None)})
    assert "No woman fits" in text(page)


def test_hostile_covariates_and_subjects_are_text(tmp_path: Path) -> None:
    simulate_study(tmp_path, 12, excluded=0)
    cube = simulate_cube(12)
    names = np.array([f"{_HOSTILE}{at}" for at in range(12)], dtype=object)
    kind = np.where(np.arange(12) % 2 == 0, _HOSTILE, "b").astype(object)
    cube = cube.assign_coords(subject=names).assign({_HOSTILE: ("subject", kind)})
    write_cube(cube, tmp_path / "cube.zarr")
    for part in (EVERYONE, WHO, ONE):
        page = _page(tmp_path, part=part, group=_HOSTILE)
        assert "<img src" not in text(page)
        for drawn in figures(page):
            assert "<img src" not in str(drawn.layout.title.text)
            assert all("<img src" not in str(trace.name) for trace in drawn.data)
