"""Scatter of one measurement against another, with its line, band and numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from bactools.figures import style
from bactools.figures.aggregate import BELOW, counts, many
from bactools.stats.method_comparison.result import MethodComparison
from bactools.stats.regression.result import Regression
from bactools.stats.result import number

_SMOOTH = 101

Fitted = Regression | MethodComparison


def scatter(result: Fitted, *, identity: bool = False, prediction: bool = False) -> go.Figure:
    """Draw the points, the line, its confidence band and the numbers.

    Parameters
    ----------
    result : Regression or MethodComparison
        Of `bactools.stats.regression.regression`, `deming`, `passing_bablok` or `theil_sen`.
    identity : bool
        Whether to draw the line of equality too.
    prediction : bool
        Whether to draw the band of a new image, of a regression.

    Returns
    -------
    plotly.graph_objects.Figure
        Says in words why there is no line, if there is none. With covariates, the line is that at their
        means.
    """
    figure = go.Figure(points(result))
    if prediction and isinstance(result, Regression):
        figure.add_traces(prediction_band(result))
    figure.add_traces([*band(result), *line(result)])
    if identity:
        figure.add_trace(equality(result))
    figure.add_annotation(numbers(result))
    figure.update_xaxes(title=axis_titles(result)[0])
    figure.update_yaxes(title=axis_titles(result)[1])
    if not many(result.points):
        return style.finish(figure, title=style.plain(result.title), note=result.note)
    style.finish(figure, title=style.plain(result.title), margin={"b": BELOW})
    return style.note_below(figure, result.note, below=BELOW)


def axis_titles(result: Fitted) -> tuple[str, str]:
    """Return the titles of both axes."""
    units = result.units if isinstance(result.units, tuple) else (result.units, result.units)
    x, y = (style.axis_title(name, unit) for name, unit in zip(result.names, units, strict=True))
    return x, y


def points(result: Fitted, *, legend: bool = True) -> go.Scatter | go.Heatmap:
    """Return the points, or counts of very many; a click on one leads to its image."""
    table = result.points
    x, y = map(style.plain, result.names)
    if many(table):
        return counts(table, "x", "y", scale=legend, lines=(x, y))
    return go.Scatter(
        x=table["x"],
        y=table["y"],
        mode="markers",
        name="images",
        showlegend=legend,
        customdata=style.customdata(table),
        hovertemplate=style.hover(table, f"{x} %{{x:.4g}}", f"{y} %{{y:.4g}}"),
        marker={"color": style.COLOURS[0], "size": 6, "opacity": 0.7},
    )


def line(result: Fitted, *, legend: bool = True) -> list[go.Scatter]:
    """Return the line, if there is one."""
    if not result.estimable:
        return []
    table = result.predict(across(result.points["x"]))
    return [
        go.Scatter(
            x=table["x"],
            y=table["fit"],
            mode="lines",
            name="line",
            showlegend=legend,
            hoverinfo="skip",
            line={"color": style.COLOURS[1], "width": 2},
        )
    ]


def band(result: Fitted, *, legend: bool = True) -> list[go.Scatter]:
    """Return the confidence band of the line; nothing if it has none."""
    if not result.estimable:
        return []
    table = result.predict(across(result.points["x"]))
    if table["low"].isna().any():
        return []
    name = f"{100 * result.confidence:g} % confidence band"
    return [_filled(table["x"], table["low"], table["high"], name=name, fill=style.FAINT, legend=legend)]


def prediction_band(result: Regression) -> list[go.Scatter]:
    """Return the band in which a new image of a new woman is expected."""
    if not result.estimable:
        return []
    table = result.predict(across(result.points["x"]))
    edge = {"color": style.GREY, "width": 1, "dash": style.DASHES[2]}
    name = f"{100 * result.confidence:g} % prediction band"
    return [
        go.Scatter(
            x=table["x"], y=table[side], mode="lines", name=name, legendgroup="new", line=edge,
            showlegend=side == "new_low", hoverinfo="skip",
        )
        for side in ("new_low", "new_high")
    ]  # fmt: skip


def equality(result: Fitted, *, legend: bool = True) -> go.Scatter:
    """Return the line on which both are equal."""
    ends = _ends(result)
    return go.Scatter(
        x=ends,
        y=ends,
        mode="lines",
        name="equality",
        showlegend=legend,
        hoverinfo="skip",
        line={"color": style.GREY, "width": 1, "dash": style.DASHES[1]},
    )


def numbers(result: Fitted, *, axis: str = "", size: int = 13, width: int = 48) -> dict[str, object]:
    """Return an annotation with the numbers, or why there are none, in lines of so many letters."""
    return inside(number_lines(result, width=width), axis=axis, size=size)


def inside(lines: Sequence[str], *, axis: str = "", size: int = 13) -> dict[str, object]:
    """Return an annotation in the upper left corner of a panel.

    Parameters
    ----------
    lines : sequence of str
    axis : str
        Number of the panel's axes, such as "2"; empty of the first.
    size : int
        Of the letters [px].
    """
    return {
        "text": "<br>".join(map(style.plain, lines)),
        "xref": f"x{axis} domain", "yref": f"y{axis} domain", "x": 0.02, "y": 0.98,
        "xanchor": "left", "yanchor": "top", "align": "left", "showarrow": False,
        "font": {"size": size}, "bgcolor": "rgba(255,255,255,0.6)",
    }  # fmt: skip


def number_lines(result: Fitted, *, width: int = 48) -> list[str]:
    """Return the numbers a scatter shows, a line each."""
    if not result.estimable:
        return broken(f"not estimable: {result.reason}", width=width)
    women = f" of {result.n_subjects} women" if result.n_subjects < result.n else ""
    count = f"n = {result.n}{women}"
    if isinstance(result, MethodComparison):
        return [
            f"slope = {result.slope.words()}",
            f"intercept = {result.intercept.words(units=result.units)}",
            count,
        ]
    r2 = "marginal R²" if result.model == "mixed" else "R²"
    told = [f"{r2} = {result.r2.value:.3f}"]
    if result.degree == 1:
        told += [f"slope = {result.slope.words()}", f"std err = {number(result.std_err)}"]
    return [*told, count]


def _filled(x: object, low: object, high: object, *, name: str, fill: str, legend: bool) -> go.Scatter:
    around = np.concatenate([np.asarray(x), np.asarray(x)[::-1]])
    edge = np.concatenate([np.asarray(high), np.asarray(low)[::-1]])
    return go.Scatter(
        x=around, y=edge, fill="toself", mode="lines", line={"width": 0}, fillcolor=fill, name=name,
        showlegend=legend, hoverinfo="skip",
    )  # fmt: skip


def across(values: ArrayLike) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return places from the least to the largest of some values, for a smooth line."""
    known = np.asarray(values, dtype=np.float64)
    return np.linspace(known.min(), known.max(), _SMOOTH)


def broken(text: str, *, width: int = 48) -> list[str]:
    """Break a sentence into lines."""
    return textwrap.wrap(text, width)


def _ends(result: Fitted) -> list[float]:
    values = result.points[["x", "y"]].to_numpy(dtype=np.float64)
    return [float(values.min()), float(values.max())] if values.size else [0.0, 1.0]
