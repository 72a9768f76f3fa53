"""One mammogram of a woman, with everything that is true of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from bactools.phantom.annotation import Polyline, draw, trace
from bactools.phantom.exposure import CALCIUM, expose, look_of
from bactools.phantom.folds import skin_fold
from bactools.phantom.lookalikes import scatter, veins
from bactools.phantom.noise import Field, stream
from bactools.phantom.position import Position, take
from bactools.phantom.tissue import FINE, lay_out
from bactools.phantom.vessels import body_map, calcium_map, shadow
from bactools.phantom.woman import Woman

SPACING = 0.07
"""Pixel spacing at the detector [mm]."""

CALCIFIED = 0.01
"""A pixel of the calcium mask holds at least so much hydroxyapatite per area [mg/mm2]."""

_WHITE = 4095

Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True, eq=False)
class View:
    """A mammogram and its truth.

    Attributes
    ----------
    laterality : {"L", "R"}
    view : {"CC", "MLO"}
    image : uint16 array, shape (y, x)
        Twelve-bit presentation image, calcium bright, background 0.
    calcium : float32 array, shape (y, x)
        Hydroxyapatite in arteries over each pixel [mg].
    mask : bool array, shape (y, x)
        What a reader following the paper's protocol would draw.
    lines : list of float array, shape (vertex, 2)
        The same as polylines, column and row [pixel].
    breast : bool array, shape (y, x)
        Where there is breast.
    position : Position
    """

    laterality: str
    view: str
    image: NDArray[np.uint16]
    calcium: Field
    mask: NDArray[np.bool_]
    lines: list[Polyline]
    breast: NDArray[np.bool_]
    position: Position

    @property
    def name(self) -> str:
        """Laterality and view, such as ``LMLO``."""
        return self.laterality + self.view

    @property
    def calcium_mg(self) -> float:
        """Hydroxyapatite in the field of view [mg]."""
        return float(self.calcium.sum(dtype=np.float64))

    @property
    def calcified(self) -> NDArray[np.bool_]:
        """Pixels over calcium, shape (y, x)."""
        return np.asarray(self.calcium >= CALCIFIED * SPACING**2)


def render(woman: Woman, side: str, view: str, *, exam: int = 0, age: float) -> View:
    """Take one mammogram.

    Parameters
    ----------
    woman : Woman
    side : {"L", "R"}
    view : {"CC", "MLO"}
    exam : int
        Number of the exam; each is positioned and exposed anew.
    age : float
        At the exam [years].

    Returns
    -------
    View
        Chest wall at the left edge for a left breast, at the right edge for a right one.
    """
    breast = woman.breasts[side]
    rows, columns = woman.detector
    position = take(woman.seed, exam, side, view, breast.half_axes)
    tissue = lay_out(breast, position, detector=(rows, columns), spacing=SPACING)
    walls = woman.walls(side, age)
    place = (position, breast.half_axes, tissue.grid)
    calcium = calcium_map(walls, *place)
    other = body_map(scatter(woman.seed, side, breast.half_axes), *place)
    lines = trace(walls, *place, unrest=tissue.unrest)
    vessels = (*breast.arteries, *veins(woman.seed, side, breast.half_axes))
    blood = shadow(vessels, position, breast.half_axes, tissue.grid.coarser(FINE))
    blood += skin_fold(tissue, stream(woman.seed, "fold", side, view, exam))
    tissue.gland[...] += blood * (tissue.gland > 0)
    random = stream(woman.seed, "quanta", side, view, exam)
    opaque = (calcium + other) * np.float32(CALCIUM * 100 / SPACING**2)
    image = expose(tissue, opaque, look=look_of(woman.seed, exam), random=random)
    canvas = _widened(image, columns)
    inside = _widened(tissue.inward > 0, columns)
    _artefacts(canvas, inside, random)
    full = _widened(calcium, columns)
    mask = draw(lines, (rows, columns)) & inside
    if side == "R":
        canvas, full, mask, inside = _mirrored(canvas), _mirrored(full), _mirrored(mask), _mirrored(inside)
        lines = [np.column_stack([columns - 1 - line[:, 0], line[:, 1]]) for line in lines]
    if random.uniform() < 0.6:
        _label(canvas, inside, f"{side} {view}", left=side == "R")
    return View(side, view, canvas, full, mask, lines, inside, position)


def _widened(field: NDArray[Kind], columns: int) -> NDArray[Kind]:
    """Return a field with empty columns up to the detector's far edge."""
    return np.pad(field, ((0, 0), (0, columns - field.shape[1])))


def _mirrored(field: NDArray[Kind]) -> NDArray[Kind]:
    return np.ascontiguousarray(field[:, ::-1])


def _artefacts(canvas: NDArray[np.uint16], inside: NDArray[np.bool_], random: np.random.Generator) -> None:
    """Add dust, a scratch or a dead line to some images."""
    rows, columns = canvas.shape
    if random.uniform() < 0.25:
        count = int(random.integers(1, 25))
        y, x = random.integers(1, rows - 1, count), random.integers(1, columns - 1, count)
        grey = random.integers(2500, _WHITE, count)
        for dy, dx in ((0, 0), (0, 1), (1, 0)):
            keep = inside[y + dy, x + dx] & (random.uniform(0, 1, count) < (1.0 if dy == dx else 0.5))
            canvas[y[keep] + dy, x[keep] + dx] = grey[keep]
    if random.uniform() < 0.04:
        start = random.uniform(0, 1, 2) * (columns, rows)
        end = start + random.normal(0, 200, 2)
        path = np.round([start, end]).astype(np.int32)
        line = np.zeros(canvas.shape, dtype=np.uint8)
        cv2.polylines(line, [path], False, 1, 1)
        canvas[(line > 0) & inside] = np.minimum(canvas[(line > 0) & inside] + 500, _WHITE)
    if random.uniform() < 0.03:
        canvas[int(random.integers(rows))] //= 2
    if random.uniform() < 0.08:
        _border(canvas, random)


def _border(canvas: NDArray[np.uint16], random: np.random.Generator) -> None:
    """Leave a bright strip of film or collimator along an edge, most often at the chest wall."""
    rows, columns = canvas.shape
    width = int(random.integers(2, 32))
    grey = int(random.integers(2800, _WHITE))
    first, last = sorted(int(end) for end in random.uniform(0, rows, 2))
    edges = (slice(first, last), slice(0, width)), (slice(0, width), slice(0, columns))
    canvas[edges[int(random.uniform() < 0.25)]] = grey


def _label(canvas: NDArray[np.uint16], inside: NDArray[np.bool_], text: str, *, left: bool) -> None:
    """Burn the view's name into the upper corner away from the chest wall, if there is room."""
    rows, columns = canvas.shape
    size = columns / 900
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, max(1, round(3 * size)))
    margin = columns // 40
    x = margin if left else columns - margin - width
    box = (slice(margin, margin + 2 * height), slice(max(x - 5, 0), x + width + 5))
    if margin + 2 * height < rows and not inside[box].any():
        layer = np.zeros(canvas.shape, dtype=np.uint8)
        place = (x, margin + round(1.5 * height))
        cv2.putText(layer, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, 255, max(1, round(3 * size)))
        canvas[layer > 127] = 3600
