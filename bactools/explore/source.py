"""A study that others may be writing: opened read-only, read again when it has a new version."""

from __future__ import annotations

import json
import os
import re
from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path
from threading import RLock
from typing import Any

import pandas as pd
import xarray as xr

from bactools.cube import open_cube
from bactools.explore.cohort import Cohort
from bactools.explore.models import Evaluations, evaluation_files, read_evaluations
from bactools.explore.selection import Selection
from bactools.study import Study, StudyError, open_study

_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_MOST_BYTES = 500_000_000
"""Of parts of the cube that are held for those who ask again."""


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
        self._version = ""
        self._held: dict[str, Any] = {}
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
        names = ("cube.zarr", "cube.zarr/zarr.json", "study.json")
        return ".".join(_stamp(self._study.folder / name) for name in names)

    @property
    def cube(self) -> xr.Dataset:
        """The cube in the stored form, in memory but for a lazy joint histogram.

        Raises
        ------
        StudyError
            If the study has none yet.
        """

        def opened() -> xr.Dataset:
            try:
                return open_cube(self._study.folder, axis="exam")
            except FileNotFoundError:
                raise StudyError("this study has no finished run yet") from None

        return self._latest("cube", opened)  # type: ignore[no-any-return]

    def part(self, cohort: Cohort, *metrics: str) -> xr.Dataset:
        """Return a cohort's part of the cube; visitors who ask for the same share it.

        Parameters
        ----------
        cohort : Cohort
        *metrics : str
            Variables per image to keep beside the covariates; all if none is named.
        """
        with self._lock:
            cube = self.cube
            chosen: OrderedDict[Hashable, Selection] = self._held.setdefault("chosen", OrderedDict())
            if cohort.key not in chosen:
                chosen[cohort.key] = cohort.select(cube)
            chosen.move_to_end(cohort.key)
            found = chosen[cohort.key].part(metrics)
            while len(chosen) > 1 and sum(each.nbytes for each in chosen.values()) > _MOST_BYTES:
                chosen.popitem(last=False)
            return found

    @property
    def index(self) -> pd.DataFrame:
        """One row per file seen, see `Study.index`."""
        return self._latest("index", lambda: self._study.index)  # type: ignore[no-any-return]

    @property
    def images(self) -> pd.DataFrame:
        """One row per finished image, see `Study.images`."""
        return self._latest("images", lambda: self._study.images)  # type: ignore[no-any-return]

    @property
    def about(self) -> dict[str, Any]:
        """What ``study.json`` says: recipe, weights, versions, counts."""

        def read() -> dict[str, Any]:
            text = (self._study.folder / "study.json").read_text(encoding="utf-8")
            told: dict[str, Any] = json.loads(text)
            return told

        return self._latest("about", read)  # type: ignore[no-any-return]

    @property
    def evaluations(self) -> Evaluations:
        """Scores of networks, see `bactools.explore.models`; read again when a file changes."""
        stamps = tuple((path.name, _stamp(path)) for path in evaluation_files(self._study.folder))
        with self._lock:
            if self._evaluated is None or self._evaluated[0] != stamps:
                self._evaluated = (stamps, read_evaluations(self._study.folder))
            return self._evaluated[1]

    def _latest(self, name: str, read: Any) -> Any:
        """Return what was read of this version, or read it."""
        with self._lock:
            version = self.version
            if version != self._version:
                self._held, self._version = {}, version
            if name not in self._held:
                self._held[name] = read()
            return self._held[name]


def _stamp(path: Path) -> str:
    """Return what changes when a file is written anew."""
    try:
        found = path.lstat()
    except OSError:
        return "0"
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"
