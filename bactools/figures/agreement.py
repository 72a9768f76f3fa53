"""Bland–Altman plots: difference against mean, with limits, their intervals and what is naive."""

from __future__ import annotations

import textwrap
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from bactools.figures import style
from bactools.figures.aggregate import BELOW, counts, many
from bactools.figures.words import no_figure
from bactools.stats.agreement.result import Agreement
from bactools.stats.result import Estimate, number

_SMOOTH = 101
_NAIVE = "rgba(0, 0, 0, 0.45)"
_BANDS = {"bias": "rgba(0, 114, 178, 0.18)", "limit": "rgba(213, 94, 0, 0.16)"}
_LABEL = 12

FloatArray = NDArray[np.float64]


class _Panel(NamedTuple):
    """Where traces go, and whether the legend names them."""

    figure: go.Figure
    at: dict[str, int]
    legend: bool

    def draw(self, x: ArrayLike, y: ArrayLike, *, name: str, group: str = "", **more: Any) -> None:
        """Add lines or areas; those of one group have one entry in the legend."""
        known = {trace.legendgroup for trace in self.figure.data}
        group = group or name
        trace = go.Scatter(
            x=x, y=y, mode="lines", name=name, legendgroup=group, hoverinfo="skip",
            showlegend=self.legend and group not in known, **more,
        )  # fmt: skip
        self.figure.add_trace(trace, **self.at)


def bland_altman(
    result: Agreement, *, bands: bool = True, trend: bool = False, naive: bool = True
) -> go.Figure:
    """Draw differences against means with bias and limits of agreement.

    Parameters
    ----------
    result : Agreement
        Of `bactools.stats.agreement.agreement`.
    bands : bool
        Whether to show the confidence intervals of bias and limits.
    trend : bool
        Whether to show the line of the differences on the means.
    naive : bool
        Whether to show, beside nested limits, those that take pairs as independent.

    Returns
    -------
    plotly.graph_objects.Figure
        Sloping limits slope. Ratios have logarithmic axes. Says in words why there are no limits, if
        there are none.
    """
    if not result.estimable and not result.points["difference"].notna().any():
        return no_figure(result)
    figure = go.Figure()
    add_bland_altman(figure, result, bands=bands, trend=trend, naive=naive)
    if result.estimable:
        _label(figure, result)
    below = BELOW if many(result.points) else 64
    style.finish(
        figure, title=style.plain(result.title),
        margin={"r": 190 if result.estimable else 30, "t": 130, "b": below if many(result.points) else 60},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )  # fmt: skip
    style.note_below(figure, result.note, below=below)
    # above the legend, which may have three rows
    return figure.update_layout(title={"y": 0.98, "yanchor": "top"})


def add_bland_altman(
    figure: go.Figure,
    result: Agreement,
    *,
    row: int | None = None,
    col: int | None = None,
    bands: bool = True,
    trend: bool = False,
    naive: bool = True,
    legend: bool = True,
) -> None:
    """Add a Bland–Altman plot to a figure, or to a panel of it.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Changed in place.
    result : Agreement
    row, col : int, optional
        The panel, from 1.
    bands, trend, naive : bool
        See `bland_altman`.
    legend : bool
        Whether the legend names what is drawn; what it names already is not named again.
    """
    at = {} if row is None or col is None else {"row": row, "col": col}
    panel = _Panel(figure, at, legend)
    if result.estimable:
        _intervals(panel, result, bands=bands)
        if naive and result.naive is not None and result.limits == "parametric":
            _naive(panel, result.naive)
        _limits(panel, result)
        if trend and result.limits != "regression" and result.slope.estimable:
            _trend(panel, result)
    _points(panel, result)
    x, y = axis_titles(result)
    figure.update_xaxes(title=x, **at)
    figure.update_yaxes(title=y, **at)
    if result.scale == "ratio":
        figure.update_xaxes(**_logarithmic(result.points["mean"]), **at)
        figure.update_yaxes(**_logarithmic(result.points["difference"]), **at)
    if not result.estimable:
        lines = textwrap.wrap(f"not estimable: {result.reason}", 40)
        figure.add_annotation(
            text="<br>".join(map(style.plain, lines)), x=0.5, y=0.95, xref="x domain", yref="y domain",
            yanchor="top", showarrow=False, bgcolor="rgba(255,255,255,0.7)", **at,
        )  # fmt: skip


def axis_titles(result: Agreement) -> tuple[str, str]:
    """Return what both axes show, with units."""
    a, b = result.names
    if result.scale == "log":
        return style.plain(f"mean of ln {a} and ln {b}"), style.plain(f"ln {a} − ln {b}")
    kind = "geometric mean" if result.scale == "ratio" else "mean"
    y, units = {
        "ratio": (f"{a} / {b}", ""),
        "percent": (f"({a} − {b}) / mean", "%"),
        "difference": (f"{a} − {b}", result.units),
    }[result.scale]
    return style.axis_title(f"{kind} of {a} and {b}", result.units), style.axis_title(y, units)


def _across(result: Agreement) -> FloatArray:
    """Return places from the least to the largest mean, a little beyond both."""
    mean = result.points["mean"].to_numpy(np.float64)
    if result.scale == "ratio":
        mean = np.log(mean)
    low, high = float(mean.min()), float(mean.max())
    # limits that slope are not drawn where there are no data
    beyond = 0.0 if result.limits == "regression" else 0.03 * (high - low) or 0.5
    places = np.linspace(low - beyond, high + beyond, _SMOOTH)
    return np.exp(places) if result.scale == "ratio" else places


def _logarithmic(values: pd.Series) -> dict[str, Any]:
    """Return how a logarithmic axis counts: 1, 2, 5, 10 unless that would be too few."""
    wide = bool(values.notna().any()) and float(values.max()) > 5 * float(values.min())
    return {"type": "log", "tickformat": "~g", "dtick": "D2" if wide else None}


def _intervals(panel: _Panel, result: Agreement, *, bands: bool) -> None:
    """Add the line of no difference, and the confidence intervals of bias and limits."""
    x = _across(result)
    none = 1.0 if result.scale == "ratio" else 0.0
    panel.draw(
        x[[0, -1]], [none, none], name="no difference", line={"color": style.GREY, "width": 1, "dash": "dot"}
    )
    # lines that slope have no interval that is the same everywhere
    if not bands or result.limits == "regression":
        return
    sure = f"{100 * result.confidence:g} % interval of"
    middle = _middle(result)
    _band(panel, x, result.bias, name=f"{sure} the {middle}", fill=_BANDS["bias"])
    for limit in (result.lower, result.upper):
        _band(panel, x, limit, name=f"{sure} a limit", fill=_BANDS["limit"])


def _limits(panel: _Panel, result: Agreement) -> None:
    x = _across(result)
    middle, low, high = result.limits_at(x)
    panel.draw(x, middle, name=_middle(result), line={"color": style.COLOURS[0], "width": 2})
    for edge in (low, high):
        panel.draw(
            x, edge, name=f"{100 * result.level:g} % limits of agreement",
            line={"color": style.COLOURS[1], "width": 2, "dash": style.DASHES[1]},
        )  # fmt: skip


def _middle(result: Agreement) -> str:
    return "median" if result.limits == "nonparametric" else "bias"


def _band(panel: _Panel, x: FloatArray, estimate: Estimate, *, name: str, fill: str) -> None:
    """Add an interval as an area; one without both ends, or of a line that slopes, has none."""
    if not np.isfinite([estimate.low, estimate.high]).all():
        return
    ends, low, high = x[[0, -1, -1, 0]], estimate.low, estimate.high
    panel.draw(ends, [low, low, high, high], name=name, fill="toself", fillcolor=fill, line={"width": 0})


def _naive(panel: _Panel, naive: Agreement) -> None:
    x = _across(naive)
    _, low, high = naive.limits_at(x)
    for edge in (low, high):
        panel.draw(
            x, edge, name="limits if pairs were independent",
            line={"color": _NAIVE, "width": 1, "dash": style.DASHES[2]},
        )  # fmt: skip


def _trend(panel: _Panel, result: Agreement) -> None:
    x = _across(result)
    y = result.intercept.value + result.slope.value * (np.log(x) if result.scale == "ratio" else x)
    panel.draw(
        x, np.exp(y) if result.scale == "ratio" else y, name="trend of the differences",
        line={"color": style.COLOURS[2], "width": 2, "dash": style.DASHES[4]},
    )  # fmt: skip


def _points(panel: _Panel, result: Agreement) -> None:
    table = result.points
    if many(table):
        drawn = counts(
            table, "mean", "difference", log=result.scale == "ratio", scale=panel.legend,
            lines=("mean", "difference"),
        )  # fmt: skip
        panel.figure.add_trace(drawn, **panel.at)
        return
    known = {trace.legendgroup for trace in panel.figure.data}
    panel.figure.add_trace(
        go.Scatter(
            x=table["mean"], y=table["difference"], mode="markers", name="images", legendgroup="images",
            showlegend=panel.legend and "images" not in known, customdata=style.customdata(table),
            hovertemplate=style.hover(table, "mean %{x:.4g}", "difference %{y:.4g}"),
            marker={"color": style.COLOURS[0], "size": 6, "opacity": 0.6},
        ),
        **panel.at,
    )  # fmt: skip


def _label(figure: go.Figure, result: Agreement) -> None:
    """Write bias and limits with their intervals beside the plot."""
    x = _across(result)
    heights = [float(edge[-1]) for edge in result.limits_at(x)]
    names = (_middle(result), "lower limit", "upper limit")
    for name, height, estimate in zip(names, heights, (result.bias, result.lower, result.upper), strict=True):
        lines = [name]
        if result.limits == "regression":
            lines.append(f"{number(height)} at {number(float(x[-1]))}")
        else:
            lines.append(number(estimate.value))
            if np.isfinite([estimate.low, estimate.high]).all():
                lines.append(f"({number(estimate.low)} to {number(estimate.high)})")
        figure.add_annotation(
            text="<br>".join(map(style.plain, lines)), xref="x domain", x=1.01, xanchor="left",
            # a logarithmic axis counts in powers of ten
            y=np.log10(height) if result.scale == "ratio" else height, yref="y", showarrow=False,
            align="left", font={"size": _LABEL},
        )  # fmt: skip
