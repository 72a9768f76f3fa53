"""The paper's Figure 5: each metric's scatter above, its Bland–Altman plot below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from bactools.figures import regression, style
from bactools.figures.agreement import add_bland_altman, axis_titles
from bactools.stats.agreement.result import Agreement
from bactools.stats.regression.result import Regression
from bactools.stats.result import StatsError, number

METRICS = ("pm", "am", "sim", "tam_100", "tsim_100")
"""The paper's metrics, in its order."""

_WIDTH, _HEIGHT = 300, 320


def grid(
    results: Mapping[str, Regression],
    agreements: Mapping[str, Agreement],
    *,
    metrics: Sequence[str] = METRICS,
    identity: bool = True,
) -> go.Figure:
    """Draw Figure 5: first row scatter and R², second row Bland–Altman.

    Parameters
    ----------
    results : mapping of str to Regression
        By metric; ground truth as x, prediction as y, as in the paper.
    agreements : mapping of str to Agreement
        By metric; of the same two.
    metrics : sequence of str
        Columns, in order.
    identity : bool
        Whether the first row shows the line of equality.

    Returns
    -------
    plotly.graph_objects.Figure
        Numbers in scientific format, as the paper's. A panel that has no answer says why.

    Raises
    ------
    StatsError
        If a metric has no result.
    """
    for held, what in ((results, "regression"), (agreements, "agreement")):
        missing = [metric for metric in metrics if metric not in held]
        if missing or not metrics:
            raise StatsError(f"there is no {what} of {missing[0] if missing else 'any metric'}: add it")
    n = len(metrics)
    figure = make_subplots(
        rows=2, cols=n, subplot_titles=[style.plain(metric.upper()) for metric in metrics],
        horizontal_spacing=0.24 / n, vertical_spacing=0.16,
    )  # fmt: skip
    for column, metric in enumerate(metrics, 1):
        _scatter(figure, results[metric], column, identity=identity)
        _bland_altman(figure, agreements[metric], n + column, column)
    figure.update_xaxes(tickformat="~e", nticks=4, tickfont={"size": 10}, title_font={"size": 12})
    figure.update_yaxes(tickformat="~e", nticks=6, tickfont={"size": 10}, title_font={"size": 12})
    notes = dict.fromkeys(held.note for held in (*results.values(), *agreements.values()) if held.note)
    style.finish(
        figure, title="R² and Bland–Altman by metric", note="; ".join(notes), showlegend=False,
        width=max(600, _WIDTH * n), height=2 * _HEIGHT + 100,
    )  # fmt: skip
    return figure.update_layout(margin={"b": 130 if notes else 70})


def _scatter(figure: go.Figure, result: Regression, column: int, *, identity: bool) -> None:
    traces = [
        regression.points(result, legend=False),
        *regression.band(result, legend=False),
        *regression.line(result, legend=False),
    ]
    if identity:
        traces.append(regression.equality(result, legend=False))
    for trace in traces:
        figure.add_trace(trace, row=1, col=column)
    figure.add_annotation(regression.numbers(result, axis=_axis(column), size=11, width=30))
    x, y = regression.axis_titles(result)
    figure.update_xaxes(title=x, row=1, col=column)
    figure.update_yaxes(title=y, range=_with_room(result.points["y"]), row=1, col=column)


def _bland_altman(figure: go.Figure, found: Agreement, panel: int, column: int) -> None:
    add_bland_altman(figure, found, row=2, col=column, naive=False, legend=False)
    shown, told = [found.points["difference"]], regression.broken(f"not estimable: {found.reason}", width=30)
    if found.estimable:
        shown += [pd.Series(height) for height in found.limits_at(regression.across(found.points["mean"]))]
        told = [
            f"bias = {number(found.bias.value)}",
            f"limits = {number(found.lower.value)}, {number(found.upper.value)}",
        ]
    figure.add_annotation(regression.inside(told, axis=_axis(panel), size=11))
    x, y = axis_titles(found)
    figure.update_xaxes(title=x, row=2, col=column)
    limits = None if found.scale == "ratio" else _with_room(pd.concat(shown))
    figure.update_yaxes(title=y, range=limits, row=2, col=column)


def _with_room(values: pd.Series) -> list[float] | None:
    """Return a range of an axis that leaves room for the numbers above; None if there is nothing to show."""
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    spread = high - low or abs(high) or 1.0
    return [low - 0.08 * spread, high + 0.45 * spread]


def _axis(panel: int) -> str:
    return "" if panel == 1 else str(panel)
