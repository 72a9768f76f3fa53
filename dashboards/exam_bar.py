"""Which woman, which exam, which one beside it, and how images are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

_LONGEST = 64


class ExamBar:
    """Fields for the options of a page that shows exams.

    Parameters
    ----------
    page : Parameterized
        With ``subject``, ``date`` and ``beside``, all text.
    """

    def __init__(self, page: Any) -> None:
        self._page, self._busy = page, False
        self._woman = pmui.AutocompleteInput(
            label="Woman", options=[], value=None, width=210, size="small", case_sensitive=False,
            search_strategy="includes", restrict=False, min_characters=1, placeholder="first of the cohort",
        )  # fmt: skip
        self._exam = pmui.Select(label="Exam", options=[""], value="", width=150, size="small")
        self._beside = pmui.Select(label="Beside it", options={"none": ""}, value="", width=150, size="small")
        self._woman.param.watch(self._picked, "value")
        self._exam.param.watch(lambda event: self._tell(date=event.new, beside=""), "value")
        self._beside.param.watch(lambda event: self._tell(beside=event.new), "value")

    def view(self) -> pn.FlexBox:
        """Return the fields."""
        return pn.FlexBox(
            self._woman, self._exam, self._beside, align_items="center", gap="4px",
            sizing_mode="stretch_width",
        )  # fmt: skip

    def fill(self, women: Sequence[str], subject: str, date: str, days: Sequence[str]) -> None:
        """Show who is shown, and offer other women and her other exams.

        Parameters
        ----------
        women : sequence of str
            Who is offered; others may be typed.
        subject, date : str
            Who and which exam are shown.
        days : sequence of str
            Of all her exams.
        """
        others = {day: day for day in days if day != date}
        beside = self._page.beside if self._page.beside in others else ""
        self._busy = True
        try:
            self._woman.param.update(options=list(women), value=subject or None)
            self._exam.param.update(options=list(days) or [""], value=date)
            self._beside.param.update(options={"none": "", **others}, value=beside)
        finally:
            self._busy = False

    def _picked(self, event: Any) -> None:
        self._tell(subject=str(event.new or "")[:_LONGEST], date="", beside="", zoom="")

    def _tell(self, **options: str | None) -> None:
        if not self._busy:
            self._page.param.update(**{name: value or "" for name, value in options.items()})


def slider(page: Any, name: str) -> Any:
    """Return a slider that tells a page's option once it is let go."""
    kind = page.param[name]
    low, high = kind.bounds
    make = pmui.IntSlider if isinstance(kind, param.Integer) else pmui.FloatSlider
    field = make(
        label=kind.label, start=low, end=high, step=kind.step or 1, value=getattr(page, name), width=150,
        size="small",
    )  # fmt: skip

    def told(event: Any) -> None:
        if event.new is not None and event.new != getattr(page, name):
            setattr(page, name, min(max(event.new, low), high))

    def shown(event: Any) -> None:
        field.value = event.new

    field.param.watch(told, "value_throttled")
    page.param.watch(shown, name)
    return field
