"""From files seen to women analysed: who was left out at which step, and why."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from bactools.conventions import DONE
from bactools.stats.cohort.exam_table import ExamTable, exam_table
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


@dataclass
class _Chain:
    """Steps and losses as they are found."""

    steps: list[tuple[str, str, str, int]] = field(default_factory=list)
    losses: list[tuple[str, str, str, int]] = field(default_factory=list)

    def step(self, key: str, unit: str, label: str, n: int) -> None:
        """Note what is left."""
        self.steps.append((key, unit, label, n))

    def lose(self, reasons: pd.Series, *, words: dict[str, str] | None = None) -> None:
        """Note losses after the last step, the most frequent reason first."""
        counts = reasons.value_counts()
        for code, n in sorted(counts.items(), key=lambda item: (-item[1], str(item[0]))):
            label = (words or {}).get(str(code), str(code).replace("_", " "))
            self.losses.append((self.steps[-1][0], str(code), label, int(n)))

    def lose_one(self, code: str, label: str, n: int) -> None:
        """Note losses for one reason, if there are any."""
        if n:
            self.losses.append((self.steps[-1][0], code, label, n))


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
    chain, seen_again = _Chain(), 0
    if index is not None:
        seen_again = _files(chain, index, images)
    kept = None if images is None else _images(chain, images, indexed=index is not None)
    exams, note = kept, ""
    n_views = 4
    if cube is not None:
        table = exam_table(cube)
        n_views, note = len(table.views), table.note
        exams = _done(table)
        if kept is not None:
            _selected(chain, kept, exams)
        else:
            chain.step("in_cube", "images", "images measured, in the cube", len(exams))
    if exams is not None:
        _exams(chain, exams, n_views)
    steps = pd.DataFrame(chain.steps, columns=["step", "unit", "label", "n"])
    losses = pd.DataFrame(chain.losses, columns=["step", "reason", "label", "n"])
    return Flow(steps, losses, n_views if exams is not None else 0, seen_again, note=note)


def _require(table: pd.DataFrame, columns: tuple[str, ...], *, name: str) -> None:
    missing = [column for column in columns if column not in table]
    if missing:
        raise StatsError(f"{name} lacks the columns {', '.join(missing)}: give the study's own table")
    twice = table["image_id"][table["image_id"].duplicated()]
    if len(twice):
        raise StatsError(f"{name} names image {twice.iloc[0]} twice: give one row per image")


def _files(chain: _Chain, index: pd.DataFrame, images: pd.DataFrame | None) -> int:
    """Count files, and return how many excluded ones have results all the same."""
    _require(index, ("image_id", "eligible"), name="index")
    chain.step("seen", "images", "files seen", len(index))
    eligible = index["eligible"].astype(bool).to_numpy()
    again = np.zeros(len(index), dtype=bool)
    if images is not None:
        _require(images, ("image_id", "status"), name="images")
        unknown = ~images["image_id"].isin(index["image_id"])
        if unknown.any():
            raise StatsError(
                f"images has {int(unknown.sum())} images that the index does not know, such as"
                f" {images.loc[unknown, 'image_id'].iloc[0]}: give both tables of one study"
            )
        again = ~eligible & index["image_id"].isin(images["image_id"]).to_numpy()
    excluded = index[~eligible & ~again]
    reasons = excluded["reason"] if "reason" in excluded else pd.Series("not_stated", index=excluded.index)
    chain.lose(reasons.fillna("").replace("", "not_stated"))
    chain.step("eligible", "images", "eligible images", int((eligible | again).sum()))
    if images is not None:
        chain.lose_one("to_do", "not looked at yet", int((eligible | again).sum()) - len(images))
    return int(again.sum())


def _images(chain: _Chain, images: pd.DataFrame, *, indexed: bool) -> pd.DataFrame:
    """Count images, and return those measured and chosen for the cube."""
    _require(images, ("image_id", "status", "subject", "view", "date"), name="images")
    unknown = sorted(set(images["status"].astype(str)) - {"done", "failed"})
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


def _selected(chain: _Chain, kept: pd.DataFrame, found: pd.DataFrame) -> None:
    """Count the images that a selection of the cube left out."""
    keys = ["subject", "date", "view"]
    known = kept[keys].assign(date=pd.to_datetime(kept["date"]).dt.normalize())
    if len(found.merge(known.drop_duplicates(), on=keys)) < len(found):
        raise StatsError("the cube has images that the table of images lacks: give both of one study")
    if len(found) < len(kept):
        chain.lose_one("not_selected", "not in the part of the cube that is analysed", len(kept) - len(found))
        chain.step("in_cube", "images", "images analysed", len(found))


def _exams(chain: _Chain, images: pd.DataFrame, n_views: int) -> None:
    """Count exams and women, of one row per image."""
    days = images.assign(date=pd.to_datetime(images["date"]).dt.normalize())
    views = days.groupby(["subject", "date"])["view"].nunique()
    chain.step("exams", "exams", "exams with an image measured", len(views))
    for lacking in range(1, n_views):
        n = int((views == n_views - lacking).sum())
        chain.lose_one(f"lacks_{lacking}", f"lack {lacking} of {n_views} views", n)
    complete = views[views >= n_views]
    chain.step("complete_exams", "exams", f"complete exams, all {n_views} views measured", len(complete))
    women = views.index.get_level_values("subject").nunique()
    per_woman = complete.groupby("subject").size()
    chain.step("women", "women", "women with an image measured", int(women))
    chain.lose_one("no_complete_exam", "without a complete exam", int(women) - len(per_woman))
    chain.step("women_complete", "women", "women with a complete exam", len(per_woman))
    chain.lose_one("one_exam", "with only one complete exam", int((per_woman == 1).sum()))
    chain.step("women_followed", "women", "women with two complete exams or more", int((per_woman > 1).sum()))
