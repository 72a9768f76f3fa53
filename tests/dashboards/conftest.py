"""Simulated studies, a server that really runs, and a browser that really looks."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Error

from bactools.testing import simulate_study
from tests.browser import browser as browser_path

ROOT = Path(__file__).parents[2]
HOSTILE = "<img src=x onerror=alert(1)>"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PLOTLYS_OWN = "_guiEditing"
"""Plotly.js complains of a figure that is taken away while it is being fitted; nothing else follows."""
_START = """
import sys, json
from pathlib import Path
from dashboards.serve import serve
options = json.loads(sys.argv[2])
if options.get("auth"):
    options["auth"] = Path(options["auth"])
serve([Path(each) for each in sys.argv[3:]], port=int(sys.argv[1]), **options)
"""


class Server:
    """A dashboard in a process of its own."""

    def __init__(self, folders: list[Path], log: Path, **options: Any) -> None:
        import json

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        told = [str(self.port), json.dumps(options), *map(str, folders)]
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _START, *told], cwd=ROOT, stderr=out, stdout=out, env=os.environ
            )
        self._wait(options.get("prefix", ""))

    @property
    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text(encoding="utf-8")

    def stop(self) -> int:
        """Ask it to end; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def _wait(self, prefix: str) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"{self.url}{prefix}/liveness", timeout=5).close()
            except OSError:
                assert self.process.poll() is None, self.log
                time.sleep(0.1)
            else:
                return
        raise AssertionError(self.log)


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated study."""
    folder = tmp_path_factory.mktemp("plain") / "study-a"
    simulate_study(folder, 60, histograms=True, missing_views=0.03, one_exam=0.1)
    return folder


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers that end with the test."""
    started: list[Server] = []

    def start(*folders: Path, **options: Any) -> Server:
        started.append(Server(list(folders), tmp_path / f"server-{len(started)}.log", **options))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.stop()


@pytest.fixture(scope="session")
def server(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the simulated study."""
    running = Server([study], tmp_path_factory.mktemp("log") / "server.log")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser."""
    from playwright.sync_api import sync_playwright

    path = browser_path()
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield found
        found.close()


class Looker:
    """A browser's page, and what went wrong on it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", lambda said: said.type == "error" and self.wrong.append(said.text))
        page.on("pageerror", self._failed)
        page.on("dialog", self._dialog)
        page.on("request", self._asked)

    def open(self, url: str) -> None:
        """Go there, and wait until something is drawn."""
        self.page.goto(url)
        self.page.wait_for_selector("h1", timeout=30_000)
        self.page.wait_for_function("location.search.includes('page=')", timeout=30_000)
        self.page.wait_for_timeout(1500)

    def turn(self, query: Mapping[str, str]) -> None:
        """Go to another page of the application as the browser's back button does: nothing is loaded anew."""
        self.page.evaluate(
            """query => {
                document.querySelector(".bac-hidden[role=status]").textContent = ""
                history.pushState({}, "", query)
                dispatchEvent(new PopStateEvent("popstate"))
            }""",
            f"?{urlencode(query)}",
        )
        self.shown()

    def shown(self) -> None:
        """Wait until the page says that it is shown."""
        self.page.wait_for_function(
            "document.querySelector('.bac-hidden[role=status]')?.textContent.endsWith('is shown')",
            timeout=30_000,
        )
        self.page.wait_for_timeout(250)

    def _failed(self, error: Any) -> None:
        if PLOTLYS_OWN not in str(error):
            self.wrong.append(str(error))

    def _dialog(self, dialog: Any) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.wrong.append(f"asked outside: {request.url}")


@pytest.fixture(scope="module")
def profile(chromium: Any) -> Iterator[Any]:
    """What the pages of a module share: the scripts that were fetched once."""
    found = chromium.new_context(viewport={"width": 1440, "height": 1000})
    yield found
    found.close()


@pytest.fixture
def looker(profile: Any) -> Iterator[Looker]:
    """A new page of the browser, which knows nothing of those before."""
    page = profile.new_page()
    yield Looker(page)
    with contextlib.suppress(Error):
        page.evaluate("localStorage.clear()")
    page.close()
    profile.clear_cookies()
