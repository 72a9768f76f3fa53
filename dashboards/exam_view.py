"""The images of an exam as they hang on a light box, which fill one by one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import panel as pn

from bactools.explore import Source
from bactools.explore.picture import PictureError, outline, overview
from dashboards.fetching import Job
from dashboards.viewer import PictureView, brief

_NEEDS_IMAGE = "The intensity threshold needs the source image and is left out."


class Zoomed(Protocol):
    """What is told of a click on a view."""

    def __call__(self, place: str, x: float, y: float, /) -> None:
        """Take the view's place and where in it, as parts of its width and height."""


class ExamView:
    """The images of an exam.

    Parameters
    ----------
    source : Source
    rows : sequence of dict
        Of each image ``place``, which names it within the exam, ``view``, ``subject``, ``date``,
        ``image_id``, ``caption`` and ``told``: what is to be known of it, in words.
    zoom : callable
        Is told the place that was clicked.
    tall : int
        Largest height of a view [pixel].
    """

    def __init__(
        self, source: Source, rows: Sequence[dict[str, Any]], *, zoom: Zoomed, tall: int = 460
    ) -> None:
        self._source, self._rows = source, {str(row["place"]): row for row in rows}
        self._turn = 0
        self._says = {place: pn.Column(sizing_mode="stretch_width") for place in self._rows}
        self._pictures = {
            place: PictureView(
                told=f"{self.name(place)} is being read", tall=tall, sizing_mode="stretch_width",
                side="flex-end" if str(row["view"]).startswith("R") else "flex-start",
                clicked=partial(_told, zoom, place),
            )
            for place, row in self._rows.items()
        }  # fmt: skip

    def image(self, place: str) -> str:
        """Return the image id at a place, empty where there is none."""
        return str(self._rows[place]["image_id"]) if place in self._rows else ""

    def name(self, place: str) -> str:
        """Return what the picture at a place is called."""
        row = self._rows[place]
        return f"{row['view']} of {row['date']}"

    def view(self) -> pn.Column:
        """Return the images two by two, as they hang."""
        cells = [self._cell(place) for place in self._rows]
        pairs = [cells[first : first + 2] for first in range(0, len(cells), 2)]
        rows = [pn.Row(*pair, sizing_mode="stretch_width") for pair in pairs]
        return pn.Column(*rows, sizing_mode="stretch_width", margin=(0, 8))

    def mark(self, place: str, frame: Sequence[float]) -> None:
        """Frame a part of an image, and of no other."""
        for each, picture in self._pictures.items():
            picture.marked = list(frame) if each == place else []

    def jobs(self, options: dict[str, Any]) -> list[Job]:
        """Return what draws all images anew; what was asked for before is not shown any more."""
        self._turn += 1
        return [
            (partial(self._drawn, place, dict(options), self._turn), partial(self._put, place, self._turn))
            for place in self._rows
        ]

    def _cell(self, place: str) -> pn.Column:
        row = self._rows[place]
        shown = [self._pictures[place]] if row["image_id"] else []
        if not row["image_id"]:
            self._say(place, "")
        return pn.Column(
            brief(str(row["caption"])), *shown, self._says[place],
            sizing_mode="stretch_width", min_width=120, margin=(0, 0, 8, 0),
        )  # fmt: skip

    def _drawn(self, place: str, options: dict[str, Any], turn: int) -> tuple[bytes, str] | None:
        image_id = self.image(place)
        if not image_id or turn != self._turn:
            return None
        try:
            found = outline(self._source, image_id)
            told = [found.note if self._source.study.maps != "none" or not found.image else ""]
            if options.get("intensity") is not None and not found.image:
                told.append(_NEEDS_IMAGE)
            return overview(self._source, image_id, **options), " ".join(filter(None, told))
        except PictureError as error:
            return b"", str(error)

    def _put(self, place: str, turn: int, found: tuple[bytes, str] | None) -> None:
        if turn != self._turn or not self.image(place):
            return
        content, told = found or (b"", "this picture could not be drawn")
        name = self.name(place)
        self._pictures[place].param.update(
            content=content, told=name if content else f"{name}: {told}", visible=bool(content)
        )
        self._say(place, told)

    def _say(self, place: str, told: str) -> None:
        words = "\n".join(
            each[0].upper() + each[1:] for each in (str(self._rows[place]["told"]), told) if each
        )
        self._says[place].objects = [brief(words)] if words else []


def _told(zoom: Zoomed, place: str, x: float, y: float, _: str) -> None:
    zoom(place, min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))
