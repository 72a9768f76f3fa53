"""The side bar: which study, which women, which exams."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import Any

import panel as pn
import panel_material_ui as pmui

from bactools.explore import Control, controls
from dashboards import parts
from dashboards.state import State


class CohortBar:
    """The controls of the cohort.

    Parameters
    ----------
    state : State
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._place = pn.Column(sizing_mode="stretch_width")
        self._told = pn.Column(sizing_mode="stretch_width")
        state.param.watch(self._fill, "study")
        state.param.watch(self._tell, "cohort")

    def view(self) -> pn.Column:
        """Return the side bar."""
        self._fill()
        return pn.Column(self._place, self._told, sizing_mode="stretch_width")

    def _fill(self, *events: Any) -> None:
        state = self._state
        study = pmui.Select.from_param(
            state.param.study, label="Study", size="small", sizing_mode="stretch_width"
        )
        widgets = [self._widget(control) for control in controls(state.source.cube)]
        views = [str(view) for view in state.source.cube["view"].values]
        of_views = pmui.CheckButtonGroup(
            options=views, value=list(state.cohort.views or views), label="Views", size="small"
        )
        of_views.param.watch(
            lambda event: self._set(views=() if len(event.new) == len(views) else tuple(event.new)), "value"
        )
        exams = pmui.IntInput(
            label="Exams at least", value=state.cohort.at_least, start=1, end=50, size="small"
        )
        exams.param.watch(lambda event: self._set(at_least=int(event.new or 1)), "value")
        clear = pmui.Button(label="Everyone", variant="outlined", size="small", icon="group")
        clear.on_click(lambda event: self._clear())
        self._place.objects = [study, parts.heading("Cohort", level=2), *widgets, of_views, exams, clear]
        self._tell()

    def _widget(self, control: Control) -> Any:
        cohort = self._state.cohort
        label = html.escape(control.label)
        if control.kind == "range":
            low, high = cohort.ranges.get(control.name, (None, None))
            widget = pmui.RangeSlider(
                label=label, start=control.low, end=control.high, sizing_mode="stretch_width", size="small",
                value=(control.low if low is None else low, control.high if high is None else high),
                step=(control.high - control.low) / 100,
            )  # fmt: skip
            widget.param.watch(lambda event: self._range(control, *event.new), "value_throttled")
            return widget
        widget = pmui.MultiChoice(
            label=label, options=list(control.choices), value=list(cohort.choices.get(control.name, ())),
            sizing_mode="stretch_width",
        )  # fmt: skip
        widget.param.watch(lambda event: self._choice(control, event.new), "value")
        return widget

    def _range(self, control: Control, low: float, high: float) -> None:
        ends = (None if low <= control.low else low, None if high >= control.high else high)
        others = {name: held for name, held in self._state.cohort.ranges.items() if name != control.name}
        self._set(ranges=others if ends == (None, None) else {**others, control.name: ends})

    def _choice(self, control: Control, chosen: list[str]) -> None:
        others = {name: held for name, held in self._state.cohort.choices.items() if name != control.name}
        self._set(choices={**others, control.name: tuple(chosen)} if chosen else others)

    def _set(self, **changes: Any) -> None:
        self._state.cohort = replace(self._state.cohort, **changes)

    def _clear(self) -> None:
        self._state.cohort = type(self._state.cohort)()
        self._fill()

    def _tell(self, *events: Any) -> None:
        state = self._state
        cube = state.cube("status")
        told = (
            f"{cube.sizes['subject']} of {state.source.cube.sizes['subject']} women: {state.cohort.words()}"
        )
        self._told.objects = [parts.words(told)]
