"""A cohort in pictures: who came in and who was left out, what is missing, how burden is distributed."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from bactools.figures import style
from bactools.figures.words import no_figure
from bactools.stats.cohort.burden_by import BurdenBy
from bactools.stats.cohort.flow import Flow
from bactools.stats.cohort.missingness import Missingness

_LINE = 18
_WIDTH = 44
_MOST_LOSSES = 6
_EDGE = {"color": "#444444", "width": 1}
_STATES = {"share_absent": "does not exist", "share_failed": "could not be measured"}


def flow_diagram(flow: Flow) -> go.Figure:
    """Draw the flow of inclusion and exclusion: what is left in a column, what is lost beside it.

    Parameters
    ----------
    flow : Flow

    Returns
    -------
    plotly.graph_objects.Figure
        Of a step with many reasons the rarest are drawn as one line; ``flow.losses`` has them all.
    """
    if not flow.estimable:
        return no_figure(flow)
    boxes = [
        _Box(str(row["label"]), int(row["n"]), _losses(flow, str(row["step"])), str(row["unit"]))
        for row in flow.steps.to_dict("records")
    ]
    figure = go.Figure()
    top, total = 0.0, sum(box.height for box in boxes)
    for number_, box in enumerate(boxes):
        last = number_ == len(boxes) - 1
        same = not last and boxes[number_ + 1].unit == box.unit
        _draw(figure, box, top, last=last, same=same)
        top += box.height
    figure.update_xaxes(visible=False, range=[-0.01, 1.01])
    figure.update_yaxes(visible=False, range=[total - 1.4, -0.1])
    height = int(total * _LINE) + 120
    style.finish(figure, title=flow.title, height=height, width=900, showlegend=False)
    return style.note_below(figure, flow.note, below=20)


@dataclass(frozen=True)
class _Box:
    """A step of the flow, its losses beside it; heights in lines."""

    label: str
    n: int
    losses: list[str]
    unit: str

    @property
    def lines(self) -> list[str]:
        """What is written in the box of the step."""
        return [*textwrap.wrap(self.label, _WIDTH), f"n = {self.n}"]

    @property
    def own(self) -> float:
        """Height of the box of the step."""
        return len(self.lines) + 1.0

    @property
    def side(self) -> float:
        """Height of the box of its losses; 0 if there are none."""
        return len(self.losses) + 1.0 if self.losses else 0.0

    @property
    def height(self) -> float:
        """Height of both, down to the next step."""
        return self.own + max(1.5, self.side + 1.0 if self.losses else 0.0)


def _losses(flow: Flow, step: str) -> list[str]:
    lost = flow.lost(step)
    if lost.empty:
        return []
    rows = [(str(label), int(n)) for label, n in zip(lost["label"], lost["n"], strict=True)]
    if len(rows) == 1:
        return textwrap.wrap(f"left out: {rows[0][1]} {rows[0][0]}", _WIDTH)
    if len(rows) > _MOST_LOSSES:
        rest = rows[_MOST_LOSSES - 1 :]
        rows = [*rows[: _MOST_LOSSES - 1], (f"for {len(rest)} other reasons", sum(n for _, n in rest))]
    lines = [f"left out: n = {lost['n'].sum()}"]
    for label, n in rows:
        lines += textwrap.wrap(f"{n} {label}", _WIDTH, initial_indent="  ", subsequent_indent="    ")
    return lines


def _draw(figure: go.Figure, box: _Box, top: float, *, last: bool, same: bool) -> None:
    bottom = top + box.own
    _rectangle(figure, 0.0, 0.46, top, bottom, fill="white")
    _write(figure, 0.23, (top + bottom) / 2, [style.plain(line) for line in box.lines], anchor="center")
    if not last:
        # a dashed arrow leads to another unit: from images to exams to women
        _arrow(figure, (0.23, bottom), (0.23, top + box.height), dashed=not same)
    if box.losses:
        low = bottom + 0.5
        high = low + box.side
        middle = (low + high) / 2
        _rectangle(figure, 0.54, 1.0, low, high, fill="#f4f4f4")
        _write(
            figure,
            0.555,
            middle,
            [style.plain(line).replace("  ", "\u2003") for line in box.losses],
            anchor="left",
        )
        _arrow(figure, (0.23, middle), (0.54, middle), dashed=False)


def _rectangle(figure: go.Figure, left: float, right: float, top: float, bottom: float, *, fill: str) -> None:
    figure.add_shape(type="rect", x0=left, x1=right, y0=top, y1=bottom, line=_EDGE, fillcolor=fill)


def _write(figure: go.Figure, x: float, y: float, lines: list[str], *, anchor: str) -> None:
    align = "center" if anchor == "center" else "left"
    figure.add_annotation(
        x=x, y=y, text="<br>".join(lines), showarrow=False, xanchor=anchor, align=align, font={"size": 13}
    )


def _arrow(figure: go.Figure, start: tuple[float, float], end: tuple[float, float], *, dashed: bool) -> None:
    look = {**_EDGE, "dash": "dot" if dashed else "solid"}
    figure.add_shape(type="line", x0=start[0], y0=start[1], x1=end[0], y1=end[1], line=look)
    back = 0.02 * np.sign(end[0] - start[0]), 0.4 * np.sign(end[1] - start[1])
    figure.add_annotation(
        x=end[0], y=end[1], ax=end[0] - back[0], ay=end[1] - back[1], axref="x", ayref="y", text="",
        showarrow=True, arrowhead=2, arrowwidth=1, arrowcolor="#444444",
    )  # fmt: skip


def missingness_map(missing: Missingness) -> go.Figure:
    """Draw the share of views that are missing, by view and year.

    Parameters
    ----------
    missing : Missingness

    Returns
    -------
    plotly.graph_objects.Figure
        One panel for images that do not exist, one for those that could not be measured, if there are
        any; below, how many exams there are of each year.
    """
    if not missing.estimable:
        return no_figure(missing)
    table = missing.by_view
    states = [s for s in _STATES if table[s].max() > 0] or ["share_absent"]
    titles = [f"view {_STATES[state]}" for state in states]
    rows = len(states) + 1
    figure = make_subplots(
        rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.1,
        row_heights=[0.7 / len(states)] * len(states) + [0.3], subplot_titles=[*titles, "exams"],
    )  # fmt: skip
    top = max(float(table[state].max()) for state in states) or 1.0
    years = sorted(int(year) for year in table["year"].unique())
    for at, state in enumerate(states):
        figure.add_trace(_heat(missing, state, years, top, bar=at == 0), row=at + 1, col=1)
    counts = table.drop_duplicates("year").set_index("year")["exams"].reindex(years, fill_value=0)
    figure.add_trace(
        go.Bar(
            x=years,
            y=counts,
            marker_color=style.COLOURS[0],
            showlegend=False,
            text=counts,
            textposition="auto",
            textangle=0,
        ),
        row=rows,
        col=1,
    )
    figure.update_xaxes(title_text="year of the exam", dtick=1 if len(years) < 20 else None, row=rows, col=1)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_yaxes(autorange=True, title_text="exams", row=rows, col=1)
    share = 1 - missing.n_complete / missing.n_exams
    title = f"{missing.title}: {100 * share:.1f} % of {missing.n_exams} exams are incomplete"
    return style.note_below(style.finish(figure, title=title, height=230 * rows + 60), missing.note)


def _heat(missing: Missingness, state: str, years: list[int], top: float, *, bar: bool) -> go.Heatmap:
    def spread(column: str) -> pd.DataFrame:
        wide = missing.by_view.pivot(index="view", columns="year", values=column)
        return wide.reindex(index=list(missing.views), columns=years)

    share, counts, exams = spread(state), spread(state.removeprefix("share_")), spread("exams")
    texts = [[f"{value:.0%}" if value == value else "" for value in row] for row in share.to_numpy()]
    return go.Heatmap(
        x=years,
        y=list(missing.views),
        z=share.to_numpy(),
        zmin=0,
        zmax=top,
        text=texts if len(years) <= 20 else None,
        texttemplate="%{text}" if len(years) <= 20 else None,
        customdata=np.dstack([counts.to_numpy(), exams.to_numpy()]),
        hovertemplate="%{y}, %{x}: %{customdata[0]} of %{customdata[1]} exams<extra></extra>",
        colorscale=[[0, "#ffffff"], [1, style.COLOURS[1]]],
        xgap=1,
        ygap=1,
        showscale=bar,
        colorbar={"title": {"text": "share"}, "tickformat": ".0%"},
    )


def burden_distribution(found: BurdenBy, *, log: bool = False) -> go.Figure:
    """Draw every woman's burden by group, with median and quartiles, and how many women have none.

    Parameters
    ----------
    found : BurdenBy
    log : bool
        Logarithmic axis: women without burden are then only counted, and quartiles of zero not drawn.

    Returns
    -------
    plotly.graph_objects.Figure
        Each point carries subject, view and date.
    """
    if not found.estimable:
        return no_figure(found)
    figure = go.Figure()
    labels = []
    for at, row in enumerate(found.groups.to_dict("records")):
        look = {"color": style.COLOURS[at % 6], "symbol": style.SYMBOLS[at % 6], "size": 6, "opacity": 0.6}
        points = found.points[found.points["group"] == row["group"]]
        points = points[points["value"] > 0] if log else points
        figure.add_trace(
            go.Scatter(
                x=at + _spread(len(points)),
                y=points["value"],
                mode="markers",
                marker=look,
                customdata=style.customdata(points),
                hovertemplate=style.hover(points, "%{y:.4g}"),
                showlegend=False,
            )
        )
        for name, width in (("q1", 1.5), ("median", 4), ("q3", 1.5)):
            height = float(row[name])
            if height > 0 or not log:
                figure.add_trace(
                    go.Scatter(
                        x=[at - 0.35, at + 0.35],
                        y=[height, height],
                        mode="lines",
                        line={"color": "#222222", "width": width},
                        name={"q1": "quartiles", "q3": "quartiles"}.get(name, name),
                        legendgroup=name.replace("q3", "q1"),
                        showlegend=at == 0 and name != "q3",
                        hovertemplate=f"{name} {height:.4g}<extra></extra>",
                    )
                )
        labels.append(f"{style.plain(str(row['group']))}<br>n = {row['n']}, {row['zero']} without")
    figure.update_xaxes(
        title_text=style.axis_title(found.by),
        tickvals=list(range(len(labels))),
        ticktext=labels,
        range=[-0.6, len(labels) - 0.4],
        showgrid=False,
    )
    figure.update_yaxes(
        title_text=style.axis_title(found.name, found.units), type="log" if log else "linear", automargin=True
    )
    style.finish(figure, title=style.plain(found.title))
    return style.note_below(figure, found.note, below=85)


def _spread(n: int) -> np.ndarray:
    """Return where points lie beside each other, so that few of them overlap; the same every time."""
    golden = (np.sqrt(5) - 1) / 2
    return np.asarray((np.arange(n) * golden % 1 - 0.5) * 0.5)
