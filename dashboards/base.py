"""What a page is: parameters that are its options, and a method that shows what they ask for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar, TypeVar
from urllib.parse import unquote

import panel as pn
import panel_material_ui as pmui
import param

from bactools.stats.result import StatsError
from dashboards import background, parts
from dashboards.state import State

_Found = TypeVar("_Found")
_INHERITED = frozenset({"name"})


class Page(param.Parameterized):
    """A page of the dashboard. Subclasses declare options as parameters and write `show`.

    Parameters
    ----------
    state : State
        What all pages share.
    """

    slug: ClassVar[str] = ""
    title: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    about: ClassVar[str] = ""
    """One sentence for somebody who has not read the paper."""

    def __init__(self, state: State, **options: object) -> None:
        self.state = state
        super().__init__(**options)
        self._place = pn.Column(sizing_mode="stretch_width", loading=False)
        self._asked = 0
        self._watch = self.param.watch(self._changed, self.options())
        state.param.watch(self._changed, ["study", "cohort"])

    @classmethod
    def options(cls) -> list[str]:
        """Return the names of the page's options."""
        return [
            name for name in cls.param if name not in _INHERITED and (cls.param[name].precedence or 0) >= 0
        ]

    def prepare(self) -> None:
        """Set the options' choices by what the study holds; called before anything is shown."""

    def show(self) -> list[Any]:
        """Return what to show for the options, the study and the cohort as they are.

        A visitor's browser waits for it elsewhere than on the server's event loop: it may run in a thread,
        and what it returns is not shown if something else was asked for meanwhile.
        """
        return []

    def kept(self, name: str, compute: Callable[[], _Found], *, of: Iterable[str] | None = None) -> _Found:
        """Return what was computed for these options before, for whichever visitor, or compute it.

        Parameters
        ----------
        name : str
            What it is, among the things this page computes.
        compute : callable
            May depend on the page's options, the studies and the cohort, and on nothing else. What it
            returns is shared: nobody changes it.
        of : iterable of str, optional
            The options that it depends on; all if not given.
        """
        options = self.options() if of is None else list(of)
        asked, key = self._asked, self._key(name, options)

        def sure() -> _Found:
            found = compute()
            if (asked, key) != (self._asked, self._key(name, options)):
                raise background.Outdated
            return found

        return self.state.source.kept(key, sure)

    def _key(self, name: str, options: list[str]) -> tuple[Any, ...]:
        return (self.slug, name, *((each, str(getattr(self, each))) for each in options), *self.state.key)

    def read(self, query: Mapping[str, str]) -> None:
        """Take options from the parameters of a link, which anyone may have written."""
        self.prepare()
        for name in self.options():
            text = query.get(f"o.{name}")
            if text is None:
                continue
            value = _value(self.param[name], text)
            try:
                if value is None:
                    raise ValueError(name)
                setattr(self, name, value)
            except (ValueError, TypeError):
                self.state.tell(f"The link's option {name} was not understood.")

    def write(self) -> dict[str, str]:
        """Return the options that are not as at first, as parameters of a link."""
        held = {name: getattr(self, name) for name in self.options()}
        return {
            f"o.{name}": _text(value) for name, value in held.items() if value != self.param[name].default
        }

    def controls(self) -> pn.FlexBox:
        """Return the widgets of the options."""
        widgets = [self._widget(name) for name in self.options()]
        return pn.FlexBox(*widgets, align_items="center", gap="4px", sizing_mode="stretch_width")

    def view(self) -> pn.Column:
        """Return the page, filled."""
        self.prepare()
        controls = self.controls()
        self.refresh()
        return pn.Column(
            parts.heading(self.title, level=1), parts.words(self.about), controls, self._place,
            sizing_mode="stretch_width",
            styles={"max-width": "min(1400px, 100%)", "min-width": "0", "margin": "0 auto"},
        )  # fmt: skip

    def refresh(self) -> None:
        """Show anew what the options ask for, as soon as it is computed."""
        self._asked += 1
        asked = self._asked
        self._place.loading = True
        background.run(self._made, then=partial(self._put, asked), wanted=lambda: asked == self._asked)

    def _made(self) -> list[Any]:
        """Return what to show, or why there is nothing."""
        try:
            if self.state.cube("status").sizes["subject"]:
                return self.show()
            return [parts.notice(f"No woman fits this cohort: {self.state.cohort.words()}.", kind="warning")]
        except StatsError as error:
            return [parts.notice(str(error), kind="warning")]

    def _put(self, asked: int, shown: list[Any] | None) -> None:
        if asked != self._asked:
            return
        failed = [parts.notice("This page could not be drawn.", kind="error")]
        self._place.objects = failed if shown is None else shown
        self._place.loading = False

    def open_exam(self, point: dict[str, str]) -> None:
        """Show the exam of a point that was clicked."""
        if point.get("subject") and point.get("date"):
            self.state.exam = point
            self.state.page = "images"

    def _changed(self, *events: Any) -> None:
        self._asked += 1
        if self.state.page == self.slug:
            self.refresh()

    def _widget(self, name: str) -> Any:
        kind = self.param[name]
        label = kind.label or name
        if isinstance(kind, param.Boolean):
            return pmui.Switch.from_param(kind, label=label, margin=(10, 10))
        if isinstance(kind, param.Selector):
            return pmui.Select.from_param(kind, label=label, width=210, size="small")
        if isinstance(kind, param.Number):
            return pmui.FloatSlider.from_param(kind, label=label, width=260)
        return pmui.TextInput.from_param(kind, label=label, width=210, size="small")


def _value(kind: Any, text: str) -> Any:
    """Return an option's value from a link; None if it is none."""
    if isinstance(kind, param.Boolean):
        return {"yes": True, "no": False}.get(text)
    if isinstance(kind, param.ListSelector):
        named = [unquote(part) for part in text.split("~") if part]
        held = {str(choice): choice for choice in kind.objects}
        return [held[each] for each in named] if set(named) <= set(held) else None
    if isinstance(kind, param.Selector):
        return next((choice for choice in kind.objects if str(choice) == text), None)
    if isinstance(kind, param.Number):
        try:
            number = int(text) if isinstance(kind, param.Integer) else float(text)
        except ValueError:
            return None
        if not math.isfinite(number):
            return None
        low, high = kind.bounds or (None, None)
        inside = (low is None or number >= low) and (high is None or number <= high)
        return number if inside else None
    return text if len(text) <= 64 else None


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "~".join(str(each).replace("%", "%25").replace("~", "%7E") for each in value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
