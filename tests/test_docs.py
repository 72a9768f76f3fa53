"""The documentation is true: every block of code in it is run, and the site needs no network."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import FrameType
from typing import Any

import click
import numpy as np
import pandas as pd
import plotly.io
import pytest
import xarray as xr
from click.testing import CliRunner
from PIL import Image
from playwright.sync_api import sync_playwright

from bactools import metrics, networks
from bactools.accessor import Bac
from bactools.cli import main
from bactools.conventions import VIEWS
from bactools.cube import write_cube
from bactools.dicom import quirks
from bactools.dicom.headers import read_header
from bactools.inference import use_threads
from bactools.recipe import PRESETS
from bactools.testing import breast_pixels, simulate_study, write_mammogram
from tests.browser import browser as browser_path
from tests.dashboards.conftest import FLAGS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    path
    for path in [*DOCS.rglob("*.md"), ROOT / "README.md", *(ROOT / "data").rglob("*.md")]
    if "notebooks" not in path.parts
)
SECONDS = 60

RUN = {"python", "sh", "console", "toml"}
"""Languages of blocks that are run (a toml block is written to the file that its first line names)."""

NOT_RUN = {"text", "nginx", "yaml", "ini"}
"""Languages of blocks that say what cannot be run here; commands in them are checked to exist."""

GIVEN = {
    "data/statistics.md": 'import bactools\ntruth = bactools.open_cube("READER", axis="exam")',
}
"""What a page takes for granted."""

INSTEAD = {
    (
        "README.md",
        'study = bactools.run("archive", "STUDY")  # or bactools.open_study("STUDY")',
    ): ('study = bactools.open_study("STUDY")', "STUDY holds women enough for the statistics below"),
    (
        "README.md",
        'cube.tam_100.sel(subject="S003", view="LCC", date=slice("2012", "2016"))',
    ): ('cube.tam_100.sel(subject="S00003", view="LCC")', "simulated women are called otherwise"),
}
"""Lines that are replaced, and why."""


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    language: str
    text: str


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    found: list[str] = []
    start, fence = 0, ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if not fence and (opens := re.match(r"\s*(`{3,}|~{3,})\s*(.*)$", line)):
            fence, language, start, found = opens[1], opens[2].strip(), number, []
        elif fence and line.strip() == fence:
            yield Block(page, start, language, "\n".join(found))
            fence = ""
        elif fence:
            found.append(line)
    assert not fence, f"{name_of(page)}: a block that begins in line {start} does not end"


ALL = [block for page in PAGES for block in blocks(page)]
CODE = [page for page in PAGES if any(block.page == page and block.language in RUN for block in ALL)]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pages find in the folder they are run in: studies, an archive, drawn masks."""
    here = tmp_path_factory.mktemp("docs")
    use_threads(1)
    simulate_study(here / "STUDY", 40, histograms=True, outcomes=True, missing_views=0.02)
    reader = simulate_study(here / "READER", 40, missing_views=0.02)
    write_cube(_read_again(reader.cube(axis="exam").load()), reader.folder / "cube.zarr")
    _export(here / "archive")
    _annotate(here / "ANNOTATED")
    return here


def _export(folder: Path) -> None:
    """Two women's four views, as an archive may export them, with what is no image."""
    folder.mkdir()
    for seed, (woman, view) in enumerate(product(("P1", "P2"), VIEWS)):
        write_mammogram(
            folder / f"{woman}-{view}.dcm",
            pixels=breast_pixels((384, 320), seed=seed, laterality=view[0]),
            patient_id=woman,
            view=view[1:],
            laterality=view[0],
            seed=seed,
            window=(2048, 4096),
            EstimatedRadiographicMagnificationFactor=1.05,
        )
    (folder / "notes.txt").write_text("not an image")


def _read_again(cube: xr.Dataset) -> xr.Dataset:
    """The same images measured by somebody whose error is 15 % of the value."""
    random = np.random.default_rng(5)
    factor = random.lognormal(0, 0.15, cube["tam_100"].shape)
    changed = {}
    for name in ("pm", "am", "sim", "tam_100", "tsim_100", "am_mm2", "tam_100_mm2", "tam_100_norm"):
        changed[name] = (cube["tam_100"].dims, cube[name].values * factor, cube[name].attrs)
    return cube.assign(changed)


def _annotate(folder: Path) -> None:
    """Images of three women with the line that a reader would draw down their vessel."""
    (folder / "truth" / "masks").mkdir(parents=True)
    (folder / "images").mkdir()
    rows = []
    for number in range(3):
        pixels = breast_pixels((512, 512), seed=number)  # one patch
        file = write_mammogram(folder / "images" / f"{number}.dcm", pixels=pixels, patient_id=f"W{number}")
        drawn = np.zeros(pixels.shape, dtype=np.uint8)
        centre = pixels[:, 100:260].argmax(axis=0)
        for x, y in zip(range(100, 260), centre, strict=True):
            drawn[max(0, y - 4) : y + 5, x] = 255
        Image.fromarray(drawn).save(folder / "truth" / "masks" / f"{number}.png")
        rows.append(
            {
                "sop_instance_uid": read_header(file).text("SOPInstanceUID"),
                "patient_id": f"W{number}",
                "file": f"images/{number}.dcm",
                "mask": f"truth/masks/{number}.png",
            }
        )
    pd.DataFrame(rows).to_csv(folder / "truth" / "images.csv", index=False)


@pytest.fixture
def _nothing_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take back what pages add to the registries."""
    registries: list[dict[str, Any]] = [metrics.METRICS, networks.NETWORKS]
    before = [dict(known) for known in registries]
    monkeypatch.setattr(quirks, "QUIRKS", quirks.QUIRKS)
    monkeypatch.setattr(plotly.io.renderers, "default", "json")
    yield
    for known, entries in zip(registries, before, strict=True):
        known.clear()
        known.update(entries)


@pytest.mark.parametrize("page", CODE, ids=name_of)
@pytest.mark.usefixtures("_nothing_left")
def test_a_page_runs_from_top_to_bottom(
    page: Path, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "page"
    shutil.copytree(world, here)
    monkeypatch.chdir(here)
    names: dict[str, object] = {"__name__": "page"}
    exec(GIVEN.get(name_of(page), ""), names)
    for block in blocks(page):
        if block.language in RUN:
            with _limit(block):
                _RUNNERS[block.language](block, names)


def _python(block: Block, names: dict[str, object]) -> None:
    text = block.text
    for (page, line), (replacement, _) in INSTEAD.items():
        if page == name_of(block.page):
            text = text.replace(line, replacement)
    exec(compile("\n" * block.line + text, name_of(block.page), "exec", dont_inherit=True), names)


def _sh(block: Block, names: dict[str, object]) -> None:
    for command in commands_of(block.text):
        assert command.startswith("bactools "), (
            f"{_place(block)}: only bactools commands can be run: {command}"
        )
        _bactools(command, block)


def _console(block: Block, names: dict[str, object]) -> None:
    """Run what follows a ``$`` and compare what is printed with what stands below it, but for `…`."""
    pieces = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert pieces[0] == "", f"{_place(block)}: a console block begins with $"
    for piece in pieces[1:]:
        lines = piece.replace("\\\n", " ").splitlines()
        printed = [line.rstrip() for line in _bactools(lines[0], block).strip().splitlines()]
        expected = [line.rstrip().replace("…", "...") for line in lines[1:]]
        shown = "\n".join(printed) + "\n"
        agrees = doctest.OutputChecker().check_output(
            "\n".join(expected) + "\n", shown, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        )
        assert agrees or not expected, f"{_place(block)}: {lines[0]} prints\n{shown}"


def _toml(block: Block, names: dict[str, object]) -> None:
    first = re.match(r"# (\w[\w.-]*\.toml)\n", block.text)
    assert first, f"{_place(block)}: the first line of a toml block names its file"
    Path(first[1]).write_text(block.text + "\n", encoding="utf-8")


_RUNNERS: dict[str, Callable[[Block, dict[str, object]], None]] = {
    "python": _python,
    "sh": _sh,
    "console": _console,
    "toml": _toml,
}


def commands_of(text: str) -> list[str]:
    """The commands of a block, without comments."""
    whole = text.replace("\\\n", " ")
    return [line.strip() for line in whole.splitlines() if line.strip() and not line.strip().startswith("#")]


def _bactools(command: str, block: Block) -> str:
    arguments = shlex.split(command, comments=True)[1:]
    done = CliRunner().invoke(main, arguments, prog_name="bactools")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, f"{_place(block)}: {command} ends with {done.exit_code}:\n{done.output}"
    return done.output


def _place(block: Block) -> str:
    return f"{name_of(block.page)}, line {block.line}"


@contextmanager
def _limit(block: Block) -> Iterator[None]:
    """End a block that takes too long."""

    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"{_place(block)} takes more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_every_block_says_what_it_is() -> None:
    """In the site's own pages every block is run or named as one that is not."""
    odd = [
        f"{_place(block)}: {block.language!r}"
        for block in ALL
        if not block.language.startswith("{")
        and block.language not in RUN | NOT_RUN
        and not (block.language == "" and DOCS not in block.page.parents)
    ]
    assert odd == []


def test_exceptions_are_still_needed() -> None:
    for (page, line), _ in INSTEAD.items():
        assert line in (ROOT / page).read_text(encoding="utf-8"), f"{page} has no such line any more: {line}"
    for page in GIVEN:
        assert ROOT / page in CODE


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_options_that_are_named_exist(page: Path) -> None:
    """Also where a block cannot be run, and in running text."""
    texts = [block.text for block in blocks(page) if not block.language.startswith("{")]
    prose = _prose(page)
    texts += re.findall(r"`(bactools [^`]+)`", prose)
    for text in texts:
        for command in re.findall(
            r"(?:^|\s)(bactools [a-z].*)", text.replace("\\\n", " "), flags=re.MULTILINE
        ):
            _exists(command.split("  #")[0].split("&&")[0].split("|")[0], page)


def _prose(page: Path) -> str:
    """Return a page's text without its fenced blocks."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^\s*(`{3,}).*?^\s*\1$", "", text, flags=re.DOTALL | re.MULTILINE)


def _exists(command: str, page: Path) -> None:
    words = re.split(r"\s+", command.strip())[1:]
    known: click.Command = main
    while isinstance(known, click.Group) and words and words[0] in known.commands:
        known = known.commands[words.pop(0)]
    assert known is not main, f"{name_of(page)}: no command: {command}"
    options = {option for parameter in known.params for option in parameter.opts} | {"--help", "-h"}
    for word in words:
        if re.fullmatch(r"-{1,2}[a-z][a-z-]*", word):
            assert word in options, f"{name_of(page)}: {word} is no option of: {command}"


def test_relative_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            file = target.partition("#")[0]
            if file and not re.match(r"[a-z]+:", file):
                assert (page.parent / file).exists(), f"{name_of(page)}: {target}"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built anew; a warning is an error."""
    out = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        f"{out}-read",
        str(DOCS),
        str(out),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


def test_the_site_asks_nothing_of_the_network(site: Path) -> None:
    """Neither a page nor a style sheet loads anything from elsewhere."""
    loaded = re.compile(
        r"<(?:script|img|link|iframe|source|video|use|object)\b[^>]*?(?:src|href|data)=\"(?!#)([^\"]*)"
    )
    pages = [page for page in site.rglob("*.html") if "_static" not in page.parts]
    assert len(pages) > len(list(DOCS.rglob("*.md")))
    for page in pages:
        for address in loaded.findall(page.read_text(encoding="utf-8")):
            assert not re.match(r"(?:[a-z]+:)?//", address), f"{page.name} loads {address}"
            file = address.partition("?")[0].partition("#")[0]
            assert address.startswith("data:") or (page.parent / file).exists(), f"{page.name}: {address}"
    for sheet in site.rglob("*.css"):
        outside = re.findall(
            r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^)\"']*)", sheet.read_text(encoding="utf-8")
        )
        assert outside == [], sheet.name


def test_the_site_shows_every_command_metric_and_function(site: Path) -> None:
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    for command in main.commands.values():
        assert f'id="bactools-{command.name}"' in commands, command.name
        for option in command.params:
            for flag in getattr(option, "secondary_opts", []) + option.opts:
                assert not flag.startswith("--") or flag in commands, f"{command.name} {flag}"
    facts = (site / "reference" / "facts.html").read_text(encoding="utf-8")
    for name in [*metrics.METRICS, *PRESETS, *networks.NETWORKS]:
        assert f">{name}<" in facts, name
    reference = "".join(page.read_text(encoding="utf-8") for page in (site / "reference").glob("*.html"))
    for name in re.findall(
        r"bactools\.([\w.]+)`", (DOCS / "reference" / "start.md").read_text(encoding="utf-8")
    ):
        assert name.rpartition(".")[2] in reference
    for method in (name for name in dir(Bac) if not name.startswith("_")):
        assert f'id="bactools.accessor.Bac.{method}"' in reference, method


def test_texts_kept_elsewhere_are_in_the_site(site: Path) -> None:
    """They come whole, and their pictures and links to one another work."""
    for page, file in (
        ("howto/serving", "serving.md"),
        ("explanation/statistics", "statistics.md"),
        ("explanation/phantom", "phantom.md"),
        ("explanation/card-phantom", "weights/scunet-phantom-v1.md"),
    ):
        shown = (site / f"{page}.html").read_text(encoding="utf-8")
        titles = re.findall(r"^#+ (.+)$", _prose(ROOT / "data" / file), flags=re.MULTILINE)
        assert titles
        for title in titles:
            assert f"{title}<a class" in shown, f"{page} lacks {title}"
    assert 'href="card-phantom.html"' in (site / "explanation" / "phantom.html").read_text(encoding="utf-8")
    assert 'href="phantom.html"' in (site / "explanation" / "card-phantom.html").read_text(encoding="utf-8")


def test_formulas_and_search_work_from_disk(site: Path) -> None:
    """In a browser, without a server and with nothing asked of the network."""
    program = browser_path()
    asked: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            page = chromium.new_page(viewport={"width": 390, "height": 800})
            page.on("request", lambda request: asked.append(request.url))
            page.on("pageerror", lambda error: pytest.fail(str(error)))
            page.goto((site / "explanation" / "metrics.html").as_uri())
            heights = page.eval_on_selector_all(
                "math", "all => all.map(m => m.getBoundingClientRect().height)"
            )
            assert len(heights) >= 4
            assert min(heights) > 5
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            page.goto((site / "search.html").as_uri() + "?q=shrinkage")
            page.wait_for_selector("#search-results li a")
            assert "Glossary" in page.inner_text("#search-results")
        finally:
            chromium.close()
    assert asked
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []
