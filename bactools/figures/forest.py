"""Estimates with their intervals one below the other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from bactools.figures import style
from bactools.figures.words import no_figure
from bactools.stats.association.result import Association, AssociationTable
from bactools.stats.result import StatsError, number

_ROW = 34
_CLOSE = 0.7
"""Distance of two models of one term, against 1 of two terms."""

_REFERENCE = "reference"
_MOST_TICKS = 9
_NEEDED = ("label", "estimate", "low", "high")

Table = Association | AssociationTable | pd.DataFrame


def forest(
    result: Table,
    *,
    reference: float | None = None,
    log: bool | None = None,
    name: str = "",
    units: str = "",
    title: str = "",
    note: str = "",
) -> go.Figure:
    """Draw estimates with their intervals as a forest: ratios on a logarithmic axis, others on a plain one.

    Parameters
    ----------
    result : Association, AssociationTable or DataFrame
        A table needs ``label``, ``estimate``, ``low`` and ``high``; it may have ``n`` (shown beside the
        label) and ``group`` (rows of one group have one colour and symbol).
    reference : float, optional
        Where a line is drawn; by default 1 of ratios, 0 of others.
    log : bool, optional
        Whether the axis is logarithmic; by default of ratios.
    name, units, title, note : str
        Of a table; an association brings its own.

    Returns
    -------
    plotly.graph_objects.Figure
        A row without an estimate says so. An interval that leaves the axis ends in an arrow.

    Raises
    ------
    StatsError
        If a table lacks a column, has no row, or a number on a logarithmic axis is not above 0; if
        models have no ratio to draw.
    """
    ratios = not isinstance(result, pd.DataFrame)
    log = ratios if log is None else log
    reference = (1.0 if log else 0.0) if reference is None else reference
    if isinstance(result, pd.DataFrame):
        rows = _checked(result, log=log)
    elif not result.estimable:
        return no_figure(result)
    else:
        rows = _of_models(result)
        name = name or _ratio_name(result)
        title, note = title or result.title, note or result.note
    span = _span(rows, reference, log=log)
    figure = go.Figure()
    groups = [group for group in dict.fromkeys(rows["group"]) if group != _REFERENCE]
    at_reference = rows[rows["group"] == _REFERENCE]
    marks = {"color": style.GREY, "size": 9, "symbol": "circle-open"}
    figure.add_trace(
        go.Scatter(
            x=at_reference["estimate"], y=at_reference["y"], mode="markers", marker=marks, hoverinfo="skip",
            showlegend=False,
        )
    )  # fmt: skip
    for at, group in enumerate(groups):
        _draw(figure, rows[rows["group"] == group], at, str(group), span, log=log)
    figure.add_vline(x=reference, line={"color": style.GREY, "width": 1, "dash": style.DASHES[1]})
    for row in rows.to_dict("records"):
        figure.add_annotation(
            x=1.02, xref="paper", xanchor="left", y=row["y"], yref="y", showarrow=False, align="left",
            text=style.plain(_numbers(row)), font={"size": 12},
        )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(rows["y"]), ticktext=[style.plain(text) for text in rows["shown"]], showgrid=False,
        range=[-0.6, float(rows["y"].max()) + 0.6], automargin=True,
    )  # fmt: skip
    figure.update_xaxes(
        title=style.axis_title(name, units), type="log" if log else "linear",
        range=[math.log10(end) for end in span] if log else list(span),
    )  # fmt: skip
    if log:
        figure.update_xaxes(**ratio_ticks(*span))
    style.finish(
        figure, title=style.plain(title), height=int(190 + _ROW * (rows["y"].max() + 1)),
        showlegend=len(groups) > 1,
        margin={"r": 190}, legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )  # fmt: skip
    return style.note_below(figure, note)


def _checked(table: pd.DataFrame, *, log: bool) -> pd.DataFrame:
    lacking = [column for column in _NEEDED if column not in table]
    if lacking:
        raise StatsError(f"the table has no column {lacking[0]!r}: it needs {', '.join(_NEEDED)}")
    if table.empty:
        raise StatsError("the table has no row to draw")
    values = table[["estimate", "low", "high"]].to_numpy(np.float64)
    if log and (values <= 0).any():
        raise StatsError("a number is not above 0, so it has no place on a logarithmic axis: use log=False")
    rows = table.reset_index(drop=True).copy()
    rows["group"] = rows["group"].astype(str) if "group" in rows else ""
    counted = [f" (n = {n})" for n in rows["n"]] if "n" in rows else [""] * len(rows)
    rows["shown"] = [f"{label}{n}" for label, n in zip(rows["label"], counted, strict=True)]
    return rows.assign(y=np.arange(len(rows))[::-1].astype(float))


def _of_models(result: Association | AssociationTable) -> pd.DataFrame:
    """Return a row per term and model; models of one term lie close together."""
    table = result.to_frame().rename(columns={"term": "label", "ci_low": "low", "ci_high": "high"})
    table = table[table["label"] != ""].copy()
    table["group"] = table["model"].astype(str) if "model" in table else ""
    # a curve has tests but no ratio of its own; a reference is the same in every model
    reference = table["low"].isna() & (table["estimate"] == 1)
    table = table[table["estimate"].notna() & ~(reference & table["label"].duplicated())]
    table.loc[reference.reindex(table.index), "group"] = _REFERENCE
    order = {term: at for at, term in enumerate(dict.fromkeys(table["label"]))}
    table = table.sort_values("label", key=lambda labels: labels.map(order), kind="stable")
    if table.empty:
        raise StatsError("there is no ratio to draw: for a curve see bactools.figures.survival.dose_response")
    new = (table["label"] != table["label"].shift()).to_numpy()
    above = np.cumsum(np.where(new, 1.0, _CLOSE))
    table["y"] = above.max() - above
    table["shown"] = table["label"].where(new, "")
    return table.reset_index(drop=True)


def _draw(
    figure: go.Figure, rows: pd.DataFrame, at: int, group: str, span: tuple[float, float], *, log: bool
) -> None:
    low = rows["low"].clip(lower=span[0]).where(rows["low"].notna())
    high = rows["high"].clip(upper=span[1]).where(rows["high"].notna())
    colour = style.COLOURS[at % len(style.COLOURS)]
    look: dict[str, Any] = {"legendgroup": group, "showlegend": False, "hoverinfo": "skip"}
    ends = np.column_stack([low, high, np.full(len(rows), np.nan)]).ravel()
    figure.add_trace(
        go.Scatter(
            x=ends, y=np.repeat(rows["y"], 3), mode="lines", line={"color": colour, "width": 2}, **look
        )
    )
    for side, cut, symbol in (("low", span[0], "arrow-left"), ("high", span[1], "arrow-right")):
        beyond = rows[(rows[side] < cut) if side == "low" else (rows[side] > cut)]
        if len(beyond):
            marks = {"color": colour, "size": 11, "symbol": symbol}
            figure.add_trace(
                go.Scatter(x=[cut] * len(beyond), y=beyond["y"], mode="markers", marker=marks, **look)
            )
    figure.add_trace(
        go.Scatter(
            x=rows["estimate"].where(rows["estimate"].between(*span)), y=rows["y"], mode="markers",
            name=style.plain(group), legendgroup=group,
            marker={"color": colour, "size": 10, "symbol": style.SYMBOLS[(at + 1) % len(style.SYMBOLS)]},
            text=[f"{style.plain(str(row['label']))}: {style.plain(_numbers(row))}"
                  for row in rows.to_dict("records")],
            hovertemplate="%{text}<extra></extra>",
        )
    )  # fmt: skip


def _span(rows: pd.DataFrame, reference: float, *, log: bool) -> tuple[float, float]:
    """Return the ends of the axis: all estimates, and intervals unless they are endless."""
    held = rows[["estimate", "low", "high"]].to_numpy(np.float64)
    values = np.append(held[np.isfinite(held)], reference)
    if not log:
        reach = float(np.ptp(values)) or 1.0
        return float(values.min()) - 0.06 * reach, float(values.max()) + 0.06 * reach
    known = rows["estimate"].to_numpy(np.float64)
    known = np.append(known[np.isfinite(known) & (known > 0)], reference)
    low = max(float(values[values > 0].min()), float(known.min()) / 10)
    high = min(float(values.max()), float(known.max()) * 10)
    reach = max(1.1, high / low) ** 0.06
    return low / reach, high * reach


def ratio_ticks(low: float, high: float) -> dict[str, Any]:
    """Return where a logarithmic axis has round numbers, and these as text.

    Parameters
    ----------
    low, high : float
        Ends of the axis, above 0.
    """
    found: list[float] = []
    for digits in ((1, 1.2, 1.5, 2, 3, 4, 5, 7), (1, 2, 5), (1,)):
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        found = [digit * 10.0**power for power in powers for digit in digits]
        found = [place for place in found if low <= place <= high]
        if len(found) <= _MOST_TICKS:
            break
    return {"tickvals": found, "ticktext": [number(place) for place in found]}


def _numbers(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return str(row.get("reason") or "not estimable")
    if pd.isna(row["low"]):
        return number(row["estimate"])
    return f"{_short(row['estimate'])} ({_short(row['low'])} to {_short(row['high'])})"


def _short(value: float) -> str:
    return f"{value:.2f}" if 0.05 <= abs(value) < 100 else number(float(f"{value:.2g}"))


def _ratio_name(result: Association | AssociationTable) -> str:
    kinds = {result.ratio} if isinstance(result, Association) else set(result.table["ratio"])
    return kinds.pop() if len(kinds) == 1 else "ratio"
