"""A part of an image up to full resolution, beside the same part of an earlier one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from bactools.explore import Source
from bactools.explore.picture import Box, Outline, PictureError, around, crop, outline
from dashboards import parts
from dashboards.fetching import Job
from dashboards.viewer import PictureView, brief

WHOLE, FULL = 0, 100
SCALES = {
    "whole breast": WHOLE,
    "25 %": 25,
    "50 %": 50,
    "100 %, full resolution": FULL,
    "200 %": 200,
    "400 %": 400,
}
"""Pixels of the screen per pixel of the image, in percent."""
_STEPS = tuple(SCALES.values())
_HEIGHT = 680
_WIDTHS = {1: 620, 2: 500}
_STEP = 0.5
_MOVES = {"left": (-_STEP, 0.0), "up": (0.0, -_STEP), "down": (0.0, _STEP), "right": (_STEP, 0.0)}
_ICONS = {"left": "arrow_back", "up": "arrow_upward", "down": "arrow_downward", "right": "arrow_forward"}
_HELP = "Drag it, click or use the arrow keys to move; + and - zoom, Escape closes."
_EVERYTHING = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Target:
    """An image to show a part of."""

    image_id: str
    name: str
    mark: Callable[[tuple[float, ...]], None]
    """Is told left, top, width and height of the part, as parts of the picture."""


class Zoom:
    """The part that is shown of one image or of two, with what moves it.

    Parameters
    ----------
    source : Source
    pictures : int
        How many images are beside each other.
    moved : callable
        Is told x and y of the new middle, as parts of the picture, and the magnification [%].
    closed : callable
        Is called when nothing is to be shown any more.
    """

    def __init__(
        self,
        source: Source,
        pictures: int,
        *,
        moved: Callable[[float, float, int], None],
        closed: Callable[[], None],
    ) -> None:
        self._source, self._moved, self._closed = source, moved, closed
        self._scale, self._turn = FULL, 0
        self._width = _WIDTHS[min(pictures, max(_WIDTHS))]
        self._frames = [_EVERYTHING] * pictures
        self._says = [pn.Column(sizing_mode="stretch_width") for _ in self._frames]
        self._pictures = [
            PictureView(
                told="", tall=_HEIGHT, drag=True, side="flex-start", sizing_mode="stretch_width",
                clicked=partial(self._touched, at),
            )
            for at in range(pictures)
        ]  # fmt: skip
        self._choice: pmui.Select | None = None
        self._place = pn.Column(
            visible=False, sizing_mode="stretch_width",
            styles={"flex": f"1 1 {600 if pictures == 1 else 1000}px", "min-width": "300px"},
        )  # fmt: skip

    def view(self) -> pn.Column:
        """Return it."""
        return self._place

    @property
    def pictures(self) -> list[PictureView]:
        """The parts as they are shown."""
        return self._pictures

    def close(self) -> None:
        """Show nothing."""
        self._turn += 1
        self._place.visible = False
        for picture in self._pictures:
            picture.content = b""

    def jobs(
        self,
        targets: Sequence[Target | None],
        *,
        place: tuple[float, float],
        scale: int,
        options: dict[str, Any],
    ) -> list[Job]:
        """Return what shows a part of each image, None where there is none to show."""
        self._turn += 1
        turn, self._scale = self._turn, scale
        if self._choice is None:  # made when it is wanted: a browser takes its time over so many fields
            self._choice = pmui.Select(
                label="Magnification", options=SCALES, value=scale, width=210, size="small"
            )
            self._choice.param.watch(self._chosen, "value")
            self._place.objects = [self._bar(self._choice), brief(_HELP), self._side_by_side()]
        self._choice.value = scale
        self._place.visible = True
        return [
            (
                partial(self._cut, target, place, scale, dict(options), turn),
                partial(self._put, at, target, scale, turn),
            )
            for at, target in enumerate(targets)
        ]

    def _cut(
        self,
        target: Target | None,
        place: tuple[float, float],
        scale: int,
        options: dict[str, Any],
        turn: int,
    ) -> tuple[Outline, Box, bytes] | str:
        if target is None:
            return "no image of this view"
        if turn != self._turn:
            return ""
        try:
            found = outline(self._source, target.image_id)
            if scale == WHOLE:
                box = (0, 0, found.width, found.height)
            else:
                box = around(found, *place, width=self._width * FULL // scale, height=_HEIGHT * FULL // scale)
            return found, box, crop(self._source, target.image_id, box, most=_HEIGHT, **options)
        except PictureError as error:
            return str(error)

    def _put(
        self,
        at: int,
        target: Target | None,
        scale: int,
        turn: int,
        done: tuple[Outline, Box, bytes] | str | None,
    ) -> None:
        if turn != self._turn:
            return
        picture = self._pictures[at]
        if target is None or done is None or isinstance(done, str):
            picture.param.update(content=b"", visible=False)
            self._says[at].objects = [
                parts.notice(done if isinstance(done, str) else "This part could not be drawn.")
            ]
            return
        found, box, content = done
        left, top, width, height = box
        self._frames[at] = (
            left / found.width, top / found.height, width / found.width, height / found.height,
        )  # fmt: skip
        sized = "whole breast" if scale == WHOLE else f"{scale} %"
        say = f"{width} × {height} of {found.width} × {found.height} pixels of the breast."
        self._says[at].objects = [brief(f"{target.name}, {sized}: {say}")]
        picture.param.update(
            content=content, told=f"{target.name}, {sized}, {say}", visible=True, crisp=scale > FULL,
            wide=0 if scale == WHOLE else max(width * scale // FULL, 1),
        )  # fmt: skip
        target.mark(self._frames[at])

    def _bar(self, choice: pmui.Select) -> pn.FlexBox:
        out = pmui.IconButton(icon="zoom_out", description="Zoom out", size="small")
        out.on_click(lambda _: self._zoom(-1, 0.5, 0.5))
        into = pmui.IconButton(icon="zoom_in", description="Zoom in", size="small")
        into.on_click(lambda _: self._zoom(1, 0.5, 0.5))
        close = pmui.Button(label="Close", icon="close", variant="text", size="small")
        close.on_click(lambda _: self._closed())
        moves = [self._button(way) for way in _MOVES]
        return pn.FlexBox(out, choice, into, *moves, close, align_items="center", gap="2px")

    def _button(self, way: str) -> pmui.IconButton:
        x, y = _MOVES[way]
        button = pmui.IconButton(icon=_ICONS[way], description=f"Move {way}", size="small")
        button.on_click(lambda _: self._touched(0, 0.5 + x, 0.5 + y, "key"))
        return button

    def _side_by_side(self) -> pn.FlexBox:
        cells = [
            pn.Column(
                say, picture, sizing_mode="stretch_width",
                styles={"flex": f"1 1 {min(self._width, 320)}px", "min-width": "280px"},
            )
            for say, picture in zip(self._says, self._pictures, strict=True)
        ]  # fmt: skip
        return pn.FlexBox(*cells, gap="24px", sizing_mode="stretch_width", align_items="flex-start")

    def _touched(self, at: int, x: float, y: float, way: str) -> None:
        if way == "close":
            self._closed()
        elif way in ("in", "out"):
            self._zoom(1 if way == "in" else -1, x, y)
        elif self._scale == WHOLE:
            self._moved(*self._middle(at, x, y), FULL if way == "click" else WHOLE)
        else:
            self._moved(*self._middle(at, x, y), self._scale)

    def _zoom(self, steps: int, x: float, y: float) -> None:
        at = min(max(_STEPS.index(self._scale) + steps, 0), len(_STEPS) - 1)
        self._moved(*self._middle(0, x, y), _STEPS[at])

    def _middle(self, at: int, x: float, y: float) -> tuple[float, float]:
        left, top, width, height = self._frames[at]
        return min(max(left + x * width, 0.0), 1.0), min(max(top + y * height, 0.0), 1.0)

    def _chosen(self, event: Any) -> None:
        if event.new != self._scale:
            self._moved(*self._middle(0, 0.5, 0.5), int(event.new))
