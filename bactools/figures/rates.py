"""The women's rates in order, and who progressed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from bactools.figures import style
from bactools.figures.trajectories import finish
from bactools.stats.trajectories.progressors import Progression
from bactools.stats.trajectories.result import Trajectories

_NEUTRAL, _ROSE, _FELL = 0, 1, 3


def rates(result: Trajectories, progressed: Progression | None = None, *, own: bool = True) -> go.Figure:
    """Draw the women's rates in order, each with its interval, those marked who progressed.

    Parameters
    ----------
    result : Trajectories
    progressed : Progression, optional
        Who counts as progressed; by default ``result.progressed()``.
    own : bool
        Whether to draw own least-squares rates too, to show how far shrinkage moves them.

    Returns
    -------
    plotly.graph_objects.Figure
        Women seen at one time only are left out.
    """
    figure = go.Figure()
    told = progressed or result.progressed()
    women = result.women[result.women["years"] > 0].reset_index(drop=True)
    shrunken = "shrunken_rate" in women
    column = "shrunken_rate" if shrunken else "rate"
    women = women.assign(progressed=told.table["progressed"], fell=told.table["fell"])
    women = women.sort_values(column, kind="stable", ignore_index=True)
    if result.estimable and len(women):
        rank = np.arange(1, len(women) + 1)
        if own and shrunken:
            mark = {"color": style.GREY, "symbol": "line-ns-open", "size": 7}
            figure.add_trace(
                go.Scatter(
                    x=women["rate"], y=rank, mode="markers", name="own least-squares rate", marker=mark,
                    hoverinfo="skip",
                )
            )  # fmt: skip
        kinds = (
            ("within measurement error", ~women["progressed"] & ~women["fell"], _NEUTRAL),
            ("rose beyond it", women["progressed"], _ROSE),
            ("fell beyond it", women["fell"], _FELL),
        )
        for name, held, colour in kinds:
            if held.any():
                figure.add_trace(
                    _caterpillar(women[held], rank[held], column, f"{name} ({held.sum()})", colour)
                )
        look = {"color": style.COLOURS[6], "dash": "dash", "width": 1.5}
        figure.add_trace(
            go.Scatter(
                x=[result.rate.value] * 2, y=[0, len(women) + 1], mode="lines", line=look,
                name="mean, with its interval", hoverinfo="skip",
            )
        )  # fmt: skip
        figure.add_vline(x=0, line={"color": style.GREY, "width": 1})
        figure.add_vrect(
            x0=result.rate.low, x1=result.rate.high, fillcolor=style.FAINT, line_width=0, layer="below"
        )
    kind = "Shrunken rates" if shrunken else "Own rates"
    sdc = told.sdc.words(units=told.units)
    words = f"smallest detectable change {sdc}" if told.sdc.estimable else ""
    finish(figure, result, title=f"{kind} of {result.name}", told=[words])
    figure.update_xaxes(title=style.axis_title("rate", result.rate_units))
    return figure.update_yaxes(title="women, in order of their rate", showgrid=False)


def _caterpillar(women: pd.DataFrame, rank: np.ndarray, column: str, name: str, at: int) -> go.Scatter:
    bars = None
    if "low" in women:
        bars = {
            "type": "data", "symmetric": False, "array": women["high"] - women[column],
            "arrayminus": women[column] - women["low"], "thickness": 1, "width": 0,
        }  # fmt: skip
    keys = women.rename(columns={"last_date": "date"})
    return go.Scatter(
        x=women[column], y=rank, mode="markers", name=name, error_x=bars,
        marker={"color": style.COLOURS[at], "symbol": style.SYMBOLS[at], "size": 7},
        customdata=style.customdata(keys), hovertemplate=style.hover(keys, "%{x:.4g} per year"),
    )  # fmt: skip
