"""``cube.bac``: the statistics on a cube. Every method fetches arrays and hands them on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
import xarray as xr

if TYPE_CHECKING:
    from bactools.stats.agreement import Agreement
    from bactools.stats.burden import Burden
    from bactools.stats.correlation import Correlation
    from bactools.stats.joining import Against
    from bactools.stats.regression import Regression
    from bactools.stats.result import Result

    AnyResult = TypeVar("AnyResult", bound=Result)


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
    """

    def __init__(self, cube: xr.Dataset) -> None:
        self._cube = cube

    def agreement(
        self, metric: str = "tam_100", *, against: Against, repeats: str = "varying", **options: Any
    ) -> Agreement:
        """Return bias and limits of agreement of a metric with another measurement of the same images.

        Parameters
        ----------
        metric : str
        against : Dataset, DataArray, DataFrame or str
            See `bactools.stats.joining.joined`.
        repeats : str
            By default a woman's images measure different things, and intervals allow for her having
            several.
        **options
            See `bactools.stats.agreement.agreement`.
        """
        from bactools.stats.agreement import agreement
        from bactools.stats.joining import joined

        both = joined(self._cube, metric, against, names=options.pop("names", None))
        found = agreement(both.a, both.b, **(both.options() | {"repeats": repeats} | options))
        return replace(found, note=both.note)

    def regression(self, metric: str = "tam_100", *, against: Against, **options: Any) -> Regression:
        """Regress a metric on another measurement of the same images, which is on the x axis.

        Parameters
        ----------
        metric : str
        against : Dataset, DataArray, DataFrame or str
            See `bactools.stats.joining.joined`.
        **options
            See `bactools.stats.regression.regression`.
        """
        from bactools.stats.joining import joined
        from bactools.stats.regression import regression

        both = joined(self._cube, metric, against, names=options.pop("names", None))
        found = regression(both.b, both.a, **(both.options() | {"names": both.names[::-1]} | options))
        return replace(found, note=both.note)

    def correlation(self, metric: str = "tam_100", *, against: Against, **options: Any) -> Correlation:
        """Correlate a metric with another measurement of the same images.

        Parameters
        ----------
        metric : str
        against : Dataset, DataArray, DataFrame or str
            See `bactools.stats.joining.joined`.
        **options
            See `bactools.stats.correlation.correlation`.
        """
        from bactools.stats.correlation import correlation
        from bactools.stats.joining import joined

        both = joined(self._cube, metric, against, names=options.pop("names", None))
        found = correlation(both.b, both.a, subject=both.keys["subject"], names=both.names[::-1], **options)
        return replace(found, note=both.note)

    def burden(self, metric: str = "tam_100", **options: Any) -> Burden:
        """Add up the images of each exam; see `bactools.stats.burden.burden`."""
        from bactools.stats.burden import burden

        return burden(self._cube, metric, **options)
