"""The dashboard in a real JupyterLab, in a cell and through its proxy, with nothing beyond this machine."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.dashboards.conftest import ROOT, Looker

_TOKEN = "a-token-of-the-tests"
_KINDS = ("CONFIG", "DATA", "RUNTIME")
_QUIET = (
    "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--IdentityProvider.token={_TOKEN}",
    "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
)  # fmt: skip
_CELL = "import bactools\nstudy = bactools.open_study({folder!r})\nstudy.dashboard()"
_ICONS = """
() => {
  const found = [];
  const look = root => {
    for (const each of root.querySelectorAll("*")) {
      if (String(each.className).includes("MuiIcon-root")) found.push([each.scrollWidth, each.clientWidth]);
      if (each.shadowRoot) look(each.shadowRoot);
    }
  };
  look(document);
  return found;
}
"""
"""How wide each icon is, and its place: the name of an icon in letters is wider."""


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server does."""
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)


class Lab:
    """A JupyterLab in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = _free()
        self.url = f"http://127.0.0.1:{self.port}"
        self.work = folder / "work"
        self.work.mkdir()
        settings = folder / "settings"
        news = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
        news.parent.mkdir(parents=True)
        news.write_text('{"fetchNews": "false"}', encoding="utf-8")
        own = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in _KINDS}
        own |= {"JUPYTERLAB_SETTINGS_DIR": str(settings), "IPYTHONDIR": str(folder / "ipython")}
        own |= {"JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")}
        own |= {"PYTHONPATH": str(ROOT), "BACTOOLS_EXAMPLES": str(folder / "examples")}
        self.log = folder / "log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *_QUIET, f"--ServerApp.port={self.port}"],
                cwd=self.work, env={**os.environ, **own}, stdout=out, stderr=out,
            )  # fmt: skip
        _answers(f"{self.url}/api", self.process, self.log)

    def notebook(self, source: str) -> Path:
        """Write a notebook of one cell."""
        cell = {"cell_type": "code", "id": "one", "metadata": {}, "outputs": [], "source": source}
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        told = {
            "cells": [{**cell, "execution_count": None}], "metadata": {"kernelspec": kernel},
            "nbformat": 4, "nbformat_minor": 5,
        }  # fmt: skip
        path = self.work / "try.ipynb"
        path.write_text(json.dumps(told), encoding="utf-8")
        return path

    def copy(self, name: str) -> Path:
        """Copy one of the project's notebooks."""
        return Path(shutil.copy(ROOT / "notebooks" / name, self.work / "try.ipynb"))

    def stop(self) -> None:
        """End it, and its kernels."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab that knows nothing of this machine's settings."""
    for name in ("jupyterlab", "ipykernel", "jupyter_server_proxy"):
        if importlib.util.find_spec(name) is None:
            if os.environ.get("CI") == "true":
                pytest.fail(f"there is no {name}: pip install 'bactools[lab]'")
            pytest.skip(f"needs {name}: pip install 'bactools[lab]'")
    running = Lab(tmp_path_factory.mktemp("lab"))
    yield running
    running.stop()


def cut_off(looker: Looker) -> None:
    """Let nothing out; a request is remembered by the looker."""
    inside = ("http://127.0.0.1:", "data:", "blob:")
    looker.page.route(
        "**/*",
        lambda route: route.continue_() if route.request.url.startswith(inside) else route.abort(),
    )


def open_notebook(looker: Looker, lab: Lab) -> None:
    looker.page.goto(f"{lab.url}/lab/tree/try.ipynb?token={_TOKEN}&reset")
    looker.page.locator(".jp-CodeCell").first.wait_for(timeout=60_000)


def test_a_cell_draws_reacts_and_is_there_again(lab: Lab, looker: Looker, study: Path) -> None:
    cut_off(looker)
    looker.page.set_default_timeout(20_000)
    page, path = looker.page, lab.notebook(_CELL.format(folder=str(study)))
    open_notebook(looker, lab)
    page.wait_for_timeout(2000)
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=70_000)
    page.get_by_label("Burden by", exact=True).first.wait_for()
    page.wait_for_timeout(1000)
    icons = page.evaluate(_ICONS)
    assert len(icons) > 9
    assert all(wide <= place for wide, place in icons)
    # a page of it, and a control of that page
    page.get_by_role("button", name="Agreement", exact=True).first.click()
    page.get_by_role("heading", level=1, name="Agreement").wait_for(timeout=30_000)
    page.locator(".js-plotly-plot").get_by_text("Agreement of tam_100 and true_tam_100").wait_for()
    page.get_by_label("Metric", exact=True).first.click()
    page.get_by_role("menuitem").get_by_text("am", exact=True).first.click()
    page.locator(".js-plotly-plot").get_by_text("Agreement of am and").first.wait_for(timeout=30_000)
    # kept, and shown again, as it was at first
    page.get_by_role("menuitem", name="File").click()
    with page.expect_response(lambda told: told.request.method == "PUT" and "/api/contents/" in told.url):
        page.get_by_text("Save Notebook", exact=True).first.click()
    page.wait_for_timeout(500)
    assert path.stat().st_size < 40e6
    open_notebook(looker, lab)
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=60_000)
    page.get_by_label("Burden by", exact=True).first.wait_for()
    assert looker.wrong == []


def test_a_notebook_of_ours_runs_and_shows_its_figures(lab: Lab, looker: Looker) -> None:
    cut_off(looker)
    page, path = looker.page, lab.copy("10-risk-models.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    n_code = sum(cell["cell_type"] == "code" for cell in cells)
    open_notebook(looker, lab)
    page.get_by_role("heading", name="10 · Risk models").wait_for()
    page.wait_for_timeout(2000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).first.click()
    # a figure is drawn, with its axes, and a card is a card
    plot = page.locator(".jp-OutputArea .js-plotly-plot .main-svg").first
    plot.wait_for(timeout=120_000)
    box = plot.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) > 200
    until = time.monotonic() + 120
    outputs: list[dict[str, object]] = []
    while time.monotonic() < until:
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1500)
        done = [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c.get("execution_count")]
        outputs = [output for cell in done for output in cell["outputs"]]
        if len(done) == n_code:
            break
    assert len(done) == n_code
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert looker.wrong == []


@pytest.fixture
def command(study: Path, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Start `bactools dashboard` with options; it ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(port: int, prefix: str, *options: str) -> None:
        program = "from bactools.cli import main; main()"
        with (tmp_path / "log").open("wb") as out:
            told = [sys.executable, "-c", program, "dashboard", str(study), "--port", str(port), *options]
            started.append(subprocess.Popen(told, cwd=ROOT, stdout=out, stderr=out))
        _answers(f"http://127.0.0.1:{port}/{prefix}liveness", started[-1], tmp_path / "log")

    yield start
    for each in started:
        each.send_signal(signal.SIGTERM)
        each.wait(15)


@pytest.mark.parametrize("way", ["proxy", "proxy/absolute"])
def test_through_the_proxy(lab: Lab, looker: Looker, command: Callable[..., None], way: str) -> None:
    port, page = _free(), looker.page
    prefix = f"{way}/{port}" if way == "proxy/absolute" else ""
    command(
        port, f"{prefix}/" if prefix else "", "--allow-origin", f"127.0.0.1:{lab.port}", "--prefix", prefix
    )
    cut_off(looker)
    page.goto(f"{lab.url}/lab?token={_TOKEN}")
    looker.open(f"{lab.url}/{way}/{port}/?page=agreement")
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=30_000)
    page.get_by_label("Metric", exact=True).first.click()
    page.get_by_role("menuitem").get_by_text("am", exact=True).first.click()
    page.wait_for_function("location.search.includes('o.metric=am')")
    assert page.url.startswith(f"{lab.url}/{way}/{port}/?")
    assert looker.wrong == []


def test_the_proxy_asks_who_is_there(lab: Lab) -> None:
    """Whoever has no token is sent to the log-in, whatever is behind the port."""
    with urllib.request.urlopen(f"{lab.url}/proxy/{lab.port}/api", timeout=10) as answer:
        assert urlsplit(answer.url).path == "/login"
        assert b'"version"' not in answer.read()
    known = {"Authorization": f"token {_TOKEN}"}
    told = urllib.request.Request(f"{lab.url}/proxy/{lab.port}/api", headers=known)
    with urllib.request.urlopen(told, timeout=10) as answer:
        assert b'"version"' in answer.read()
