"""Hostile values of covariates, folders and links show as text on every page, and do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from bactools.testing import simulate_study
from dashboards.pages import PAGES
from tests.dashboards.conftest import HOSTILE, Looker, Server
from tests.explore.test_models import put, scored

NAME = "<img/src=x/onerror=alert(6)>"
"""As a covariate's name: the cube's file format takes no spaces there."""

COLUMN = "<iframe/src=javascript:alert(7)>"
"""As another covariate's name."""
FOUND = """
() => {
  const found = [];
  const look = root => {
    for (const each of root.querySelectorAll("[onerror], [onload], a, iframe, script")) {
      const kinds = {
        A: each.protocol === "javascript:", SCRIPT: each.textContent.includes("alert("),
        IFRAME: Boolean(each.srcdoc) || String(each.src).startsWith("javascript:"),
      };
      if (kinds[each.tagName] ?? true) found.push(each.outerHTML.slice(0, 200));
    }
    for (const each of root.querySelectorAll("*")) if (each.shadowRoot) look(each.shadowRoot);
  };
  look(document);
  return found;
}
"""
"""What was put into the document, or into any shadow root of it, out of a text."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of a study whose folder and covariates are not to be trusted."""
    top = tmp_path_factory.mktemp("hostile")
    folder = top / "study <img src=x onerror=alert(2)>"
    simulate_study(folder, 40, histograms=True, outcomes=True)
    for network in ("<svg onload=alert(3)>", "unet<img src=x onerror=alert(4)>", "scunet", "segnet"):
        put(folder, network, scored(folder))
    _poison(folder)
    running = Server([folder], top / "server.log")
    yield running
    running.stop()


def _poison(folder: Path) -> None:
    """Give the cube a covariate with a hostile name, and hostile values to two others."""
    from bactools.cube import open_cube, write_cube

    cube = open_cube(folder, axis="exam").load()
    shown = cube["vendor"].astype(object)
    shown = shown.where(shown != "vendor A", HOSTILE)
    cube = cube.assign_coords({"vendor": shown, NAME: cube["age"].astype(float)})
    cube = cube.assign_coords({COLUMN: cube["age"].astype(float)})
    write_cube(cube, folder / "cube.zarr")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.slug)
def test_hostile_text_shows_as_text(hostile: Server, looker: Looker, page: type) -> None:
    options = {f"o.{name}": HOSTILE for name in page.options()}
    named = {"study": HOSTILE, "cohort": HOSTILE, f"c.{NAME}": HOSTILE, HOSTILE: HOSTILE}
    told = {"page": page.slug, **named, **options}
    for query in ({"page": page.slug}, told):
        looker.open(f"{hostile.url}/?{urlencode(query)}")
        assert looker.page.evaluate(FOUND) == []
        assert "Traceback" not in looker.page.content()
    assert looker.wrong == []
