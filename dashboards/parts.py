"""What pages are made of: words, figures and tables, with what can be downloaded of them."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui
from bokeh.models.widgets.tables import DateFormatter, NumberFormatter

from bactools.cube import csv_bytes
from bactools.explore.readable import NONE, readable
from bactools.figures.clicked import clicked
from bactools.figures.export import ExportError, render
from bactools.figures.style import plain
from bactools.stats.result import Result
from dashboards import look

_ROWS = 20
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")
_LONGEST = 600
_BAR = ("lasso2d", "select2d", "autoScale2d", "zoomIn2d", "zoomOut2d")


def words(text: str) -> pn.pane.HTML:
    """Return text as it is, tags and all; a paragraph a line."""
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in text.splitlines() if line.strip())
    return pn.pane.HTML(
        lines, sizing_mode="stretch_width", css_classes=["bactools-words"], stylesheets=[look.WORDS]
    )


def heading(text: str, *, level: int = 2) -> pn.pane.HTML:
    """Return a heading."""
    return pn.pane.HTML(
        f"<h{level}>{html.escape(text)}</h{level}>", sizing_mode="stretch_width", stylesheets=[look.WORDS]
    )


def notice(text: str, *, kind: str = "info") -> pmui.Alert:
    """Return a coloured box of words; `kind` as in Material: info, warning, error, success."""
    return pmui.Alert(object=html.escape(text), severity=kind, sizing_mode="stretch_width")


def figure(
    drawn: Any,
    *,
    name: str,
    table: Any,
    click: Callable[[dict[str, str]], None] | None = None,
    told: str = "",
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
    told : str
        What it shows, in words, for those who cannot see it; it stands beside the figure as well.
    """
    height = drawn.layout.height or 640
    pane = look.plot(
        drawn, _spoken(drawn, name, told), sizing_mode="stretch_width", height=int(height),
        stylesheets=[look.FIGURE],
        config={"displaylogo": False, "modeBarButtonsToRemove": list(_BAR)},
    )  # fmt: skip
    if click is not None:
        pane.param.watch(lambda event: _clicked(drawn, event.new, click), "click_data")
    wide = {"overflow-x": "auto", "max-width": "100%"}
    return pn.Column(pane, _downloads(drawn, name, table), sizing_mode="stretch_width", styles=wide)


def table(frame: Any, *, name: str) -> pn.Column:
    """Return a table, some rows at a time, with its download.

    What is shown is rounded, what is downloaded is not.
    """
    shown = readable(frame)
    # what a browser shows at the head of a column may be HTML
    columns = {str(column): plain(str(column)) for column in shown.frame}
    formats: dict[str, Any] = {columns[day]: DateFormatter(format="%Y-%m-%d") for day in shown.days}
    for column, decimals in shown.decimals.items():
        zeros = f"0.{'0' * decimals}" if decimals else "0"
        formats[columns[column]] = NumberFormatter(format=zeros, nan_format=NONE, text_align="right")
    fixed = {columns[each]: False for each in shown.numbers if each not in shown.decimals}
    pane = look.table(
        shown.frame.rename(columns=columns), f"Table: {_plainly(name)}", disabled=True, show_index=False,
        pagination="remote" if len(frame) > _ROWS else None, page_size=_ROWS, sizing_mode="stretch_width",
        layout="fit_data_table", titles={each: each.replace("_", " ") for each in columns.values()},
        text_align={columns[each]: "right" for each in shown.numbers}, formatters=formats,
        sortable={each: fixed.get(each, True) for each in columns.values()}, stylesheets=[look.TABLE],
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
            told=found.interpret(),
        )
        for at, each in enumerate(drawn)
    ]
    return pn.Column(*parts, words(found.interpret()), table(numbers, name=name), sizing_mode="stretch_width")


def _spoken(drawn: Any, name: str, told: str) -> str:
    """Return what a figure is called: its title, and what it shows."""
    title = html.unescape(_TAG.sub(" ", drawn.layout.title.text or "")).strip() or _plainly(name)
    said = f"Figure: {title}. {' '.join(told.split())}".strip()
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST].rsplit(' ', 1)[0]} …"


def _plainly(name: str) -> str:
    return name.replace("-", " ").replace("_", " ")


def _downloads(drawn: Any, name: str, data: Any) -> pn.Row:
    buttons = [
        pmui.FileDownload(
            callback=lambda form=form: _rendered(drawn, form), filename=f"{name}.{form}", label=form.upper(),
            variant="text", size="small", icon="download",
            description=f"Download the figure as {form.upper()}",
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


def _clicked(drawn: Any, event: Any, click: Callable[[dict[str, str]], None]) -> None:
    points = (event or {}).get("points") or []
    told = clicked(drawn, points[0]) if points else {}
    if told.get("subject"):
        click(told)
