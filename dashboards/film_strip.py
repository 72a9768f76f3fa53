"""A film strip: a woman's images of one view, exam by exam, each with its date and what was measured."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui
import xarray as xr

from bactools.explore import Source
from bactools.explore.film_strip import film_strip
from bactools.explore.picture import PictureError, overview
from bactools.stats.result import number
from dashboards import parts
from dashboards.fetching import one_by_one

_HEIGHT = 260


class FilmStrip:
    """The images of a woman, by date.

    Parameters
    ----------
    source : Source
        The study, for the pictures.
    cube : Dataset
        The cohort's part of it.
    subject, metric, view : str
    open_exam : callable
        Is told subject, view, date and image_id of an image that was clicked.
    """

    def __init__(
        self,
        source: Source,
        cube: xr.Dataset,
        subject: str,
        metric: str,
        *,
        view: str,
        open_exam: Callable[[dict[str, str]], None],
    ) -> None:
        self._source, self._open = source, open_exam
        self._metric, self._units = metric, str(cube[metric].attrs.get("units", ""))
        self._rows: list[dict[Any, Any]] = film_strip(cube, subject, view, metric).to_dict("records")
        self._view = view
        self._slots = [pn.Column(height=_HEIGHT, min_width=110) for _ in self._rows]

    def view(self) -> Any:
        """Return the strip; pictures come one by one if a browser waits for them."""
        if not self._rows:
            return parts.notice("There is no exam to show images of.")
        frames = [self._frame(row, slot) for row, slot in zip(self._rows, self._slots, strict=True)]
        for slot in self._slots:
            slot.loading = True
        one_by_one(
            [
                (partial(self._picture, row), partial(_put, slot, f"{row['view']} of {row['date']}"))
                for row, slot in zip(self._rows, self._slots, strict=True)
            ]
        )
        told = f"{self._metric} of {self._view}, exam by exam. The date opens the exam."
        return pn.Column(
            parts.words(told), pn.Row(*frames, scroll="x-auto", sizing_mode="stretch_width"),
            sizing_mode="stretch_width",
        )  # fmt: skip

    def _frame(self, row: dict[str, Any], slot: pn.Column) -> pn.Column:
        point = {name: str(row[name]) for name in ("subject", "view", "date", "image_id")}
        button = pmui.Button(label=row["date"], variant="text", size="small")
        button.on_click(lambda _: self._open(point))
        unit = f" {self._units}" if self._units not in ("", "1") else ""
        value = row[self._metric]
        told = "not measured" if value != value else f"{number(value)}{unit}"
        return pn.Column(slot, button, parts.words(told), min_width=120)

    def _picture(self, row: dict[str, Any]) -> bytes | str:
        """Return a picture, or why there is none."""
        if not row["image_id"]:
            return f"no {self._view} at this exam"
        try:
            return overview(self._source, row["image_id"], height=_HEIGHT, overlay=True)
        except PictureError as error:
            return str(error)


def _put(slot: pn.Column, name: str, found: bytes | str | None) -> None:
    """Show a picture or words; nothing was found if drawing it failed."""
    if isinstance(found, bytes):
        shown: Any = pn.pane.JPG(found, height=_HEIGHT, alt_text=html.escape(name))
    else:
        shown = parts.words(found or "this picture could not be drawn")
        slot.height = None
    slot.objects, slot.loading = [shown], False
