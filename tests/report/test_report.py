"""The report holds what the library answers, says in words what is missing, and asks nothing of a network."""

from __future__ import annotations

import json
import re
import shutil
from base64 import b64decode
from collections.abc import Callable
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import xarray as xr

import bactools.accessor  # noqa: F401
from bactools.cube import open_cube, to_table, write_cube
from bactools.explore import Cohort
from bactools.figures.figure5 import METRICS
from bactools.figures.html import fragment
from bactools.report import ReportError, html_report, write_report
from bactools.report.printing import browser, print_page
from bactools.report.thresholds import on_exams, on_images
from bactools.stats.result import StatsError
from bactools.study import StudyError
from bactools.testing import simulate_study
from tests import browser as chromium_here

EVIL = '<img src=x onerror="window.pwned=1">'
CLOSING = "</script><script>window.pwned=1</script>"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 24 women with joint histograms, and with a covariate that nobody wants."""
    folder = tmp_path_factory.mktemp("secret-place") / "made-study"
    simulate_study(folder, 24, histograms=True, missing_views=0.05, one_exam=0.1)
    races = np.array([EVIL, CLOSING] * 12, dtype=object)
    _change(folder, lambda cube: cube.assign(race=("subject", races)))
    return folder


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same women, measured with another error."""
    folder = tmp_path_factory.mktemp("secret-place") / "reader-two"
    simulate_study(folder, 24, missing_views=0.05, one_exam=0.1)
    _change(folder, lambda cube: cube.assign({name: cube[name] * 1.25 for name in METRICS}))
    return folder


@pytest.fixture(scope="module")
def readings(study: Path) -> pd.DataFrame:
    """A breast CT at each woman's first complete exam."""
    first = open_cube(study, axis="exam").bac.burden("am", normalise=False).table.groupby("subject").first()
    random = np.random.default_rng(1)
    mass = 10 + 0.02 * first["value"] * random.lognormal(0, 0.2, len(first))
    return pd.DataFrame(
        {"subject": first.index, "date": first["date"].dt.strftime("%Y-%m-%d"), "mass_mg": mass}
    ).reset_index(drop=True)


@pytest.fixture(scope="module")
def page(study: Path, truth: Path, readings: pd.DataFrame) -> str:
    """The report with everything in it."""
    return html_report(study, truth=truth, reference=readings)


def test_its_words_are_those_of_the_library(
    page: str, study: Path, truth: Path, readings: pd.DataFrame
) -> None:
    cube, other = open_cube(study, axis="exam"), open_cube(truth, axis="exam")
    names = ("tam_100", "tam_100 of reader-two")
    course = cube.bac.trajectories("tam_100", group="ckd", engine="exact")
    for found in (
        cube.bac.agreement("tam_100", against=other, names=names),
        cube.bac.regression("tam_100", against=other, names=names),
        course,
        course.progressed(),
        cube.bac.view_consistency("tam_100"),
        cube.bac.table1(group="ckd", p_values=True),
        cube.bac.reference_measures(readings),
        cube.bac.missingness(),
    ):
        assert found.estimable
        for line in found.interpret().splitlines():
            assert escape(line) in page, found.title


def test_five_metrics_stand_in_the_grid_and_in_a_table(page: str, study: Path, truth: Path) -> None:
    cube, other = open_cube(study, axis="exam"), open_cube(truth, axis="exam")
    rows = re.search(r"<caption>R² and limits.*?</table>", page)
    assert rows
    for metric in METRICS:
        found = cube.bac.agreement(metric, against=other)
        assert f'<th scope="row">{metric}</th>' in rows[0]
        assert escape(found.bias.words()) in rows[0]
        assert metric.upper() in _figures(page)["agreement-1-data"]


def test_methods_tell_recipe_weights_and_versions(page: str, study: Path) -> None:
    about = json.loads((study / "study.json").read_text())
    words = _text(page)
    for value in about["recipe"].values():
        assert str("the stored grid" if value is None else value) in words
    told = {about["recipe_hash"], about["weights"]["sha256"], about["weights"]["note"]}
    told |= {f"{name} {held}" for name, held in about["versions"].items()}
    assert not {text for text in told if text not in words}
    assert "For research only" in words
    assert "10.1101/2021.07.30.21261406" in words


def test_neither_paths_nor_whose_each_point_is(page: str) -> None:
    assert "secret-place" not in page
    assert "file:" not in _text(page)
    assert "customdata" not in "".join(_figures(page).values())


def test_every_figure_has_its_place_its_data_and_its_name(page: str) -> None:
    figures = _figures(page)
    assert len(figures) > 10
    assert set(re.findall(r'data-figure="([^"]+)"', page)) == set(figures)
    assert page.count("<figure") == page.count("<figcaption") == page.count('role="img"') == len(figures)
    told = [json.loads(data) for data in figures.values()]
    assert all(each["data"] or each["layout"]["shapes"] for each in told)


def test_page_is_well_formed_and_accessible(page: str) -> None:
    told = _Outline()
    told.feed(_without_scripts(page))
    assert told.open == []
    assert told.language == "en"
    assert len(told.ids) == len(set(told.ids))
    assert told.headings[0] == 1
    assert told.headings.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in zip(told.headings, told.headings[1:], strict=False))
    assert told.columns > 0
    assert told.tables == told.captions
    assert set(told.links) <= {f"#{name}" for name in told.ids}


def test_plotly_is_there_once_and_the_page_is_small(page: str) -> None:
    assert len(page.encode()) < 8e6
    assert page.count("plotly.js v") == 1
    assert not re.search(r'(src|href)="(?!#|data:)', _without_scripts(page))


def test_missing_parts_say_why(study: Path) -> None:
    words = _text(html_report(study, group=""))
    for told in ("No table of breast-CT readings was given", "No covariate of women to split by"):
        assert told in words
    assert "ckd no" not in words


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"n_subject": 1}, "only 1 woman"),
        ({"n_subject": 6, "without_bac": 1.0}, "no woman has any, so nothing can change"),
        ({"n_subject": 5, "n_exam": 1}, "at least 2 are needed"),
    ],
)
def test_little_data_is_said_in_words(tmp_path: Path, options: dict[str, float], told: str) -> None:
    simulate_study(tmp_path / "s", **options)  # type: ignore[arg-type]
    assert told in _text(html_report(tmp_path / "s"))


def test_no_covariates_no_truth_and_nobody(tmp_path: Path) -> None:
    simulate_study(tmp_path / "s", 5)
    nobody = _text(html_report(tmp_path / "s", cohort=Cohort(ranges={"age": (200, None)})))
    assert "Cohort: age from 200." in nobody
    assert "no exam has a value" in nobody
    _change(tmp_path / "s", lambda cube: cube.assign(age=cube["age"] * np.nan))
    assert "No exam with a burden states age." in _text(html_report(tmp_path / "s"))
    _change(tmp_path / "s", lambda cube: cube.drop_vars(["true_tam_100", "ckd", "race", "age", "vendor"]))
    words = _text(html_report(tmp_path / "s"))
    assert "this one holds no truth" in words
    assert "no joint histograms" in words


def test_text_from_data_is_shown_as_it_is(tmp_path: Path) -> None:
    folder = _hostile(tmp_path)
    page = html_report(folder, group=EVIL)
    assert "<img" not in page
    assert CLOSING not in page
    assert EVIL in _text(page)
    assert CLOSING in _text(page)


def test_wrong_input_says_what_to_do(study: Path, readings: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(StatsError, match="no such covariate of women; choose ckd"):
        html_report(study, group="shoe_size")
    with pytest.raises(StatsError, match="below zero"):
        html_report(study, reference=readings.assign(mass_mg=-1.0))
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudyError):
        write_report(tmp_path / "empty", tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_other_measurements_find_their_cells(study: Path, truth: Path, readings: pd.DataFrame) -> None:
    cube, other = open_cube(study, axis="exam"), open_cube(truth, axis="exam")
    rows = to_table(other).sample(frac=1, random_state=1).rename(columns={"tam_100": "tam_100_truth"})
    xr.testing.assert_allclose(
        on_images(cube, rows)["tam_100"].drop_vars("date").drop_attrs(),
        other["tam_100"].transpose("subject", "view", "exam").drop_attrs().drop_vars("date").astype(float),
    )
    dated = readings.assign(date=pd.to_datetime(readings["date"]))
    placed = on_exams(cube, dated, "mass_mg")
    assert int(placed.notnull().sum()) == len(readings)
    for subject, date, mass in zip(dated["subject"], dated["date"], dated["mass_mg"], strict=True):
        days = cube["date"].sel(subject=subject).values
        exam = int(np.flatnonzero(days == date.to_datetime64())[0])
        assert float(placed.sel(subject=subject).isel(exam=exam)) == mass


def test_large_clouds_are_thinned_and_the_rest_is_kept() -> None:
    x = np.arange(10_000.0)
    figure = go.Figure(
        [
            go.Scattergl(x=x, y=-x, mode="markers", customdata=[["S1"]] * 10_000, marker={"size": x}),
            go.Scatter(x=x, y=x, mode="lines"),
        ],
        layout={"title": "a &lt;b&gt;", "width": 300},
    )
    part = fragment(figure, most=500)
    told = json.loads(part.data)
    cloud, line = told["data"]
    values = {name: _unpacked(cloud[name]) for name in ("x", "y")}
    assert (part.drawn, part.points, part.title, part.width) == (500, 10_000, "a <b>", 300)
    assert len(set(values["x"])) == 500
    assert (values["y"] == -values["x"]).all()
    assert (_unpacked(cloud["marker"]["size"]) == values["x"]).all()
    assert (_unpacked(line["x"]) == x).all()
    assert cloud["type"] == "scatter"
    assert not set("<>&") & set(part.data)
    # the figure itself is left as it was
    assert figure.data[0].customdata is not None
    assert len(figure.data[0].x) == 10_000


def test_without_a_browser_printing_says_so(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER_PATH", "no-such-browser")
    with pytest.raises(ReportError, match="no Chrome or Chromium"):
        browser()
    with pytest.raises(ReportError, match="open the HTML file"):
        print_page(tmp_path / "r.html", tmp_path / "r.pdf")


def test_in_a_browser_from_disk_everything_is_drawn(tmp_path: Path, page: str) -> None:
    from playwright.sync_api import sync_playwright

    told: list[str] = []
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=chromium_here.browser(), args=["--no-sandbox", "--disable-gpu"]
        )
        tab = chromium.new_context(offline=True).new_page()
        tab.on("console", lambda message: told.append(message.text))
        tab.on("pageerror", lambda error: told.append(str(error)))
        tab.on("request", lambda asked: told.append(asked.url) if asked.url[:5] != "file:" else None)
        tab.goto((tmp_path / "report.html").as_uri())
        tab.wait_for_selector("html[data-ready]", timeout=60_000)
        assert tab.locator("[data-figure]").count() == tab.locator("[data-drawn=yes]").count() > 10
        assert tab.evaluate("[...document.querySelectorAll('.plot')].every(p => p.querySelector('path'))")
        assert tab.evaluate("window.pwned") is None
        chromium.close()
    assert told == []


def test_print_has_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", chromium_here.browser())
    folder = tmp_path / "prints"
    simulate_study(tmp_path / "s", 8)
    folder.mkdir()
    write_report(tmp_path / "s", folder / "r.html", pdf=folder / "r.pdf")
    bare = re.sub(r"<script>.*?</script>", "", (folder / "r.html").read_text(encoding="utf-8"), flags=re.S)
    (folder / "bare.html").write_text(bare, encoding="utf-8")
    print_page(folder / "bare.html", folder / "bare.pdf")
    whole, words = (folder / "r.pdf").read_bytes(), (folder / "bare.pdf").read_bytes()
    assert whole.startswith(b"%PDF-")
    assert len(whole) > 1.3 * len(words)
    assert {file.name for file in folder.iterdir()} == {"r.html", "r.pdf", "bare.html", "bare.pdf"}


class _Outline(HTMLParser):
    """What a reader's software makes of a page."""

    _VOID = ("meta", "link", "br", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.language = ""
        self.columns = self.tables = self.captions = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag not in self._VOID:
            self.open.append(tag)
        if "id" in known:
            self.ids.append(known["id"])
        if tag == "a":
            self.links.append(known["href"])
        if tag == "html":
            self.language = known["lang"]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.tables += tag == "table"
        self.captions += tag == "caption"
        self.columns += tag == "th" and known.get("scope") == "col"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _unpacked(values: Any) -> np.ndarray:
    """Return numbers as plotly packs them, or as a list."""
    if isinstance(values, dict):
        return np.frombuffer(b64decode(values["bdata"]), dtype=values["dtype"])
    return np.asarray(values)


def _figures(page: str) -> dict[str, str]:
    return dict(re.findall(r'<script type="application/json" id="([^"]+)">(.*?)</script>', page))


def _without_scripts(page: str) -> str:
    return re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.S)


def _text(page: str) -> str:
    return unescape(re.sub(r"<[^>]*>", " ", _without_scripts(page)))


def _change(folder: Path, change: Callable[[xr.Dataset], xr.Dataset]) -> None:
    changed = change(open_cube(folder, axis="exam").load())
    shutil.rmtree(folder / "cube.zarr")
    write_cube(changed, folder / "cube.zarr")


def _hostile(folder: Path) -> Path:
    simulate_study(folder / "hostile", 20)
    races = np.array([EVIL, CLOSING] * 10, dtype=object)
    groups = np.array([EVIL, "b"] * 10, dtype=object)
    _change(
        folder / "hostile",
        lambda cube: cube.assign({"race": ("subject", races), EVIL: ("subject", groups)}),
    )
    return folder / "hostile"
