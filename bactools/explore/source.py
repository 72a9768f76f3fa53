"""A study that others may be writing: opened read-only, read again when it has a new version."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path
from threading import Event, RLock, Thread
from typing import Any, TypeVar

import pandas as pd
import xarray as xr

from bactools.explore.cohort import Cohort
from bactools.explore.controls import controls
from bactools.explore.models import Evaluations, evaluation_files, read_evaluations
from bactools.explore.question import Found
from bactools.explore.reading import Reading
from bactools.stats.cohort.flow import Flow
from bactools.stats.result import StatsError
from bactools.study import Study, StudyError, open_study
from bactools.study.cohorts import NamedCohort, saved_cohorts

_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_Found = TypeVar("_Found")
_log = logging.getLogger("bactools.explore")


class Source:
    """A study, for reading.

    Parameters
    ----------
    folder : path
        The study folder.

    Raises
    ------
    StudyError
        If there is no study.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._study = open_study(Path(folder))
        self._lock = RLock()
        self._reading = Reading(self._study, self._stamp())
        self._followed: Event | None = None
        self._evaluated: tuple[tuple[Any, ...], Evaluations] | None = None

    @property
    def name(self) -> str:
        """What the study is called: its folder's name, plain characters only."""
        return _NAME.sub("-", self._study.folder.resolve().name).strip("-.") or "study"

    @property
    def study(self) -> Study:
        """The study itself."""
        return self._study

    @property
    def note(self) -> str:
        """What must be said of the weights behind its numbers."""
        return self._study.note

    @property
    def version(self) -> str:
        """Changes whenever the study's cube is written anew."""
        return self._now().version

    @property
    def cube(self) -> xr.Dataset:
        """The cube in the stored form, in memory but for a lazy joint histogram.

        Raises
        ------
        StudyError
            If the study has none yet.
        """
        return self._now().cube

    def part(self, cohort: Cohort, *metrics: str, asked: Source | None = None) -> xr.Dataset:
        """Return a cohort's part of the cube; visitors who ask for the same share it.

        Parameters
        ----------
        cohort : Cohort
        *metrics : str
            Variables per image to keep beside the covariates; all if none is named.
        asked : Source, optional
            The study that the cohort's query is asked of, if not this one.

        Raises
        ------
        CohortError
            If the cohort is a query that cannot be answered.
        """
        return self._now().part(cohort, *metrics, asked=None if asked is None else asked._now())

    def ask(self, sql: str) -> Found:
        """Return what a query in SQL finds, within the limits for strangers.

        Raises
        ------
        QueryError
            If it cannot be answered; the message points at the place.
        """
        now = self._now()
        return now.questions.ask(sql, now.cube)

    @property
    def saved(self) -> list[NamedCohort]:
        """The saved cohorts that can be read, by name, the latest version of each first."""
        return saved_cohorts(self._study.folder)

    @property
    def columns(self) -> pd.DataFrame:
        """What can be asked for: view, column, type, units, meaning."""
        return self._now().questions.columns()

    def kept(self, key: Hashable, compute: Callable[[], _Found]) -> _Found:
        """Return what somebody computed before under this key, or compute it.

        Results are forgotten when the study has a new version, and the oldest when they take too much
        memory. The key names all else they depend on.
        """
        return self._now().kept(key, compute)

    @property
    def index(self) -> pd.DataFrame:
        """One row per file seen, see `Study.index`."""
        return self._now().index

    @property
    def images(self) -> pd.DataFrame:
        """One row per finished image, see `Study.images`."""
        return self._now().images

    @property
    def flow(self) -> Flow:
        """From files seen to women analysed, in the whole study; see `Flow.of_part` for a cohort's."""
        return self._now().flow

    @property
    def about(self) -> dict[str, Any]:
        """What ``study.json`` says: recipe, weights, versions, counts."""
        return self._now().about

    @property
    def evaluations(self) -> Evaluations:
        """Scores of networks, see `bactools.explore.models`; read again when a file changes."""
        stamps = tuple((path.name, _stamp(path)) for path in evaluation_files(self._study.folder))
        with self._lock:
            if self._evaluated is None or self._evaluated[0] != stamps:
                self._evaluated = (stamps, read_evaluations(self._study.folder))
            return self._evaluated[1]

    def warm(self) -> None:
        """Read and compute what the first visitor asks for.

        Raises
        ------
        StudyError
            If the study has no cube yet.
        """
        _warm(self._now())

    def follow(self, *, every: float = 5.0) -> None:
        """Look for new versions in the background, and show one when it is read: nobody waits for it.

        Parameters
        ----------
        every : float
            Seconds between two looks.
        """
        if self._followed is None:
            self._followed = Event()
            Thread(target=self._follow, args=(every, self._followed), name="follow", daemon=True).start()

    def close(self) -> None:
        """Follow no longer; from now on each question looks for a new version itself."""
        if self._followed is not None:
            self._followed.set()
            self._followed = None

    def _follow(self, every: float, ended: Event) -> None:
        while not ended.wait(every):
            version = self._stamp()
            if version == self._reading.version:
                continue
            found = Reading(self._study, version)
            try:
                _warm(found)
            except StudyError:
                pass  # no cube as yet: that is what is to be shown
            except Exception as error:
                # somebody is writing it just now: the old one is shown a little longer
                _log.warning("a new version of a study could not be read: %s", type(error).__name__)
                continue
            if self._stamp() == version:
                self._reading = found

    def _now(self) -> Reading:
        """Return the version to show."""
        if self._followed is not None:
            return self._reading
        with self._lock:
            version = self._stamp()
            if version != self._reading.version:
                self._reading = Reading(self._study, version)
            return self._reading

    def _stamp(self) -> str:
        names = ("cube.zarr", "cube.zarr/zarr.json", "study.json")
        return ".".join(_stamp(self._study.folder / name) for name in names)


def _warm(reading: Reading) -> None:
    controls(reading.cube)
    with suppress(StatsError):  # the page says why
        _ = reading.flow


def _stamp(path: Path) -> str:
    """Return what changes when a file is written anew."""
    try:
        found = path.lstat()
    except OSError:
        return "0"
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"
