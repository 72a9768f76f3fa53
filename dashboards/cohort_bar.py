"""The side bar: which study, which women, which exams."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from bactools.explore import Cohort, CohortError, Control, controls
from dashboards import background, look, parts
from dashboards.query_box import QueryBox
from dashboards.state import State

_SHOWN = 5
_ROUND = 10
_MOST_EXAMS = 10
_MOST_SAVED = 100
_NO_SAVED = "None"


class CohortBar:
    """The controls of the cohort.

    Parameters
    ----------
    state : State
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._busy = False
        self._turn = 0
        self._place = pn.Column(sizing_mode="stretch_width")
        self._told = pn.pane.HTML("", sizing_mode="stretch_width", stylesheets=[look.SMALL])
        self._more = pn.Column(sizing_mode="stretch_width")
        self._box = QueryBox(state)
        self._controls: dict[str, Control] = {}
        self._reflect: dict[str, Callable[[], None]] = {}
        """What makes a field show the cohort as it is."""
        state.param.watch(self._fill, "study")
        state.param.watch(self._changed, "cohort")

    def view(self) -> pn.Column:
        """Return the side bar."""
        self._fill()
        return pn.Column(self._place, self._box.dialog, sizing_mode="stretch_width", margin=(4, 6))

    def _fill(self, *events: Any) -> None:
        state, cube = self._state, self._state.source.cube
        self._reflect = {}
        self._controls = {control.name: control for control in controls(cube)}
        names = list(self._controls)
        study = pmui.Select.from_param(
            state.param.study, label="Study", size="small", sizing_mode="stretch_width", description=""
        )
        self._everyone = pmui.Button(
            label="Everyone", variant="outlined", size="small", icon="restart_alt",
        )  # fmt: skip
        self._everyone.on_click(lambda event: setattr(state, "cohort", Cohort()))
        first = [self._widget(self._controls[name]) for name in names[:_SHOWN]]
        self._place.objects = [
            study, parts.heading("Cohort", level=2), self._told, self._everyone, *self._asked(), *first,
            *self._dates(), self._views(), self._exams(), *self._others(names[_SHOWN:]),
        ]  # fmt: skip
        self._show()
        self._tell()

    def _asked(self) -> list[Any]:
        """Return what chooses by queries: saved ones by name, others in a box."""
        saved = {f"{each.name}@{each.version}": each for each in self._state.source.saved[:_MOST_SAVED]}
        ask = pmui.Button(label="Ask in SQL", variant="outlined", size="small", icon="terminal")
        drop = pmui.Button(label="Drop the query", variant="text", size="small", icon="close")
        ask.on_click(self._box.open)
        drop.on_click(lambda event: self._set(sql=""))

        def reflect_query() -> None:
            drop.visible = bool(self._state.cohort.sql)

        self._reflect["query "] = reflect_query
        row = pmui.Row(ask, drop, sizing_mode="stretch_width")
        if not saved:
            return [row]
        told = {f"{name}: {each.n_subjects:,} women": name for name, each in saved.items()}
        field = pmui.Select(
            label="Saved cohort", size="small", sizing_mode="stretch_width", options={_NO_SAVED: "", **told}
        )

        def reflect() -> None:
            held = self._state.cohort.saved
            name = "" if held is None else f"{held.name}@{held.version}"
            options = {_NO_SAVED: "", **told}
            field.param.update(
                options=options if name in ("", *saved) else {**options, name: name}, value=name
            )

        field.param.watch(lambda event: self._set(saved=saved.get(event.new)), "value")
        self._reflect["saved "] = reflect
        return [field, row]

    def _widget(self, control: Control) -> Any:
        return self._range(control) if control.kind == "range" else self._choice(control)

    def _range(self, control: Control) -> Any:
        name, low, high = control.name, control.low, control.high
        step = (high - low) / 100
        if high - low >= _ROUND:  # whole numbers are easier to read, and hold all there is
            low, high, step = float(low // 1), float(-(-high // 1)), 1.0
        widget = pmui.RangeSlider(
            label=html.escape(control.label), start=low, end=high, value=(low, high), step=step,
            sizing_mode="stretch_width", size="small",
        )  # fmt: skip

        def told(event: Any) -> None:
            ends = (
                None if event.new[0] <= low else event.new[0],
                None if event.new[1] >= high else event.new[1],
            )
            others = {each: held for each, held in self._state.cohort.ranges.items() if each != name}
            self._set(ranges=others if ends == (None, None) else {**others, name: ends})

        def reflect() -> None:
            first, last = self._state.cohort.ranges.get(name, (None, None))
            ends = (low if first is None else max(first, low), high if last is None else min(last, high))
            widget.value = (min(ends), max(ends))

        widget.param.watch(told, "value_throttled")
        self._reflect[name] = reflect
        return widget

    def _choice(self, control: Control) -> Any:
        name = control.name
        widget = pmui.MultiChoice(
            label=html.escape(control.label), options=list(control.choices), value=[],
            sizing_mode="stretch_width",
        )  # fmt: skip

        def told(event: Any) -> None:
            others = {each: held for each, held in self._state.cohort.choices.items() if each != name}
            self._set(choices={**others, name: tuple(event.new)} if event.new else others)

        def reflect() -> None:
            widget.value = list(self._state.cohort.choices.get(name, ()))

        widget.param.watch(told, "value")
        self._reflect[name] = reflect
        return widget

    def _dates(self) -> list[Any]:
        fields = [
            pmui.DatePicker(label=label, size="small", sizing_mode="stretch_width")
            for label in ("Exams since", "Exams until")
        ]

        def told(event: Any) -> None:
            self._set(dates=tuple("" if each.value is None else f"{each.value:%Y-%m-%d}" for each in fields))

        def reflect() -> None:
            for each, day in zip(fields, self._state.cohort.dates, strict=True):
                each.value = dt.date.fromisoformat(day) if day else None

        for each in fields:
            each.param.watch(told, "value")
        self._reflect["dates "] = reflect
        return fields

    def _views(self) -> Any:
        views = [str(view) for view in self._state.source.cube["view"].values]
        widget = pmui.CheckButtonGroup(options=views, value=views, label="Views", size="small")

        def told(event: Any) -> None:
            self._set(views=() if len(event.new) == len(views) else tuple(event.new))

        def reflect() -> None:
            widget.value = list(self._state.cohort.views or views)

        widget.param.watch(told, "value")
        self._reflect["views "] = reflect
        return widget

    def _exams(self) -> Any:
        widget = pmui.Select(label="Exams at least", size="small", sizing_mode="stretch_width", options=[1])

        def reflect() -> None:
            held = self._state.cohort.at_least
            numbers = sorted({*range(1, _MOST_EXAMS + 1), held})
            widget.param.update(options=numbers, value=held)

        widget.param.watch(lambda event: self._set(at_least=int(event.new or 1)), "value")
        self._reflect["exams "] = reflect
        return widget

    def _others(self, names: list[str]) -> list[Any]:
        """Return a field that brings up the covariates which are not shown at first."""
        if not names:
            return []
        field = pmui.MultiChoice(
            label=f"More covariates ({len(names)})", options=names, value=[], sizing_mode="stretch_width",
        )  # fmt: skip
        made: dict[str, Any] = {}

        def shown(chosen: list[str]) -> None:
            for name in chosen:
                if name not in made:
                    made[name] = self._widget(self._controls[name])
                    with self._quiet():
                        self._reflect[name]()
            self._more.objects = [made[name] for name in chosen]

        def told(event: Any) -> None:
            shown(event.new)
            cohort = self._state.cohort
            kept = {*self._controls} - ({*names} - {*event.new})
            ranges = {name: held for name, held in cohort.ranges.items() if name in kept}
            choices = {name: held for name, held in cohort.choices.items() if name in kept}
            self._set(ranges=ranges, choices=choices)

        def reflect() -> None:
            held = {*self._state.cohort.ranges, *self._state.cohort.choices}
            # what was brought up stays, though it has no condition yet
            field.value = [name for name in names if name in held or name in field.value]
            shown(field.value)

        field.param.watch(told, "value")
        self._reflect["more "] = reflect
        return [field, self._more]

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before

    def _set(self, **changes: Any) -> None:
        if self._busy:
            return
        cohort = replace(self._state.cohort, **changes)
        if cohort.key != self._state.cohort.key:
            self._state.cohort = cohort

    def _changed(self, *events: Any) -> None:
        self._show()
        self._tell()

    def _show(self) -> None:
        """Make all fields show the cohort, wherever it was changed."""
        with self._quiet():
            for reflect in list(self._reflect.values()):
                reflect()
        self._everyone.disabled = self._state.cohort.key == Cohort().key

    def _tell(self) -> None:
        """Say how many women there are, and which, as soon as they are counted."""
        state = self._state
        cohort, whole = state.cohort, state.source.cube.sizes["subject"]
        self._turn += 1
        turn = self._turn

        def put(count: int | str | None) -> None:
            if turn == self._turn and count is not None:
                said = count if isinstance(count, str) else f"{count:,} of {whole:,} women"
                self._told.object = _lines(said, cohort.words())

        background.run(partial(_women, state), then=put, wanted=lambda: turn == self._turn)


def _women(state: State) -> int | str:
    try:
        return int(state.cube("status").sizes["subject"])
    except CohortError as error:
        return str(error)


def _lines(count: str, conditions: str) -> str:
    return f'<p class="first">{html.escape(count)}</p><p>{html.escape(conditions)}</p>'
