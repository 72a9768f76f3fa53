"""Scores of networks, readers or groups, and the differences between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from bactools.figures import style
from bactools.figures.words import no_figure
from bactools.stats.comparison.result import Comparison, Difference
from bactools.stats.result import number, p_words

_MOST_POINTS = 20_000
_ROW = 34


def scores_and_differences(result: Comparison) -> go.Figure:
    """Draw every score with mean and SD by method, and the differences pair by pair.

    Parameters
    ----------
    result : Comparison
        Of `bactools.stats.comparison.methods` or `bactools.stats.comparison.groups.compare_groups`.

    Returns
    -------
    plotly.graph_objects.Figure
        Left the scores, a point per image; right the mean differences with their intervals, filled where
        the adjusted p-value is small, and in grey the intervals that take images as independent. Says in
        words why there are no differences, if there are none.
    """
    if not result.estimable:
        return no_figure(result)
    figure = make_subplots(
        rows=1,
        cols=2,
        column_widths=[0.45, 0.55],
        horizontal_spacing=0.2,
        subplot_titles=("each image; mean ± SD", f"mean difference, {100 * result.confidence:g} % interval"),
    )
    methods = list(result.methods)
    _add_points(figure, result, methods)
    _add_means(figure, result, methods)
    _add_differences(figure, result)
    unit = style.axis_title(result.name, result.units)
    ticks = {"tickmode": "array", "tickvals": list(range(len(methods)))}
    figure.update_yaxes(
        **ticks,
        ticktext=[style.plain(name) for name in methods],
        range=[len(methods) - 0.5, -0.5],
        row=1,
        col=1,
    )
    figure.update_xaxes(title=unit, row=1, col=1)
    figure.update_xaxes(title=unit, zeroline=True, zerolinecolor="#444444", row=1, col=2)
    shown = max(len(methods), len(result.differences))
    style.finish(
        figure,
        title=style.plain(result.title),
        height=240 + _ROW * shown,
        legend={"orientation": "h", "y": -90 / (90 + _ROW * shown), "yanchor": "top", "x": 0},
        margin={"l": 120, "t": 90},
    )
    return style.note_below(figure, result.note, below=110)


def _add_points(figure: go.Figure, result: Comparison, methods: list[str]) -> None:
    table = result.points
    for at, method in enumerate(methods):
        if "value" in table and "group" in table and method not in table:
            held = table[table["group"].astype(str) == method]
            values = held["value"]
        else:
            held, values = table, table[method]
        known = values.notna().to_numpy()
        held, values = held.loc[known], values.loc[known]
        if len(values) > _MOST_POINTS:
            continue
        figure.add_trace(
            go.Scatter(
                x=values,
                y=at + _jitter(len(values)),
                mode="markers",
                marker={"size": 4, "color": style.COLOURS[0], "opacity": 0.35},
                customdata=style.customdata(held),
                hovertemplate=style.hover(held, style.plain(method), "%{x:.4g}"),
                showlegend=False,
            ),
            row=1,
            col=1,
        )


def _add_means(figure: go.Figure, result: Comparison, methods: list[str]) -> None:
    scores = result.scores.set_index("method").loc[methods]
    figure.add_trace(
        go.Scatter(
            x=scores["mean"],
            y=list(range(len(methods))),
            error_x={"array": scores["sd"], "color": style.COLOURS[6], "thickness": 2, "width": 6},
            mode="markers",
            marker={"symbol": "diamond", "size": 11, "color": style.COLOURS[6]},
            customdata=scores[["sd", "n"]].to_numpy(),
            hovertemplate="mean %{x:.4g} ± %{customdata[0]:.4g}, n %{customdata[1]}<extra></extra>",
            name="mean ± SD",
        ),
        row=1,
        col=1,
    )


def _add_differences(figure: go.Figure, result: Comparison) -> None:
    rows = list(enumerate(result.differences))
    if result.naive is not None:
        naive = [(at, d) for at, d in enumerate(result.naive.differences) if d.difference.estimable]
        figure.add_trace(
            _forest([(at + 0.22, d) for at, d in naive], "images as independent", style.GREY, "line-ns-open"),
            row=1,
            col=2,
        )
    level = 1 - result.confidence
    for small in (True, False):
        part = [(at, d) for at, d in rows if d.difference.estimable and (d.p_adjusted < level) == small]
        if part:
            what = "adjusted p" if result.adjust != "none" else "p"
            name = f"{what} {'<' if small else '≥'} {number(level)}"
            symbol = "square" if small else "square-open"
            figure.add_trace(
                _forest(part, style.plain(name), style.COLOURS[1 if small else 0], symbol), row=1, col=2
            )
    lost = [(at, d) for at, d in rows if not d.difference.estimable]
    if lost:
        figure.add_trace(
            go.Scatter(
                x=[0] * len(lost),
                y=[at for at, _ in lost],
                mode="text",
                text=["not estimable"] * len(lost),
                textfont={"color": style.GREY, "size": 11},
                hovertext=[style.plain(d.difference.reason) for _, d in lost],
                hoverinfo="text",
                showlegend=False,
            ),
            row=1,
            col=2,
        )
    figure.update_yaxes(
        tickmode="array",
        tickvals=[at for at, _ in rows],
        ticktext=[style.plain(f"{d.a} − {d.b}") for _, d in rows],
        range=[len(rows) - 0.5, -0.5],
        row=1,
        col=2,
    )


def _forest(rows: Sequence[tuple[float, Difference]], name: str, colour: str, symbol: str) -> go.Scatter:
    table = pd.DataFrame(
        [(at, d.difference.value, d.difference.low, d.difference.high) for at, d in rows],
        columns=["at", "value", "low", "high"],
    )
    told = [
        f"{d.a} − {d.b}<br>{d.difference.words()}<br>"
        f"{style.plain(p_words(d.p_adjusted))}, n {d.n}, women {d.n_subjects}"
        for d in (
            Difference(
                style.plain(d.a), style.plain(d.b), d.difference, d.effect, d.p_adjusted, d.n, d.n_subjects
            )
            for _, d in rows
        )
    ]
    return go.Scatter(
        x=table["value"],
        y=table["at"],
        error_x={
            "array": table["high"] - table["value"],
            "arrayminus": table["value"] - table["low"],
            "color": colour,
            "thickness": 1.5,
            "width": 4,
        },
        mode="markers",
        marker={"symbol": symbol, "size": 9, "color": colour, "line": {"width": 1.5, "color": colour}},
        hovertext=told,
        hoverinfo="text",
        name=name,
    )


def _jitter(n: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return offsets that spread points across a row, always the same."""
    golden = (np.sqrt(5) - 1) / 2
    return np.asarray((np.arange(n) * golden % 1 - 0.5) * 0.5)
