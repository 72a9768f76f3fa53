"""The mean of differences that belong to women, and tests of its being 0."""

from __future__ import annotations

from itertools import product
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bactools.stats.inputs import FloatArray, between, choice
from bactools.stats.lines import t_estimate
from bactools.stats.result import Estimate

PairedTest = Literal["t", "wilcoxon", "permutation"]
"""Tests of paired differences; see `bactools.stats.comparison.methods.compare`."""

PAIRED_TESTS: tuple[str, ...] = get_args(PairedTest)

_BLOCK = 4_000_000
_MOST_EXACT = 12


def robust_mean(d: FloatArray, subject: NDArray[np.intp], *, confidence: float = 0.95) -> Estimate:
    """Return the mean with its cluster-robust (CR1) t interval; the paired t test if no woman repeats.

    Parameters
    ----------
    d : float array, shape (image,)
    subject : integer array, shape (image,)
        Code of the woman of each, from 0; at least two women.
    confidence : float

    Returns
    -------
    Estimate
    """
    between(confidence, 0, 1, name="confidence")
    women = int(subject.max()) + 1
    mean = float(d.mean())
    summed = np.bincount(subject, weights=d - mean)
    se = float(np.sqrt(women / (women - 1) * (summed @ summed)) / d.size)
    return t_estimate(mean, se, women - 1, confidence=confidence)


def by_bootstrap(
    d: FloatArray,
    subject: NDArray[np.intp],
    *,
    confidence: float = 0.95,
    n_bootstrap: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Return the mean with a studentised bootstrap interval and p-value, whole women resampled.

    Parameters
    ----------
    d : float array, shape (image,)
    subject : integer array, shape (image,)
        Code of the woman of each, from 0; at least two women.
    confidence : float
    n_bootstrap, seed : int

    Returns
    -------
    Estimate
        Interval and p-value (equal tails) go together: one excludes 0 when the other is small.

    References
    ----------
    Davison AC, Hinkley DV. Bootstrap Methods and their Application, 1997, sections 3.8 and 5.2.
    """
    found = robust_mean(d, subject, confidence=confidence)
    women = int(subject.max()) + 1
    size = np.bincount(subject).astype(np.float64)
    total = np.bincount(subject, weights=d - found.value)
    random, drawn = np.random.default_rng(seed), []
    step = max(1, _BLOCK // women)
    for start in range(0, n_bootstrap, step):
        times = random.multinomial(women, np.full(women, 1 / women), min(step, n_bootstrap - start))
        n = times @ size
        mean = times @ total / n
        square = times @ total**2 - 2 * mean * (times @ (total * size)) + mean**2 * (times @ size**2)
        se = np.sqrt(women / (women - 1) * np.clip(square, 0, None)) / n
        # a resample of one woman only has no spread and says nothing
        kept = se > 1e-9 * found.se
        drawn.append(mean[kept] / se[kept])
    t = np.concatenate(drawn)
    tails = [(1 + confidence) / 2, (1 - confidence) / 2]
    low, high = found.value - np.quantile(t, tails) * found.se
    observed = found.value / found.se
    tail = min(int((t <= observed).sum()), int((t >= observed).sum()))
    p = min(1.0, 2 * (tail + 1) / (t.size + 1))
    return Estimate(found.value, float(low), float(high), se=found.se, p=p)


def p_value(
    d: FloatArray, subject: NDArray[np.intp], *, test: PairedTest = "wilcoxon", n: int = 2000, seed: int = 0
) -> float:
    """Return the two-sided p-value of differences that scatter symmetrically about 0.

    Parameters
    ----------
    d : float array, shape (image,)
        Not all 0.
    subject : integer array, shape (image,)
        Code of the woman of each, from 0.
    test : {"t", "wilcoxon", "permutation"}
    n : int
        Sign flips with "permutation"; up to 12 women all of them are tried instead.
    seed : int

    Returns
    -------
    float
    """
    choice(test, PAIRED_TESTS, name="test")
    women = int(subject.max()) + 1
    if test == "t":
        return robust_mean(d, subject).p
    if test == "permutation":
        return _flipped(np.bincount(subject, weights=d).astype(np.float64), n, seed)
    if women == d.size:
        return float(stats.wilcoxon(d).pvalue)
    kept = d != 0
    signed = np.sign(d[kept]) * stats.rankdata(np.abs(d[kept]))
    summed = np.bincount(subject[kept], weights=signed)
    return float(2 * stats.norm.sf(abs(summed.sum()) / np.sqrt(summed @ summed)))


def _flipped(summed: FloatArray, n: int, seed: int) -> float:
    """Return the p-value of a sum when the sign of each part is as likely as its opposite."""
    observed = abs(summed.sum()) * (1 - 1e-12)
    if summed.size <= _MOST_EXACT:
        signs = np.array(list(product((-1.0, 1.0), repeat=summed.size)))
        return float((np.abs(signs @ summed) >= observed).mean())
    random, beyond = np.random.default_rng(seed), 0
    step = max(1, _BLOCK // summed.size)
    for start in range(0, n, step):
        signs = random.choice((-1.0, 1.0), (min(step, n - start), summed.size))
        beyond += int((np.abs(signs @ summed) >= observed).sum())
    return (beyond + 1) / (n + 1)
