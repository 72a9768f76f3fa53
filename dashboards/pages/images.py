"""The images of an exam, with what was called calcified in green and what was measured of each."""

from __future__ import annotations

import base64
import html
from typing import Any

import panel as pn
import param

from bactools.explore.exam import days_of, exam_images
from bactools.explore.film_strip import women
from bactools.explore.picture import PictureError, outline, overview
from bactools.explore.variables import measured
from dashboards import parts
from dashboards.base import Page

_NOTHING = "none"


class ImagesPage(Page):
    """Four views of an exam."""

    slug = "images"
    title = "Images"
    icon = "image_search"
    about = (
        "The mammograms of one exam as they hang on a light box, her right breast on the left. Green is what"
        " the network called calcified."
    )

    subject = param.Selector(default="", objects=[""], label="Woman")
    date = param.Selector(default="", objects=[""], label="Exam")
    beside = param.Selector(default=_NOTHING, objects=[_NOTHING], label="Beside it")
    overlay = param.Boolean(default=True, label="Calcification in green")
    opacity = param.Number(default=0.6, bounds=(0.1, 1.0), label="Opacity")
    height = param.Selector(default=420, objects=[420, 700, 1400], label="Height [pixel]")

    def prepare(self) -> None:
        """Offer the women of the cohort, and take over what was clicked."""
        cube = self.state.cube("status")
        clicked = self.state.exam
        names = women(cube)
        if clicked.get("subject") and clicked["subject"] not in names:
            names = [clicked["subject"], *names]
        with param.parameterized.discard_events(self):
            self.param.subject.objects = names or [""]
            if clicked.get("subject"):
                self.subject = clicked["subject"]
            elif self.subject not in self.param.subject.objects:
                self.subject = self.param.subject.objects[0]
            self._offer_days(clicked.get("date", ""))
        self.state.exam = {}

    def _offer_days(self, wanted: str = "") -> None:
        days = days_of(self.state.source.cube, self.subject) or [""]
        self.param.date.objects = days
        if wanted in days or self.date not in days:
            self.date = wanted if wanted in days else days[0]
        self.param.beside.objects = [_NOTHING, *(day for day in days if day != self.date)]
        if self.beside not in self.param.beside.objects:
            self.beside = _NOTHING

    @param.depends("subject", "date", watch=True)
    def _follow(self) -> None:
        """Offer the days of another woman."""
        self._offer_days(self.date)

    def show(self) -> list[Any]:
        """Return the exam, and an earlier one beside it."""
        if not self.date:
            return [parts.notice("There is no exam of this woman.", kind="warning")]
        days = [self.date] if self.beside == _NOTHING else [self.date, self.beside]
        return [pn.FlexBox(*(self._exam(day) for day in days), gap="24px")]

    def _exam(self, day: str) -> pn.Column:
        source = self.state.source
        metrics = [name for name in ("tam_100", "am", "am_mm2") if name in measured(source.cube)]
        table = exam_images(source.cube, self.subject, day, *metrics)
        rows = table.to_dict("records")
        shown = [self._view(row) for row in rows]
        notes = dict.fromkeys(self._missing(row["image_id"]) for row in rows if row["image_id"])
        say = [parts.notice(note) for note in notes if note]
        grid = pn.GridBox(*shown, ncols=2)
        name = f"{self.subject}-{day}"
        return pn.Column(parts.heading(f"{self.subject}, {day}"), *say, grid, parts.table(table, name=name))

    def _missing(self, image_id: str) -> str:
        try:
            return str(outline(self.state.source, image_id).note)
        except PictureError:
            return ""

    def _view(self, row: dict[Any, Any]) -> pn.Column:
        if not row["image_id"]:
            return pn.Column(parts.words(f"{row['view']}: no image"))
        try:
            content = overview(
                self.state.source,
                row["image_id"],
                height=self.height,
                overlay=self.overlay,
                opacity=self.opacity,
            )
        except PictureError as error:
            return pn.Column(parts.words(f"{row['view']}: {error}"))
        what = html.escape(f"{row['view']} of {row['subject']} on {row['date']}", quote=True)
        picture = base64.b64encode(content).decode("ascii")
        shown = (
            f'<img alt="{what}" src="data:image/jpeg;base64,{picture}" style="max-height:{self.height}px">'
        )
        return pn.Column(parts.words(row["view"]), pn.pane.HTML(shown))
