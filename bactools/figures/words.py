"""Words instead of a figure."""

from __future__ import annotations

import textwrap

import plotly.graph_objects as go

from bactools.figures import style
from bactools.stats.result import Result


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
    return style.note_below(style.finish(figure, title=style.plain(result.title)), result.note)
