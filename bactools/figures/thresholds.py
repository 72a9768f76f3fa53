"""Agreement with a reference over cuts and intensity thresholds: the surface, and a slice of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from bactools.figures import style
from bactools.figures.words import no_figure
from bactools.stats.inputs import choice
from bactools.stats.result import Estimate, number
from bactools.stats.thresholds.result import CRITERIA, UNITLESS, Cutoff, Thresholds

_SURFACES = {
    **CRITERIA,
    "slope": "slope",
    "intercept": "intercept",
    "lower": "lower limit of agreement",
    "upper": "upper limit of agreement",
    "width": "width of the limits of agreement",
    "share": "share of resamples that choose it",
}
"""What can be drawn, and what it is called."""

_LEGEND = {"orientation": "h", "y": -0.17, "yanchor": "top", "x": 0}
_BELOW = 130


def threshold_surface(
    result: Thresholds, *, show: str | None = None, at: tuple[float, float] | None = None
) -> go.Figure:
    """Draw one number at every probability cut and intensity threshold, best and published point marked.

    Parameters
    ----------
    result : Thresholds
    show : str, optional
        "r2", "ccc", "sd", "rmse", "bias", "slope", "intercept", "lower", "upper", "width" (of the limits
        of agreement) or "share"; the criterion by default.

    Returns
    -------
    plotly.graph_objects.Figure
        Says in words why there is no surface, if there is none.

    Raises
    ------
    StatsError
        If there is no such surface, or the point is not on it.
    """
    name = show or result.criterion
    choice(name, list(_SURFACES), name="show")
    if not result.estimable:
        return no_figure(result)
    surface = result.surface
    values = (surface["upper"] - surface["lower"] if name == "width" else surface[name]).values
    unit = "" if name in (*UNITLESS, "share") else result.units
    label = style.axis_title(_SURFACES[name], unit)
    signed = name in ("bias", "intercept", "lower", "upper")
    reach = float(np.nanmax(np.abs(values))) if signed and np.isfinite(values).any() else None
    colours: dict[str, Any] = {"colorscale": "Cividis"}
    if reach:
        colours = {"colorscale": "PuOr", "zmin": -reach, "zmax": reach}
    cuts = surface["cut"].values
    figure = go.Figure(
        go.Heatmap(
            x=surface["x"].values,
            y=[f"{cut:.2f}" for cut in cuts] if cuts.size < 2 else cuts,
            z=values,
            colorbar={"title": {"text": label, "side": "right"}},
            hovertemplate=f"X %{{x}}<br>cut %{{y}}<br>{label} %{{z:.4g}}<extra></extra>",
            **colours,
        )
    )
    for point, words, symbol in (
        (result.published, "published", "circle-open"),
        (result.best, "best", "x-thin-open"),
    ):
        if point is not None:
            figure.add_traces(_mark(point, words, symbol, one_cut=cuts.size < 2))
    if at is not None:
        figure.add_traces(_mark(_point(result, *at), "chosen", "diamond-open", one_cut=cuts.size < 2))
    figure.update_xaxes(title="intensity threshold X [grey level]")
    figure.update_yaxes(title="probability cut")
    style.finish(figure, title=style.plain(result.title), legend=_LEGEND, margin={"b": _BELOW})
    return style.note_below(figure, result.note, below=_BELOW)


def threshold_slice(result: Thresholds, *, cut: float | None = None, x: float | None = None) -> go.Figure:
    """Draw the criterion along the intensity threshold at one cut, with its band by resampling women.

    Parameters
    ----------
    result : Thresholds
    cut : float, optional
        One on the grid; the best one by default.
    x : float, optional
        A threshold to mark.

    Returns
    -------
    plotly.graph_objects.Figure
        Thresholds that cannot be told from the best are drawn as a thick line; below, how often each was
        best among the resamples. Says in words why there is nothing, if there is nothing.

    Raises
    ------
    StatsError
        If the cut or the threshold is not on the grid.
    """
    if not result.estimable:
        return no_figure(result)
    at = result.best.cut.value if cut is None else cut
    table = result.along_x(cut=at)
    name = CRITERIA[result.criterion]
    unit = "" if result.criterion in UNITLESS else result.units
    figure = go.Figure()
    if table["score_low"].notna().any():
        # fill needs both edges without gaps
        known = table.dropna(subset=["score_low", "score_high"])
        figure.add_trace(
            go.Scatter(
                x=[*known["x"], *known["x"][::-1]],
                y=[*known["score_high"], *known["score_low"][::-1]],
                fill="toself",
                fillcolor=style.FAINT,
                line={"width": 0},
                hoverinfo="skip",
                name=f"{100 * result.confidence:g} % interval, women resampled",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=table["x"],
            y=table[result.criterion],
            line={"color": style.COLOURS[0], "width": 2},
            name=style.plain(name),
            hovertemplate=f"X %{{x}}<br>{style.plain(name)} %{{y:.4g}}<extra></extra>",
        )
    )
    same_cut = abs(at - result.best.cut.value) < 1e-6
    if result.as_good and same_cut:
        good = table[result.criterion].where(table["x"].isin(result.as_good))
        figure.add_trace(
            go.Scatter(
                x=table["x"],
                y=good,
                mode="lines",
                line={"color": style.COLOURS[2], "width": 6},
                opacity=0.6,
                name="cannot be told from the best",
                hoverinfo="skip",
            )
        )
    for point, words, symbol in (
        (result.published, "published", "circle-open"),
        (result.best, "best", "x-thin-open"),
    ):
        if point is not None and abs(point.cut.value - at) < 1e-6:
            figure.add_traces(_mark(point, words, symbol, value=point.score.value))
    if x is not None:
        chosen = _point(result, at, x)
        figure.add_traces(_mark(chosen, "chosen", "diamond-open", value=chosen.score.value))
    layout: dict[str, Any] = {"legend": _LEGEND, "margin": {"b": _BELOW}}
    if table["share"].notna().any() and same_cut:
        layout |= _add_shares(figure, table)
    figure.update_xaxes(title="intensity threshold X [grey level]")
    layout["yaxis_title"] = style.axis_title(name, unit)
    title = f"{result.title}, cut {number(at)}"
    style.finish(figure, title=style.plain(title), **layout)
    return style.note_below(figure, result.note, below=_BELOW)


def _add_shares(figure: go.Figure, table: Any) -> dict[str, Any]:
    """Add the share of resamples that choose each threshold, in a strip below."""
    figure.add_trace(
        go.Bar(
            x=table["x"],
            y=table["share"],
            yaxis="y2",
            marker={"color": style.GREY},
            name="share of resamples that choose it",
            hovertemplate="X %{x}<br>best in %{y:.1%} of resamples<extra></extra>",
        )
    )
    return {
        "yaxis_domain": [0.28, 1],
        "yaxis2": {"domain": [0, 0.2], "title": "share", "rangemode": "tozero", "anchor": "x"},
        "xaxis_anchor": "y2",
    }


def _point(result: Thresholds, cut: float, x: float) -> Cutoff:
    """Return a point of the surface."""
    score = result.at(cut, x)[result.criterion]
    return Cutoff(Estimate(cut), Estimate(x), Estimate(score))


def _mark(
    point: Cutoff, words: str, symbol: str, *, value: float | None = None, one_cut: bool = False
) -> list[go.Scatter]:
    """Return a marker with a white rim, so that it is seen on every colour."""
    cut: float | str = f"{point.cut.value:.2f}" if one_cut else point.cut.value
    return [
        go.Scatter(
            x=[point.x.value],
            y=[cut if value is None else value],
            mode="markers",
            marker={"symbol": symbol, "size": 14, "color": colour, "line": {"width": width, "color": colour}},
            name=f"{words}: {point.words}",
            hovertemplate=f"{words}: {point.words}<br>{number(point.score.value)}<extra></extra>",
            showlegend=colour != "white",
        )
        for colour, width in (("white", 7), (style.COLOURS[1], 3))
    ]
