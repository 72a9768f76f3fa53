"""A cohort: the women and exams that fit some conditions, as a value that a link can carry."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Self
from urllib.parse import unquote

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bactools.explore.controls import Control, controls
from bactools.explore.selection import Range, Selection, named, select
from bactools.stats.result import StatsError
from bactools.study import Study
from bactools.study.cohorts import NamedCohort
from bactools.study.members import NamedCohortError

LONGEST = 2_000
"""Characters of a condition, and of a query, in a link."""
_SPAN = "~"
_TOLD = 300


class CohortError(StatsError):
    """A condition that cannot be read; the message says which and why."""


@dataclass(frozen=True)
class Cohort:
    """Conditions on women and exams; all must hold.

    Attributes
    ----------
    ranges : mapping of str to (low, high)
        Numbers, both ends included; None is open.
    choices : mapping of str to tuple of str
        Any of these values.
    dates : (str, str)
        First and last day, ISO 8601; empty is open.
    views : tuple of str
        Views to look at; all if empty.
    at_least : int
        Exams that a woman must have, after all else.
    saved : NamedCohort, optional
        Women and exams that were chosen before, by name.
    sql : str
        A query that names women and exams; it is asked again of each version of the study.
    """

    ranges: Mapping[str, Range] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dates: tuple[str, str] = ("", "")
    views: tuple[str, ...] = ()
    at_least: int = 1
    saved: NamedCohort | None = None
    sql: str = ""

    def apply(self, cube: xr.Dataset, *, metrics: Sequence[str] = ()) -> xr.Dataset:
        """Return the part of a cube that fits.

        Parameters
        ----------
        cube : Dataset
            In the stored form.
        metrics : sequence of str
            Variables per image to keep beside the covariates; all if none is named.

        Returns
        -------
        Dataset
            Women without an exam that fits are gone; other exams of the rest are empty.
        """
        return self.select(cube).part(metrics)

    def select(self, cube: xr.Dataset, *, among: NDArray[np.bool_] | None = None) -> Selection:
        """Return which women and exams of a cube fit; variables are cut out when they are asked for.

        Parameters
        ----------
        cube : Dataset
            In the stored form.
        among : bool array, optional
            Exams that the query named, shape (subject, exam).

        Raises
        ------
        CohortError
            If there is a query that nobody asked, or a saved cohort cannot be read.
        """
        if self.sql and among is None:
            raise CohortError("this cohort is a query: ask the study for its part, see Source.part")
        if self.saved is not None:
            try:
                chosen = named(cube, self.saved.members)
            except NamedCohortError as error:
                raise CohortError(str(error)) from error
            among = chosen if among is None else among & chosen
        return select(
            cube, ranges=self.ranges, choices=self.choices, dates=self.dates, views=self.views,
            at_least=self.at_least, among=among,
        )  # fmt: skip

    @property
    def key(self) -> Hashable:
        """Equal for cohorts of equal conditions, in whatever order these were given."""
        return (
            tuple(sorted(self.ranges.items(), key=lambda item: item[0])),
            tuple(sorted((name, tuple(sorted(set(chosen)))) for name, chosen in self.choices.items())),
            self.dates, tuple(sorted(set(self.views))), self.at_least,
            self.saved and (self.saved.name, self.saved.version, self.saved.checksum), self.sql,
        )  # fmt: skip

    def to_query(self) -> dict[str, str]:
        """Return the conditions as parameters of a link."""
        query = {f"r.{name}": f"{_end(low)}{_SPAN}{_end(high)}" for name, (low, high) in self.ranges.items()}
        query |= {f"c.{name}": _joined(chosen) for name, chosen in self.choices.items()}
        if any(self.dates):
            query["dates"] = _SPAN.join(self.dates)
        if self.views:
            query["views"] = _joined(self.views)
        if self.at_least > 1:
            query["exams"] = str(self.at_least)
        if self.saved is not None:
            query["cohort"] = f"{self.saved.name}@{self.saved.version}"
        if self.sql:
            query["sql"] = self.sql
        return query

    @classmethod
    def from_query(cls, query: Mapping[str, str], cube: xr.Dataset, study: Study | None = None) -> Self:
        """Read conditions from the parameters of a link, which anyone may have written.

        Parameters
        ----------
        query : mapping of str to str
            Other parameters are passed over.
        cube : Dataset
            Whose covariates and views may be named.
        study : Study, optional
            Whose saved cohorts may be named.

        Raises
        ------
        CohortError
            If a condition names something unknown, or cannot be read.
        """
        named = any(key.startswith(("r.", "c.")) for key in query)
        known = {control.name: control for control in controls(cube)} if named else {}
        found = cls()
        for key, text in query.items():
            if len(text) > LONGEST:
                raise CohortError(f"a condition of {len(text)} characters is too long")
            kind, _, name = key.partition(".")
            if kind in ("r", "c") and name:
                found = found._with(kind, name, text, known)
            elif key == "dates":
                found = replace(found, dates=_dates(text))
            elif key == "views":
                found = replace(
                    found, views=_chosen(text, [str(view) for view in cube["view"].values], "view")
                )
            elif key == "exams":
                if not (text.isdecimal() and 1 <= int(text) <= 1000):
                    raise CohortError("exams: give a number from 1 to 1000")
                found = replace(found, at_least=int(text))
            elif key == "cohort" and text:
                found = replace(found, saved=_saved(text, study))
            elif key == "sql":
                found = replace(found, sql=text.replace("\r\n", "\n").strip())
        return found

    def _with(self, kind: str, name: str, text: str, known: Mapping[str, Control]) -> Self:
        control = known.get(name)
        if control is None or control.kind != {"r": "range", "c": "choice"}[kind]:
            raise CohortError(f"there is nothing called {name[:40]!r} to choose by")
        if kind == "c":
            return replace(self, choices={**self.choices, name: _chosen(text, control.choices, name)})
        try:
            low, high = (float(end) if end else None for end in text.split(_SPAN))
        except ValueError:
            raise CohortError(f"{name}: give two numbers as low{_SPAN}high") from None
        if any(end is not None and not math.isfinite(end) for end in (low, high)):
            raise CohortError(f"{name}: give two numbers as low{_SPAN}high")
        return replace(self, ranges={**self.ranges, name: (low, high)})

    def words(self, *, longest: int = _TOLD) -> str:
        """Return the conditions in plain words.

        Parameters
        ----------
        longest : int
            Characters of a query, or of what is said of a saved cohort, before it is cut off.
        """
        told = [] if self.saved is None else [_cut(self.saved.cite, longest)]
        if self.sql:
            told.append(f"chosen by the query {_cut(' '.join(self.sql.split()), longest)}")
        for name, (low, high) in self.ranges.items():
            ends = [f"{word} {end:g}" for word, end in (("from", low), ("to", high)) if end is not None]
            told.append(f"{name} {' '.join(ends)}")
        told += [f"{name} {' or '.join(chosen)}" for name, chosen in self.choices.items()]
        told += [f"{word} {day}" for word, day in zip(("since", "until"), self.dates, strict=True) if day]
        if self.views:
            told.append(f"views {', '.join(self.views)}")
        if self.at_least > 1:
            told.append(f"at least {self.at_least} exams")
        return "; ".join(told) or "everyone"


def _saved(text: str, study: Study | None) -> NamedCohort:
    """Return a saved cohort by name, as ``older-ckd@2``, or its latest version, as ``older-ckd``."""
    name, _, number = text.partition("@")
    if "@" in text and not (number.isdecimal() and len(number) <= 6):
        raise CohortError(f"cohort {name[:64]!r}: give its version as a number, as in {name[:64]}@2")
    if study is None:
        raise CohortError("a saved cohort is asked of a study")
    try:
        return study.cohort(name=name, version=int(number) if number else None)
    except NamedCohortError as error:
        raise CohortError(str(error)) from error


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest].rstrip()} …"


def _chosen(text: str, choices: Sequence[str], name: str) -> tuple[str, ...]:
    chosen = tuple(unquote(part) for part in text.split(_SPAN))
    if not set(chosen) <= set(choices):
        raise CohortError(f"{name}: choose of {', '.join(choices)}")
    return chosen


def _joined(chosen: Sequence[str]) -> str:
    """Return values as one text; what would be taken for a sign between them is escaped."""
    return _SPAN.join(value.replace("%", "%25").replace(_SPAN, "%7E") for value in chosen)


def _dates(text: str) -> tuple[str, str]:
    try:
        first, last = (_day(end) for end in text.split(_SPAN))
    except ValueError:
        raise CohortError(f"dates: give two days as 2012-01-31{_SPAN}2016-12-31") from None
    return first, last


def _day(text: str) -> str:
    """Return a day in the one form that everybody reads alike."""
    if not text:
        return ""
    found = date.fromisoformat(text)
    if not 1700 <= found.year <= 2200:
        raise ValueError(text)
    return found.isoformat()


def _end(value: float | None) -> str:
    return "" if value is None else f"{value:.17g}" if float(f"{value:g}") != value else f"{value:g}"
