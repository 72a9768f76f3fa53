"""Progression drawn: every woman's exams with the mean trajectories, and one woman's with her own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from bactools.figures import style
from bactools.stats.result import StatsError, number
from bactools.stats.trajectories.progressors import Progression
from bactools.stats.trajectories.result import Trajectories

_YEARS = "years from first exam"
_HOVER = "%{x:.1f} years: %{y:.4g}"


def spaghetti(
    result: Trajectories, *, highlight: object = None, lines: bool = True, mean: bool = True, most: int = 400
) -> go.Figure:
    """Draw every woman's exams over time, and the mean trajectory of each group with its band.

    Parameters
    ----------
    result : Trajectories
    highlight : subject, optional
        A woman to be brought out, with her fitted line.
    lines : bool
        Whether to draw the women at all.
    mean : bool
        Whether to draw the mean trajectories.
    most : int
        Of more women than that, as many are drawn, evenly chosen by their rate; the figure says so.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    StatsError
        If there is no such woman.
    """
    figure, points = go.Figure(), result.points
    if highlight is not None:
        _exams_of(result, highlight)
    told = ""
    chosen = _chosen(result, most)
    if lines and len(chosen) < result.n_units:
        points = points[points["unit"].isin(chosen)]
        told = f"{len(chosen)} of {result.n_units} women drawn, evenly chosen by their rate"
    groups = result.levels or ("",)
    if lines and len(points):
        for at, level in enumerate(groups):
            held = points[points["group"] == level] if level else points
            _strands(figure, held, at, _group_name(result, level) or "women")
    if mean and result.estimable:
        for at, level in enumerate(groups):
            _mean_line(figure, result, at, level)
    if highlight is not None:
        _brought_out(figure, result, highlight)
    return finish(figure, result, title=result.title, told=[told])


def woman(result: Trajectories, subject: object, progressed: Progression | None = None) -> go.Figure:
    """Draw one woman's exams, her own line and the shrunken one, and what measurement error may do.

    Parameters
    ----------
    result : Trajectories
    subject : hashable
    progressed : Progression, optional
        With the smallest detectable change; by default ``result.progressed()``.

    Returns
    -------
    plotly.graph_objects.Figure
        The band about her first exam is the smallest detectable change.

    Raises
    ------
    StatsError
        If there is no such woman.
    """
    figure = go.Figure()
    exams, told = _exams_of(result, subject), progressed or result.progressed()
    women = result.women.loc[sorted(exams["unit"].unique())]
    words = []
    for at, unit in enumerate(women.index):
        row = women.loc[unit]
        held, label = exams[exams["unit"] == unit], _unit_name(row)
        if told.sdc.estimable and len(women) == 1 and row["years"] > 0:
            first, sdc = float(row["first"]), told.sdc.value
            span = [0.0, float(row["years"])]
            band = {"x": span + span[::-1], "y": [first - sdc] * 2 + [first + sdc] * 2}
            figure.add_trace(
                go.Scatter(**band, fill="toself", fillcolor=style.FAINT, line={"width": 0}, hoverinfo="skip",
                           mode="lines", name="change that error explains")
            )  # fmt: skip
        _line_of(figure, row, at, label, "own line", "rate", "level", "dot")
        if "shrunken_rate" in women:
            _line_of(figure, row, at, label, "shrunken line", "shrunken_rate", "shrunken_level", "solid")
        figure.add_trace(_exams_trace(held, at, f"{label} exams".strip()))
        words.append(_rate_words(result, row, label))
    return finish(figure, result, title=f"{subject}: {result.name}", told=words)


def _chosen(result: Trajectories, most: int) -> list[int]:
    """Return the units to draw: all, or as many as allowed, evenly by rate."""
    order = result.women["rate"].sort_values(kind="stable", na_position="last").index
    if len(order) <= most:
        return list(order)
    return [int(order[round(place)]) for place in np.linspace(0, len(order) - 1, most)]


def _strands(figure: go.Figure, points: pd.DataFrame, at: int, name: str) -> None:
    """Add the women's lines, parted by gaps, and their exams."""
    points = points.sort_values(["unit", "years"], kind="stable")
    ends = np.flatnonzero(np.diff(points["unit"].to_numpy())) + 1
    strands = [np.insert(points[axis].to_numpy(np.float64), ends, np.nan) for axis in ("years", "value")]
    colour, legend = style.COLOURS[at], {"legendgroup": name}
    figure.add_trace(
        go.Scatter(
            x=strands[0], y=strands[1], mode="lines", hoverinfo="skip", showlegend=False, opacity=0.35,
            line={"color": colour, "width": 1}, **legend,
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=points["years"], y=points["value"], mode="markers", name=style.plain(name), opacity=0.5,
            marker={"color": colour, "size": 5, "symbol": style.SYMBOLS[at]}, **legend,
            customdata=style.customdata(points), hovertemplate=style.hover(points, _HOVER),
        )
    )  # fmt: skip


def _mean_line(figure: go.Figure, result: Trajectories, at: int, level: str) -> None:
    """Add a group's mean trajectory with its band, or without one where there is no mixed model."""
    held = result.points[result.points["group"] == level] if level else result.points
    years = np.linspace(0, float(held["years"].max()), 50)
    name = style.plain(f"mean, {_group_name(result, level)}" if level else "mean")
    if result.model is None:
        if level:
            return
        middle = result.intercept.value + result.rate.value * years
    else:
        middle, low, high = result.fitted_at(years, group=level)
        figure.add_trace(
            go.Scatter(
                x=np.concatenate([years, years[::-1]]), y=np.concatenate([low, high[::-1]]), fill="toself",
                fillcolor=_faint(at), line={"width": 0}, mode="lines", hoverinfo="skip", showlegend=False,
                legendgroup=name,
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=years, y=middle, mode="lines", name=name, legendgroup=name,
            line={"color": style.COLOURS[at], "width": 4, "dash": style.DASHES[at]},
        )
    )  # fmt: skip


def _brought_out(figure: go.Figure, result: Trajectories, subject: object) -> None:
    exams = _exams_of(result, subject)
    for unit in exams["unit"].unique():
        held, label = exams[exams["unit"] == unit], _unit_name(result.women.loc[unit])
        name = style.plain(f"{subject} {label}".strip())
        look = {"color": style.COLOURS[6], "width": 2.5}
        figure.add_trace(
            go.Scatter(
                x=held["years"], y=held["value"], mode="lines+markers", name=name, line=look,
                marker={"size": 10, "symbol": "circle-open", "line": {"width": 2.5}},
                customdata=style.customdata(held), hovertemplate=style.hover(held, _HOVER),
            )
        )  # fmt: skip
        if held["fitted"].notna().all():
            figure.add_trace(
                go.Scatter(
                    x=held["years"], y=held["fitted"], mode="lines", name=f"{name}, fitted", hoverinfo="skip",
                    line={"color": style.COLOURS[6], "width": 1.5, "dash": "dot"},
                )
            )  # fmt: skip


def _line_of(
    figure: go.Figure, row: pd.Series, at: int, label: str, name: str, rate: str, level: str, dash: str
) -> None:
    if pd.isna(row[rate]) or not row["years"] > 0:
        return
    years = np.array([0.0, float(row["years"])])
    figure.add_trace(
        go.Scatter(
            x=years, y=float(row[level]) + float(row[rate]) * years, mode="lines",
            name=f"{label} {name}".strip(), hoverinfo="skip",
            line={"color": style.COLOURS[at], "width": 2, "dash": dash},
        )
    )  # fmt: skip


def _exams_trace(held: pd.DataFrame, at: int, name: str) -> go.Scatter:
    return go.Scatter(
        x=held["years"], y=held["value"], mode="markers", name=name,
        marker={"color": style.COLOURS[at], "size": 10, "symbol": style.SYMBOLS[at]},
        customdata=style.customdata(held), hovertemplate=style.hover(held, _HOVER),
    )  # fmt: skip


def _rate_words(result: Trajectories, row: pd.Series, label: str) -> str:
    """Say how many exams a woman has, and how she changed."""
    start = f"{label}: " if label else ""
    exams = f"{start}{row['n_exams']} exams in {row['years']:.1f} years"
    if not row["years"] > 0:
        return f"{start}exams at one time only, which tell nothing of her rate"
    own = f"own rate {number(float(row['rate']))}"
    if "shrunken_rate" not in row:
        return f"{exams}; {own} {result.rate_units}"
    shrunken = " to ".join(number(float(row[end])) for end in ("low", "high"))
    return f"{exams}; {own}, shrunken {number(float(row['shrunken_rate']))} ({shrunken}) {result.rate_units}"


def _exams_of(result: Trajectories, subject: object) -> pd.DataFrame:
    exams = result.points[result.points["subject"] == subject]
    if exams.empty:
        raise StatsError(f"no woman {subject!r} among {result.n_subjects}: see result.women")
    return exams


def _unit_name(row: pd.Series) -> str:
    return " ".join(str(row[name]) for name in ("breast", "view") if name in row)


def _group_name(result: Trajectories, level: str) -> str:
    return f"{result.group} {level}" if level else ""


def _faint(at: int) -> str:
    red, green, blue = (int(style.COLOURS[at][place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.2)"


def finish(figure: go.Figure, result: Trajectories, *, title: str, told: Sequence[str] = ()) -> go.Figure:
    """Give a figure of trajectories the common look, and say why there is no answer, if there is none.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Changed in place.
    result : Trajectories
    title : str
    told : sequence of str
        Lines beneath the title.

    Returns
    -------
    plotly.graph_objects.Figure
        The same figure.
    """
    if result.reason:
        figure.add_annotation(
            text=style.plain(f"not estimable: {result.reason}"), xref="paper", yref="paper", x=0.5, y=0.95,
            showarrow=False, bgcolor="white", font={"size": 15},
        )  # fmt: skip
    lines = [f"<sup>{style.plain(line)}</sup>" for line in told if line]
    margin = {"t": 60 + 22 * len(lines)}
    style.finish(figure, title="<br>".join([style.plain(title), *lines]), note=result.note, margin=margin)
    units = "log units" if result.scale == "log" else result.units
    figure.update_yaxes(title=style.axis_title(result.name, units), automargin=True)
    return figure.update_xaxes(title=_YEARS)
