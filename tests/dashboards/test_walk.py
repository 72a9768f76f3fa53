"""Every page in a real browser: it draws, reacts, leads to the images, travels in a link and can be kept."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree import ElementTree

import pytest

import bactools.accessor  # noqa: F401  (``cube.bac``)
from bactools.explore import Source
from bactools.testing import simulate_study
from dashboards.pages import PAGES
from tests.dashboards.conftest import Looker, Server
from tests.explore.test_models import put, scored

FIGURES = {"cohort", "regression", "agreement", "trajectories", "thresholds", "models", "risk"}
"""Pages that draw something at first; the others show words, tables or pictures."""
OTHERWISE: dict[str, tuple[str, str | None, str]] = {
    "cohort": ("Show", "burden", "o.part=burden"),
    "regression": ("Model", "Deming", "o.model=deming"),
    "agreement": ("Scale", "percent", "o.scale=percent"),
    "trajectories": ("Images are", "mean", "o.combine=mean"),
    "thresholds": ("Burden", "intensity (TSIM)", "o.quantity=tsim"),
    "images": ("Beside it", None, "o.beside="),
    "models": ("Paired test", "wilcoxon", "o.test=wilcoxon"),
    "risk": ("Knots of the curve", "4", "o.knots=4"),
    "quality": ("Show", "drift", "o.part=drift"),
}
"""A control of each page, what to choose there, and what the link says of it then."""
_POINT = """
() => {
  const found = [];
  const look = root => {
    for (const each of root.querySelectorAll('*')) {
      if (each._fullLayout && each.data) found.push(each);
      if (each.shadowRoot) look(each.shadowRoot);
    }
  };
  look(document);
  for (const drawn of found) {
    const {_fullLayout: all, _fullData: traces} = drawn, box = drawn.getBoundingClientRect();
    for (const trace of traces) {
      const x = all[(trace.xaxis || 'x').replace('x', 'xaxis')],
            y = all[(trace.yaxis || 'y').replace('y', 'yaxis')];
      if (!trace.customdata || !x || !y) continue;
      let places = [];
      if (trace.type === 'heatmap') {
        trace.z.forEach((row, j) => [...row].forEach((n, i) => {
          // a square of one image shows which: z is log 1
          if (n === 0) places.push([(trace.x[i] + trace.x[i + 1]) / 2, (trace.y[j] + trace.y[j + 1]) / 2]);
        }));
      } else {
        places = Array.from(trace.x, (at, i) => [at, trace.y[i]]).reverse();
      }
      for (const [a, b] of places) {
        const left = box.left + x._offset + x.d2p(a), top = box.top + y._offset + y.d2p(b);
        if (left > box.left + x._offset + 5 && left < box.right - 5) return {left, top, type: trace.type};
      }
    }
  }
  return null;
}
"""
"""A point that leads to an image: where on the screen, and of what kind of figure."""


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that has something for every page."""
    folder = tmp_path_factory.mktemp("walk") / "few"
    study = simulate_study(folder, 60, n_exam=3, histograms=True, outcomes=True, missing_views=0.02)
    for seed, network in enumerate(("scunet", "unet", "segnet")):
        put(study.folder, network, scored(study.folder, seed=seed))
    return study.folder


@pytest.fixture(scope="module")
def walked(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of that study, and of one with too many images to draw each."""
    top = tmp_path_factory.mktemp("many")
    many = simulate_study(top / "many", 700, n_exam=2).folder
    running = Server([few, many], top / "server.log")
    yield running
    running.stop()


def opened(looker: Looker, server: Server, slug: str, **more: str) -> None:
    looker.page.set_default_timeout(15_000)
    looker.open(f"{server.url}/?{urlencode({'page': slug, **more})}")
    if slug in FIGURES:
        looker.page.locator(".js-plotly-plot .main-svg").first.wait_for()


def words(looker: Looker) -> list[str]:
    return [text.strip() for text in looker.page.locator(".bactools-words").all_inner_texts() if text.strip()]


def in_link(looker: Looker, told: str) -> None:
    looker.page.wait_for_function(f"location.search.includes('{told}')")


@pytest.mark.parametrize("slug", [page.slug for page in PAGES])
def test_it_draws_reacts_and_travels_in_a_link(
    walked: Server, looker: Looker, chromium: Any, slug: str
) -> None:
    opened(looker, walked, slug)
    label, choice, told = OTHERWISE[slug]
    looker.page.get_by_label(label, exact=True).first.click()
    options = looker.page.get_by_role("menuitem")
    (options.nth(1) if choice is None else options.get_by_text(choice, exact=True)).click()
    in_link(looker, told)
    looker.page.wait_for_timeout(1500)
    mine = words(looker)
    again = Looker(chromium.new_page())
    again.open(looker.page.url)
    again.page.wait_for_timeout(500)
    assert words(again) == mine
    assert parse_qs(urlsplit(again.page.url).query) == parse_qs(urlsplit(looker.page.url).query)
    again.page.close()
    assert looker.wrong == again.wrong == []


@pytest.mark.parametrize(
    ("slug", "study", "part"),
    [
        ("cohort", "few", "burden"), ("regression", "few", ""), ("agreement", "few", ""),
        ("trajectories", "few", ""), ("regression", "many", ""), ("agreement", "many", ""),
    ],
)  # fmt: skip
def test_a_click_on_a_point_opens_the_exam(
    walked: Server, looker: Looker, slug: str, study: str, part: str
) -> None:
    opened(looker, walked, slug, study=study, **({"o.part": part} if part else {}))
    looker.page.wait_for_timeout(1000)
    place = looker.page.evaluate(_POINT)
    assert (place["type"] == "heatmap") == (study == "many")
    looker.page.mouse.wheel(0, max(0, place["top"] - 500))
    looker.page.wait_for_timeout(800)
    place = looker.page.evaluate(_POINT)
    looker.page.mouse.move(place["left"], place["top"])
    looker.page.wait_for_timeout(300)
    looker.page.mouse.click(place["left"], place["top"])
    in_link(looker, "page=images")
    query = parse_qs(urlsplit(looker.page.url).query)
    subject, day = query["o.subject"][0], query["o.date"][0]
    looker.page.get_by_role("heading", name=f"{subject}, {day}").wait_for()
    assert looker.wrong == []


def test_figures_and_tables_can_be_kept(walked: Server, looker: Looker, few: Path) -> None:
    opened(looker, walked, "agreement")
    kept: dict[str, bytes] = {}
    for form, what in (("png", "the figure as PNG"), ("svg", "the figure as SVG"), ("csv", "the numbers")):
        with looker.page.expect_download(timeout=60_000) as told:
            looker.page.get_by_role("button", name=f"Download {what}").first.click()
        kept[form] = Path(told.value.path()).read_bytes()
        assert told.value.suggested_filename == f"agreement.{form}"
    assert kept["png"].startswith(b"\x89PNG\r\n")
    assert ElementTree.fromstring(kept["svg"]).tag.endswith("svg")
    rows = list(csv.DictReader(io.StringIO(kept["csv"].decode("utf-8-sig"))))
    found = Source(few).cube.bac.agreement("tam_100", against="true_tam_100")
    assert len(rows) == len(found.points)
    assert looker.wrong == []


def test_back_and_forth_show_what_was_there(walked: Server, looker: Looker) -> None:
    opened(looker, walked, "cohort")

    def shows(title: str) -> None:
        looker.page.get_by_role("heading", level=1, name=title).wait_for()
        in_link(looker, f"page={title.lower()}")

    for title in ("Agreement", "Quality"):
        looker.page.get_by_role("button", name=title).first.click()
        shows(title)
    for title, go in (("Agreement", "back"), ("Cohort", "back"), ("Agreement", "forward")):
        looker.page.evaluate(f"history.{go}()")
        shows(title)
    assert looker.wrong == []
