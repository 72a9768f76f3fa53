"""A film strip: a woman's images of one view, exam by exam, each with its date and what was measured."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any

import panel as pn
import panel_material_ui as pmui
import xarray as xr

from bactools.explore import Source
from bactools.explore.film_strip import film_strip
from bactools.explore.picture import PictureError, overview
from bactools.stats.result import number
from dashboards import parts

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
        document = pn.state.curdoc
        if document is not None and document.session_context is not None:
            for slot in self._slots:
                slot.loading = True
            Thread(target=self._fill, args=(document,), daemon=True).start()
        else:
            self._fill(None)
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

    def _fill(self, document: Any) -> None:
        """Fetch the pictures, in the background if there is a document to hand them to."""
        for row, slot in zip(self._rows, self._slots, strict=True):
            shown = self._picture(row)
            if document is None:
                _put(slot, shown)
            elif document.session_context is None or document.session_context.destroyed:
                return
            else:
                document.add_next_tick_callback(partial(_put, slot, shown))

    def _picture(self, row: dict[str, Any]) -> Any:
        if not row["image_id"]:
            return parts.words(f"no {self._view} at this exam")
        try:
            data = overview(self._source, row["image_id"], height=_HEIGHT, overlay=True)
        except PictureError as error:
            return parts.words(str(error))
        told = html.escape(f"{row['view']} of {row['date']}")
        return pn.pane.JPG(data, height=_HEIGHT, alt_text=told)


def _put(slot: pn.Column, shown: Any) -> None:
    slot.objects, slot.loading = [shown], False
    if not isinstance(shown, pn.pane.JPG):
        slot.height = None
