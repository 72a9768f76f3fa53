"""Pages for those who use keys or a screen reader: axe-core's rules, the order of the focus, names."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError

from tests.dashboards.conftest import Looker, Server

PAGES = {
    "cohort": "&o.part=burden", "regression": "", "agreement": "", "trajectories": "", "thresholds": "",
    "images": "", "models": "", "risk": "", "quality": "",
}  # fmt: skip
OTHERS = {
    # rule: what of it is allowed, which is not ours to mend
    "aria-required-children": "pnx-tabulator",  # Tabulator puts what scrolls, and its pages, into its grid
}
_FOCUSED = """() => {
  let e = document.activeElement
  while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement
  const style = getComputedStyle(e)
  const told = e.getAttribute("aria-label") ?? e.labels?.[0]?.textContent ?? e.textContent
  const box = e.getBoundingClientRect()
  return {told: told.trim(), left: box.left, top: box.top, outline: style.outlineStyle}
}"""
_LATE = """
// what says that the document is drawn, a message of three parts, is sent only when late() is called
{
  const send = WebSocket.prototype.send
  let parts = []
  WebSocket.prototype.send = function (data) {
    parts.push(data)
    if (parts.length < 3) return
    const told = parts.splice(0)
    const go = () => { for (const each of told) send.call(this, each) }
    if (told[2].includes("document_ready")) window.late = go
    else go()
  }
}
"""


def _open(looker: Looker, url: str) -> Any:
    """Open a page and wait until it says that it is there."""
    looker.page.goto(url)
    looker.page.wait_for_function(
        "document.querySelector('[role=status]')?.textContent.endsWith('is shown')", timeout=30_000
    )
    looker.page.wait_for_timeout(1500)
    return looker.page


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(server: Server, looker: Looker, name: str) -> None:
    page = _open(looker, f"{server.url}/?page={name}{PAGES[name]}")
    found = Axe().run(page).response
    assert len(found["passes"]) > 20
    wrong = [
        (rule["id"], node["html"])
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
        if OTHERS.get(rule["id"], "\0") not in node["html"]
    ]
    assert wrong == []
    headings = {"heading-order", "page-has-heading-one", "landmark-one-main", "landmark-unique"}
    assert not headings & {rule["id"] for rule in found["violations"]}
    assert page.title().lower().startswith(name)
    assert page.evaluate("document.documentElement.lang") == "en"
    figures = page.locator("[role=figure]")
    assert all(len(figures.nth(at).get_attribute("aria-label")) > 20 for at in range(figures.count()))
    assert figures.count() == page.locator(".js-plotly-plot").count()


def test_axe_finds_nothing_serious_in_the_dark(server: Server, looker: Looker) -> None:
    page = looker.page
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    _open(looker, f"{server.url}/?page=cohort&o.part=Table 1")
    page.wait_for_selector(".mui-dark")
    page.wait_for_timeout(800)  # colours fade into each other
    found = Axe().run(page).response
    assert not [rule["nodes"] for rule in found["violations"] if rule["id"] == "color-contrast"]


def test_the_focus_goes_to_the_menu_the_cohort_and_the_options(server: Server, looker: Looker) -> None:
    page = _open(looker, f"{server.url}/?page=cohort&c.vendor=GE")
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(_FOCUSED))
    told = [each["told"] for each in seen]
    wanted = ("Skip to", "Quality", "age [year]", "Everyone", "Hide counts")
    places = [next(at for at, text in enumerate(told) if word in text) for word in wanted]
    skip, menu, age, everyone, option = places
    assert skip == 0
    assert skip < menu < everyone < age < option
    assert seen[menu]["outline"] == "solid"


def test_a_key_skips_to_the_content(server: Server, looker: Looker) -> None:
    page = _open(looker, f"{server.url}/?page=cohort")
    page.keyboard.press("Tab")
    assert page.evaluate(_FOCUSED)["top"] >= 0  # it is seen once it has the focus
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(_FOCUSED)["left"] > 300  # beyond the side bar


def test_a_page_that_is_chosen_by_keys_is_read_out(server: Server, looker: Looker) -> None:
    page = _open(looker, f"{server.url}/?page=cohort")
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=60_000)
    told = page.locator("[role=status][aria-live=polite]", has_text="Quality is shown")
    page.get_by_role("button", name="Quality", exact=True).focus()
    assert "Quality" in page.evaluate(_FOCUSED)["told"]
    page.keyboard.press("Enter")
    told.wait_for(state="attached", timeout=60_000)
    page.wait_for_selector("h1:has-text('Quality')")
    assert not looker.wrong


def test_nothing_can_be_touched_that_the_server_would_lose(server: Server, looker: Looker) -> None:
    """Panel drops what changes between the drawing of a page and the browser's word that it is drawn."""
    page = looker.page
    page.add_init_script(_LATE)
    page.goto(f"{server.url}/?page=cohort")
    page.wait_for_function("Boolean(window.late)", timeout=30_000)
    page.wait_for_timeout(1000)
    menu = page.get_by_role("button", name="Quality", exact=True)
    said = page.locator(".bac-hidden[role=status]")
    assert page.locator("h1").text_content() == "Cohort"
    assert said.text_content() == ""
    menu.focus()
    page.keyboard.press("Enter")
    box = menu.bounding_box()
    page.mouse.click(box["x"] + 20, box["y"] + 10)
    with pytest.raises(TimeoutError, match="inert"):
        menu.click(timeout=1000)
    page.evaluate("window.late()")
    menu.click(timeout=30_000)
    page.wait_for_selector("h1:has-text('Quality')")
    assert said.text_content().startswith("Quality")
    assert not looker.wrong
