"""What a report is made from: a study, what it is compared with, and the results that sections share."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd
import xarray as xr

import bactools.accessor  # noqa: F401
from bactools.explore import Cohort, Source
from bactools.explore.variables import measured, references
from bactools.figures.figure5 import METRICS
from bactools.recipe import Recipe
from bactools.stats.agreement.result import Agreement
from bactools.stats.reference_measures import ReferenceMeasures
from bactools.stats.regression.result import Regression
from bactools.stats.result import StatsError

METRIC = "tam_100"
"""The metric of the report: the paper's final choice."""

_DEFAULT_GROUP = "ckd"
_COMPARED = (*METRICS, "tam_100_norm", "am_mm2", "tam_100_mm2")
"""The paper's five, and these per breast area and in mm²: the others at other thresholds say the like."""


@dataclass(frozen=True)
class Material:
    """What sections read.

    Attributes
    ----------
    source : Source
        The study.
    other : Source, optional
        A second study of the same images: truth, or another reader.
    drawn : DataFrame, optional
        The table of an evaluation, with the metrics of the drawn masks, see `bactools.evaluation`.
    reference : DataFrame, optional
        Readings of a breast CT, see `bactools.stats.reference_measures.table.reference_table`.
    cohort : Cohort
        Who is reported.
    asked_group : str, optional
        A covariate of few values; ``ckd`` if there is one. Empty for none.
    """

    source: Source
    other: Source | None = None
    drawn: pd.DataFrame | None = None
    reference: pd.DataFrame | None = None
    cohort: Cohort = field(default_factory=Cohort)
    asked_group: str | None = None

    @cached_property
    def cube(self) -> xr.Dataset:
        """The cohort's part of the cube, as the dashboard's pages have it."""
        return self.source.part(self.cohort)

    @cached_property
    def group(self) -> str:
        """The covariate by which women are split; empty for none.

        Raises
        ------
        StatsError
            If one was asked for that the cube does not hold.
        """
        if self.asked_group is None:
            return _DEFAULT_GROUP if _DEFAULT_GROUP in self.cube else ""
        known = [str(name) for name, held in self.cube.data_vars.items() if held.dims == ("subject",)]
        if self.asked_group and self.asked_group not in known:
            raise StatsError(
                f"group {self.asked_group!r}: the study has no such covariate of women; choose"
                f" {', '.join(known) or 'none, it has no covariates'}"
            )
        return self.asked_group

    @cached_property
    def recipe(self) -> Recipe:
        """By which recipe it was measured."""
        return self.source.study.recipe

    @cached_property
    def weights(self) -> dict[str, str]:
        """By which weights; a name that looks like a path is cut to its last part."""
        held = {str(key): str(value) for key, value in self.source.study.weights.items()}
        held["name"] = held.get("name", "").replace("\\", "/").rsplit("/", 1)[-1]
        return held

    @cached_property
    def compared(self) -> dict[str, Against]:
        """What each metric is compared with, by metric; empty if there is nothing."""
        names = [name for name in measured(self.cube) if name in _COMPARED]
        if self.other is not None:
            theirs = self.other.cube
            return {name: theirs for name in names if name in theirs}
        if self.drawn is not None:
            drawn = self.drawn
            return {name: drawn for name in names if f"{name}_truth" in drawn}
        held = references(self.cube)
        pairs = {name: [f"true_{name}", f"{name}_truth"] for name in names}
        return {name: both[0] for name, known in pairs.items() if (both := [n for n in known if n in held])}

    @cached_property
    def agreements(self) -> dict[str, Agreement]:
        """Agreement of each metric with what it is compared with."""
        return {
            name: self.cube.bac.agreement(name, against=against, names=self._names(name))
            for name, against in self.compared.items()
        }

    @cached_property
    def regressions(self) -> dict[str, Regression]:
        """Each metric on what it is compared with."""
        return {
            name: self.cube.bac.regression(name, against=against, names=self._names(name))
            for name, against in self.compared.items()
        }

    @cached_property
    def reference_measures(self) -> ReferenceMeasures | None:
        """The comparison with the breast CT; None without one."""
        if self.reference is None:
            return None
        found: ReferenceMeasures = self.cube.bac.reference_measures(self.reference)
        return found

    def _names(self, metric: str) -> tuple[str, str] | None:
        """Return what both are called."""
        if self.other is not None:
            return metric, f"{metric} of {self.other.name}"
        return None if self.drawn is None else (metric, f"{metric} of drawn masks")


Against = xr.Dataset | pd.DataFrame | str
