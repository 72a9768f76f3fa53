"""What sections are made of. Everything that comes from data is escaped here, and nowhere else."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import pandas as pd

from bactools.figures.html import Fragment, fragment
from bactools.stats.result import Result, StatsError, number

_MOST_ROWS = 40
_ON_SCREEN = 970
"""Width of the page on a screen [CSS pixel]; wider figures stand out of its margins."""

_ON_PAPER, _ON_WIDE_PAPER, _TALL = (690, 370), (1020, 580), 600
"""Width and height of a figure on paper, upright and on its side; height of a tall one [CSS pixel]."""

_LONG = 24
"""Rows of a table that has a bar to scroll of its own on a screen."""

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


class ReportError(ValueError):
    """A report that cannot be written; the message says what to do."""


@dataclass
class Section:
    """One part of the report, written from top to bottom.

    Attributes
    ----------
    title : str
    blocks : list of str
        HTML.
    fragments : list of (str, Fragment)
        Figures with the identifier of their place.
    """

    title: str
    blocks: list[str] = field(default_factory=list)
    fragments: list[tuple[str, Fragment]] = field(default_factory=list)

    @property
    def slug(self) -> str:
        """Its place in the page."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    def words(self, text: str, *, kind: str = "") -> None:
        """Add paragraphs, one a line."""
        shown = f' class="{kind}"' if kind else ""
        self.blocks += [f"<p{shown}>{safe(line)}</p>" for line in str(text).splitlines() if line.strip()]

    def missing(self, text: str) -> None:
        """Say in words why something is not there."""
        self.words(text, kind="missing")

    def heading(self, text: str) -> None:
        """Add a heading within the section."""
        self.blocks.append(f"<h3>{safe(text)}</h3>")

    def items(self, lines: Sequence[str]) -> None:
        """Add a list."""
        self.blocks.append(f"<ul>{''.join(f'<li>{safe(line)}</li>' for line in lines)}</ul>")

    def table(self, frame: pd.DataFrame, caption: str) -> None:
        """Add a table, its first rows if it is long."""
        if frame.empty:
            self.missing(f"{caption}: there is nothing to list.")
            return
        self.blocks.append(_table(frame.head(_MOST_ROWS), caption))
        if len(frame) > _MOST_ROWS:
            self.words(f"The first {_MOST_ROWS} of {len(frame)} rows.", kind="small")

    def figure(self, drawn: Any, reading: str) -> None:
        """Add a figure of `bactools.figures` and its reading in words."""
        part = fragment(drawn)
        place = f"{self.slug}-{len(self.fragments) + 1}"
        self.fragments.append((place, part))
        name = part.title or self.title
        is_wide = part.width > _ON_SCREEN
        wide, on = (" wide", ' class="on-wide"') if is_wide else ("", "")
        across, down = _ON_WIDE_PAPER if is_wide else _ON_PAPER
        # a tall figure, such as the flow, may fill the page; of others two stand on one
        fits = min(1.0, across / part.width, down / part.height if is_wide or part.height <= _TALL else 1.0)
        lines = "".join(f"<p>{safe(line)}</p>" for line in reading.splitlines() if line.strip())
        if part.points:
            lines += (
                f'<p class="small">{part.drawn:,} of {part.points:,} points are drawn, chosen at random; the'
                " numbers are of all.</p>"
            )
        # on paper such a figure has a page of its own, and its heading belongs there
        heading = self.blocks.pop() if is_wide and self.blocks and self.blocks[-1].startswith("<h3>") else ""
        plot = (
            f'<div class="plot" id="{place}" data-figure="{place}-data" role="img"'
            f' aria-label="{safe(name)}; its reading in words follows"'
            f' style="width:{part.width}px;height:{part.height}px;--on-paper:{fits:.4f}"></div>'
        )
        self.blocks.append(
            f'<figure{on} aria-labelledby="{place}-name">{heading}'
            f'<div class="plot-frame{wide}" style="--width:{part.width + 4}px" tabindex="0" role="region"'
            f' aria-label="Figure: {safe(name)}">{plot}</div>'
            f'<figcaption><span class="name" id="{place}-name">{safe(name)}</span>{lines}</figcaption>'
            f'</figure><script type="application/json" id="{place}-data">{part.data}</script>'
        )

    def result(self, found: Result, *drawn: Callable[[Any], Any], numbers: bool = True) -> None:
        """Add a result: its figures, its reading, its numbers; or why there is none."""
        if not found.estimable:
            self.missing(f"{found.title}. {found.interpret()}")
            return
        for at, draw in enumerate(drawn):
            self.figure(draw(found), "" if at else found.interpret())
        if not drawn:
            self.words(found.interpret())
        if numbers:
            self.table(found.to_frame(), found.title)

    def part(self, title: str, write: Callable[[], None]) -> None:
        """Add a part under its own heading; if it cannot be computed, say why."""
        self.heading(title)
        try:
            write()
        except StatsError as error:
            self.missing(f"Not shown: {error}.")

    def html(self) -> str:
        """Return the section."""
        return (
            f'<section id="{self.slug}" aria-labelledby="{self.slug}-title"><h2 id="{self.slug}-title">'
            f"{safe(self.title)}</h2>{''.join(self.blocks)}</section>"
        )


def safe(text: object) -> str:
    """Return text that a page shows as it is: no tags, no signs that turn the direction of reading."""
    return escape(_UNSEEN.sub("\ufffd", str(text)), quote=True)


def _table(frame: pd.DataFrame, caption: str) -> str:
    kinds = pd.api.types
    long = " long" if len(frame) > _LONG else ""
    numeric = [kinds.is_numeric_dtype(kind) and not kinds.is_bool_dtype(kind) for kind in frame.dtypes]
    marks = [' class="number"' if is_number else "" for is_number in numeric]
    head = "".join(
        f'<th scope="col"{mark}>{safe(str(name).replace("_", " "))}</th>'
        for name, mark in zip(frame.columns, marks, strict=True)
    )
    shown = frame.assign(**{name: frame[name].map(_p) for name in ("p", "p_adjusted") if name in frame})
    body = "".join(
        f"<tr>{''.join(_cells(row, marks))}</tr>" for row in shown.itertuples(index=False, name=None)
    )
    return (
        f'<div class="table-frame{long}" tabindex="0" role="region" aria-label="Table: {safe(caption)}">'
        f"<table>"
        f"<caption>{safe(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cells(row: Sequence[Any], marks: Sequence[str]) -> Iterator[str]:
    for at, (value, mark) in enumerate(zip(row, marks, strict=True)):
        tag = ('th scope="row"', "th") if at == 0 and not mark else (f"td{mark}", "td")
        yield f"<{tag[0]}>{safe(cell(value))}</{tag[1]}>"


def counted(n: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"


def _p(value: Any) -> Any:
    """Return a p-value as papers print it."""
    return "< 0.001" if isinstance(value, float) and 0 <= value < 0.001 else value


def cell(value: Any) -> str:
    """Return a value as a table shows it."""
    if value is None or value is pd.NaT:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    try:
        as_number = float(value) if not isinstance(value, str) else math.nan
    except (TypeError, ValueError):
        return str(value)
    if isinstance(value, str):
        return value
    return "no limit" if math.isinf(as_number) else number(as_number)
