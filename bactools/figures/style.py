"""One look for every figure: colour-blind safe, readable in print, the same in notebook and dashboard."""

from __future__ import annotations

import textwrap
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
"""Okabe and Ito's colours, told apart by every kind of colour vision; yellow last, it prints badly."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash")
"""Line styles that go with them, so that a grey print can be read."""

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "triangle-down")
"""Markers that go with them."""

GREY = "#666666"
FAINT = "rgba(0, 114, 178, 0.15)"
"""Fill of a confidence band."""

KEYS = ("subject", "view", "date", "image_id")
"""What `customdata` carries of each point, in this order, so that a click leads to the image."""

_TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "Arial, Helvetica, sans-serif", "size": 14, "color": "#222222"},
        "colorway": list(COLOURS),
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "hoverlabel": {"bgcolor": "white"},
        "title": {"x": 0.01, "xanchor": "left", "font": {"size": 17}},
        "margin": {"l": 70, "r": 30, "t": 60, "b": 60},
        "xaxis": {
            "showline": True,
            "linecolor": "#444444",
            "ticks": "outside",
            "gridcolor": "#eeeeee",
            "zeroline": False,
            "automargin": True,
            "title": {"standoff": 12},
        },
        "yaxis": {
            "showline": True,
            "linecolor": "#444444",
            "ticks": "outside",
            "gridcolor": "#eeeeee",
            "zeroline": False,
            "automargin": True,
            "title": {"standoff": 12},
        },
        "legend": {"bgcolor": "rgba(255,255,255,0.8)"},
    }
)
pio.templates["bactools"] = _TEMPLATE

_NOTE_BELOW = 64
"""Where a note stands, beneath the axis and its title [CSS pixel]."""


def finish(figure: go.Figure, *, title: str = "", note: str = "", **layout: Any) -> go.Figure:
    """Give a figure the common look, its title, and what must be said of the weights behind it.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Changed in place.
    title : str
    note : str
        Shown beneath the plot, and so in every export of it.
    **layout
        Passed to ``update_layout``.

    Returns
    -------
    plotly.graph_objects.Figure
        The same figure.
    """
    figure.update_layout(template="bactools", title=title, **layout)
    return note_below(figure, note, below=_NOTE_BELOW)


def note_below(figure: go.Figure, note: str, *, below: int = 70) -> go.Figure:
    """Write a note beneath a figure of any height.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Changed in place.
    note : str
        Nothing is written if it is empty.
    below : int
        Distance from the axis [CSS pixel].

    Returns
    -------
    plotly.graph_objects.Figure
        The same figure.
    """
    if note:
        lines = [plain(line) for line in textwrap.wrap(note, 110)]
        figure.add_annotation(
            text="<br>".join(lines), xref="paper", yref="paper", x=0, y=0, yshift=-below, showarrow=False,
            xanchor="left", yanchor="top", align="left", font={"size": 11, "color": COLOURS[1]},
        )  # fmt: skip
        figure.update_layout(margin={"b": below + 20 + 16 * len(lines)})
    return figure


def customdata(keys: pd.DataFrame) -> list[list[str]] | None:
    """Return what each point says of itself, as text in the order of `KEYS`; None if nothing is known."""
    if not any(name in keys for name in KEYS):
        return None
    columns = []
    for name in KEYS:
        if name not in keys:
            columns.append([""] * len(keys))
        elif pd.api.types.is_datetime64_any_dtype(keys[name]):
            columns.append(list(keys[name].dt.strftime("%Y-%m-%d").fillna("")))
        else:
            columns.append([plain(str(value)) for value in keys[name]])
    return [list(row) for row in zip(*columns, strict=True)]


def hover(keys: pd.DataFrame, *lines: str) -> str:
    """Return a hover template: the given lines, then what is known of the point."""
    known = [f"{name} %{{customdata[{at}]}}" for at, name in enumerate(KEYS) if name in keys]
    return "<br>".join([*lines, *known]) + "<extra></extra>"


def plain(text: str) -> str:
    """Return text that plotly shows as it is, tags and all."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def axis_title(name: str, units: str = "") -> str:
    """Return ``tam_100 [mm2]``, or the name alone if there is no unit."""
    return plain(f"{name} [{units}]" if units and units != "1" else name)
