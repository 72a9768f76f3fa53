"""A walk through all pages in a real browser: they draw, react, lead to images, and can be taken away."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pytest

from bactools.cube import open_cube, write_cube
from bactools.testing import simulate_study
from dashboards.pages import PAGES
from tests.dashboards.conftest import Looker, Server

WOMEN, MANY = 30, 250
FORMULA = '=HYPERLINK("http://example.org","x")'

_FIGURE = ".main-content .js-plotly-plot"
_ALONE = """
([figure, kind]) => {
  const traces = figure._fullData.filter(each => each.type.startsWith(kind) && each.customdata)
  const box = figure.getBoundingClientRect(), {xaxis, yaxis} = figure._fullLayout
  const found = []
  for (const trace of traces) {
    const x = trace.xaxis ? figure._fullLayout[trace.xaxis.replace("x", "xaxis")] : xaxis
    const y = trace.yaxis ? figure._fullLayout[trace.yaxis.replace("y", "yaxis")] : yaxis
    const put = (a, b, keys) => {
      const place = [x._offset + x.d2p(a), y._offset + y.d2p(b)]
      const inside = place[0] > x._offset + 4 && place[0] < x._offset + x._length - 4
        && place[1] > y._offset + 4 && place[1] < y._offset + y._length - 4
      if (inside && place.every(Number.isFinite)) found.push({place, keys})
    }
    if (kind === "heatmap") {
      trace.customdata.forEach((row, j) => row.forEach((keys, i) => {
        if (keys[0]) put((trace.x[i] + trace.x[i + 1]) / 2, (trace.y[j] + trace.y[j + 1]) / 2, [...keys])
      }))
    } else {
      for (let i = 0; i < trace.x.length; i++) put(trace.x[i], trace.y[i], [...(trace.customdata[i] ?? [])])
    }
  }
  const few = found.filter(each => each.keys.length === 4 && each.keys[0]).slice(0, 1500)
  const away = (a, b) => Math.hypot(a.place[0] - b.place[0], a.place[1] - b.place[1])
  let best = null, most = -1
  for (const each of few) {
    let near = Infinity
    for (const other of few) if (other !== each) near = Math.min(near, away(each, other))
    if (near > most) [best, most] = [each, near]
  }
  return best && {x: box.left + best.place[0], y: box.top + best.place[1], keys: best.keys}
}
"""
"""The point that lies farthest from all others: where on the screen, and what it says of itself."""


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of a study that has everything, and of one with more points than are drawn one by one."""
    top = tmp_path_factory.mktemp("walk")
    folder = simulate_study(top / "walk", WOMEN, histograms=True, outcomes=True, missing_views=0.03).folder
    cube = open_cube(folder, axis="exam").load()
    race = cube["race"].astype(object)
    write_cube(cube.assign(race=race.where(race != race.values[0], FORMULA)), folder / "cube.zarr")
    _evaluate(folder, cube)
    simulate_study(top / "many", MANY)
    running = Server([folder, top / "many"], top / "server.log")
    yield running
    running.stop()


def _evaluate(folder: Path, cube: Any) -> None:
    """Write scores of two networks."""
    table = cube[["image_id"]].to_dataframe().reset_index()
    table = table[table["image_id"] != ""][["image_id", "subject", "view", "date"]].head(60)
    (folder / "evaluations").mkdir()
    for better, name in enumerate(("SCU-Net", "U-Net")):
        scores = {
            score: [0.5 + 0.1 * better + (at % 7) / 50 for at in range(len(table))]
            for score in ("recall", "precision", "accuracy", "dice", "jaccard")
        }
        table.assign(**scores, parameters=10 ** (5 + better)).to_csv(
            folder / "evaluations" / f"{name}.csv", index=False
        )


@pytest.fixture(scope="module")
def walk(chromium: Any, walked: Server) -> Iterator[Looker]:
    """The browser of somebody who walks through the application."""
    page = chromium.new_page(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    looker = Looker(page)
    looker.open(walked.url)
    yield looker
    page.close()


@pytest.fixture(scope="module")
def colleague(chromium: Any) -> Iterator[Looker]:
    """The browser of somebody else."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    yield Looker(context.new_page())
    context.close()


def _words(looker: Looker) -> list[str]:
    """Return what stands on the page beside figures and tables, and in the side bar."""
    return [text for text in looker.page.locator("h1, h2, p").all_inner_texts() if text.strip()]


def _address(looker: Looker) -> dict[str, str]:
    return dict(parse_qsl(looker.page.evaluate("location.search.slice(1)")))


def _choose(looker: Looker, label: str, value: str) -> None:
    """Choose of a list."""
    looker.page.get_by_label(label, exact=True).first.click()
    looker.page.get_by_role("option", name=value, exact=True).click()


CONTROLS: dict[str, tuple[str, str, dict[str, str]]] = {
    "cohort": ("Show", "burden", {"o.part": "burden"}),
    "regression": ("Model", "Deming", {"o.model": "deming"}),
    "agreement": ("Scale", "percent", {"o.scale": "percent"}),
    "trajectories": ("Groups", "ckd", {"o.group": "ckd"}),
    "thresholds": ("Best by", "concordance", {"o.criterion": "ccc"}),
    "images": ("Exam", "", {}),
    "models": ("Score", "Recall", {"o.score": "recall"}),
    "risk": ("Groups", "thirds", {"o.by": "thirds"}),
    "quality": ("Show", "drift", {"o.part": "drift"}),
}
"""A field of each page, what to choose there, and what the address says then."""


@pytest.mark.parametrize("slug", [page.slug for page in PAGES])
def test_a_page_draws_reacts_and_its_address_shows_a_colleague_the_same(
    slug: str, walk: Looker, colleague: Looker, walked: Server
) -> None:
    page = walk.page
    walk.turn({"study": "walk", "page": slug, "r.age": "50~", "exams": "2"})
    before = _words(walk)
    assert any("age from 50" in words for words in before)
    label, value, told = CONTROLS[slug]
    if not value:  # the last of the exams
        page.get_by_label(label, exact=True).first.click()
        option = page.get_by_role("option").last
        value, told = option.inner_text(), {"o.date": option.inner_text()}
        option.click()
    else:
        _choose(walk, label, value)
    for key in told:
        page.wait_for_function(f"location.search.includes({key!r})", timeout=10_000)
    walk.shown()
    if slug != "images":
        page.locator(f"{_FIGURE} .main-svg").first.wait_for(timeout=15_000)
    page.wait_for_timeout(500)
    words, address = _words(walk), _address(walk)
    assert words != before
    assert told.items() <= address.items()
    colleague.open(page.url)
    colleague.shown()
    colleague.page.wait_for_timeout(500)
    assert _address(colleague) == address
    assert _words(colleague) == words
    assert (walk.wrong, colleague.wrong) == ([], [])


@pytest.mark.parametrize("study", ["walk", "many"])
@pytest.mark.parametrize(
    ("slug", "options"),
    [("regression", {}), ("agreement", {}), ("trajectories", {}), ("cohort", {"o.part": "burden"})],
    ids=["regression", "agreement", "trajectories", "burden"],
)
def test_a_click_on_a_point_opens_its_exam(
    slug: str, options: dict[str, str], study: str, walk: Looker
) -> None:
    page = walk.page
    walk.turn({"study": study, "page": slug, **options})
    figure = page.locator(_FIGURE).first
    figure.locator(".main-svg").first.wait_for(timeout=15_000)
    figure.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    kinds = figure.evaluate("each => [...new Set(each._fullData.map(trace => trace.type))]")
    counted = study == "many" and slug in ("regression", "agreement")
    assert ("heatmap" in kinds) == counted
    point = page.evaluate(_ALONE, [figure.element_handle(), "heatmap" if counted else "scatter"])
    assert point, kinds
    page.mouse.move(point["x"] - 1, point["y"])
    page.mouse.move(point["x"], point["y"])
    page.wait_for_timeout(300)
    page.mouse.click(point["x"], point["y"])
    page.wait_for_function("location.search.includes('page=images')", timeout=10_000)
    walk.shown()
    subject, _, date, _ = point["keys"]
    held = _address(walk)
    assert (held["study"], held["o.subject"], held["o.date"]) == (study, subject, date)
    assert f"{subject}, {date}" in _words(walk)
    assert walk.wrong == []


def _taken(looker: Looker, form: str, folder: Path) -> Path:
    """Download what the first button of a form gives."""
    with looker.page.expect_download(timeout=60_000) as told:
        looker.page.locator(".main-content").get_by_role("button", name=form).first.click()
    path = folder / told.value.suggested_filename
    told.value.save_as(path)
    return path


def test_figures_and_their_numbers_can_be_taken_away(walk: Looker, tmp_path: Path) -> None:
    walk.turn({"study": "walk", "page": "agreement"})
    walk.page.locator(f"{_FIGURE} .main-svg").first.wait_for(timeout=15_000)
    drawn = walk.page.locator(_FIGURE).first.evaluate(
        "each => Math.max(...each.data.filter(trace => trace.customdata).map(trace => trace.x.length))"
    )
    png, svg, table = (_taken(walk, form, tmp_path) for form in ("PNG", "SVG", "CSV"))
    assert (png.name, svg.name, table.name) == ("agreement.png", "agreement.svg", "agreement.csv")
    assert png.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert ElementTree.fromstring(svg.read_bytes()).tag == "{http://www.w3.org/2000/svg}svg"
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == drawn
    assert {"subject", "view", "date", "image_id"} <= set(rows[0])
    assert walk.wrong == []


def test_what_a_spreadsheet_would_compute_is_taken_away_as_text(walk: Looker, tmp_path: Path) -> None:
    walk.turn({"study": "walk", "page": "cohort", "o.part": "burden", "o.by": "race"})
    walk.page.locator(f"{_FIGURE} .main-svg").first.wait_for(timeout=15_000)
    with _taken(walk, "CSV", tmp_path).open(encoding="utf-8", newline="") as file:
        cells = {cell for row in csv.reader(file) for cell in row}
    assert f"'{FORMULA}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "@", "+"))]
    assert walk.wrong == []
