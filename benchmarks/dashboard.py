"""How quick the dashboard is with a study of a million exams.

    python benchmarks/dashboard.py make STUDY        # 250,000 made-up women with 4 exams of 4 views
    python benchmarks/dashboard.py data STUDY        # reading, filters, one process, no browser
    python benchmarks/dashboard.py sessions STUDY    # a server, and 20 visitors at once

Prints seconds and megabytes; nothing is uploaded or kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
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


def sessions(folder: Path, *, visitors: int = VISITORS, page: str = "models") -> None:
    """Serve the study, let visitors in, let each change the cohort, and let them go."""
    from bokeh.client import pull_session

    import dashboards.app  # noqa: F401  (the models that documents are made of)

    code = (
        "import dashboards.pages as P, dashboards.app as A; from dashboards.pages.models import ModelsPage;"
        " A.PAGES = P.PAGES if ModelsPage in P.PAGES else (*P.PAGES, ModelsPage);"
        " from pathlib import Path; from dashboards.serve import serve;"
        f" serve([Path({str(folder)!r})], port={PORT})"
    )
    server = subprocess.Popen([sys.executable, "-c", code])
    try:
        url = f"http://127.0.0.1:{PORT}/"
        await_(url)
        print(f"{'memory, nobody there':32s} {megabytes(server.pid):8.0f} MB")
        held: list[Any] = []
        timed(
            "first visitor, first page", lambda: held.append(pull_session(url=url, arguments={"page": page}))
        )
        timed("second visitor", lambda: held.append(pull_session(url=url, arguments={"page": page})))
        print(f"{'memory, two visitors':32s} {megabytes(server.pid):8.0f} MB")
        waits: list[float] = []

        def visit() -> None:
            started = time.perf_counter()
            held.append(pull_session(url=url, arguments={"page": page}))
            waits.append(time.perf_counter() - started)

        threads = [Thread(target=visit) for _ in range(visitors - 2)]
        timed(
            f"{visitors - 2} more at once",
            lambda: [each.start() for each in threads] + [each.join() for each in threads],
        )
        print(f"{'their waits, median and longest':32s} {np.median(waits):8.2f} s {max(waits):8.2f} s")
        print(f"{f'memory, {visitors} visitors':32s} {megabytes(server.pid):8.0f} MB")
        for session in held:
            session.close()
        time.sleep(40)
        print(f"{'memory, 40 s after they left':32s} {megabytes(server.pid):8.0f} MB")
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
    if len(sys.argv) != 3 or sys.argv[1] not in ("make", "data", "sessions"):
        raise SystemExit(__doc__)
    {"make": make, "data": data, "sessions": sessions}[sys.argv[1]](Path(sys.argv[2]))
