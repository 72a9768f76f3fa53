"""Deming regression: a line between two methods of which both have error."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bactools.stats.inputs import FloatArray, Pairs, Values, between, choice
from bactools.stats.method_comparison.resampled_lines import Comparison, Line
from bactools.stats.method_comparison.result import Interval, MethodComparison
from bactools.stats.regression.predictors import own_names
from bactools.stats.result import StatsError, number

_INTERVALS = ("jackknife", "bootstrap", "analytic")
_BLOCK = 4_000_000
_MOST = 400_000_000
_STEPS = 200
_NEAR = 1e-11

Counts = Callable[[NDArray[np.intp]], FloatArray]
"""Gives how often every woman occurs in the given resamples, shape (resample, woman)."""


def deming(
    x: Values,
    y: Values,
    *,
    ratio: float = 1.0,
    weighted: bool = False,
    interval: Interval = "jackknife",
    subject: Sequence[Any] | ArrayLike | None = None,
    keys: pd.DataFrame | None = None,
    names: tuple[str, str] | None = None,
    units: str | None = None,
    confidence: float = 0.95,
    n_bootstrap: int = 2000,
    seed: int = 0,
) -> MethodComparison:
    """Fit a line by Deming regression.

    Parameters
    ----------
    x, y : array, Series or DataArray
        Two measurements of the same things, of one shape; pairs with a NaN are left out and counted.
    ratio : float
        Variance of the error of x over that of y, above 0.
    weighted : bool
        Whether errors are proportional to what is measured (constant coefficient of variation, Linnet),
        which must then be above 0 everywhere.
    interval : {"jackknife", "bootstrap", "analytic"}
        ``jackknife``: leave one woman out, t on women - 2. ``bootstrap``: women resampled, percentiles.
        ``analytic``: large-sample formula, unweighted and one pair per woman only.
    subject : sequence, optional
        The woman of each pair. Without it every pair is taken to be of another one.
    keys : DataFrame, optional
        What is known of each pair, so that a point leads to its image.
    names, units : optional
        What the two are called, and their unit.
    confidence : float
    n_bootstrap, seed : int

    Returns
    -------
    MethodComparison
        Not estimable with fewer than four pairs or women, a constant, no correlation at all, or, weighted,
        values at or below 0.

    Raises
    ------
    StatsError
        If an option is out of range or does not suit the data.

    References
    ----------
    Linnet K. Clin Chem 1993;39:424-432; Stat Med 1990;9:1463-1473. Hood K et al. Br J Math Stat Psychol
    1999;52:257-268.
    """
    choice(interval, _INTERVALS, name="interval")
    between(confidence, 0, 1, name="confidence")
    between(ratio, 0, math.inf, name="ratio")
    if interval == "analytic" and weighted:
        raise StatsError("interval='analytic' has no formula with weighted=True: use 'jackknife'")
    pairs = Pairs.of(x, y, subject=subject, keys=keys, names=names or own_names(x, y), units=units)
    if interval == "analytic" and pairs.repeated:
        raise StatsError("interval='analytic' takes pairs as independent: use 'jackknife' or 'bootstrap'")
    method = "weighted deming" if weighted else "deming"
    comparison = Comparison(pairs, cast(Any, method), interval, confidence, ratio)
    reason = _obstacle(pairs, ratio, weighted)
    if reason:
        return comparison.nothing(reason)
    found = _fitted(comparison, n_bootstrap, seed)
    if not (pairs.repeated and found.estimable):
        return found
    alone = replace(pairs, keys=pairs.keys.drop(columns="subject"))
    naive = _fitted(replace(comparison, pairs=alone), n_bootstrap, seed)
    return replace(found, naive=replace(naive, n_subjects=pairs.n_subjects))


def _obstacle(pairs: Pairs, ratio: float, weighted: bool) -> str:
    if pairs.n_subjects < 4:
        return f"only {pairs.n_subjects} {'women' if pairs.repeated else 'pairs'}, at least 4 are needed"
    for values, name in zip((pairs.a, pairs.b), pairs.names, strict=True):
        if np.ptp(values) == 0:
            return f"{name} is {number(float(values[0]))} everywhere"
    if weighted and ((pairs.a + ratio * pairs.b) <= 0).any():
        return (
            "some values are 0 or below, where an error in proportion to what is measured vanishes:"
            " leave them out, or use weighted=False"
        )
    return ""


def _fitted(comparison: Comparison, n_bootstrap: int, seed: int) -> MethodComparison:
    pairs, ratio = comparison.pairs, comparison.ratio
    subject = np.arange(len(pairs)) if pairs.subject is None else pairs.subject
    engine = _Engine.of(pairs, subject, ratio, weighted=comparison.method == "weighted deming")
    women = engine.women
    whole = engine.lines(1, lambda rows: np.ones((rows.size, women)))[0]
    if not np.isfinite(whole).all():
        return comparison.nothing("x and y have nothing in common, or the weights do not settle")
    line: Line = (float(whole[0]), float(whole[1]))
    if comparison.interval == "analytic":
        return comparison.by_formula(line, _large_sample(pairs, line), len(pairs) - 2)
    resamples = women if comparison.interval == "jackknife" else n_bootstrap
    if engine.weighted and resamples * len(pairs) > _MOST:
        return comparison.nothing(
            f"{resamples} resamples of {len(pairs)} pairs take too long with weighted=True: use"
            " interval='bootstrap' with a smaller n_bootstrap"
        )
    if comparison.interval == "jackknife":
        return comparison.by_jackknife(line, engine.without_each())
    random, share = np.random.default_rng(seed), np.full(women, 1 / women)
    draws = engine.lines(n_bootstrap, lambda rows: random.multinomial(women, share, rows.size).astype(float))
    return comparison.by_bootstrap(line, draws)


def _large_sample(pairs: Pairs, line: Line) -> FloatArray:
    """Return the covariance of intercept and slope if the ratio is known."""
    x, y, n = pairs.a, pairs.b, len(pairs)
    r2 = float(np.corrcoef(x, y)[0, 1]) ** 2
    variance = line[1] ** 2 * (1 - r2) / r2 / (n - 2)
    mean = float(x.mean())
    return variance * np.array([[float(np.mean(x**2)), -mean], [-mean, 1.0]])


@dataclass(frozen=True, eq=False)
class _Engine:
    """Lines of many resamples at once; women are counted 0, 1 or more times."""

    x: FloatArray
    y: FloatArray
    centre: tuple[float, float]
    subject: NDArray[np.intp]
    women: int
    ratio: float
    weighted: bool

    @classmethod
    def of(cls, pairs: Pairs, subject: NDArray[np.intp], ratio: float, *, weighted: bool) -> _Engine:
        """Centre the values, so that sums of squares lose no digits."""
        centre = (float(pairs.a.mean()), float(pairs.b.mean()))
        shifted = (pairs.a - centre[0], pairs.b - centre[1])
        return cls(*shifted, centre, subject, int(subject.max()) + 1, ratio, weighted)

    def lines(self, n: int, counts: Counts) -> FloatArray:
        """Return intercept and slope of each of n resamples, shape (n, 2)."""
        sums = self._sums()
        parts = [
            self._iterated(counts(rows)) if self.weighted else self._line(*(counts(rows) @ sums).T)
            for rows in self._blocks(n)
        ]
        return self._back(np.concatenate(parts))

    def without_each(self) -> FloatArray:
        """Return intercept and slope without each woman, shape (woman, 2)."""
        if self.weighted:
            return self.lines(self.women, lambda rows: 1.0 - (rows[:, None] == np.arange(self.women)))
        sums = self._sums()
        return self._back(self._line(*(sums.sum(axis=0) - sums).T))

    def _back(self, found: FloatArray) -> FloatArray:
        """Undo the centring."""
        found[:, 0] += self.centre[1] - found[:, 1] * self.centre[0]
        return found

    def _blocks(self, n: int) -> Iterator[NDArray[np.intp]]:
        # a block of counts of pairs, or of women, must fit into memory
        step = max(1, _BLOCK // self.x.size)
        for start in range(0, n, step):
            yield np.arange(start, min(start + step, n))

    def _sums(self) -> FloatArray:
        """Return of each woman what a line needs, shape (woman, 6)."""
        x, y = self.x, self.y
        columns = (np.ones_like(x), x, y, x * x, y * y, x * y)
        return np.stack([np.bincount(self.subject, column, self.women) for column in columns], axis=1)

    def _iterated(self, counts: FloatArray) -> FloatArray:
        """Return lines with weights that follow from the lines themselves."""
        times, ratio = counts[:, self.subject], self.ratio
        level = self.centre[0] + self.x + ratio * (self.centre[1] + self.y)
        found, spread = self._weighing(times), float(np.ptp(self.x))
        settled: NDArray[np.bool_] = np.zeros(len(times), dtype=np.bool_)
        for _ in range(_STEPS):
            slope = found[:, 1:]
            off = (self.y - found[:, :1] - slope * self.x) / (1 + ratio * slope**2)
            # estimated true values of x and y, averaged
            true = (level + ratio * slope * off - ratio * off) / (1 + ratio)
            with np.errstate(all="ignore"):
                new = self._weighing(times / true**2)
            near = np.abs(new - found) <= _NEAR * np.array([spread, 1.0]) * np.abs(new[:, 1:])
            settled = np.asarray((near | np.isnan(new)).all(axis=1))
            found = new
            if settled.all():
                return found
        found[~settled] = np.nan
        return found

    def _weighing(self, weights: FloatArray) -> FloatArray:
        x, y = self.x, self.y
        columns = np.column_stack([np.ones_like(x), x, y, x * x, y * y, x * y])
        return self._line(*(weights @ columns).T)

    def _line(
        self, w: FloatArray, x: FloatArray, y: FloatArray, xx: FloatArray, yy: FloatArray, xy: FloatArray
    ) -> FloatArray:
        """Return the lines from sums of weights, values, squares and products."""
        with np.errstate(all="ignore"):
            sxx, syy, sxy = xx - x * x / w, yy - y * y / w, xy - x * y / w
            about = self.ratio * syy - sxx
            slope = (about + np.sqrt(about**2 + 4 * self.ratio * sxy**2)) / (2 * self.ratio * sxy)
            return np.column_stack([(y - slope * x) / w, slope])
