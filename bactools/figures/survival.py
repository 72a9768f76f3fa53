"""Survival and cumulative incidence by group, and the ratio along the exposure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from bactools.figures import style
from bactools.figures.forest import ratio_ticks
from bactools.figures.words import no_figure
from bactools.stats.association.result import Association
from bactools.stats.result import StatsError, number, p_words
from bactools.stats.survival.result import CumulativeIncidence, KaplanMeier

_ROW = 22
_MOST_STEPS = 1_500
_BINS = 60
_Curve = TypeVar("_Curve")
_MOST_GROUPS = len(style.COLOURS)


def kaplan_meier(
    result: KaplanMeier, *, band: bool = True, censored: bool = False, times: Sequence[float] | None = None
) -> go.Figure:
    """Draw survival by group with its band, and how many are at risk beneath.

    Parameters
    ----------
    result : KaplanMeier
        Of at most eight groups.
    band : bool
        Whether to draw the pointwise intervals.
    censored : bool
        Whether to mark where women are censored.
    times : sequence of float, optional
        Where the numbers at risk are counted; by default at round times.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    StatsError
        If there are more groups than colours.
    """
    if not result.estimable:
        return no_figure(result)
    at = _places(result.curves, times)
    figure = _panels(len(result.groups))
    for place, group in enumerate(_few(result.groups)):
        curve = result.curve(group)
        _steps(figure, curve, "survival", place, group, band=band)
        gone = curve[curve["n_censored"] > 0]
        if censored and len(gone):
            figure.add_trace(
                go.Scatter(
                    x=gone["time"], y=gone["survival"], mode="markers", legendgroup=group, showlegend=False,
                    marker={"symbol": "line-ns-open", "size": 7, "color": style.COLOURS[place]},
                    hovertemplate="censored at %{x:.3g}<extra></extra>",
                ),
                row=1, col=1,
            )  # fmt: skip
    told = f"log-rank {p_words(result.log_rank.p)}" if len(result.groups) > 1 else ""
    figure.update_yaxes(title="survival free of the event", range=[-0.02, 1.02], row=1, col=1)
    return _finished(figure, result, result.at_risk(at), told)


def cumulative_incidence(
    result: CumulativeIncidence,
    *,
    cause: str | None = None,
    band: bool = True,
    times: Sequence[float] | None = None,
) -> go.Figure:
    """Draw the share that had an event, by group, and how many are at risk beneath.

    Parameters
    ----------
    result : CumulativeIncidence
    cause : str, optional
        One cause, by group; by default all causes if there is one group, else the first cause.
    band : bool
    times : sequence of float, optional
        See `kaplan_meier`.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    StatsError
        If there is no such cause, or more curves than colours.
    """
    if not result.estimable:
        return no_figure(result)
    if cause is not None and cause not in result.causes:
        raise StatsError(f"cause={cause!r}: choose one of {', '.join(map(repr, result.causes))}")
    chosen = [cause] if cause else list(result.causes if len(result.groups) == 1 else result.causes[:1])
    pairs = [(group, kind) for kind in chosen for group in result.groups]
    figure = _panels(len(result.groups))
    for place, (group, kind) in enumerate(_few(pairs)):
        label = group if len(chosen) == 1 else kind
        _steps(figure, result.curve(group, kind), "incidence", place, label, band=band)
    what = f"cumulative incidence of {chosen[0]}" if len(chosen) == 1 else "cumulative incidence"
    figure.update_yaxes(title=style.plain(what), rangemode="tozero", row=1, col=1)
    at = _places(result.curves, times)
    return _finished(figure, result, result.at_risk(at), "", legend="cause" if len(chosen) > 1 else "")


def dose_response(result: Association, *, reference: float | None = None, rug: bool = True) -> go.Figure:
    """Draw the ratio along the exposure with its band, relative to a reference.

    Parameters
    ----------
    result : Association
        Of a numeric exposure: a spline, or a straight line on the logarithmic scale.
    reference : float, optional
        Where the ratio is 1; by default at 0 if that is the least value, else at the median.
    rug : bool
        Whether to show beneath how the exposure is distributed.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    StatsError
        If the exposure has levels: see `bactools.figures.forest.forest`.
    """
    if not result.estimable:
        return no_figure(result)
    if result.curve is None:
        raise StatsError(f"{result.name} has levels, so there is no curve: draw a forest")
    start = result.curve.reference if reference is None else reference
    table = result.dose_response(reference=start)
    figure = make_subplots(
        rows=2 if rug else 1, cols=1, shared_xaxes=True, vertical_spacing=0.04,
        row_heights=[0.85, 0.15] if rug else [1.0],
    )  # fmt: skip
    ends = table[["ratio", "low", "high"]].to_numpy(np.float64)
    drawn = table[(np.isfinite(ends) & (ends > 0)).all(axis=1)]
    figure.add_trace(_band(drawn["x"], drawn["low"], drawn["high"], 0, "band"), row=1, col=1)
    figure.add_trace(
        go.Scatter(
            x=drawn["x"], y=drawn["ratio"], mode="lines", line={"color": style.COLOURS[0], "width": 3},
            showlegend=False,
            text=[f"{number(row['ratio'])} ({number(row['low'])} to {number(row['high'])})"
                  for row in drawn.to_dict("records")],
            hovertemplate="%{x:.4g}: %{text}<extra></extra>",
        ),
        row=1, col=1,
    )  # fmt: skip
    figure.add_hline(y=1, line={"color": style.GREY, "width": 1, "dash": style.DASHES[1]}, row=1, col=1)
    for knot in result.curve.knots:
        figure.add_vline(
            x=knot, line={"color": style.GREY, "width": 1, "dash": style.DASHES[2]}, opacity=0.4, row=1, col=1
        )
    if rug:
        women, edges = np.histogram(result.curve.values, bins=_BINS)
        figure.add_trace(
            go.Bar(
                x=(edges[:-1] + edges[1:]) / 2, y=women, width=np.diff(edges), marker={"color": style.GREY},
                showlegend=False, hovertemplate="%{x:.4g}: %{y} women<extra></extra>",
            ), row=2, col=1,
        )  # fmt: skip
        figure.update_yaxes(title="women", row=2, col=1, nticks=3)
    told = [f"reference {number(start)}"]
    if result.curve.knots:
        told.append(f"bend {p_words(result.nonlinearity.p)}, dotted: knots")
    span = float(drawn["low"].min()), float(drawn["high"].max())
    figure.update_yaxes(type="log", title=style.plain(result.ratio), **ratio_ticks(*span), row=1, col=1)
    figure.update_xaxes(title=style.axis_title(result.name, result.units), row=2 if rug else 1, col=1)
    title = f"{style.plain(result.title)}<br><sup>{style.plain('; '.join(told))}</sup>"
    style.finish(figure, title=title, showlegend=False, margin={"t": 80})
    return style.note_below(figure, result.note)


def _panels(n_groups: int) -> go.Figure:
    """Return a plot with room for numbers at risk beneath."""
    height = 420 + _ROW * n_groups
    share = (_ROW * n_groups + 10) / height
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.2, row_heights=[0.8 - share, share]
    )
    return figure.update_layout(height=height + 200)


def _steps(figure: go.Figure, curve: pd.DataFrame, column: str, place: int, name: str, *, band: bool) -> None:
    curve = _thinned(curve)
    if band:
        x, low, high = (_stair(curve[part], doubled=part == "time") for part in ("time", "low", "high"))
        known = ~(np.isnan(low) | np.isnan(high))
        figure.add_trace(_band(x[known], low[known], high[known], place, name), row=1, col=1)
    figure.add_trace(
        go.Scatter(
            x=curve["time"], y=curve[column], mode="lines", name=style.plain(name), legendgroup=name,
            line={"shape": "hv", "color": style.COLOURS[place], "width": 2.5, "dash": style.DASHES[place]},
            text=[f"{row[column]:.3f} ({row['low']:.3f} to {row['high']:.3f}), {row['n_risk']} at risk"
                  for row in curve.to_dict("records")],
            hovertemplate="%{x:.4g}: %{text}",
        ),
        row=1, col=1,
    )  # fmt: skip


def _thinned(curve: pd.DataFrame) -> pd.DataFrame:
    """Return as many steps as a screen can tell apart, the first and the last among them."""
    time = curve["time"].to_numpy(np.float64)
    # the last step before each place, so that the curve is right there
    ends = time if len(curve) <= _MOST_STEPS else np.linspace(time[0], time[-1], _MOST_STEPS)
    return curve.iloc[np.unique(np.searchsorted(time, ends, side="right") - 1)]


def _stair(values: pd.Series, *, doubled: bool) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the corners of a step function: of its times, or of its values."""
    twice = np.repeat(values.to_numpy(np.float64), 2)
    return twice[1:] if doubled else twice[:-1]


def _band(x: object, low: object, high: object, place: int, name: str) -> go.Scatter:
    along, under, over = (np.asarray(part, dtype=np.float64) for part in (x, low, high))
    red, green, blue = (int(style.COLOURS[place][at : at + 2], 16) for at in (1, 3, 5))
    return go.Scatter(
        x=np.concatenate([along, along[::-1]]), y=np.concatenate([over, under[::-1]]), fill="toself",
        fillcolor=f"rgba({red}, {green}, {blue}, 0.15)", line={"width": 0}, mode="lines", hoverinfo="skip",
        showlegend=False, legendgroup=name,
    )  # fmt: skip


def _finished(
    figure: go.Figure,
    result: KaplanMeier | CumulativeIncidence,
    at_risk: pd.DataFrame,
    told: str,
    *,
    legend: str = "",
) -> go.Figure:
    """Add the numbers at risk beneath, titles and the note."""
    rows, columns = at_risk.shape
    figure.add_trace(
        go.Scatter(
            x=np.tile(at_risk.columns.to_numpy(np.float64), rows),
            y=np.repeat(np.arange(rows)[::-1], columns), mode="text",
            text=at_risk.to_numpy().ravel().astype(str),
            textfont={"size": 12}, showlegend=False, hoverinfo="skip",
        ),
        row=2, col=1,
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(rows))[::-1], ticktext=[style.plain(str(name)) for name in at_risk.index],
        range=[-0.6, rows - 0.4], showgrid=False, showline=False, ticks="",
        ticklabelstandoff=12, row=2, col=1,
    )  # fmt: skip
    figure.update_xaxes(showgrid=False, showline=False, ticks="", showticklabels=False, row=2, col=1)
    figure.update_xaxes(
        title=style.axis_title("time", result.units), showticklabels=True, tickvals=list(at_risk.columns),
        row=1, col=1,
    )  # fmt: skip
    last = float(at_risk.columns[-1])
    figure.update_xaxes(range=[-0.03 * last, 1.03 * max(last, float(result.curves["time"].max()))])
    title = style.plain(result.title) + (f"<br><sup>{style.plain(told)}</sup>" if told else "")
    figure.add_annotation(
        text="at risk", xref="x2 domain", yref="y2 domain", x=0, y=1, yshift=14, xanchor="left",
        showarrow=False, font={"size": 12},
    )  # fmt: skip
    style.finish(
        figure, title=title, margin={"t": 80, "l": 110}, legend={"title": style.plain(legend or result.group)}
    )
    figure.update_layout(
        showlegend=len({trace.legendgroup for trace in figure.data if trace.legendgroup}) > 1
    )
    return style.note_below(figure, result.note, below=20)


def _places(curves: pd.DataFrame, times: Sequence[float] | None) -> list[float]:
    """Return round times over the follow-up."""
    if times is not None:
        return [float(time) for time in times]
    last = float(curves["time"].max())
    if last <= 0:
        return [0.0]
    power = 10.0 ** np.floor(np.log10(last))
    steps = [share * power for share in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0)]
    step = next((step for step in steps if last / step <= 8), last)
    return [float(place) for place in np.arange(0, last + step * 1e-9, step)]


def _few(curves: Sequence[_Curve]) -> Sequence[_Curve]:
    if len(curves) > _MOST_GROUPS:
        raise StatsError(f"{len(curves)} curves are more than {_MOST_GROUPS} colours: join groups")
    return curves
