"""The images page shows the exam that was clicked, as it hangs, up to its own pixels, and says what lacks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from bactools.explore import Source
from bactools.explore.exam import HANGING, days_of, exam_images, left_out, not_counted
from bactools.explore.picture import around, outline
from bactools.explore.pictures import load
from bactools.study import Study, open_study
from bactools.testing import breast_pixels, simulate_study, write_mammogram
from dashboards.pages.images import ImagesPage
from dashboards.viewer import PictureView
from tests.dashboards.conftest import HOSTILE, Looker, Server
from tests.dashboards.made import opened, parts_of, text


def _views(page: ImagesPage) -> list[PictureView]:
    """Return the views, and what is zoomed into last."""
    return parts_of(page, PictureView)


def _decoded(content: bytes) -> NDArray[Any]:
    picture = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(int)


@pytest.fixture
def woman(made_study: Study) -> str:
    cube = Source(made_study.folder).cube
    return next(str(name) for name in cube["subject"].values if len(days_of(cube, str(name))) == 2)


def test_the_clicked_exam_is_shown_with_its_pictures(made_study: Study, woman: str) -> None:
    page = opened(ImagesPage, made_study.folder)
    days = days_of(page.state.source.cube, woman)
    page.open_exam({"subject": woman, "date": days[1], "view": "LCC", "image_id": ""})
    page.refresh()
    assert (page.subject, page.date) == (woman, days[1])
    assert [view.told for view in _views(page)] == [f"{view} of {days[1]}" for view in HANGING]
    assert all(view.content[:2] == b"\xff\xd8" for view in _views(page))
    page.beside = days[0]
    assert sum(bool(view.content) for view in _views(page)) == 8
    other = opened(ImagesPage, made_study.folder)
    other.read(page.write())
    assert (other.subject, other.date, other.beside) == (woman, days[1], days[0])


def test_the_views_hang_right_on_the_left(made_study: Study, woman: str) -> None:
    cube = Source(made_study.folder).cube
    table = exam_images(cube, woman, days_of(cube, woman)[0], "am")
    assert table["view"].tolist() == list(HANGING)
    cell = cube.sel(subject=woman, view="RCC").isel(exam=1)
    assert table["am"].iloc[0] == float(cell["am"])
    sides = [view.side for view in _views(opened(ImagesPage, made_study.folder, subject=woman))]
    assert sides == ["flex-end", "flex-start"] * 2


@pytest.mark.parametrize(
    "option",
    [
        {"overlay": "none"}, {"overlay": "probability"}, {"opacity": 0.1}, {"cut": 0.9}, {"intensity": 150},
        {"white": 90},
    ],
)  # fmt: skip
def test_how_it_is_drawn_changes_the_pictures_and_not_the_page(
    made_study: Study, woman: str, option: dict[str, Any]
) -> None:
    page = opened(ImagesPage, made_study.folder, subject=woman)
    views = _views(page)
    before = [view.content for view in views]
    page.param.update(**option)
    assert _views(page) == views
    assert all(view.content != old for view, old in zip(views, before, strict=True))


def test_a_click_shows_that_place_in_full_and_frames_it(made_study: Study, woman: str) -> None:
    page = opened(ImagesPage, made_study.folder, subject=woman)
    _views(page)[1]._handle_msg({"x": 0.25, "y": 0.5, "way": "click"})
    assert (page.zoom, page.x, page.y) == (HANGING[1], 0.25, 0.5)
    views = _views(page)
    assert len(views) == 5
    assert views[-1].content[:2] == b"\xff\xd8"
    assert [bool(view.marked) for view in views[:4]] == [False, True, False, False]
    page.scale = 400
    left, _, width, _ = views[1].marked
    assert left + width / 2 == pytest.approx(0.25, abs=width)
    views[-1]._handle_msg({"x": 1.5, "y": 0.5, "way": "drag"})
    assert views[1].marked[0] > left
    views[-1]._handle_msg({"x": 0.5, "y": 0.5, "way": "out"})
    assert page.scale == 200
    views[-1]._handle_msg({"x": 0.5, "y": 0.5, "way": "close"})
    assert (page.zoom, views[-1].content) == ("", b"")
    assert not any(view.marked for view in views[:4])


def test_both_exams_are_zoomed_into_at_the_same_place(made_study: Study, woman: str) -> None:
    page = opened(ImagesPage, made_study.folder, subject=woman)
    page.beside = days_of(page.state.source.cube, woman)[1]
    _views(page)[3]._handle_msg({"x": 0.5, "y": 0.5, "way": "click"})
    views = _views(page)
    assert len(views) == 10
    assert all(view.content for view in views)
    assert [at for at, view in enumerate(views) if view.marked] == [3, 7]


@pytest.mark.parametrize(
    "sent",
    [
        None, [], {"x": "1", "y": 1, "way": "click"}, {"x": 9, "y": 0, "way": "click"},
        {"x": float("nan"), "y": 0, "way": "click"}, {"x": 0, "y": 0, "way": HOSTILE},
        {"x": 0, "y": 0, "way": []},
    ],
)  # fmt: skip
def test_a_browser_may_send_anything(made_study: Study, woman: str, sent: object) -> None:
    page = opened(ImagesPage, made_study.folder, subject=woman)
    _views(page)[0]._handle_msg(sent)
    assert page.zoom == ""


def test_what_is_out_of_reach_is_told(tmp_path: Path) -> None:
    page = opened(ImagesPage, simulate_study(tmp_path / "simulated", 3, n_exam=2).folder)
    assert not any(view.content for view in _views(page))
    assert "is within reach" in text(page)
    assert str(tmp_path) not in text(page)


def test_without_the_images_the_map_alone_is_shown_and_told(
    made_study: Study, woman: str, tmp_path: Path
) -> None:
    shutil.copytree(made_study.folder, tmp_path / "alone")
    page = opened(ImagesPage, tmp_path / "alone", subject=woman, intensity=100)
    assert all(view.content for view in _views(page))
    assert "he map alone" in text(page)
    assert "needs the source image" in text(page)


def test_a_hostile_name_is_text(tmp_path: Path) -> None:
    page = opened(ImagesPage, simulate_study(tmp_path / "simulated", 3, n_exam=2).folder, subject=HOSTILE)
    assert "There is no exam of &lt;img" in text(page)
    assert "<img" not in text(page)
    page.param.update(subject="", date=HOSTILE[:10], zoom=HOSTILE)
    assert "There is no exam of &lt;img" in text(page)
    assert "<img" not in text(page)


def test_repeats_failures_and_what_lacks_are_told_in_words(
    made_study: Study, woman: str, tmp_path: Path
) -> None:
    folder = tmp_path / "STUDY"
    shutil.copytree(made_study.folder, folder)
    source = Source(folder)
    day = days_of(source.cube, woman)[0]
    images = source.images
    hers = images[(images["subject"] == woman) & (images["date"] == pd.Timestamp(day))].iloc[:1]
    more = pd.concat([
        images,
        hers.assign(image_id="again", in_cube=False, not_in_cube_reason="repeat_view"),
        hers.assign(image_id="torn", in_cube=False, status="failed", failure_message=f"bad {HOSTILE}"),
    ])  # fmt: skip
    more.to_parquet(folder / "images.parquet", index=False)
    found = not_counted(open_study(folder).images, woman, day)
    assert dict(zip(found["image_id"], found["told"], strict=True)) == {
        "again": "not counted: another image of the same view and day is counted",
        "torn": f"not measured: bad {HOSTILE}",
    }
    page = opened(ImagesPage, folder, subject=woman, date=day)
    assert "Not counted: another image of the same view" in text(page)
    assert "Not measured: bad &lt;img" in text(page)
    assert "<img" not in text(page)
    index = pd.DataFrame(
        {
            "subject": woman,
            "date": pd.Timestamp(day),
            "eligible": [True, False, False],
            "reason": ["", "spot", "spot"],
        }
    )
    assert left_out(index, woman, day) == ["2 × spot"]


def test_a_missing_view_is_told(tmp_path: Path) -> None:
    folder = simulate_study(tmp_path / "simulated", 40, missing_views=0.3, excluded=0).folder
    cube = Source(folder).cube
    s, v, e = (
        int(each[0])
        for each in np.nonzero((cube["status"].values == 0) & (cube["date"].notnull().values)[:, None, :])
    )
    day = str(cube["date"].values[s, e].astype("datetime64[D]"))
    page = opened(ImagesPage, folder, subject=str(cube["subject"].values[s]), date=day)
    view = str(cube["view"].values[v])
    assert f"{view}: no image" in text(page)
    assert "No image of" in text(page)


def test_her_days_are_offered_and_another_woman_brings_her_own(made_study: Study, woman: str) -> None:
    page = opened(ImagesPage, made_study.folder, subject=woman)
    page.controls()
    page.refresh()
    bar = page._bar
    assert bar is not None
    days = days_of(page.state.source.cube, woman)
    assert list(bar._exam.options) == days
    bar._exam.value = days[1]
    assert page.date == days[1]
    bar._beside.value = days[0]
    assert page.beside == days[0]
    bar._woman.value = "nobody"
    assert (page.subject, page.date, page.beside) == ("nobody", "", "")


_FIRST = """
() => {
  const found = []
  const walk = node => {
    if (node.shadowRoot) walk(node.shadowRoot)
    for (const child of node.children || []) walk(child)
    if (node.tagName === "IMG" && node.src.startsWith("blob:") && node.naturalWidth) found.push(node)
  }
  walk(document.documentElement)
  window.pictures = found
  return found.length
}
"""


@pytest.fixture
def large(made_study: Study, woman: str, tmp_path: Path) -> tuple[Path, str]:
    """The study with one image of 13 megapixels, 4096 rows."""
    folder = tmp_path / "large"
    shutil.copytree(made_study.folder, folder)
    cube = Source(folder).cube
    day = days_of(cube, woman)[0]
    rows = exam_images(cube, woman, day)
    pixels = breast_pixels((4096, 3328), seed=5, laterality="R")
    path = write_mammogram(tmp_path / "large.dcm", pixels=pixels, laterality="R")
    table = pd.DataFrame({"image_id": rows["image_id"].iloc[:1], "path": str(path)})
    table.to_csv(tmp_path / "large.linkage.csv", index=False)
    return folder, day


def test_a_13_megapixel_image_is_zoomed_to_its_own_pixels(
    large: tuple[Path, str], woman: str, serving: Callable[..., Server], looker: Looker
) -> None:
    folder, day = large
    got = [0]
    looker.page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: _count(got, frame)))
    server = serving(folder)
    looker.page.goto(f"{server.url}/?page=images&o.subject={woman}&o.date={day}&o.overlay=none")
    looker.page.wait_for_function(f"({_FIRST})() >= 4", timeout=30_000)
    looker.page.get_by_alt_text(f"RCC of {day}", exact=True).click()
    part = looker.page.locator('img[alt*="100 %"]')
    part.wait_for()
    looker.page.wait_for_function(f"({_FIRST})() >= 5")
    assert got[0] < 2_000_000
    content = part.evaluate(
        "img => fetch(img.src).then(r => r.arrayBuffer()).then(b => [...new Uint8Array(b)])"
    )
    shown = _decoded(bytes(content))
    source = Source(folder)
    image_id = str(exam_images(source.cube, woman, day)["image_id"].iloc[0])
    found, held = outline(source, image_id), load(source, image_id)
    assert min(found.height, found.width) > 2000
    at = looker.page.evaluate("Object.fromEntries(new URLSearchParams(location.search))")
    left, top, width, height = around(
        found,
        float(at["o.x"]),
        float(at["o.y"]) if "o.y" in at else 0.5,
        width=shown.shape[1],
        height=shown.shape[0],
    )
    assert held.grey is not None
    there = held.grey[top : top + height, left : left + width]
    assert np.abs(shown.mean(axis=2) - there).mean() < 3
    assert (
        np.abs(shown.mean(axis=2) - np.roll(there, 20, axis=1)).mean()
        > np.abs(shown.mean(axis=2) - there).mean()
    )
    assert looker.wrong == []


def _count(got: list[int], frame: str | bytes) -> None:
    got[0] += len(frame)
