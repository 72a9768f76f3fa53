"""Figures become files that stand alone."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from bactools.figures.export import ExportError, save
from bactools.figures.style import COLOURS, finish

from ..browser import browser


@pytest.fixture
def figure() -> go.Figure:
    return finish(
        go.Figure(go.Scatter(x=[0, 1, 2], y=[0, 1, 4], mode="lines")), title="A line", note="made up <b>"
    )


@pytest.fixture
def _browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", browser())


@pytest.mark.usefixtures("_browser")
def test_a_png_has_the_size_asked_for_and_shows_the_line(figure: go.Figure, tmp_path: Path) -> None:
    content = save(figure, tmp_path / "a.png", width=400, height=300).read_bytes()
    picture = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), dtype=int)
    assert picture.shape == (600, 800, 3)
    colour = np.array([int(COLOURS[0][at : at + 2], 16) for at in (1, 3, 5)])
    assert (np.abs(picture - colour).sum(axis=2) < 30).sum() > 200
    assert [path.name for path in tmp_path.glob("a.*")] == ["a.png"]


@pytest.mark.usefixtures("_browser")
def test_svg_and_pdf_are_what_they_say(figure: go.Figure, tmp_path: Path) -> None:
    svg = save(figure, tmp_path / "a.svg").read_text()
    assert svg.startswith("<svg")
    assert "A line" in svg
    assert "made up &#60;b&#62;" in svg
    assert save(figure, tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_html_loads_nothing_from_elsewhere(figure: go.Figure, tmp_path: Path) -> None:
    page = save(figure, tmp_path / "a.html").read_text()
    assert len(page) > 1_000_000
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", page)


def test_another_suffix_is_refused(figure: go.Figure, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"'\.bmp'.*png, svg, pdf, html"):
        save(figure, tmp_path / "a.bmp")
    assert not list(tmp_path.glob("a.*"))


def test_without_a_browser_it_says_what_to_do(
    figure: go.Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BROWSER_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("choreographer.browsers.chromium.Chromium.find_browser", lambda **_: None)
    with pytest.raises(ExportError, match=r"BROWSER_PATH, or save the figure as \.html"):
        save(figure, tmp_path / "a.png")
    assert not list(tmp_path.glob("a.*"))
