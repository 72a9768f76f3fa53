"""Grades drawn: how common each is, and how sure."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from bactools.figures import style
from bactools.stats.grades import Grades
from bactools.stats.result import number

_SCALE = ("#dddddd", "#9ecae1", "#4292c6", "#08306b")
"""From the lowest grade to the highest: lighter to darker, so that order survives grey print."""


def grade_shares(found: Grades) -> go.Figure:
    """Draw the share of each grade with its interval, beside what is expected given the error.

    Parameters
    ----------
    found : Grades

    Returns
    -------
    plotly.graph_objects.Figure
        A figure that says why, if the grades are not estimable.
    """
    if not found.estimable:
        return _words(found, found.reason)
    shares = found.shares
    percent = 100 * shares[["share", "ci_low", "ci_high", "expected_share"]]
    figure = go.Figure()
    figure.add_trace(
        go.Bar(
            x=_labels(found),
            y=percent["share"],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": percent["ci_high"] - percent["share"],
                "arrayminus": percent["share"] - percent["ci_low"],
                "color": "#222222",
            },
            marker={"color": _colours(len(shares)), "line": {"color": "#222222", "width": 1}},
            customdata=shares[["n", "n_subjects"]].to_numpy(),
            hovertemplate="%{x}: %{y:.1f} %<br>%{customdata[0]} of %{customdata[1]} women<extra></extra>",
            name=f"graded ({100 * found.confidence:g} % interval)",
        )
    )
    if found.confusion is not None:
        figure.add_trace(
            go.Scatter(
                x=_labels(found),
                y=percent["expected_share"],
                mode="markers",
                marker={"symbol": "diamond", "size": 12, "color": style.COLOURS[1]},
                hovertemplate="%{x}: %{y:.1f} % expected<extra></extra>",
                name="expected, given the measurement error",
            )
        )
    figure.update_yaxes(title_text=f"share of {found.n} values [%]", rangemode="tozero")
    return style.finish(
        figure,
        title=style.plain(found.title),
        note=found.note,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        title_y=0.97,
        title_yanchor="top",
        margin_t=90,
    )


def grade_probabilities(found: Grades, *, subject: str | None = None) -> go.Figure:
    """Draw how likely each grade is for each value, given the measurement error.

    Parameters
    ----------
    found : Grades
        With an error.
    subject : str, optional
        One woman, her values by date as stacked bars; without it all values, by size.

    Returns
    -------
    plotly.graph_objects.Figure
        A click on a point leads to its image. A figure that says why, if there are no probabilities
        or the woman has no value.
    """
    if not found.estimable or found.confusion is None:
        return _words(found, found.reason or found.misclassified.reason)
    table = found.table
    if subject is not None:
        known = table["subject"] == subject if "subject" in table else pd.Series(False, index=table.index)
        table = table.loc[known]
        if table.empty:
            return _words(found, f"{subject} has no value")
        return _of_one(found, table.sort_values("date") if "date" in table else table, subject)
    return _of_all(found, table.sort_values("value"))


def _of_one(found: Grades, table: pd.DataFrame, subject: str) -> go.Figure:
    figure, points = go.Figure(), style.customdata(table)
    when = (
        table["date"].dt.strftime("%Y-%m-%d") if "date" in table else [str(n + 1) for n in range(len(table))]
    )
    parts = [name for name in ("breast", "view") if name in table]
    at = [list(when), list(table[parts[0]])] if parts else list(when)
    for colour, label in zip(_colours(len(found.labels)), found.labels, strict=True):
        figure.add_trace(
            go.Bar(
                x=at,
                y=100 * table[f"p_{label}"],
                name=style.plain(label),
                marker={"color": colour, "line": {"color": "#222222", "width": 1}},
                customdata=points,
                hovertemplate=style.hover(table, f"{style.plain(label)} %{{y:.1f}} %"),
            )
        )
    for x, value in zip(when if not parts else zip(*at, strict=True), table["value"], strict=True):
        figure.add_annotation(x=x, y=101, text=number(float(value)), showarrow=False, yanchor="bottom")
    unit = f" {found.units}" if found.units not in ("", "1") else ""
    figure.update_xaxes(type="category" if not parts else "multicategory", title_text="exam")
    figure.update_yaxes(title_text="probability of the grade [%]", range=[0, 108])
    title = f"{found.title}: {subject}, measured{unit} above the bars"
    return style.finish(
        figure, title=style.plain(title), note=found.note, barmode="stack", legend={"traceorder": "reversed"}
    )


def _of_all(found: Grades, table: pd.DataFrame) -> go.Figure:
    figure, points = go.Figure(), style.customdata(table)
    for at, label in enumerate(found.labels):
        figure.add_trace(
            go.Scatter(
                x=table["value"],
                y=100 * table[f"p_{label}"],
                mode="markers",
                name=style.plain(label),
                marker={
                    "color": style.COLOURS[at % len(style.COLOURS)],
                    "symbol": style.SYMBOLS[at % len(style.SYMBOLS)],
                    "size": 8,
                    "opacity": 0.8,
                },
                customdata=points,
                hovertemplate=style.hover(
                    table, f"{style.plain(label)} %{{y:.1f}} %", f"{style.plain(found.name)} %{{x:.4g}}"
                ),
            )
        )
    for cut in found.cuts:
        figure.add_vline(x=cut, line={"color": style.GREY, "dash": "dot", "width": 1})
    end, title = 2 * found.cuts[-1], found.title
    beyond = int((table["value"] > end).sum())
    if beyond:
        # what is far above the last cut-off has the highest grade, and would squeeze the rest
        figure.update_xaxes(range=[-0.03 * end, end])
        title += f" ({beyond} larger values lie to the right)"
    figure.update_xaxes(title_text=style.axis_title(found.name, found.units))
    figure.update_yaxes(title_text="probability of the grade [%]", range=[-3, 103])
    return style.finish(figure, title=style.plain(title), note=found.note)


def _labels(found: Grades) -> list[str]:
    return [style.plain(label) for label in found.labels]


def _colours(n: int) -> list[str]:
    """Return n colours from light to dark."""
    if n == len(_SCALE):
        return list(_SCALE)
    from plotly.colors import sample_colorscale

    return list(sample_colorscale("Blues", [0.1 + 0.9 * at / max(n - 1, 1) for at in range(n)]))


def _words(found: Grades, reason: str) -> go.Figure:
    """Return a figure that says why there is nothing to draw."""
    figure = go.Figure()
    figure.add_annotation(
        text=f"not estimable: {style.plain(reason)}",
        xref="paper",
        yref="paper",
        x=0.5,
        y=0.5,
        showarrow=False,
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return style.finish(figure, title=style.plain(found.title), note=found.note)
