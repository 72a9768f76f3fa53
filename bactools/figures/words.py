"""Words in a figure: a note at a fixed distance beneath it, or why there is no figure."""

from __future__ import annotations

import textwrap

import plotly.graph_objects as go

from bactools.figures import style
from bactools.stats.result import Result


def note_below(figure: go.Figure, note: str, *, below: int = 70) -> go.Figure:
    """Write a note beneath a figure of any height.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Changed in place.
    note : str
        Nothing is written if it is empty.
    below : int
        Distance from the axis [pixel].

    Returns
    -------
    plotly.graph_objects.Figure
        The same figure.
    """
    if note:
        lines = [style.plain(line) for line in textwrap.wrap(note, 110)]
        figure.add_annotation(
            text="<br>".join(lines), xref="paper", yref="paper", x=0, y=0, yshift=-below, showarrow=False,
            xanchor="left", yanchor="top", align="left", font={"size": 11, "color": style.COLOURS[1]},
        )  # fmt: skip
        figure.update_layout(margin={"b": below + 20 + 16 * len(lines)})
    return figure


def no_figure(result: Result) -> go.Figure:
    """Return a figure that says in words why a result is not estimable.

    Parameters
    ----------
    result : Result
    """
    figure = go.Figure()
    lines = textwrap.wrap(f"Not estimable: {result.reason}", 70)
    figure.add_annotation(
        text="<br>".join(style.plain(line) for line in lines), x=0.5, y=0.5, xref="paper", yref="paper",
        showarrow=False,
    )  # fmt: skip
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return note_below(style.finish(figure, title=style.plain(result.title)), result.note)
