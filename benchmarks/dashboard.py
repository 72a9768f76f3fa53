"""How quick the dashboard is with a study of a million exams.

    python benchmarks/dashboard.py make STUDY        # 250,000 made-up women with 4 exams of 4 views
    python benchmarks/dashboard.py data STUDY        # reading, filters, one process, no browser
    python benchmarks/dashboard.py browser STUDY     # a server, and pages opened in Chromium
    python benchmarks/dashboard.py sessions STUDY    # a server, and 20 visitors at once, three times

Prints seconds and megabytes; nothing is uploaded or kept.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

WOMEN, PART, EXAMS = 250_000, 25_000, 4
VISITORS, PORT = 20, 5027


def make(folder: Path, *, women: int = WOMEN) -> None:
    """Write the study, part by part: the pixels of all women at once would not fit into memory."""
    from bactools.cube import write_cube
    from bactools.recipe import PRESETS
    from bactools.study import create_study
    from bactools.testing import simulate_cube

    started = time.perf_counter()
    parts = []
    for at, first in enumerate(range(0, women, PART)):
        part = simulate_cube(
            min(PART, women - first), n_exam=EXAMS, missing_views=0.03, one_exam=0.1, seed=at
        )
        names = np.array([f"S{first + number:07d}" for number in range(part.sizes["subject"])], dtype=object)
        known = part["image_id"].values
        images = np.where(known == "", "", f"p{at}" + known.astype(object)).astype(object)
        parts.append(part.assign_coords(subject=names).assign(image_id=(part["image_id"].dims, images)))
    cube = xr.concat(parts, dim="subject", join="override", combine_attrs="override")
    note = "simulated numbers, for tests and documentation"
    weights = {"name": "simulated", "sha256": "0" * 64, "output": "probability", "note": note}
    study = create_study(folder, PRESETS["default"], weights, maps="none")
    write_cube(cube, study.folder / "cube.zarr")
    s, v, e = np.nonzero(cube["status"].transpose("subject", "view", "exam").values)
    seen = pd.DataFrame(
        {
            "image_id": cube["image_id"].transpose("subject", "view", "exam").values[s, v, e],
            "subject": cube["subject"].values[s],
            "view": cube["view"].values[v],
            "date": cube["date"].transpose("subject", "exam").values[s, e],
        }
    )
    images = seen.assign(
        status="done", failure="", failure_message="", in_cube=True, cube_note="", seconds=1.0
    )
    images.to_parquet(study.folder / "images.parquet", index=False)
    maker = cube["vendor"].transpose("subject", "view", "exam").values[s, v, e]
    seen.assign(eligible=True, reason="", manufacturer=maker).to_parquet(study.folder / "index.parquet")
    about = json.loads((study.folder / "study.json").read_text(encoding="utf-8"))
    counts = {"seen": len(seen), "done": len(seen), "excluded": 0, "failed": 0, "to_do": 0}
    (study.folder / "study.json").write_text(json.dumps({**about, "counts": counts}, indent=2) + "\n")
    print(f"{women} women, {len(seen)} images, {time.perf_counter() - started:.0f} s")


def data(folder: Path) -> None:
    """Measure what a page asks of the study."""
    from bactools.explore import Cohort, Source, controls
    from dashboards.state import State

    source = Source(folder)
    timed("read the cube", lambda: source.cube)
    cube = source.cube
    timed("controls", lambda: controls(cube))
    timed("controls again", lambda: controls(cube))
    timed("State", lambda: State([source]))
    state = State([source])
    trials = {
        "everyone": Cohort(),
        "age": Cohort(ranges={"age": (60, 70)}),
        "race": Cohort(choices={"race": ("Caucasian",)}),
        "ckd": Cohort(choices={"ckd": ("yes",)}),
        "vendor": Cohort(choices={"vendor": ("GE",)}),
        "dates": Cohort(dates=("2010-01-01", "2012-12-31")),
        "views": Cohort(views=("LCC", "RCC")),
        "at least 4 exams": Cohort(at_least=4),
        "age, vendor, dates": Cohort(
            ranges={"age": (60, 70)}, choices={"vendor": ("GE",)}, dates=("2010-01-01", "2012-12-31")
        ),
    }
    for name, cohort in trials.items():
        state.cohort = cohort
        timed(f"filter: {name}", lambda: state.cube("tam_100", "true_tam_100"))
    print(f"{'memory':32s} {megabytes(os.getpid()):8.0f} MB")


def browser(folder: Path) -> None:
    """Serve the study, open pages in Chromium as the first visitor would, and change the cohort."""
    from playwright.sync_api import sync_playwright

    with served(folder) as (url, server), sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = opened.new_page(viewport={"width": 1400, "height": 900})
        drawn = page.locator(".js-plotly-plot .main-svg").first
        words = page.get_by_text("women with an image measured")
        for visitor in ("first page, first visitor", "first page, second visitor"):
            timed(visitor, lambda: (page.goto(url), drawn.wait_for(), words.first.wait_for()))
        for n in (4, 1, 3):

            def chosen(n: int = n) -> None:
                condition = "everyone" if n == 1 else f"at least {n} exams"
                page.get_by_role("menuitem", name=str(n), exact=True).click()
                page.get_by_text(condition, exact=True).first.wait_for()

            page.get_by_label("Exams at least", exact=True).click()
            timed(f"filter: exams at least {n}", chosen)
            page.wait_for_timeout(1000)
        for slug in ("agreement", "regression", "trajectories"):
            timed(
                f"{slug}, first visitor",
                lambda slug=slug: (page.goto(f"{url}?page={slug}"), drawn.wait_for(timeout=120_000)),
            )
            timed(
                f"{slug}, again",
                lambda slug=slug: (page.goto(f"{url}?page={slug}"), drawn.wait_for(timeout=120_000)),
            )
        print(f"{'memory':32s} {megabytes(server.pid):8.0f} MB")
        opened.close()


def sessions(folder: Path, *, visitors: int = VISITORS) -> None:
    """Serve the study, let visitors in who each choose a cohort of their own, and let them go."""
    with served(folder) as (url, server):
        print(f"{'memory, nobody there':32s} {megabytes(server.pid):8.0f} MB")
        for _ in range(3):
            asyncio.run(_round(url, visitors))
            print(f"{f'memory, {visitors} visitors':32s} {megabytes(server.pid):8.0f} MB")
            time.sleep(60)
            print(f"{'memory, a minute after they left':32s} {megabytes(server.pid):8.0f} MB")


async def _round(url: str, visitors: int) -> None:
    waits: list[float] = []
    held: list[Any] = []

    async def visit(low: int) -> None:
        started = time.perf_counter()
        held.append(await visited(f"{url}?r.age={low}~"))
        waits.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(visit(40 + each) for each in range(visitors)))
    print(f"{f'{visitors} at once':32s} {time.perf_counter() - started:8.2f} s")
    print(f"{'their waits, median and longest':32s} {np.median(waits):8.2f} s {max(waits):8.2f} s")
    for each in held:
        each.close()


async def visited(url: str) -> Any:
    """Do as a browser does, without drawing: open a session and wait until its first page is filled."""
    from tornado.httpclient import AsyncHTTPClient, HTTPRequest
    from tornado.websocket import websocket_connect

    page = await AsyncHTTPClient().fetch(url, request_timeout=120)
    token = re.search(r'"token":"([^"]+)"', page.body.decode()).group(1)  # type: ignore[union-attr]
    place = url.split("?")[0].replace("http", "ws") + "ws"
    asked = HTTPRequest(place, headers={"Sec-WebSocket-Protocol": f"bokeh, {token}"}, request_timeout=120)
    socket = await websocket_connect(asked, max_message_size=100_000_000)
    while "ACK" not in str(await socket.read_message()):
        pass
    ready = {"type": "event", "name": "document_ready", "values": {"type": "map"}}
    told = {"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": ready}]}
    for kind, content in (("PULL-DOC-REQ", {}), ("PATCH-DOC", told)):
        for part in ({"msgid": kind, "msgtype": kind}, {}, content):
            await socket.write_message(json.dumps(part))
    while True:
        message = await asyncio.wait_for(socket.read_message(), 120)
        if message is None:
            raise SystemExit("the server hung up")
        if "women with an image" in str(message):
            return socket


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve a study in a process of its own."""
    started = time.perf_counter()
    command = [str(Path(sys.executable).with_name("bactools")), "dashboard", str(folder), "--port", str(PORT)]
    server = subprocess.Popen(command)
    try:
        url = f"http://127.0.0.1:{PORT}/"
        await_(url)
        print(f"{'until it answers':32s} {time.perf_counter() - started:8.2f} s")
        yield url, server
    finally:
        server.terminate()
        server.wait()


def await_(url: str) -> None:
    """Wait until a server answers."""
    from urllib.request import urlopen

    for _ in range(120):
        try:
            urlopen(url + "liveness", timeout=5).read()
            return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("the server does not answer")


def timed(name: str, run: Callable[[], object]) -> None:
    """Run, and tell how long it took."""
    started = time.perf_counter()
    run()
    print(f"{name:32s} {time.perf_counter() - started:8.2f} s", flush=True)


def megabytes(process: int) -> float:
    """Return the memory a process holds."""
    text = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) / 1024


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("make", "data", "browser", "sessions"):
        raise SystemExit(__doc__)
    {"make": make, "data": data, "browser": browser, "sessions": sessions}[sys.argv[1]](Path(sys.argv[2]))
