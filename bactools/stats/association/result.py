"""What an analysis of association with an outcome found, and several of them as one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from bactools.stats.association.numbers import AssociationNumbers, DoseCurve, Kind
from bactools.stats.association.words import interpretation
from bactools.stats.result import Result, StatsError, number, p_words

__all__ = ["Association", "AssociationTable", "DoseCurve", "Kind", "association_table"]


@dataclass(frozen=True, eq=False, repr=False)
class Association(AssociationNumbers):
    """Ratios of odds, rates or hazards by an exposure, adjusted for covariates.

    Its fields are those of `bactools.stats.association.numbers.AssociationNumbers`.
    """

    def _words(self) -> str:
        return interpretation(self)


@dataclass(frozen=True, eq=False, repr=False)
class AssociationTable(Result):
    """Several models side by side.

    Attributes
    ----------
    table : DataFrame
        One row per model and term: ``model``, ``ratio`` (what kind), the columns of an association's
        table, ``n``, ``n_events``, and ``reason`` of a model that is not estimable.
    reason, note : str
    """

    table: pd.DataFrame
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return "Associations with the outcome"

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table

    def printed(self) -> pd.DataFrame:
        """Return the table as a paper prints it: a row per term, a column per model, as text."""
        held = self.table[self.table["term"] != ""]
        cells = held.assign(cell=[_cell(row) for row in held.to_dict("records")])
        wide = cells.pivot_table(index="term", columns="model", values="cell", aggfunc="first", sort=False)
        return wide.fillna("").rename_axis(columns=None).reset_index()

    def _words(self) -> str:
        models = self.table.drop_duplicates("model")
        parts = [
            f"{row['model']}: not estimable, {row['reason']}"
            if row["reason"]
            else f"{row['model']}: {row['n_events']} events in {row['n']}"
            for row in models.to_dict("records")
        ]
        alike = models.loc[models["reason"] == "", "n"].nunique() <= 1
        careful = "" if alike else " The models were not fitted to the same women, so compare them with care."
        return f"{'; '.join(parts)}.{careful}"


def association_table(models: Mapping[str, Association]) -> AssociationTable:
    """Put several models side by side.

    Parameters
    ----------
    models : mapping of str to Association
        By what they are called. One with covariates brings its unadjusted model along.

    Returns
    -------
    AssociationTable
        A model that is not estimable has one row with the reason.

    Raises
    ------
    StatsError
        If there is none.
    """
    if not models:
        raise StatsError("there is no model: give a mapping of names to associations")
    parts = []
    for called, model in models.items():
        pair: dict[str, AssociationNumbers] = {called: model}
        if model.unadjusted is not None:
            pair = {f"{called}, unadjusted": model.unadjusted, called: model}
        for label, found in pair.items():
            rows = (
                replace(found, unadjusted=None).to_frame()
                if found.estimable
                else pd.DataFrame({"term": [""]})
            )
            rows = rows.assign(n=found.n, n_events=found.n_events, reason=found.reason)
            parts.append(rows.assign(model=label, ratio=found.ratio))
    table = pd.concat(parts, ignore_index=True)
    order = ["model", "ratio", "term", "estimate", "se", "ci_low", "ci_high", "p", "n", "n_events", "reason"]
    notes = list(dict.fromkeys(model.note for model in models.values() if model.note))
    return AssociationTable(table.reindex(columns=order), note="; ".join(notes))


def _cell(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return p_words(row["p"])
    if pd.isna(row["ci_low"]):
        return number(row["estimate"])
    ends = f"{row['estimate']:.2f} ({row['ci_low']:.2f} to {row['ci_high']:.2f})"
    return f"{ends}, {p_words(row['p'])}"
