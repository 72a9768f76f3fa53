"""Comparison of networks or readers on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bactools.stats.comparison.effects import Effect, paired_effect
from bactools.stats.comparison.multiplicity import ADJUSTMENTS, Adjustment
from bactools.stats.comparison.multiplicity import adjust as adjusted
from bactools.stats.comparison.paired import PAIRED_TESTS, PairedTest, by_bootstrap, p_value, robust_mean
from bactools.stats.comparison.result import Comparison, Difference
from bactools.stats.comparison.score_table import ByMethod, ScoreTable
from bactools.stats.inputs import FloatArray, between, choice
from bactools.stats.result import Estimate, StatsError, number

__all__ = ["Comparison", "Difference", "compare"]

Repeats = Literal["robust", "bootstrap", "means", "pooled"]
"""What is done where women have several images; see `compare`."""

_LEAST = 3


def compare(
    scores: ByMethod,
    *,
    subject: Sequence[Any] | ArrayLike | None = None,
    keys: pd.DataFrame | None = None,
    test: PairedTest = "t",
    repeats: Repeats = "robust",
    adjust: Adjustment = "holm",
    effect: Literal["d_z", "g_av"] = "d_z",
    reference: str | None = None,
    name: str | None = None,
    units: str | None = None,
    confidence: float = 0.95,
    n_bootstrap: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare methods on the same images by paired tests, every pair of methods.

    Parameters
    ----------
    scores : DataFrame, mapping of str to array, or DataArray
        One score per image and method (network, reader); see `score_table.ScoreTable.of`.
        NaN where a method has none: each pair of methods is compared on the images that both have.
    subject : sequence, optional
        The woman of each image. Without it, and without a column or coordinate of that name, every
        image is taken to be of another woman.
    keys : DataFrame, optional
        What is known of each image, so that a point leads to it.
    test : {"t", "wilcoxon", "permutation"}
        ``wilcoxon``: signed ranks; where women repeat, the ranks are summed by woman (Rosner 2006).
        ``permutation``: the signs of whole women are flipped.
    repeats : {"robust", "bootstrap", "means", "pooled"}
        What is done where women repeat. ``robust``: cluster-robust standard error (CR1), t on women - 1
        degrees of freedom. ``bootstrap``: women resampled, studentised; its smallest p-value is
        2 / (n_bootstrap + 1). ``means``: each woman counts once. ``pooled``: as if images were
        independent, which makes intervals too narrow and p-values too small.
    adjust : {"holm", "hochberg", "hommel", "bonferroni", "bh", "by", "none"}
        Of the p-values; intervals are not adjusted. See `bactools.stats.comparison.multiplicity.adjust`.
    effect : {"d_z", "g_av"}
        Effect size; with ``test="wilcoxon"`` it is the rank-biserial correlation. Its interval is by
        resampling women.
    reference : str, optional
        Compare this method with each other one only, which makes for fewer tests.
    name, units : str, optional
        What the score is.
    confidence : float
    n_bootstrap, seed : int
        Resamples of women and the seed of their choice.

    Returns
    -------
    Comparison
        Where women repeat, the test that takes every image as independent is its `naive`. A pair is not
        estimable with fewer than three women in common or differences all alike.

    Raises
    ------
    StatsError
        If an option is unknown, there are fewer than two methods, or shapes differ.

    References
    ----------
    Cameron AC, Miller DL. J Hum Resour 2015;50:317-372. Rosner B, Glynn RJ, Lee M-LT. Biometrics
    2006;62:185-192.
    """
    choice(test, PAIRED_TESTS, name="test")
    choice(repeats, get_args(Repeats), name="repeats")
    choice(adjust, ADJUSTMENTS, name="adjust")
    choice(effect, ("d_z", "g_av"), name="effect")
    between(confidence, 0, 1, name="confidence")
    if n_bootstrap < 100:
        raise StatsError(f"n_bootstrap={n_bootstrap}: choose 100 or more")
    table = ScoreTable.of(scores, subject=subject, keys=keys)
    if reference is not None:
        choice(reference, table.methods, name="reference")
    kind: Effect = "rank-biserial" if test == "wilcoxon" else effect
    codes = table.subject
    nested = codes is not None and codes.size > codes.max(initial=-1) + 1
    used = repeats if nested else "pooled"
    plan = _Plan(table, codes, test, used, adjust, kind, reference, confidence, n_bootstrap, seed)
    found = replace(
        plan.run(),
        repeats=repeats if nested else "",
        name=name or table.name or "score",
        units=table.units if units is None else units,
    )
    if not nested or repeats == "pooled":
        return found
    return replace(found, naive=replace(plan, repeats="pooled").run())


@dataclass(frozen=True, eq=False)
class _Plan:
    """A comparison with its options."""

    table: ScoreTable
    codes: NDArray[np.intp] | None
    test: PairedTest
    repeats: Repeats
    adjust: Adjustment
    effect: Effect
    reference: str | None
    confidence: float
    n_bootstrap: int
    seed: int

    def run(self) -> Comparison:
        """Compare every pair asked for."""
        methods = self.table.methods
        pairs = [
            (a, b)
            for a, b in combinations(range(len(methods)), 2)
            if self.reference in (None, methods[a], methods[b])
        ]
        if self.reference is not None:
            first = methods.index(self.reference)
            pairs = [(first, b if a == first else a) for a, b in pairs]
        found = [self._difference(a, b) for a, b in pairs]
        p = adjusted([d.difference.p for d in found], method=self.adjust)
        differences = tuple(replace(d, p_adjusted=float(at)) for d, at in zip(found, p, strict=True))
        resampled = self.test == "permutation" or (self.test == "t" and self.repeats == "bootstrap")
        sides = 2 if self.test == "t" else 1
        estimable = any(d.difference.estimable for d in found)
        return Comparison(
            differences,
            self._scores(),
            self.table.points,
            methods,
            self.test,
            self.adjust,
            self.effect,
            self.repeats,
            self.confidence,
            smallest_p=sides / (self.n_bootstrap + 1) if resampled else 0.0,
            reason="" if estimable else found[0].difference.reason,
        )

    def _difference(self, first: int, second: int) -> Difference:
        both = self.table.values[:, [first, second]]
        complete = np.asarray(~np.isnan(both).any(axis=1))
        only_one = int((~np.isnan(both).all(axis=1) & ~complete).sum())
        a, b = both[complete].T
        women = self._women(complete)
        n, n_subjects = a.size, int(women.max(initial=-1)) + 1
        codes = np.arange(n) if self.repeats == "pooled" else women
        if self.repeats == "means" and n:
            size = np.bincount(women)
            a, b = (np.bincount(women, weights=side) / size for side in (a, b))
            codes = np.arange(n_subjects)
        names = self.table.methods[first], self.table.methods[second]
        reason = _obstacle(a - b, n, int(codes.max(initial=-1)) + 1, names, self.repeats)
        if reason:
            missing = Estimate.missing(reason)
            return Difference(*names, missing, missing, np.nan, n, n_subjects, only_one)
        effect = paired_effect(
            a,
            b,
            kind=self.effect,
            subject=codes,
            confidence=self.confidence,
            n_bootstrap=self.n_bootstrap,
            seed=self.seed,
        )
        return Difference(*names, self._mean(a - b, codes), effect, np.nan, n, n_subjects, only_one)

    def _mean(self, d: FloatArray, codes: NDArray[np.intp]) -> Estimate:
        if self.repeats == "bootstrap":
            found = by_bootstrap(
                d, codes, confidence=self.confidence, n_bootstrap=self.n_bootstrap, seed=self.seed
            )
        else:
            found = robust_mean(d, codes, confidence=self.confidence)
        if self.test == "t":
            return found
        return replace(found, p=p_value(d, codes, test=self.test, n=self.n_bootstrap, seed=self.seed))

    def _women(self, complete: NDArray[np.bool_]) -> NDArray[np.intp]:
        if self.codes is None:
            return np.arange(int(complete.sum()))
        return np.asarray(np.unique(self.codes[complete], return_inverse=True)[1])

    def _scores(self) -> pd.DataFrame:
        rows = []
        for method, values in zip(self.table.methods, self.table.values.T, strict=True):
            held = np.asarray(~np.isnan(values))
            known = values[held]
            some = known.size > 0
            rows.append(
                {
                    "method": method,
                    "mean": known.mean() if some else np.nan,
                    "sd": known.std(ddof=1) if known.size > 1 else np.nan,
                    "median": np.median(known) if some else np.nan,
                    "n": known.size,
                    "n_subjects": int(self._women(held).max(initial=-1)) + 1,
                    "n_missing": int((~held).sum()),
                }
            )
        return pd.DataFrame(rows)


def _obstacle(d: FloatArray, n: int, clusters: int, names: tuple[str, str], repeats: Repeats) -> str:
    """Return why two methods cannot be compared, empty if they can."""
    a, b = names
    if clusters < _LEAST:
        what = "images" if repeats == "pooled" else "women"
        return f"{a} and {b} have {clusters} {what} in common, at least {_LEAST} are needed"
    if not d.any():
        return f"{a} and {b} have the same score on each of {n} images"
    if np.ptp(d) <= 1e-12 * np.abs(d).max():
        return f"{a} and {b} differ by {number(float(d[0]))} on each of {n} images: there is no spread"
    return ""
