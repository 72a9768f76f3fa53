"""The images of an exam, with what was called calcified in green and what was measured of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from bactools.explore.exam import days_of, exam_images, left_out, not_counted
from bactools.explore.film_strip import women
from bactools.explore.variables import measured
from bactools.stats.result import number
from dashboards import parts
from dashboards.base import Page
from dashboards.exam_bar import ExamBar, slider
from dashboards.exam_view import ExamView
from dashboards.fetching import Job, one_by_one
from dashboards.state import State
from dashboards.viewer import brief
from dashboards.zoom import FULL, SCALES, Target, Zoom

_LONGEST = 64
_HEIGHT = 800
_MOST_METRICS = 6
_NONE, _MASK, _HEAT = "none", "calcification", "probability"
_KEPT = {
    "none": "This study keeps no maps: there is nothing to overlay.",
    "mask": "This study keeps masks, so the probability cut cannot be moved.",
}
_LOOK = frozenset({"overlay", "opacity", "cut", "intensity", "black", "white"})
_ZOOM = frozenset({"zoom", "x", "y", "scale"})


class ImagesPage(Page):
    """Four views of an exam, another exam beside it, and parts of them in full resolution."""

    slug = "images"
    title = "Images"
    icon = "image_search"
    about = (
        "The mammograms of one exam as they hang on a light box, her right breast on the left. Green is what"
        " was called calcified. A click on a view shows that place in full resolution."
    )

    subject = param.String(default="", label="Woman")
    date = param.String(default="", label="Exam")
    beside = param.String(default="", label="Beside it")
    overlay = param.Selector(default=_MASK, objects=[_NONE, _MASK, _HEAT], label="Overlay")
    opacity = param.Number(default=0.7, bounds=(0.0, 1.0), step=0.05, label="Opacity")
    cut = param.Number(default=0.5, bounds=(0.0, 0.99), step=0.01, label="Probability cut")
    intensity = param.Integer(default=0, bounds=(0, 255), label="Intensity above X")
    black = param.Integer(default=0, bounds=(0, 254), label="Black below grey")
    white = param.Integer(default=255, bounds=(1, 255), label="White above grey")
    zoom = param.String(default="", label="Zoom into")
    x = param.Number(default=0.5, bounds=(0.0, 1.0))
    y = param.Number(default=0.5, bounds=(0.0, 1.0))
    scale = param.Selector(default=FULL, objects=list(SCALES.values()), label="Magnification")

    def __init__(self, state: State, **options: object) -> None:
        self._study: tuple[str, str] = ("", "")
        self._exams: list[ExamView] = []
        self._zoom: Zoom | None = None
        self._bar: ExamBar | None = None
        super().__init__(state, **options)
        state.param.watch(self._opened, "exam")

    def prepare(self) -> None:
        """Start with the study's own cut; what another study left does not hold here."""
        source = self.state.source
        if self._study == (source.name, source.version):
            return
        other = self._study[0] not in ("", source.name)
        self._study = (source.name, source.version)
        with param.parameterized.discard_events(self):
            self.cut = min(max(source.study.recipe.cut, 0.0), 0.99)
            if other:
                self.subject, self.date, self.beside, self.zoom = "", "", "", ""
            if source.study.maps != _HEAT and self.overlay == _HEAT:
                self.overlay = _MASK

    def show(self) -> list[Any]:
        """Return the exam, another one beside it, what was measured, and a part in full."""
        source, asked = self.state.source, self._asked
        names = women(self.state.cube("status"))
        subject = self.subject or next(iter(names), "")
        days = days_of(source.cube, subject)
        date = self.date if self.date in days else next(iter(days), "")
        if self._bar is not None:
            fill = partial(self._bar.fill, names, subject, date, days)
            one_by_one([(lambda: None, lambda _: fill())])
        if not days:
            return [parts.notice(f"There is no exam of {subject} in this study.", kind="warning")]
        says = (
            [f"There is no exam of {self.date}: this is her latest."] if self.date not in ("", date) else []
        )
        dates = [date, self.beside] if self.beside in days and self.beside != date else [date]
        found = [self._exam(subject, day, at, len(dates)) for at, day in enumerate(dates)]
        exams = [view for view, *_ in found]
        zoom = Zoom(source, len(exams), moved=self._moved, closed=self._closed)
        if asked != self._asked:  # something else was asked for meanwhile, and is what will be shown
            return []
        self._exams, self._zoom = exams, zoom
        headed = [
            (parts.heading(f"Measured on {day}"), each[-1]) for day, each in zip(dates, found, strict=True)
        ]
        tables = pn.Column(sizing_mode="stretch_width")
        # last, for a table takes a browser longer than a picture
        self._draw(both=True, last=lambda _: tables.extend(part for pair in headed for part in pair))
        shown = [*(panel for _, panel, _ in found), zoom.view()]
        return [
            *(parts.notice(say, kind="warning") for say in says),
            pn.FlexBox(*shown, gap="24px", sizing_mode="stretch_width", align_items="flex-start"),
            tables,
        ]  # fmt: skip

    def _exam(self, subject: str, day: str, at: int, of: int) -> tuple[ExamView, pn.Column, pn.Column]:
        source = self.state.source
        metrics = measured(source.cube)[:_MOST_METRICS]
        table = exam_images(source.cube, subject, day, *metrics)
        beyond = not_counted(source.images, subject, day)
        rows = _rows(table.to_dict("records"), beyond.to_dict("records"), metrics[:2], source.cube)
        lacking = [str(row["view"]) for row in rows if not row["image_id"]]
        out = left_out(source.index, subject, day)
        say = [
            *([f"No image of {', '.join(lacking)} at this exam."] if lacking else []),
            *([f"Files of this day that were not measured: {', '.join(out)}."] if out else []),
        ]
        view = ExamView(source, rows, zoom=self._clicked, tall=460 if of == 1 else 380)
        panel = pn.Column(
            parts.heading(f"{subject}, {day}"), *(brief(each) for each in say), view.view(),
            sizing_mode="stretch_width",
            styles={"flex": "1 1 400px", "min-width": "280px", "max-width": "900px"},
        )  # fmt: skip
        shown = table.drop(columns=["subject", "date"])
        return view, panel, parts.table(shown, name=f"{subject}-{day}")

    def _options(self) -> dict[str, Any]:
        """Return how pictures are drawn."""
        return {
            "overlay": self.overlay != _NONE, "opacity": self.opacity, "cut": round(self.cut, 2),
            "intensity": self.intensity or None, "heat": self.overlay == _HEAT,
            "window": (self.black, max(self.white, self.black + 1)),
        }  # fmt: skip

    def _draw(self, *, both: bool, last: Callable[[Any], None] | None = None) -> None:
        """Draw the part that is zoomed into, and before it the views if they changed as well."""
        exams, options = self._exams, self._options()
        overviews = [exam.jobs({"height": _HEIGHT, **options}) for exam in exams] if both else []
        jobs = [*(job for each in overviews for job in each), *self._zoomed(options)]
        jobs += [(lambda: None, last)] if last else []
        one_by_one(jobs, wanted=lambda: self._exams is exams)

    def _zoomed(self, options: dict[str, Any]) -> list[Job]:
        if self._zoom is None:
            return []
        for exam in self._exams:
            exam.mark("", [])
        targets = [_target(exam, self.zoom) for exam in self._exams]
        if not any(targets):
            self._zoom.close()
            return []
        return self._zoom.jobs(targets, place=(self.x, self.y), scale=self.scale, options=options)

    def _clicked(self, place: str, x: float, y: float) -> None:
        self.param.update(zoom=place, x=round(x, 4), y=round(y, 4))

    def _moved(self, x: float, y: float, scale: int) -> None:
        self.param.update(x=round(x, 4), y=round(y, 4), scale=scale)

    def _closed(self) -> None:
        self.zoom = ""

    def _opened(self, event: Any) -> None:
        """Show the exam of a point that was clicked on another page."""
        point: Mapping[str, Any] = event.new or {}
        if point.get("subject"):
            self.param.update(
                subject=str(point["subject"])[:_LONGEST], date=str(point.get("date", ""))[:10], beside="",
                zoom="",
            )  # fmt: skip

    def _changed(self, *events: Any) -> None:
        """Draw only what changed: a slider builds no page anew."""
        names = {event.name for event in events}
        if self.state.page == self.slug and self._exams and names <= _LOOK | _ZOOM:
            self._draw(both=not names <= _ZOOM)
        else:
            super()._changed(*events)

    def controls(self) -> pn.Column:
        """Return who is shown above how it is shown."""
        kept = self.state.source.study.maps
        self._bar = ExamBar(self)
        over = (
            [] if kept == "none" else ["overlay", "opacity", *(["cut"] if kept == _HEAT else []), "intensity"]
        )
        look = [self._widget(name) for name in (*over, "black", "white")]
        say = _KEPT.get(kept, "")
        return pn.Column(
            self._bar.view(),
            pn.FlexBox(*look, align_items="center", gap="12px", sizing_mode="stretch_width"),
            *([parts.words(say)] if say else []),
            sizing_mode="stretch_width",
        )

    def _widget(self, name: str) -> Any:
        if name != "overlay":
            return slider(self, name)
        offered = [_NONE, _MASK, *([_HEAT] if self.state.source.study.maps == _HEAT else [])]
        field = pmui.RadioButtonGroup(label="Overlay", options=offered, value=self.overlay, size="small")
        field.param.watch(lambda event: setattr(self, "overlay", event.new), "value")
        return field


def _target(exam: ExamView, place: str) -> Target | None:
    """Return what to zoom into, if there is an image."""
    image_id = exam.image(place)
    return Target(image_id, exam.name(place), partial(exam.mark, place)) if image_id else None


def _rows(
    counted: list[dict[Any, Any]], beyond: list[dict[Any, Any]], names: list[str], cube: Any
) -> list[dict[str, Any]]:
    """Return the images of an exam: those of the cube as they hang, then its repeats and failures."""
    told = {row["image_id"]: row["told"] for row in beyond}
    rows = [
        {
            **row,
            "place": row["view"],
            "told": told.get(row["image_id"], ""),
            "caption": _caption(row, names, cube),
        }
        for row in counted
    ]
    there = {row["image_id"] for row in counted}
    day = {name: counted[0][name] for name in ("subject", "date")} if counted else {}
    rows += [
        {**day, **row, "place": f"{row['view']}-{at}", "caption": f"{row['view']}: another image"}
        for at, row in enumerate(beyond)
        if row["image_id"] not in there and day
    ]
    return rows


def _caption(row: dict[Any, Any], names: list[str], cube: Any) -> str:
    """Return the view with what was measured of it first."""
    if not row["image_id"]:
        return f"{row['view']}: no image"
    told = []
    for name in names:
        unit = str(cube[name].attrs.get("units", ""))
        value = row[name]
        shown = "not measured" if value != value else number(value)
        told.append(f"{name} {shown}" + (f" {unit}" if unit not in ("", "1") and value == value else ""))
    return f"{row['view']}: {', '.join(told)}"
