"""``cube.bac``: the statistics on a cube. Every method fetches arrays and hands them on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import xarray as xr

if TYPE_CHECKING:
    from bactools.stats.agreement import Agreement
    from bactools.stats.agreement.result import Repeats
    from bactools.stats.burden import Burden
    from bactools.stats.cohort import Table1
    from bactools.stats.cohort.flow import Flow
    from bactools.stats.cohort.missingness import Missingness
    from bactools.stats.correlation import Correlation
    from bactools.stats.grades import Grades
    from bactools.stats.joining import Against, Joined
    from bactools.stats.method_comparison import MethodComparison
    from bactools.stats.reference_measures import ReferenceMeasures
    from bactools.stats.regression import Regression
    from bactools.stats.reliability.repeated import ViewConsistency
    from bactools.stats.thresholds import Thresholds
    from bactools.stats.trajectories import Trajectories

METHODS = ("deming", "passing-bablok", "theil-sen")
_OF_BURDEN = ("per", "combine", "normalise", "incomplete")


@xr.register_dataset_accessor("bac")
class Bac:
    """Statistics on a cube in either form, eager or lazy.

    Parameters
    ----------
    cube : Dataset
        From `bactools.open_cube` or any part of one that keeps ``status``.

    Examples
    --------
    >>> cube.bac.agreement("tam_100", against=truth)  # doctest: +SKIP
    >>> cube.bac.trajectories("tam_100").rate  # doctest: +SKIP
    >>> cube.bac.where(age=(60, None), ckd=True).bac.with_exams(at_least=5)  # doctest: +SKIP
    """

    def __init__(self, cube: xr.Dataset) -> None:
        self._cube = cube

    def _repr_html_(self) -> str:
        from bactools.stats.cohort.contents import contents

        return contents(self._cube)

    def agreement(
        self,
        metric: str = "tam_100",
        *,
        against: Against,
        repeats: Repeats = "varying",
        names: tuple[str, str] | None = None,
        **options: Any,
    ) -> Agreement:
        """Return bias and limits of agreement of a metric with another measurement of the same images.

        Parameters
        ----------
        metric : str
        against : Dataset, DataArray, DataFrame or str
            See `bactools.stats.joining.joined`.
        repeats : {"varying", "constant", "pooled", "refuse"}
            By default a woman's images measure different things, and intervals allow for her having
            several.
        names : (str, str), optional
        **options
            See `bactools.stats.agreement.agreement`.
        """
        from bactools.stats.agreement import agreement

        both = self._joined(metric, against, names=names)
        found = agreement(both.a, both.b, **both.options(), repeats=repeats, **options)
        return replace(found, note=both.note)

    def regression(
        self,
        metric: str = "tam_100",
        *,
        against: Against,
        covariates: Sequence[str] = (),
        names: tuple[str, str] | None = None,
        **options: Any,
    ) -> Regression:
        """Regress a metric on another measurement of the same images, which is on the x axis.

        Parameters
        ----------
        metric : str
        against : Dataset, DataArray, DataFrame or str
            See `bactools.stats.joining.joined`.
        covariates : sequence of str
            Further variables of the cube that predict the metric.
        names : (str, str), optional
        **options
            See `bactools.stats.regression.regression`.
        """
        from bactools.stats.regression import regression

        both = self._joined(metric, against, names=names, covariates=covariates)
        known = both.covariates if len(covariates) else None
        found = regression(both.b, both.a, covariates=known, **both.turned(), **options)
        return replace(found, note=both.note)

    def method_comparison(
        self,
        metric: str = "tam_100",
        *,
        against: Against,
        method: Literal["deming", "passing-bablok", "theil-sen"] = "deming",
        names: tuple[str, str] | None = None,
        **options: Any,
    ) -> MethodComparison:
        """Fit a line where both measurements have errors, or that outliers do not move.

        Parameters
        ----------
        metric : str
        against : Dataset, DataArray, DataFrame or str
            On the x axis; see `bactools.stats.joining.joined`.
        method : {"deming", "passing-bablok", "theil-sen"}
        names : (str, str), optional
        **options
            See `bactools.stats.method_comparison`.
        """
        from bactools.stats.inputs import choice
        from bactools.stats.method_comparison import deming, passing_bablok, theil_sen

        choice(method, METHODS, name="method")
        fit: Any = dict(zip(METHODS, (deming, passing_bablok, theil_sen), strict=True))[method]
        both = self._joined(metric, against, names=names)
        found: MethodComparison = fit(both.b, both.a, **both.turned(), **options)
        return replace(found, note=both.note)

    def correlation(
        self,
        metric: str = "tam_100",
        *,
        against: Against,
        names: tuple[str, str] | None = None,
        **options: Any,
    ) -> Correlation:
        """Correlate a metric with another measurement of the same images.

        Parameters
        ----------
        metric : str
        against : Dataset, DataArray, DataFrame or str
            See `bactools.stats.joining.joined`.
        names : (str, str), optional
        **options
            See `bactools.stats.correlation.correlation`.
        """
        from bactools.stats.correlation import correlation

        both = self._joined(metric, against, names=names)
        found = correlation(both.b, both.a, subject=both.keys["subject"], names=both.names[::-1], **options)
        return replace(found, note=both.note)

    def burden(self, metric: str = "tam_100", **options: Any) -> Burden:
        """Add up the images of each exam; see `bactools.stats.burden.burden`."""
        from bactools.stats.burden import burden

        return burden(self._cube, metric, **options)

    def trajectories(self, metric: str = "tam_100", **options: Any) -> Trajectories:
        """Return the change per year, overall, by group and per woman.

        Parameters
        ----------
        metric : str
        **options
            ``per``, ``combine``, ``normalise`` and ``incomplete`` of `bactools.stats.burden.burden`; the
            others of `bactools.stats.trajectories.trajectories`.
        """
        from bactools.stats.trajectories import trajectories

        adding, rest = _split(options)
        return trajectories(self.burden(metric, **adding), **rest)

    def grades(self, metric: str = "am_mm2", **options: Any) -> Grades:
        """Grade the burden of each exam: none, mild, moderate, severe.

        Parameters
        ----------
        metric : str
        **options
            ``per``, ``combine``, ``normalise`` and ``incomplete`` of `bactools.stats.burden.burden`; the
            others of `bactools.stats.grades.grades`.
        """
        from bactools.stats.grades import grades

        adding, rest = _split(options)
        return grades(self.burden(metric, **adding), **rest)

    def thresholds(self, *, against: xr.DataArray | str, **options: Any) -> Thresholds:
        """Compare burden with a reference at every intensity threshold and probability cut.

        Parameters
        ----------
        against : DataArray or str
            On the same images, exams or women; or a variable of the cube.
        **options
            See `bactools.stats.thresholds.thresholds`.

        Raises
        ------
        StatsError
            If the cube has no joint histogram: the literal form has none.
        """
        from bactools.stats.result import StatsError
        from bactools.stats.thresholds import thresholds

        for name in ("joint_histogram", *([against] if isinstance(against, str) else [])):
            if name not in self._cube:
                raise StatsError(
                    f"the cube has no {name!r}: open it with axis='exam', which keeps everything"
                )
        reference = self._cube[against] if isinstance(against, str) else against
        found = thresholds(self._cube["joint_histogram"], reference, **options)
        return replace(found, note=self._note)

    def view_consistency(self, metric: str = "tam_100", **options: Any) -> ViewConsistency:
        """Compare CC with MLO views and left with right; see `bactools.stats.reliability.repeated`."""
        from bactools.stats.reliability.repeated import view_consistency

        return view_consistency(self._cube, metric, **options)

    def reference_measures(self, reference: pd.DataFrame, **options: Any) -> ReferenceMeasures:
        """Regress breast-CT readings on the metrics of the same women or breasts.

        Parameters
        ----------
        reference : DataFrame
            One row per woman or breast; see `bactools.stats.reference_measures.table.reference_table`.
        **options
            See `bactools.stats.reference_measures.reference_measures`.
        """
        from bactools.stats.reference_measures import reference_measures

        return reference_measures(self._cube, reference, **options)

    def table1(self, **options: Any) -> Table1:
        """Describe the women; see `bactools.stats.cohort.description`."""
        from bactools.stats.cohort import table1

        return table1(self._cube, **options)

    def flow(self, **options: Any) -> Flow:
        """Count images, exams and women that stay and drop out; see `bactools.stats.cohort.flow`."""
        from bactools.stats.cohort.flow import flow

        return flow(cube=self._cube, **options)

    def missingness(self) -> Missingness:
        """Count missing and failed views by view and year; see `bactools.stats.cohort.missingness`."""
        from bactools.stats.cohort.missingness import missingness

        return missingness(self._cube)

    def where(self, **conditions: Any) -> xr.Dataset:
        """Return the exams for which all conditions hold; see `bactools.explore.conditions.where`."""
        from bactools.explore.conditions import where

        return where(self._cube, **conditions)

    def with_exams(self, *, at_least: int = 1, complete_views: bool = False) -> xr.Dataset:
        """Return the women who have enough exams; see `bactools.explore.conditions.with_exams`."""
        from bactools.explore.conditions import with_exams

        return with_exams(self._cube, at_least=at_least, complete_views=complete_views)

    @property
    def _note(self) -> str:
        return str(self._cube.attrs.get("weights_note", ""))

    def _joined(
        self, metric: str, against: Against, *, names: Any = None, covariates: Sequence[str] = ()
    ) -> Joined:
        from bactools.stats.joining import joined

        return joined(self._cube, metric, against, covariates=covariates, names=names)


def _split(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of `burden`, and the others."""
    adding = {name: value for name, value in options.items() if name in _OF_BURDEN}
    return adding, {name: value for name, value in options.items() if name not in adding}
