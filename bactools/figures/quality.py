"""What drifts over the years: images by vendor, and what was measured of them."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from bactools.figures import style
from bactools.figures.style import note_below


def drift(table: pd.DataFrame, *, column: str, name: str, units: str = "", note: str = "") -> go.Figure:
    """Draw a number by year and vendor, and below it how many images there are.

    Parameters
    ----------
    table : DataFrame
        One row per year and vendor: ``year``, ``vendor``, ``images`` and `column`.
    column : str
        What to draw.
    name, units : str
        What it is called.
    note : str
        Shown beneath: what must be said of the weights.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.65, 0.35])
    for at, (vendor, rows) in enumerate(table.groupby("vendor", sort=True)):
        colour = style.COLOURS[at % len(style.COLOURS)]
        called = style.plain(str(vendor))
        figure.add_trace(
            go.Scatter(
                x=rows["year"], y=rows[column], mode="lines+markers", name=called, legendgroup=str(at),
                marker={"color": colour, "symbol": style.SYMBOLS[at % len(style.SYMBOLS)], "size": 8},
                hovertemplate=f"{called}, %{{x}}: %{{y:.4g}}<extra></extra>",
            ), row=1, col=1,
        )  # fmt: skip
        figure.add_trace(
            go.Bar(
                x=rows["year"], y=rows["images"], name=called, marker_color=colour, legendgroup=str(at),
                showlegend=False, hovertemplate=f"{called}, %{{x}}: %{{y}} images<extra></extra>",
            ), row=2, col=1,
        )  # fmt: skip
    figure.update_yaxes(title_text=style.axis_title(name, units), row=1, col=1)
    figure.update_yaxes(title_text="images", row=2, col=1)
    figure.update_xaxes(title_text="year of the exam", tickformat="d", row=2, col=1)
    style.finish(figure, title=style.plain(f"{name} by year and vendor"), height=560, barmode="stack")
    return note_below(figure, note)
