"""What pages are made of: words, figures and tables, with what can be downloaded of them."""

from __future__ import annotations

import html
import io
from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from bactools.cube import csv_bytes
from bactools.figures.export import ExportError, render
from bactools.figures.style import KEYS, plain
from bactools.stats.result import Result

_ROWS = 20


def words(text: str) -> pn.pane.HTML:
    """Return text as it is, tags and all; a paragraph a line."""
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in text.splitlines() if line.strip())
    return pn.pane.HTML(lines, sizing_mode="stretch_width", css_classes=["bactools-words"])


def heading(text: str, *, level: int = 2) -> pn.pane.HTML:
    """Return a heading."""
    return pn.pane.HTML(f"<h{level}>{html.escape(text)}</h{level}>", sizing_mode="stretch_width")


def notice(text: str, *, kind: str = "info") -> pmui.Alert:
    """Return a coloured box of words; `kind` as in Material: info, warning, error, success."""
    return pmui.Alert(object=html.escape(text), severity=kind, sizing_mode="stretch_width")


def figure(
    drawn: Any, *, name: str, table: Any, click: Callable[[dict[str, str]], None] | None = None
) -> pn.Column:
    """Return a figure with its downloads.

    Parameters
    ----------
    drawn : plotly.graph_objects.Figure
        From `bactools.figures`.
    name : str
        Of the files.
    table : DataFrame
        The numbers behind it.
    click : callable, optional
        Is told subject, view, date and image_id of a point that was clicked.
    """
    height = drawn.layout.height or 640
    pane = pn.pane.Plotly(
        drawn, sizing_mode="stretch_width", height=int(height), config={"displaylogo": False}
    )
    if click is not None:
        pane.param.watch(lambda event: _clicked(event.new, click), "click_data")
    return pn.Column(pane, _downloads(drawn, name, table), sizing_mode="stretch_width")


def table(frame: Any, *, name: str) -> pn.Column:
    """Return a table, some rows at a time, with its download."""
    shown = frame.rename(columns=lambda column: plain(str(column)))
    pane = pn.widgets.Tabulator(
        shown, disabled=True, show_index=False, pagination="remote", page_size=_ROWS,
        sizing_mode="stretch_width", layout="fit_data_table",
    )  # fmt: skip
    wide = {"overflow-x": "auto", "max-width": "100%"}
    return pn.Column(pane, pn.Row(_csv(name, frame)), sizing_mode="stretch_width", styles=wide)


def result(
    found: Result, *drawn: Any, name: str, click: Callable[[dict[str, str]], None] | None = None
) -> pn.Column:
    """Return figures of a result, its plain-words reading and its numbers."""
    if not found.estimable:
        return pn.Column(heading(found.title), notice(found.interpret(), kind="warning"))
    points = getattr(found, "points", None)
    numbers = found.to_frame()
    parts = [
        figure(
            each,
            name=f"{name}-{at}" if at else name,
            table=numbers if points is None else points,
            click=click,
        )
        for at, each in enumerate(drawn)
    ]
    return pn.Column(*parts, words(found.interpret()), table(numbers, name=name), sizing_mode="stretch_width")


def _downloads(drawn: Any, name: str, data: Any) -> pn.Row:
    buttons = [
        pmui.FileDownload(
            callback=lambda form=form: _rendered(drawn, form), filename=f"{name}.{form}", label=form.upper(),
            variant="text", size="small", icon="download", description=f"The figure as {form.upper()}",
        )
        for form in ("png", "svg")
    ]  # fmt: skip
    return pn.Row(*buttons, _csv(name, data))


def _rendered(drawn: Any, form: str) -> io.BytesIO:
    try:
        return io.BytesIO(render(drawn, form))
    except ExportError as error:
        if pn.state.notifications:
            pn.state.notifications.error(html.escape(str(error)))
        return io.BytesIO(html.escape(str(error)).encode())


def _csv(name: str, data: Any) -> pmui.FileDownload:
    return pmui.FileDownload(
        callback=lambda: io.BytesIO(csv_bytes(data)), filename=f"{name}.csv", label="CSV", variant="text",
        size="small", icon="download", description="Download the numbers as CSV",
    )  # fmt: skip


def _clicked(event: Any, click: Callable[[dict[str, str]], None]) -> None:
    points = (event or {}).get("points") or []
    data = points[0].get("customdata") if points else None
    if isinstance(data, list) and len(data) == len(KEYS):
        click(dict(zip(KEYS, map(str, data), strict=True)))
