"""Little data and hostile data: every section says in words what is missing, and shows text as text."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.cube import open_cube, write_cube
from bactools.report import html_report
from bactools.report.assembly import _SECTIONS
from bactools.testing import simulate_study
from tests import browser as chromium_here

EVIL = "<img src=x onerror=window.pwned=1>"
CLOSING = "</script><script>window.pwned=1;alert(1)</script>"
FORMULA = '=HYPERLINK("http://evil.example","a")'


def _change(folder: Path, change: Callable[[xr.Dataset], xr.Dataset]) -> None:
    changed = change(open_cube(folder, axis="exam").load())
    shutil.rmtree(folder / "cube.zarr")
    write_cube(changed, folder / "cube.zarr")


def _failed(folder: Path) -> None:
    """Make every image one that could not be measured."""

    def fail(cube: xr.Dataset) -> xr.Dataset:
        measured = [name for name, held in cube.data_vars.items()
                    if "view" in held.dims and held.dtype.kind == "f"]  # fmt: skip
        gone = {str(name): cube[name] * np.nan for name in measured}
        return cube.assign({"status": (cube["status"] * 2).astype(cube["status"].dtype), **gone})

    _change(folder, fail)
    images = pd.read_parquet(folder / "images.parquet")
    images.assign(status="failed", failure="unreadable").to_parquet(folder / "images.parquet", index=False)


def _sections(page: str) -> dict[str, str]:
    """Return the words of each section by its title."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.S)
    found = re.findall(r"<section[^>]*><h2[^>]*>(.*?)</h2>(.*?)</section>", bare, flags=re.S)
    return {unescape(title): unescape(re.sub(r"<[^>]*>", " ", body)) for title, body in found}


NO_TRUTH = {"Agreement": "nothing to compare with", "Thresholds": "no reference", "Breast CT": "No table of"}
NO_CHANGE = {"Trajectories": "ot estimable"}
CASES: dict[str, tuple[dict[str, float], dict[str, str]]] = {
    "no calcium at all": ({"n_subject": 8, "without_bac": 1.0}, {"Trajectories": "nothing can change",
        "Grades and risk": "none (0) 100 %", "Agreement": "Not estimable"}),
    "one woman": ({"n_subject": 1}, {"Trajectories": "at least 2 are needed", "Agreement": "only 1 woman",
        "Methods": "of 1 woman."}),
    "one exam each": ({"n_subject": 6, "n_exam": 1}, {"Trajectories": "at least 2 are needed"}),
    "one exam": ({"n_subject": 1, "n_exam": 1}, NO_CHANGE),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_little_data(tmp_path: Path, case: str) -> None:
    options, told = CASES[case]
    simulate_study(tmp_path / "s", histograms=True, **options)  # type: ignore[arg-type]
    sections = _sections(html_report(tmp_path / "s"))
    assert len(sections) == len(_SECTIONS)
    assert all(len(words.split()) > 5 for words in sections.values())
    for title, words in told.items():
        assert words in sections[title], sections[title][:600]
    assert not re.search(r"\bnan\b|\bNaT\b|Traceback", " ".join(sections.values()))


def test_no_truth_and_no_covariates(tmp_path: Path) -> None:
    simulate_study(tmp_path / "s", 8, histograms=True)
    known = ("ckd", "race", "age", "vendor")
    _change(
        tmp_path / "s",
        lambda cube: cube.drop_vars([name for name in cube if name in known or str(name)[:5] == "true_"]),
    )
    sections = _sections(html_report(tmp_path / "s"))
    for title, words in {**NO_TRUTH, "Networks": "No network", "Grades and risk": "no outcome"}.items():
        assert words in sections[title]
    assert "No covariate of women" in sections["Cohort"]
    assert "No exam with a burden states age" in sections["Cohort"]


def test_failed_images_only(tmp_path: Path) -> None:
    simulate_study(tmp_path / "s", 4, histograms=True)
    _failed(tmp_path / "s")
    sections = _sections(html_report(tmp_path / "s"))
    assert "0 images of 0 exams of 0 women" in sections["Methods"]
    assert "could not be measured" in sections["Quality appendix"]
    assert "unreadable" in sections["Quality appendix"]
    for title in ("Agreement", "Trajectories", "Grades and risk", "Thresholds", "View consistency"):
        assert re.search("ot estimable|no exam|No exam|Not shown|no image", sections[title]), title


def test_no_exam_at_all(tmp_path: Path) -> None:
    simulate_study(tmp_path / "s", 4, histograms=True)
    _change(tmp_path / "s", lambda cube: cube.isel(subject=slice(0, 0)))
    sections = _sections(html_report(tmp_path / "s"))
    assert len(sections) == len(_SECTIONS)
    assert "0 images of 0 exams of 0 women" in sections["Methods"]


def test_hostile_text_shows_as_text_and_nothing_runs(tmp_path: Path) -> None:
    from playwright.sync_api import Dialog, sync_playwright

    folder = tmp_path / EVIL.replace("/", "")
    page = _hostile_report(folder, tmp_path)
    assert "<img" not in page
    assert CLOSING not in page
    told: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        told.append(dialog.message)
        dialog.dismiss()

    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=chromium_here.browser(), args=["--no-sandbox", "--disable-gpu"]
        )
        tab = chromium.new_context(offline=True).new_page()
        tab.on("console", lambda message: told.append(message.text))
        tab.on("pageerror", lambda error: told.append(str(error)))
        tab.on("dialog", dismiss)
        tab.on("request", lambda asked: told.append(asked.url) if asked.url[:5] != "file:" else None)
        tab.goto((tmp_path / "report.html").as_uri())
        tab.wait_for_selector("html[data-ready]", timeout=60_000)
        assert tab.evaluate("window.pwned") is None
        assert tab.locator("img").count() == 0
        assert tab.locator("script[src], link[href^=http], a[href^=http]").count() == 0
        words = tab.locator("body").inner_text()
        chromium.close()
    assert told == []
    assert EVIL in words
    assert CLOSING in words
    assert FORMULA in words


def _hostile_report(folder: Path, scratch: Path) -> str:
    """Return the report of a study in which every text is hostile, and of an evaluation so called."""
    simulate_study(folder, 20)
    cube = open_cube(folder, axis="exam").load()
    names = np.array([f"{EVIL}{number}" for number in range(20)], dtype=object)
    texts = np.array([EVIL, CLOSING, FORMULA, "b"] * 5, dtype=object)
    changed = cube.assign_coords(subject=names).assign(
        {"race": ("subject", texts), FORMULA: ("subject", texts[::-1]), EVIL: ("subject", texts)}
    )
    shutil.rmtree(folder / "cube.zarr")
    write_cube(changed, folder / "cube.zarr")
    scores = {"recall": 0.9, "precision": 0.8, "accuracy": 0.9, "dice": 0.8, "jaccard": 0.7}
    ids = changed["image_id"].values[changed["status"].transpose(*changed["image_id"].dims).values == 1]
    women = changed["subject"].broadcast_like(changed["image_id"]).transpose(*changed["image_id"].dims)
    (folder / "evaluations").mkdir()
    for name in (EVIL, "SCU-Net"):
        with (folder / "evaluations" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["image_id", "subject", "view", "date", *scores])
            for image_id in ids[:30]:
                woman = women.values[changed["image_id"].values == image_id][0]
                table.writerow([image_id, woman, "LCC", "2012-01-01", *scores.values()])
    days = pd.to_datetime(changed["date"].transpose("subject", "exam").values[:6, 0]).strftime("%Y-%m-%d")
    readings = pd.DataFrame(
        {"subject": names[:6], "date": days, FORMULA: np.arange(6.0), EVIL: np.arange(6.0)[::-1]}
    )
    return html_report(folder, reference=readings, group=EVIL)
