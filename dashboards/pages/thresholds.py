"""Intensity threshold and probability cut, moved by hand: burden, R² and limits follow at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from bactools.explore.threshold_search import Search, has_histogram, search, threshold_references
from bactools.figures.thresholds import threshold_slice, threshold_surface
from bactools.stats.result import number
from dashboards import background, parts
from dashboards.base import Page

_CRITERIA = {"R²": "r2", "concordance": "ccc", "SD of differences": "sd", "RMS difference": "rmse"}
_REST = 250
"""How long sliders rest before figures are drawn anew [ms]."""

_MOVED = frozenset({"x", "cut"})


@dataclass(eq=False)
class _Live:
    """What is shown, to be changed when a slider moves: words at once, figures once it rests."""

    searched: Search
    table: Any
    words: Any
    figures: list[Any]
    at: tuple[float, int]


class ThresholdsPage(Page):
    """Sliders over the threshold surface."""

    slug = "thresholds"
    title = "Thresholds"
    icon = "tune"
    about = (
        "A pixel counts as calcified if the network is sure enough (probability cut) and it is bright"
        " enough (threshold X). Move both and see what becomes of burden and of its agreement with a"
        " reference; the paper used X = 100 and a cut of 0.5."
    )

    x = param.Integer(default=100, bounds=(0, 255), label="Threshold X [grey level]")
    cut = param.Number(default=0.5, bounds=(0.05, 0.95), step=0.05, label="Probability cut")
    against = param.Selector(default="", objects=[""], label="Against")
    quantity = param.Selector(
        default="tam", objects={"area (TAM)": "tam", "intensity (TSIM)": "tsim"}, label="Burden"
    )
    criterion = param.Selector(default="r2", objects=_CRITERIA, label="Best by")

    def __init__(self, state: Any, **options: object) -> None:
        self._live: _Live | None = None
        super().__init__(state, **options)

    def prepare(self) -> None:
        """Offer what the study can be compared with."""
        names = threshold_references(self.state.source.cube, self.state.others)
        self.param.against.objects = names or [""]
        if self.against not in self.param.against.objects:
            self.against = self.param.against.objects[0]

    def show(self) -> list[Any]:
        """Return the surface, a slice of it, and what is found at the chosen point."""
        self._live = None
        if not has_histogram(self.state.source.cube):
            return [
                parts.notice(
                    "This study kept no joint histograms of probability and grey level, so thresholds cannot"
                    " be moved.",
                    kind="warning",
                )
            ]
        if not self.against:
            return [
                parts.notice(
                    "There is nothing to compare with: the study has no truth, and no other study is served.",
                    kind="warning",
                )
            ]
        searched = self._found()
        found = searched.found
        if not found.estimable:
            return [parts.notice(found.interpret(), kind="warning")]
        table = found.surface.to_dataframe().reset_index()
        figures = [
            parts.figure(drawn, name=name, table=table) for name, drawn in self._drawn(searched).items()
        ]
        words = parts.words(self._told(searched))
        self._live = _Live(searched, table, words, figures, self._point)
        return [
            words, *figures, parts.words(found.interpret()), parts.words(searched.words),
            parts.table(found.to_frame(), name="thresholds"),
        ]  # fmt: skip

    def move(self) -> None:
        """Tell of the chosen point anew, and then draw it; nothing is computed."""
        live = self._live
        if live is None:
            self.refresh()
            return
        live.words.object = parts.words(self._told(live.searched)).object
        draw = partial(self._draw, live, self._point)
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            draw()
        else:
            # a browser that draws does not follow the hand
            document.add_timeout_callback(draw, _REST)

    def _draw(self, live: _Live, at: tuple[float, int]) -> None:
        """Draw a point if the sliders are still there."""

        def wanted() -> bool:
            return self._live is live and at == self._point != live.at

        def put(drawn: dict[str, Any] | None) -> None:
            if drawn is None or not wanted():
                return
            live.at = at
            for shown, (name, each) in zip(live.figures, drawn.items(), strict=True):
                shown.objects = [shown[0], parts.figure(each, name=name, table=live.table)[1]]
                shown[0].object = each

        if wanted():
            background.run(lambda: self._drawn(live.searched), then=put, wanted=wanted)

    def _found(self) -> Search:
        state = self.state

        def compute() -> Search:
            theirs = None
            if self.against in state.others:
                theirs = state.cube(f"{self.quantity}_100", study=self.against)
            return search(
                state.source, state.cohort, against=self.against, theirs=theirs, quantity=self.quantity,
                criterion=self.criterion,
            )  # fmt: skip

        # where the sliders stand changes nothing of what is computed
        return self.kept("search", compute, of=("against", "quantity", "criterion"))

    @property
    def _point(self) -> tuple[float, int]:
        return round(round(self.cut * 20) / 20, 2), self.x

    def _told(self, searched: Search) -> str:
        found, (cut, x) = searched.found, self._point
        there = found.at(cut, x)
        unit = "" if found.units in ("", "1") else f" {found.units}"
        mean = float(searched.burden.sel(cut=cut, x=x, method="nearest"))
        return (
            f"At X = {x} and a cut of {cut:g}: mean burden {number(mean)} per compared image,"
            f" R² {there['r2']:.3f}, bias {number(there['bias'])}, limits of agreement"
            f" {number(there['lower'])} to {number(there['upper'])}{unit}, concordance"
            f" {there['ccc']:.3f}."
        )

    def _drawn(self, searched: Search) -> dict[str, Any]:
        """Return the figures of the chosen point, by name."""
        found, (cut, x) = searched.found, self._point
        return {
            "threshold-surface": threshold_surface(found, at=(cut, x)),
            "threshold-slice": threshold_slice(found, cut=cut, x=x),
        }

    def _changed(self, *events: Any) -> None:
        if self.state.page == self.slug and {event.name for event in events} <= _MOVED:
            self.move()
        else:
            super()._changed(*events)

    def _widget(self, name: str) -> Any:
        if name == "x":
            return pmui.IntSlider.from_param(self.param.x, label=self.param.x.label, width=300)
        return super()._widget(name)
