"""Breast-CT readings beside the mammograms of the same woman or breast, taken near the same day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import pandas as pd
import xarray as xr

from bactools.stats.burden import Burden, Combine, Incomplete, burden
from bactools.stats.cohort.exam_table import exam_table
from bactools.stats.inputs import choice
from bactools.stats.reference_measures.table import ReferenceTable, reference_table
from bactools.stats.result import Result, StatsError

Per = Literal["woman", "breast"]

PAPER_METRICS = ("pm", "am", "sim", "tam_100", "tsim_100")
"""The paper's five metrics."""


@dataclass(frozen=True, eq=False, repr=False)
class Joined(Result):
    """Mammographic metrics and reference measures of the same women or breasts.

    Attributes
    ----------
    table : DataFrame
        One row per pair: ``subject``, ``breast`` if per breast, ``date`` of the mammograms,
        ``date_reference``, ``days_apart`` (reference later: above 0; NaN if undated), then metrics and
        measures.
    metrics, measures : tuple of str
    units : dict of str to str
        Of the metrics.
    unmatched : DataFrame
        One row per reading without mammograms: ``subject``, ``breast``, ``date_reference``, ``why``.
    n_without_reference : int
        Women with mammograms but no reading.
    per : {"woman", "breast"}
    combine : {"sum", "mean"}
        Of the views.
    normalised : bool
        Whether metrics were divided by the breast area.
    window_days : float
    reason, note : str
    """

    table: pd.DataFrame
    metrics: tuple[str, ...]
    measures: tuple[str, ...]
    units: dict[str, str]
    unmatched: pd.DataFrame
    n_without_reference: int
    per: Per
    combine: Combine
    normalised: bool
    window_days: float
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"Mammograms beside reference measures, per {self.per}"

    @property
    def n_women(self) -> int:
        """Women with a pair."""
        return int(self.table["subject"].nunique())

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table

    def _words(self) -> str:
        apart = self.table["days_apart"].abs()
        told = f"{len(self.table)} pairs of {self.n_women} women, views combined by {self.combine}"
        told += ", divided by the breast area." if self.normalised else "."
        if apart.notna().any():
            told += (
                f" Reading and mammograms are {apart.median():.0f} days apart (at most {apart.max():.0f})."
            )
        return told + self.left_out_words()

    def left_out_words(self) -> str:
        """Return which readings have no mammograms, in words; empty if all have."""
        if self.unmatched.empty:
            return ""
        counts = self.unmatched["why"].value_counts()
        why = "; ".join(
            f"{n} {reason}" for reason, n in sorted(counts.items(), key=lambda c: (-c[1], str(c[0])))
        )
        return f" {len(self.unmatched)} readings are left out: {why}."


def join_reference(
    measured: xr.Dataset | Burden,
    reference: pd.DataFrame,
    *,
    per: Per = "woman",
    metrics: Sequence[str] = PAPER_METRICS,
    measures: Sequence[str] | None = None,
    combine: Combine = "sum",
    normalise: bool = False,
    incomplete: Incomplete = "leave out",
    window_days: float = 365.25,
) -> Joined:
    """Join readings of a reference method to the metrics of the same woman's or breast's views.

    Parameters
    ----------
    measured : Dataset or Burden
        A cube, or one metric added up already; then the options from `per` to `incomplete`, but for
        `measures`, are the burden's own.
    reference : DataFrame
        See `bactools.stats.reference_measures.table.reference_table`.
    per : {"woman", "breast"}
        Readings by breast are added up for a woman, if there are both.
    metrics : sequence of str
    measures : sequence of str, optional
        Columns of `reference`; all numbers by default.
    combine : {"sum", "mean"}
        Of the views of a woman (four) or breast (two).
    normalise : bool
        Divide each image by its breast area. Not by default: a mass is of the whole breast.
    incomplete : {"leave out", "scale", "as is"}
        Exams that lack a view, as in `bactools.stats.burden.burden`.
    window_days : float
        The exam nearest to the reading, at most so many days before or after. A reading without date goes
        with the only exam of its woman.

    Returns
    -------
    Joined
        Not estimable if no reading has mammograms.

    Raises
    ------
    StatsError
        If the reference table cannot be used, or an undated reading could go with several exams.
    """
    choice(per, get_args(Per), name="per")
    if window_days < 0:
        raise StatsError(f"window_days={window_days:g}: give 0 or more")
    known = reference_table(reference, measures=measures)
    women: set[str] | None = None
    if isinstance(measured, Burden):
        if measured.per == "view":
            raise StatsError(
                "a reading is of a breast, not of a view: use burden(…, per='breast' or 'woman')"
            )
        burdens, per = [measured], measured.per
    else:
        # burden's default decides by units; here nothing is divided unless asked for
        burdens = [
            burden(measured, m, per=per, combine=combine, normalise=normalise, incomplete=incomplete)
            for m in metrics
        ]
        women = set(exam_table(measured).table["subject"].astype(str))
    if not burdens:
        raise StatsError("metrics=[]: name at least one")
    both = [n for n in known.measures if n in {b.metric for b in burdens}]
    if both:
        raise StatsError(f"{both[0]!r} is a metric and a column of the reference table: rename that")
    rows, unmatched = _readings(known, per)
    units = ["subject", "breast"] if per == "breast" else ["subject"]
    exams = _exams(burdens, units)
    table, left = _nearest(exams, rows, units, window_days, women)
    unmatched = pd.concat([unmatched, left], ignore_index=True).sort_values("subject", ignore_index=True)
    names = tuple(b.metric for b in burdens)
    return Joined(
        table[[*units, "date", "date_reference", "days_apart", *names, *known.measures]],
        names,
        known.measures,
        {b.metric: b.units for b in burdens},
        unmatched,
        len(set(exams["subject"]) - set(known.table["subject"])),
        per,
        burdens[0].combine,
        burdens[0].normalised,
        window_days,
        reason="" if len(table) else _nothing(known, unmatched),
        note=burdens[0].note,
    )


def _readings(known: ReferenceTable, per: Per) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row per woman or breast and date, and the readings that give none."""
    if per == "breast":
        if not known.by_breast:
            raise StatsError("per='breast' needs a column breast (L or R) in the reference table")
        rows, half = known.table, known.table.iloc[:0]
    else:
        rows, half = known.per_woman()
    empty = rows[list(known.measures)].isna().all(axis=1)
    parts = [half.assign(why="of one breast only"), rows[empty].assign(why="without a value")]
    unmatched = pd.concat(parts, ignore_index=True).rename(columns={"date": "date_reference"})
    columns = ["subject", *(["breast"] if "breast" in unmatched else []), "date_reference", "why"]
    return rows[~empty].rename(columns={"date": "date_reference"}), unmatched[columns]


def _exams(burdens: list[Burden], units: list[str]) -> pd.DataFrame:
    """Return one row per unit and exam with a column per metric."""
    keys = [*units, "date"]
    exams = burdens[0].table[keys]
    for found in burdens[1:]:
        exams = exams.merge(found.table[keys], on=keys, how="outer")
    for found in burdens:
        exams = exams.merge(
            found.table[[*keys, "value"]].rename(columns={"value": found.metric}), on=keys, how="left"
        )
    return exams.assign(subject=exams["subject"].astype(str).astype(object))


def _nearest(
    exams: pd.DataFrame, rows: pd.DataFrame, units: list[str], window: float, women: set[str] | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return each reading with the nearest exam, and the readings left over with the reason."""
    rows = rows.reset_index(drop=True).assign(reading=range(len(rows)))
    pairs = rows.merge(exams, on=units, how="inner")
    undated = pairs[pairs["date_reference"].isna()]
    if undated["reading"].duplicated().any():
        subject = undated.loc[undated["reading"].duplicated(), "subject"].iloc[0]
        raise StatsError(
            f"the reading of subject {subject} has no date, and she has several exams: add the date"
        )
    pairs["days_apart"] = (pairs["date_reference"] - pairs["date"]).dt.days
    near = pairs[~(pairs["days_apart"].abs() > window)]
    by_distance = near.assign(distance=near["days_apart"].abs().fillna(0))
    by_distance = by_distance.sort_values(["distance", *units, "date", "date_reference"], kind="stable")
    own = by_distance.drop_duplicates("reading")
    table = own.drop_duplicates([*units, "date"]).sort_values([*units, "date"], ignore_index=True)
    left = rows[~rows["reading"].isin(table["reading"])].copy()
    left["why"] = [
        "nearer to an exam that has a nearer reading"
        if row.reading in set(own["reading"])
        else f"without an exam within {window:g} days"
        if row.reading in set(pairs["reading"])
        else "of women whose exams lack a view"
        if women is not None and row.subject in women
        else "of women without mammograms here"
        for row in left.itertuples()
    ]
    return table, left[[*units, "date_reference", "why"]]


def _nothing(known: ReferenceTable, unmatched: pd.DataFrame) -> str:
    if known.table.empty:
        return "the reference table is empty"
    why = ", ".join(sorted(set(unmatched["why"])))
    return f"no reading goes with mammograms ({why}): are the subjects the same pseudonyms?"
