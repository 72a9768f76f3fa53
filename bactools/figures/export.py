"""Figures as files: PNG, SVG and PDF for papers, HTML that needs no network connection."""

from __future__ import annotations

import os
from pathlib import Path

import plotly.graph_objects as go

FORMATS = ("png", "svg", "pdf", "html")
"""What a figure can be written as."""


class ExportError(RuntimeError):
    """A figure that cannot be written; the message says what to do."""


def save(
    figure: go.Figure, path: str | Path, *, width: int = 900, height: int = 600, scale: float = 2.0
) -> Path:
    """Write a figure to a file; the suffix says as what.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
    path : str or Path
        Ending in .png, .svg, .pdf or .html; replaced only when the new file is complete.
    width, height : int
        Size of the picture [CSS pixel]; a figure's own size comes first. HTML fills its window.
    scale : float
        PNG pixels per CSS pixel: 2 gives 1800 x 1200.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ExportError
        If the suffix is none of these, or a picture is asked for and there is no Chrome or Chromium.

    Notes
    -----
    Kaleido draws pictures in a headless Chrome or Chromium of this machine, from local files only;
    the environment variable ``BROWSER_PATH`` names one that it does not find by itself.
    """
    path = Path(path)
    form = path.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise ExportError(f"cannot write a figure as {path.suffix!r}: name it {', '.join(FORMATS)}")
    content = render(figure, form, width=width, height=height, scale=scale)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def render(figure: go.Figure, form: str, *, width: int = 900, height: int = 600, scale: float = 2.0) -> bytes:
    """Return a figure as the content of a file.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
    form : {"png", "svg", "pdf", "html"}
    width, height, scale
        See `save`.

    Raises
    ------
    ExportError
        If the form is none of these, or a picture is asked for and there is no Chrome or Chromium.
    """
    if form not in FORMATS:
        raise ExportError(f"cannot write a figure as {form!r}: choose {', '.join(FORMATS)}")
    if form == "html":
        return bytes(figure.to_html(include_plotlyjs=True).encode())
    layout = figure.layout
    return _drawn(figure, form, layout.width or width, layout.height or height, scale)


def _drawn(figure: go.Figure, form: str, width: float, height: float, scale: float) -> bytes:
    import kaleido
    from choreographer.errors import ChromeNotFoundError

    size = {"format": form, "width": width, "height": height, "scale": scale}
    # without mathjax=False the page asks a CDN for it
    try:
        drawn: bytes = kaleido.calc_fig_sync(figure.to_dict(), opts=size, kopts={"mathjax": False})
    except ChromeNotFoundError:
        raise ExportError(
            "there is no Chrome or Chromium to draw the picture with: install one (kaleido_get_chrome"
            " downloads one), name it in BROWSER_PATH, or save the figure as .html"
        ) from None
    return drawn
