"""How well each metric follows a reference measure, beside the published values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from bactools.figures import style
from bactools.figures.words import no_figure
from bactools.stats.reference_measures import ReferenceMeasures
from bactools.stats.result import number


def reference_forest(found: ReferenceMeasures) -> go.Figure:
    """Draw R² of every metric with its interval, one panel per measure, and the published R² beside.

    Parameters
    ----------
    found : ReferenceMeasures

    Returns
    -------
    plotly.graph_objects.Figure
        Metrics that cannot be estimated are named with the reason.
    """
    if not found.estimable:
        return no_figure(found)
    measures = found.joined.measures
    figure = make_subplots(
        rows=1, cols=len(measures), shared_yaxes=True, horizontal_spacing=0.05,
        subplot_titles=[style.plain(measure) for measure in measures],
    )  # fmt: skip
    table = found.to_frame()
    names = [style.plain(metric) for metric in found.joined.metrics]
    published = False
    for column, measure in enumerate(measures, start=1):
        rows = table[table["measure"] == measure].reset_index(drop=True)
        figure.add_trace(_estimates(rows, names, first=column == 1), row=1, col=column)
        if rows["published"].notna().any():
            figure.add_trace(_published(rows, names, first=not published), row=1, col=column)
            published = True
        for at, reason in enumerate(rows.get("reason", pd.Series("", index=rows.index))):
            if reason:
                figure.add_annotation(
                    text=style.plain(str(reason)), x=0.5, y=names[at], showarrow=False, row=1, col=column,
                    font={"size": 11, "color": style.GREY},
                )  # fmt: skip
    figure.update_xaxes(range=[0, 1.02], title_text="R²")
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1])
    women = max(fit.n_women for fit in found.fits)
    pairs = max(fit.n for fit in found.fits)
    size = f"{women} women" if women == pairs else f"{pairs} pairs of {women} women"
    title = f"R² against reference measures, per {found.joined.per}: {size}"
    style.finish(
        figure, title=title, height=250 + 45 * len(names), margin={"t": 130, "l": 100},
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "yref": "paper"},
    )  # fmt: skip
    figure.update_layout(legend={"y": 1 + 35 / (45 * len(names) + 50)}, title={"y": 0.95, "yanchor": "top"})
    return style.note_below(figure, found.note, below=75)


def _estimates(rows: pd.DataFrame, names: list[str], *, first: bool) -> go.Scatter:
    texts = [
        f"{number(float(r2))} ({number(float(low))} to {number(float(high))})"
        for r2, low, high in zip(rows["r2"], rows["ci_low"], rows["ci_high"], strict=True)
    ]
    return go.Scatter(
        x=rows["r2"],
        y=names,
        mode="markers",
        name="here, with its interval",
        legendgroup="here",
        showlegend=first,
        marker={"color": style.COLOURS[0], "symbol": style.SYMBOLS[0], "size": 10},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": rows["ci_high"] - rows["r2"],
            "arrayminus": rows["r2"] - rows["ci_low"],
            "color": style.COLOURS[0],
        },
        text=texts,
        hovertemplate="%{y}: %{text}<extra></extra>",
    )


def _published(rows: pd.DataFrame, names: list[str], *, first: bool) -> go.Scatter:
    return go.Scatter(
        x=rows["published"],
        y=names,
        mode="markers",
        name="published (10 women, Guo 2021)",
        legendgroup="published",
        showlegend=first,
        marker={
            "color": style.COLOURS[1],
            "symbol": "diamond-open",
            "size": 11,
            "line": {"width": 2},
        },
        hovertemplate="%{y}: %{x} published<extra></extra>",
    )


def reference_scatter(found: ReferenceMeasures) -> go.Figure:
    """Draw every reference measure against every metric, with the fitted lines.

    Parameters
    ----------
    found : ReferenceMeasures

    Returns
    -------
    plotly.graph_objects.Figure
        One row per measure, one column per metric; each point carries subject and date.
    """
    if not found.estimable:
        return no_figure(found)
    joined = found.joined
    titles = []
    for measure in joined.measures:
        for metric in joined.metrics:
            r2 = found.fit(metric, measure).r2
            titles.append(f"R² {r2.value:.3f}" if r2.estimable else "not estimable")
    figure = make_subplots(
        rows=len(joined.measures), cols=len(joined.metrics), shared_xaxes="columns", shared_yaxes="rows",
        horizontal_spacing=0.02, vertical_spacing=0.12, subplot_titles=titles,
    )  # fmt: skip
    for row, measure in enumerate(joined.measures, start=1):
        for column, metric in enumerate(joined.metrics, start=1):
            points = joined.table
            figure.add_trace(
                go.Scatter(
                    x=points[metric],
                    y=points[measure],
                    mode="markers",
                    marker={"color": style.COLOURS[0], "size": 7, "opacity": 0.7},
                    customdata=style.customdata(points),
                    hovertemplate=style.hover(points, "%{x:.4g}, %{y:.4g}"),
                    showlegend=False,
                ),
                row=row,
                col=column,
            )
            fit = found.fit(metric, measure)
            if fit.r2.estimable:
                ends = np.array([points[metric].min(), points[metric].max()], dtype=float)
                figure.add_trace(
                    go.Scatter(
                        x=ends,
                        y=fit.intercept.value + fit.slope.value * ends,
                        mode="lines",
                        line={"color": style.COLOURS[1], "width": 2},
                        hoverinfo="skip",
                        showlegend=False,
                    ),
                    row=row,
                    col=column,
                )
            if row == len(joined.measures):
                figure.update_xaxes(
                    title_text=style.axis_title(metric, joined.units[metric]), row=row, col=column
                )
            if column == 1:
                figure.update_yaxes(title_text=style.plain(measure), row=row, col=column)
    width = max(500, 120 + 220 * len(joined.metrics))
    style.finish(
        figure, title=style.plain(found.title), width=width, height=200 + 240 * len(joined.measures),
        margin={"t": 90},
    )  # fmt: skip
    return style.note_below(figure, found.note)
