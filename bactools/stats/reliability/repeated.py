"""How far views of one exam tell the same: CC against MLO, left against right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from bactools.stats.agreement import Agreement, agreement
from bactools.stats.inputs import Pairs, between, choice
from bactools.stats.reliability.concordance import Concordance, concordance
from bactools.stats.reliability.intraclass import IntraclassCorrelation, icc
from bactools.stats.reliability.kappa import Kappa, kappa
from bactools.stats.reliability.repeated_correlation import RepeatedCorrelation, repeated_correlation
from bactools.stats.reliability.views import on_views
from bactools.stats.result import Estimate, Result, frame, number

__all__ = [
    "RepeatedCorrelation",
    "ViewComparison",
    "ViewConsistency",
    "repeated_correlation",
    "view_consistency",
]

Zeros = Literal["keep", "leave out"]

COMPARISONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "CC and MLO": (("LCC", "LMLO"), ("RCC", "RMLO")),
    "CC and MLO, left": (("LCC", "LMLO"),),
    "CC and MLO, right": (("RCC", "RMLO"),),
    "left and right": (("LCC", "RCC"), ("LMLO", "RMLO")),
    "left and right, CC": (("LCC", "RCC"),),
    "left and right, MLO": (("LMLO", "RMLO"),),
}
"""Which views are set against each other, by the name of the comparison."""


@dataclass(frozen=True, eq=False)
class ViewComparison:
    """Two kinds of view of the same exams.

    Attributes
    ----------
    name : str
        One of `COMPARISONS`.
    agreement : Agreement
        Bias and limits of the first minus the second, women allowed for.
    concordance : Concordance
        Lin's coefficient, Pearson's r within it, women allowed for.
    presence : Kappa
        Agreement on whether there is any calcification.
    points : DataFrame
        One row per pair: what is known of the first image, ``view_b``, ``a`` and ``b``.
    n_zero : int
        Pairs in which both views are 0.
    reason : str
        Why there is no pair; empty if there are.
    """

    name: str
    agreement: Agreement
    concordance: Concordance
    presence: Kappa
    points: pd.DataFrame
    n_zero: int
    reason: str = ""

    @property
    def obstacle(self) -> str:
        """Why concordance is not estimable; empty if it is."""
        return self.reason or self.concordance.reason

    @property
    def estimates(self) -> dict[str, Estimate]:
        """The numbers of the comparison by name."""
        found = {
            "bias": self.agreement.bias,
            "lower limit": self.agreement.lower,
            "upper limit": self.agreement.upper,
            "concordance (CCC)": self.concordance.ccc,
            "Pearson r": self.concordance.precision,
            "kappa of presence": self.presence.kappa,
        }
        return {name: Estimate.missing(self.reason) for name in found} if self.reason else found


@dataclass(frozen=True, eq=False, repr=False)
class ViewConsistency(Result):
    """How far views of one exam tell the same.

    Attributes
    ----------
    comparisons : dict of str to ViewComparison
        By name, see `COMPARISONS`.
    icc : IntraclassCorrelation
        The views as raters of an exam: of one view, and of the mean (or sum) of all.
    n_exams, n_complete, n_subjects : int
        Exams with any view, with all views, and women.
    zeros : {"keep", "leave out"}
    name, units : str
    reason, note : str
    """

    comparisons: dict[str, ViewComparison]
    icc: IntraclassCorrelation
    n_exams: int
    n_complete: int
    n_subjects: int
    zeros: Zeros
    name: str
    units: str
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"Consistency of {self.name} between views"

    @property
    def cc_mlo(self) -> ViewComparison:
        """CC against MLO, both breasts."""
        return self.comparisons["CC and MLO"]

    @property
    def left_right(self) -> ViewComparison:
        """Left against right, both kinds of view."""
        return self.comparisons["left and right"]

    def to_frame(self) -> pd.DataFrame:
        """Return every comparison's numbers, one row each, then the intraclass correlations."""
        tables = []
        for name, found in self.comparisons.items():
            table = frame(found.estimates)
            table.insert(0, "comparison", name)
            tables.append(table.assign(n=len(found.points), n_subjects=found.agreement.n_subjects))
        of_views = frame({"ICC(C,1), one view": self.icc.icc3, "ICC(C,k), all views": self.icc.icc3k})
        of_views.insert(0, "comparison", "all views")
        tables.append(of_views.assign(n=self.icc.n, n_subjects=self.icc.n_subjects))
        return pd.concat(tables, ignore_index=True)

    def _words(self) -> str:
        told = []
        for found in (self.cc_mlo, self.left_right):
            if found.obstacle:
                told.append(f"{found.name}: not estimable, {found.obstacle}.")
                continue
            told.append(
                f"{found.name}: concordance {found.concordance.ccc.words()} over {len(found.points)} pairs of"
                f" {found.concordance.n_subjects} women; the first minus the second is"
                f" {found.agreement.bias.words(units=self.units)} on average, and in 95 % of pairs between"
                f" {number(found.agreement.lower.value)} and {number(found.agreement.upper.value)}; whether"
                f" there is any calcification they tell alike with kappa {found.presence.kappa.words()}."
            )
            if found.n_zero and self.zeros == "keep":
                told.append(
                    f"{found.n_zero} of these pairs are 0 in both views and agree for that reason alone: see"
                    " zeros='leave out'."
                )
        if self.icc.estimable:
            told.append(
                f"Of the spread of one view, {self.icc.icc3.words()} is that of exams; of the mean or sum of"
                f" {self.icc.n_raters} views, {self.icc.icc3k.words()} (consistency ICC)."
            )
        told.append(
            "Views show other projections of other arteries: they need not agree, and their difference is"
            " not the error of repeating one view."
        )
        return " ".join(told)


def view_consistency(
    values: xr.DataArray | xr.Dataset | pd.DataFrame,
    metric: str | None = None,
    *,
    zeros: Zeros = "keep",
    confidence: float = 0.95,
) -> ViewConsistency:
    """Compare CC with MLO views, and left with right breasts, within exams.

    Parameters
    ----------
    values : DataArray, Dataset or DataFrame
        A metric on (subject, view, exam) or (subject, view, date), in any order, lazy or in memory; a
        cube with `metric`; or a table with columns subject, view, date (or exam) and `metric`.
    metric : str, optional
        Needed unless a DataArray is given.
    zeros : {"keep", "leave out"}
        Pairs in which both views are 0. Left out, they still count for the agreement on presence.
    confidence : float

    Returns
    -------
    ViewConsistency
        Pairs that lack a view are left out. Every interval allows for women with several exams and
        breasts. Comparisons without enough pairs say so; the whole is not estimable if none has.

    Raises
    ------
    StatsError
        If dimensions, views or columns are missing, or an image occurs twice.
    """
    choice(zeros, get_args(Zeros), name="zeros")
    between(confidence, 0, 1, name="confidence")
    array = on_views(values, metric)
    views = [str(view) for view in array["view"].values]
    found = {
        name: _compared(name, array, [pair for pair in wanted if set(pair) <= set(views)], zeros, confidence)
        for name, wanted in COMPARISONS.items()
    }
    measured = array.notnull()
    of_views = icc(array, rater="view", confidence=confidence)
    reasons = [each.obstacle for each in found.values()]
    return ViewConsistency(
        found,
        of_views,
        n_exams=int(measured.any("view").sum()),
        n_complete=int(measured.all("view").sum()),
        n_subjects=int(measured.any([dim for dim in array.dims if dim != "subject"]).sum()),
        zeros=zeros,
        name=str(array.name or "burden"),
        units=str(array.attrs.get("units", "")),
        reason="; ".join(dict.fromkeys(reasons)) if all(reasons) else "",
        note=str(values.attrs.get("weights_note", "")) if isinstance(values, xr.Dataset) else "",
    )


def _compared(
    name: str, array: xr.DataArray, wanted: list[tuple[str, str]], zeros: Zeros, confidence: float
) -> ViewComparison:
    parts = [_pairs(array, *pair) for pair in wanted]
    points = pd.concat(parts, ignore_index=True) if parts else _empty()
    none = (points["a"] == 0) & (points["b"] == 0)
    used = points.loc[~none] if zeros == "leave out" else points
    sides = ("CC", "MLO") if name.startswith("CC") else ("left", "right")
    a, b, woman = used["a"].to_numpy(), used["b"].to_numpy(), used["subject"].to_numpy()
    presence = kappa(
        points["a"].to_numpy() > 0,
        points["b"].to_numpy() > 0,
        categories=[False, True],
        weights="none",
        subject=points["subject"].to_numpy(),
        names=sides,
        confidence=confidence,
    )
    return ViewComparison(
        name,
        agreement(a, b, subject=woman, repeats="varying", confidence=confidence, names=sides),
        concordance(a, b, subject=woman, names=sides, confidence=confidence),
        presence,
        used.reset_index(drop=True),
        int(none.sum()),
        reason="no exam has both views" if points.empty else "",
    )


def _pairs(array: xr.DataArray, a: str, b: str) -> pd.DataFrame:
    """Return one row per exam that has both views."""
    first, second = (array.sel(view=view).drop_vars("view") for view in (a, b))
    pairs = Pairs.of(first, second)
    return pairs.keys.assign(view=a, view_b=b, a=pairs.a, b=pairs.b)


def _empty() -> pd.DataFrame:
    columns = {name: np.empty(0, dtype=object) for name in ("subject", "view", "view_b")}
    return pd.DataFrame({**columns, "a": np.empty(0), "b": np.empty(0)})
