"""How large networks are, against how well they do."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from bactools.figures import style
from bactools.stats.inputs import choice, vector
from bactools.stats.result import StatsError, number

_LARGEST = 80
_SMALLEST = 8
_BARS = "#aaaaaa"
Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
"""One number per network."""

_AXES = {"parameters": "trainable parameters", "gflops": "operations [GFLOP]"}


def parameter_bubbles(
    table: pd.DataFrame,
    *,
    x: Literal["parameters", "gflops"] = "parameters",
    score: str = "score",
    units: str = "",
    highlight: str | None = None,
    note: str = "",
) -> go.Figure:
    """Draw networks as circles whose area is proportional to their parameters.

    Parameters
    ----------
    table : DataFrame
        One row per network: ``network`` (its name), ``parameters`` (how many), ``score`` (such as a mean
        Dice score), optionally ``gflops`` (per image), and ``score_low`` and ``score_high`` (an interval).
    x : {"parameters", "gflops"}
        What goes along the horizontal axis, which is logarithmic.
    score, units : str
        What the score is called, and its unit.
    highlight : str, optional
        The network to bring out.
    note : str
        Shown beneath: what must be said of the weights.

    Returns
    -------
    plotly.graph_objects.Figure
        Networks without a score or size are named beneath.

    Raises
    ------
    StatsError
        If a column is missing, a size is not positive, a network is named twice, or `highlight` is none
        of them.

    References
    ----------
    Guo X, et al. Med Phys 2021;48:5851-5861, Figure 2.
    """
    choice(x, list(_AXES), name="x")
    needed = ["network", "parameters", "score", *(["gflops"] if x == "gflops" else [])]
    missing = [column for column in needed if column not in table]
    if missing:
        raise StatsError(f"column {missing[0]} is missing: give {', '.join(needed)}")
    names = [str(name) for name in table["network"]]
    if len(set(names)) < len(names):
        raise StatsError("a network is named twice: give one row each")
    if highlight is not None:
        choice(highlight, names, name="highlight")
    numbers = {column: vector(table[column], name=column) for column in needed[1:]}
    for column in {"parameters", x}:
        if (numbers[column] <= 0).any():
            raise StatsError(f"{column} of {names[int(np.argmax(numbers[column] <= 0))]} is not positive")
    known = np.asarray(~np.isnan(np.column_stack(list(numbers.values()))).any(axis=1))
    order = np.flatnonzero(known)[np.argsort(-numbers["parameters"][known], kind="stable")]
    figure = go.Figure()
    if not order.size:
        figure.add_annotation(
            text="no network has a size and a score",
            x=0.5,
            y=0.5,
            xref="paper",
            yref="paper",
            showarrow=False,
        )
    else:
        # large ones first, so that small ones lie on top and can be pointed at
        figure.add_trace(_circles(table, names, numbers, order, x=x, score=score, highlight=highlight))
    figure.update_xaxes(title=_AXES[x], type="log", dtick=1 if _decades(numbers[x]) > 1 else None)
    figure.update_yaxes(title=style.axis_title(score, units))
    bars = " Bars are intervals of the score." if {"score_low", "score_high"} <= set(table) else ""
    told = [
        f"Circle area is proportional to the number of parameters{_unless(numbers)}.{bars} {note}".strip()
    ]
    lost = [name for name, held in zip(names, known, strict=True) if not held]
    if lost:
        told.insert(0, f"Without a size or score: {', '.join(lost)}.")
    style.finish(figure, title=f"Size of networks against {style.plain(score)}", showlegend=False)
    return style.note_below(figure, " ".join(told))


def _circles(
    table: pd.DataFrame,
    names: list[str],
    numbers: dict[str, Numbers],
    order: np.ndarray[tuple[int], np.dtype[np.intp]],
    *,
    x: str,
    score: str,
    highlight: str | None,
) -> go.Scatter:
    size = numbers["parameters"][order]
    own = [names[at] == highlight for at in order]
    told = [_told(table, names[at], int(at), numbers, score) for at in order]
    value = numbers["score"][order]
    bars = {}
    if {"score_low", "score_high"} <= set(table):
        low, high = (vector(table[end], name=end)[order] for end in ("score_low", "score_high"))
        bars = {
            # thin, since names stand across them
            "error_y": {
                "array": high - value,
                "arrayminus": value - low,
                "color": _BARS,
                "width": 3,
                "thickness": 1,
            }
        }
    return go.Scatter(
        x=numbers[x][order],
        y=value,
        mode="markers+text",
        text=[
            f"<b>{style.plain(names[at])}</b>" if mine else style.plain(names[at])
            for at, mine in zip(order, own, strict=True)
        ],
        textposition=_places(numbers[x][order], value),
        textfont={"size": 12},
        marker={
            "size": size,
            "sizemode": "area",
            "sizeref": 2 * size.max() / _LARGEST**2,
            "sizemin": _SMALLEST / 2,
            "color": [style.COLOURS[1 if mine else 0] for mine in own],
            "opacity": 0.6,
            "line": {"width": 1, "color": "#222222"},
        },
        hovertext=told,
        hoverinfo="text",
        cliponaxis=False,
        **bars,
    )


def _places(x: Numbers, score: Numbers) -> list[str]:
    """Return where labels go: away from the nearest circle along the axis."""
    places = []
    for at in range(x.size):
        apart = np.abs(np.log(x) - np.log(x[at]))
        apart[at] = np.inf
        low = x.size > 1 and score[at] < score[int(apart.argmin())]
        places.append("bottom center" if low else "top center")
    return places


def _told(
    table: pd.DataFrame,
    name: str,
    at: int,
    numbers: dict[str, Numbers],
    score: str,
) -> str:
    lines = [f"<b>{style.plain(name)}</b>", f"{numbers['parameters'][at]:,.0f} parameters"]
    if "gflops" in table:
        gflops = float(vector(table["gflops"], name="gflops")[at])
        lines += [] if np.isnan(gflops) else [f"{number(gflops)} GFLOP"]
    return "<br>".join([*lines, f"{style.plain(score)} {number(float(numbers['score'][at]))}"])


def _unless(numbers: dict[str, Numbers]) -> str:
    """Say so if a circle would be too small to see."""
    size = numbers["parameters"][~np.isnan(numbers["parameters"])]
    hidden = size.size and size.min() * _LARGEST**2 < size.max() * _SMALLEST**2
    return f", but no circle is smaller than {_SMALLEST} pixels across" if hidden else ""


def _decades(values: Numbers) -> float:
    known = values[~np.isnan(values)]
    return float(np.log10(known.max() / known.min())) if known.size else 0.0
