"""From files seen to women analysed: who was left out at which step, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import xarray as xr

from bactools.conventions import DONE
from bactools.stats.cohort.exam_table import ExamTable, exam_table
from bactools.stats.cohort.flow_chain import NOT_SELECTED, Chain, count_exams, views_of_exams
from bactools.stats.result import Result, StatsError

_STATED = {
    "repeat_view": "another image of the same view and day was taken",
    "other_view": "not one of the four standard views",
    "no_date": "no date",
}
"""Reasons of `bactools.cube.assemble`, in words."""


@dataclass(frozen=True, eq=False, repr=False)
class Flow(Result):
    """The flow of inclusion and exclusion.

    Attributes
    ----------
    steps : DataFrame
        One row per step, in order: ``step`` (its key), ``unit`` (images, exams or women), ``label``,
        ``n``.
    losses : DataFrame
        One row per reason: ``step`` after which they were lost, ``reason`` (a code), ``label``, ``n``. Within
        a unit, n of a step less its losses is n of the next step.
    n_views : int
        Views of a complete exam; 0 if there is no cube and no table of images.
    n_seen_again : int
        Images with results that the index excludes today; they count as eligible.
    reason, note : str
    """

    steps: pd.DataFrame
    losses: pd.DataFrame
    n_views: int
    n_seen_again: int = 0
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return "Flow of inclusion and exclusion"

    def n(self, step: str) -> int:
        """Return how many are left at a step.

        Raises
        ------
        StatsError
            If this flow has no such step.
        """
        found = self.steps.loc[self.steps["step"] == step, "n"]
        if found.empty:
            raise StatsError(f"no step {step!r}: choose one of {', '.join(self.steps['step'])}")
        return int(found.iloc[0])

    def of_part(self, cube: xr.Dataset) -> Self:
        """Return the flow that goes on with a part of the same cube: files and images need no second look.

        Parameters
        ----------
        cube : Dataset
            A part of the cube that this flow was made with, such as a cohort's.

        Raises
        ------
        StatsError
            If this flow does not know of images measured, or the part has more images than they are.
        """
        before = self.steps[self.steps["unit"] == "images"]
        if before.empty:
            raise StatsError("this flow counts no images: make it of the tables of a study")
        table = exam_table(cube)
        n, whole = int((table.status == DONE).sum()), int(before["n"].iloc[-1])
        if n > whole:
            raise StatsError(f"the part has {n} images measured, the whole {whole}: give a part of its cube")
        chain = Chain(
            list(before.itertuples(index=False, name=None)),
            [
                loss
                for loss in self.losses.itertuples(index=False, name=None)
                if loss[0] in set(before["step"])
            ],
        )
        if n < whole:
            chain.lose_one("not_selected", NOT_SELECTED, whole - n)
            chain.step("in_cube", "images", "images analysed", n)
        count_exams(chain, views_of_exams(table), len(table.views))
        return type(self)(*chain.frames(), len(table.views), self.n_seen_again, self.reason, self.note)

    def lost(self, step: str) -> pd.DataFrame:
        """Return what was lost after a step: reason, label, n."""
        return self.losses.loc[self.losses["step"] == step, ["reason", "label", "n"]].reset_index(drop=True)

    def to_frame(self) -> pd.DataFrame:
        """Return steps and losses in order, one row each: step, unit, kind, label, n."""
        rows = []
        for row in self.steps.itertuples():
            rows.append((row.step, row.unit, "left", row.label, row.n))
            for loss in self.lost(str(row.step)).itertuples():
                rows.append((row.step, row.unit, "lost", loss.label, loss.n))
        return pd.DataFrame(rows, columns=["step", "unit", "kind", "label", "n"])

    def _words(self) -> str:
        told = []
        for row in self.steps.itertuples():
            losses = self.lost(str(row.step))
            lost = "; ".join(f"{loss.n} {loss.label}" for loss in losses.itertuples())
            told.append(
                f"{row.n} {row.label}" + (f" (then {losses['n'].sum()} left out: {lost})." if lost else ".")
            )
        if self.n_seen_again:
            told.append(
                f"{self.n_seen_again} images have results although the index excludes them today; they count"
                " as eligible."
            )
        return "\n".join(told)


def flow(
    index: pd.DataFrame | None = None, images: pd.DataFrame | None = None, cube: xr.Dataset | None = None
) -> Flow:
    """Follow files, images, exams and women from the archive to the analysis.

    Parameters
    ----------
    index : DataFrame, optional
        One row per file seen, such as ``study.index``: ``image_id``, ``eligible``, and ``reason`` for which
        a file is excluded.
    images : DataFrame, optional
        One row per finished image, such as ``study.images``: ``image_id``, ``status`` (``"done"`` or
        ``"failed"``), ``subject``, ``view``, ``date``, and, where known, ``failure``, ``in_cube`` and
        ``not_in_cube_reason``.
    cube : Dataset, optional
        The cube that is analysed, or a part of it: images that a selection left out are counted.

    Returns
    -------
    Flow
        With the steps that the given tables tell of.

    Raises
    ------
    StatsError
        If nothing is given, a column is missing, an image is named twice, or the tables are not of one
        study.

    References
    ----------
    von Elm E, et al. (STROBE). Lancet 2007;370:1453-1457.
    """
    if index is None and images is None and cube is None:
        raise StatsError("nothing to count: give index=, images= or cube=")
    chain, seen_again = Chain(), 0
    if index is not None:
        seen_again = _files(chain, index, images)
    kept = None if images is None else _images(chain, images, indexed=index is not None)
    views: pd.DataFrame | None = None
    note, n_views = "", 4
    if cube is not None:
        table = exam_table(cube)
        n_views, note = len(table.views), table.note
        if kept is not None:
            _selected(chain, kept, _done(table))
        else:
            n = int((table.status == DONE).sum())
            chain.step("in_cube", "images", "images measured, in the cube", n)
        views = views_of_exams(table)
    elif kept is not None:
        days = kept.assign(date=pd.to_datetime(kept["date"]).dt.normalize())
        views = days.groupby(["subject", "date"])["view"].nunique().reset_index()
    if views is not None:
        count_exams(chain, views, n_views)
    return Flow(*chain.frames(), n_views if views is not None else 0, seen_again, note=note)


def _require(table: pd.DataFrame, columns: tuple[str, ...], *, name: str) -> None:
    missing = [column for column in columns if column not in table]
    if missing:
        raise StatsError(f"{name} lacks the columns {', '.join(missing)}: give the study's own table")
    twice = table["image_id"][table["image_id"].duplicated()]
    if len(twice):
        raise StatsError(f"{name} names image {twice.iloc[0]} twice: give one row per image")


def _files(chain: Chain, index: pd.DataFrame, images: pd.DataFrame | None) -> int:
    """Count files, and return how many excluded ones have results all the same."""
    _require(index, ("image_id", "eligible"), name="index")
    chain.step("seen", "images", "files seen", len(index))
    eligible = index["eligible"].astype(bool).to_numpy()
    again = np.zeros(len(index), dtype=bool)
    if images is not None:
        _require(images, ("image_id", "status"), name="images")
        both, _ = pd.factorize(pd.concat([index["image_id"], images["image_id"]]))
        of_index, of_images = both[: len(index)], both[len(index) :]
        unknown = ~np.isin(of_images, of_index)
        if unknown.any():
            raise StatsError(
                f"images has {int(unknown.sum())} images that the index does not know, such as"
                f" {images.loc[unknown, 'image_id'].iloc[0]}: give both tables of one study"
            )
        again = ~eligible & np.isin(of_index, of_images)
    excluded = index[~eligible & ~again]
    reasons = excluded["reason"] if "reason" in excluded else pd.Series("not_stated", index=excluded.index)
    chain.lose(reasons.fillna("").replace("", "not_stated"))
    chain.step("eligible", "images", "eligible images", int((eligible | again).sum()))
    if images is not None:
        chain.lose_one("to_do", "not looked at yet", int((eligible | again).sum()) - len(images))
    return int(again.sum())


def _images(chain: Chain, images: pd.DataFrame, *, indexed: bool) -> pd.DataFrame:
    """Count images, and return those measured and chosen for the cube."""
    _require(images, ("image_id", "status", "subject", "view", "date"), name="images")
    unknown = sorted(set(map(str, images["status"].unique())) - {"done", "failed"})
    if unknown:
        raise StatsError(f"images has the status {unknown[0]!r}: use 'done' or 'failed'")
    if not indexed:
        chain.step("finished", "images", "images looked at", len(images))
    failed = images[images["status"] == "failed"]
    codes = failed["failure"] if "failure" in failed else pd.Series("not_stated", index=failed.index)
    codes = codes.fillna("").replace("", "not_stated").astype(str)
    chain.lose(codes, words={code: f"failed: {code.replace('_', ' ')}" for code in codes.unique()})
    done = images[images["status"] == "done"]
    chain.step("measured", "images", "images measured", len(done))
    if "in_cube" not in done:
        return done
    chosen = done["in_cube"].astype(bool)
    if "not_in_cube_reason" in done:
        chain.lose(
            done.loc[~chosen, "not_in_cube_reason"].fillna("").replace("", "not_stated"), words=_STATED
        )
    else:
        chain.lose_one("not_in_cube", "not in the cube", int((~chosen).sum()))
    chain.step("chosen", "images", "images of the cube, one per view and day", int(chosen.sum()))
    return done[chosen]


def _done(exams: ExamTable) -> pd.DataFrame:
    """Return one row per measured image of a cube: subject, date, view."""
    row, view = np.nonzero(exams.status == DONE)
    table = exams.table.iloc[row][["subject", "date"]].reset_index(drop=True)
    return table.assign(view=np.asarray(exams.views, dtype=object)[view])


def _selected(chain: Chain, kept: pd.DataFrame, found: pd.DataFrame) -> None:
    """Count the images that a selection of the cube left out."""
    keys = ["subject", "date", "view"]
    known = kept[keys].assign(date=pd.to_datetime(kept["date"]).dt.normalize())
    if len(found.merge(known.drop_duplicates(), on=keys)) < len(found):
        raise StatsError("the cube has images that the table of images lacks: give both of one study")
    if len(found) < len(kept):
        chain.lose_one("not_selected", NOT_SELECTED, len(kept) - len(found))
        chain.step("in_cube", "images", "images analysed", len(found))
