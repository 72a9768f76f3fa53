"""One version of a study, read once: the cube, the tables beside it, and what was computed of them."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import RLock
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bactools.cube import open_cube
from bactools.explore.cohort import Cohort
from bactools.explore.kept import Kept
from bactools.explore.question import Questions
from bactools.explore.selection import Selection, named
from bactools.stats.cohort.flow import Flow, flow
from bactools.study import Study, StudyError

_MOST_BYTES = 500_000_000
"""Of parts of the cube that are held for those who ask again."""
_MOST_RESULTS = 1_000_000_000
"""Of what was computed, likewise."""
_Found = TypeVar("_Found")


class Reading:
    """What a study holds in one version; see `bactools.explore.Source` for what each part is.

    Parameters
    ----------
    study : Study
    version : str
    """

    def __init__(self, study: Study, version: str) -> None:
        self._study, self.version = study, version
        self._read, self._computed = Kept(math.inf), Kept(_MOST_RESULTS)
        self._chosen: OrderedDict[Hashable, Selection] = OrderedDict()
        self._choosing = RLock()
        self.questions = Questions(study.folder)

    @property
    def cube(self) -> xr.Dataset:
        """The cube."""

        def opened() -> xr.Dataset:
            try:
                return open_cube(self._study.folder, axis="exam")
            except FileNotFoundError:
                raise StudyError("this study has no finished run yet") from None

        return self._read.get("cube", opened)

    @property
    def index(self) -> pd.DataFrame:
        """The table of files."""
        return self._read.get("index", lambda: self._study.index)

    @property
    def images(self) -> pd.DataFrame:
        """The table of images."""
        return self._read.get("images", lambda: self._study.images)

    @property
    def flow(self) -> Flow:
        """From files seen to women analysed, in the whole study."""
        return self._read.get("flow", lambda: flow(self.index, self.images, self.cube))

    @property
    def about(self) -> dict[str, Any]:
        """What ``study.json`` says."""

        def read() -> dict[str, Any]:
            told: dict[str, Any] = json.loads((self._study.folder / "study.json").read_text("utf-8"))
            return told

        return self._read.get("about", read)

    def part(self, cohort: Cohort, *metrics: str, asked: Reading | None = None) -> xr.Dataset:
        """Return a cohort's part of the cube; its query is asked of another study, if one is given."""
        asked = asked or self
        key = (cohort.key, asked.version if cohort.sql and asked is not self else "")
        # a question takes its time: nobody else waits for it
        among = self._among(cohort, asked) if cohort.sql and key not in self._chosen else None
        with self._choosing:
            chosen = self._chosen
            if key not in chosen:
                chosen[key] = cohort.select(self.cube, among=among)
            chosen.move_to_end(key)
            found = chosen[key].part(metrics)
            while len(chosen) > 1 and self.nbytes > _MOST_BYTES:
                chosen.popitem(last=False)
            return found

    def _among(self, cohort: Cohort, asked: Reading) -> NDArray[np.bool_]:
        """Return which exams a cohort's query names."""
        found = asked.questions.named(cohort.sql, asked.cube)
        if asked is self:
            return found
        women, exams = np.nonzero(found)
        days = asked.cube["date"].transpose("subject", "exam").values
        members = {"subject": asked.cube["subject"].values[women], "date": days[women, exams]}
        return named(self.cube, pd.DataFrame(members))

    @property
    def nbytes(self) -> int:
        """Memory that the parts of the cube take that are held beside it."""
        return sum(each.nbytes for each in self._chosen.values())

    def kept(self, key: Hashable, compute: Callable[[], _Found]) -> _Found:
        """Return what was computed under this key, or compute it."""
        return self._computed.get(key, compute)
