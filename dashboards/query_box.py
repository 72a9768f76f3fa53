"""A box for questions in SQL: what it finds is shown as a table, or taken as the cohort."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from bactools.explore import LONGEST, Found, QueryError, Source, controls
from dashboards import background, parts
from dashboards.state import State

_ABOUT = (
    "One SELECT on the views images (a row per image), exams (a row per exam, summed over its views) and"
    " subjects (a row per woman).\nA result with a column subject can be taken as the cohort of all pages:"
    " all exams of these women, or those that a column exam or date names. Anything else is shown as a table."
)
_MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
_GROUPS = ("race", "ckd", "density", "ethnicity")
_STYLE = """
pre { margin: 0; padding: 8px 10px; border-radius: 6px; overflow-x: auto; color: inherit;
  font-size: 13px; line-height: 1.35; background: rgba(127, 140, 155, .16); }
"""
_LOOK = {
    "& .MuiDialog-paper": {
        "width": "100%", "backgroundImage": "none", "backgroundColor": "background.paper",
        "@media (max-width: 599px)": {"margin": "8px", "maxHeight": "calc(100% - 16px)"},
    },
    "& .MuiDialog-paper .MuiIconButton-root": {"color": "inherit !important"},
}  # fmt: skip


class QueryBox:
    """A dialog that asks the study in SQL.

    Parameters
    ----------
    state : State
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._turn = 0
        self._columns_of = ""
        self._asked = ""
        self._text = pmui.TextAreaInput(
            label="Query", rows=6, max_rows=14, auto_grow=True, max_length=LONGEST,
            sizing_mode="stretch_width", placeholder="SELECT subject FROM subjects WHERE …",
            sx={"& textarea": {"fontFamily": _MONO, "fontSize": "13.5px", "lineHeight": 1.5}},
        )  # fmt: skip
        self._ask = pmui.Button(label="Ask", variant="contained", icon="play_arrow", size="small")
        self._take = pmui.Button(
            label="Take as the cohort", variant="outlined", icon="group_add", size="small", disabled=True
        )
        self._told = pn.Column(sizing_mode="stretch_width")
        self._columns = pn.Column(sizing_mode="stretch_width")
        self._examples = pn.Column(sizing_mode="stretch_width")
        self._ask.on_click(self._start)
        self._take.on_click(self._taken)
        self._help = pmui.Accordion(
            ("Examples", self._examples), ("Columns that can be asked for", self._columns), active=[],
            disable_gutters=True, sizing_mode="stretch_width", title_variant="subtitle2",
            margin=(14, 10, 10, 10),
        )  # fmt: skip
        self.dialog = pmui.Dialog(
            parts.words(_ABOUT), self._text, pmui.Row(self._ask, self._take), self._told, self._help,
            title="Ask in SQL", title_variant="h6", width_option="md", show_close_button=True,
            close_on_click=True, sizing_mode="stretch_width",
            sx=_LOOK,
        )  # fmt: skip
        """What is opened; part of the side bar."""

    def open(self, *events: Any) -> None:
        """Open it, with the cohort's query if there is one."""
        state = self._state
        if state.cohort.sql and not self._text.value:
            self._text.value = state.cohort.sql
        version = f"{state.study} {state.source.version}"
        if version != self._columns_of:
            self._columns_of = version
            self._examples.objects = [self._example(*each) for each in _examples(state.source)]
            self._columns.objects = [parts.notice("The views are being made: this takes a moment.")]
            background.run(partial(_columns, state.source), then=partial(self._listed, version))
        self.dialog.open = True

    def _listed(self, version: str, shown: Any) -> None:
        if version == self._columns_of:
            self._columns.objects = [shown or parts.notice("The columns could not be read.", kind="error")]
            self._columns_of = version if isinstance(shown, pn.Column) else ""

    def _example(self, told: str, sql: str) -> Any:
        button = pmui.Button(label="Use", variant="text", size="small", icon="north_west", description=told)
        button.on_click(lambda event: self._text.param.update(value=sql))
        return pn.Column(
            pmui.Row(parts.words(told), button, sizing_mode="stretch_width"), _code(sql),
            sizing_mode="stretch_width",
        )  # fmt: skip

    def _start(self, *events: Any) -> None:
        """Ask, beside the event loop."""
        sql = str(self._text.value or "").strip()
        self._turn += 1
        turn, self._asked = self._turn, sql
        self._take.disabled = True
        self._told.objects = [parts.words("Asking …")]
        background.run(
            partial(_found, self._state.source, sql), then=partial(self._answered, turn),
            wanted=lambda: turn == self._turn,
        )  # fmt: skip

    def _answered(self, turn: int, told: Any) -> None:
        if turn != self._turn:
            return
        found, shown = told or (None, [parts.notice("This could not be asked.", kind="error")])
        self._told.objects = shown
        self._take.disabled = found is None or not found.women

    def _taken(self, *events: Any) -> None:
        self.dialog.open = False
        self._state.cohort = replace(self._state.cohort, sql=self._asked)


def _found(source: Source, sql: str) -> tuple[Found | None, Sequence[Any]]:
    """Return what a query finds, and how it is shown."""
    try:
        found = source.ask(sql)
    except QueryError as error:
        return None, _refused(error)
    said = found.words
    if found.women:
        said = f"{said}: {found.women:,} women with {found.exams:,} exams, who can be taken as the cohort."
    shown: list[Any] = [parts.words(said)]
    if found.refusal:
        shown.append(parts.notice(f"It cannot be taken as the cohort: {found.refusal}.", kind="warning"))
    if len(found.table):
        shown.append(parts.table(found.table, name="answer"))
    return found, shown


def _refused(error: QueryError) -> list[Any]:
    """Return an error in words, and the place in the query that it is about."""
    first, _, place = str(error).partition("\n")
    said = parts.notice(first[:1].upper() + first[1:], kind="error")
    return [said, _code(place)] if place else [said]


def _code(text: str) -> pn.pane.HTML:
    return pn.pane.HTML(
        f"<pre>{html.escape(text)}</pre>", sizing_mode="stretch_width", stylesheets=[_STYLE], margin=(6, 10)
    )


def _columns(source: Source) -> Any:
    try:
        return parts.table(source.columns, name="columns")
    except QueryError as error:
        return parts.notice(str(error), kind="warning")


def _examples(source: Source) -> list[tuple[str, str]]:
    """Return questions that this study can answer."""
    names = [control.name for control in controls(source.cube)]
    group = next((name for name in _GROUPS if name in names), "n_exams")
    return [
        (
            "Women with at least five exams of all views, followed for four years or more",
            "SELECT subject\nFROM subjects\nWHERE n_complete >= 5 AND follow_up >= 4",
        ),
        (
            f"Mean annual change of TAM_100 by {group}",
            f"SELECT {group}, count(*) AS women, avg(tam_100_per_year) AS change_per_year\nFROM subjects\n"
            f"GROUP BY {group}\nORDER BY {group}",
        ),
        (
            "Women whose TAM_100 doubled within three years",
            "SELECT DISTINCT later.subject\nFROM exams AS earlier JOIN exams AS later USING (subject)\n"
            "WHERE later.years > earlier.years AND later.years <= earlier.years + 3\n"
            "  AND earlier.tam_100 > 0 AND later.tam_100 >= 2 * earlier.tam_100",
        ),
    ]
