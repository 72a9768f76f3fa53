"""The arithmetic of grades: cut-offs, probabilities, shares with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bactools.stats.inputs import FloatArray
from bactools.stats.reliability.sums import by_woman
from bactools.stats.result import StatsError, number

Scheme = Literal["mm2", "cuts", "quantile"]

CUTS_MM2 = (0.0, 10.0, 25.0)
"""None at 0, mild up to 10, moderate up to 25, severe above [mm²]."""

SHARES = (0.0, 1 / 3, 2 / 3)
"""None at 0, and thirds of the rest."""


def cut_offs(cuts: Sequence[float] | None, scheme: Scheme, sample: FloatArray) -> tuple[list[float], str]:
    """Return cut-offs in the unit of the values, and why there are none.

    Parameters
    ----------
    cuts : sequence of float or None
        As asked for; shares with "quantile".
    scheme : {"mm2", "cuts", "quantile"}
    sample : float array
        What quantiles are taken of; NaN does not count.

    Raises
    ------
    StatsError
        If cut-offs do not increase, are negative or missing, or shares reach 1.
    """
    if cuts is None:
        if scheme == "cuts":
            raise StatsError("scheme='cuts' without cut-offs: give cuts= in the unit of the values")
        cuts = SHARES if scheme == "quantile" else CUTS_MM2
    try:
        limits = [float(cut) for cut in cuts]
    except (TypeError, ValueError):
        raise StatsError(f"cuts={cuts!r}: give increasing numbers") from None
    increasing = all(low < high for low, high in pairwise(limits))
    if not limits or not increasing or not all(0 <= limit < math.inf for limit in limits):
        raise StatsError(f"cuts={tuple(cuts)}: give at least one, increasing, none below 0")
    if scheme != "quantile":
        return limits, ""
    if limits[-1] >= 1:
        raise StatsError(f"cuts={tuple(cuts)}: shares of a quantile lie below 1, such as 1/3")
    return _quantiles(limits, sample[~np.isnan(sample)])


def _quantiles(shares: list[float], sample: FloatArray) -> tuple[list[float], str]:
    apart = shares[0] == 0
    used = sample[sample > 0] if apart else sample
    what = "values above 0" if apart else "values"
    wanted = shares[1:] if apart else shares
    if used.size < len(wanted) + 1:
        return shares, f"only {used.size} {what} for {len(wanted) + 1} grades"
    limits = ([0.0] if apart else []) + [float(limit) for limit in np.quantile(used, wanted)]
    if any(low >= high for low, high in pairwise(limits)) or limits[-1] >= used.max():
        tied = number(float(stats.mode(used).mode))
        more = "" if apart else "; begin cuts with 0 to keep values of 0 apart" if (used == 0).any() else ""
        return shares, f"quantiles coincide, since many {what} are {tied}{more}"
    return limits, ""


def graded(values: FloatArray, cuts: Sequence[float]) -> NDArray[np.intp]:
    """Return the grade of each value, from 0; one at a cut-off has the lower grade."""
    return np.asarray(np.searchsorted(np.asarray(cuts), values, side="left"))


def probabilities(values: FloatArray, sd: FloatArray, cuts: Sequence[float]) -> FloatArray:
    """Return the probability that the true value has each grade.

    The true value is taken as normal about the measured one with the SD of the error, truncated at 0;
    where the measured value is 0, as 0.

    Parameters
    ----------
    values, sd : float array, shape (value,)
    cuts : sequence of float

    Returns
    -------
    float array, shape (value, grade)
    """
    certain = (values == 0) | (sd == 0)
    scale = np.where(certain, 1.0, sd)[:, None]
    edges = np.concatenate([[0.0], np.asarray(cuts, dtype=np.float64), [np.inf]])
    # from above: differences of survival functions keep their digits far above a cut-off
    above = stats.norm.sf((edges - values[:, None]) / scale)
    chances = np.asarray((above[:, :-1] - above[:, 1:]) / above[:, :1])
    chances[certain] = np.eye(len(cuts) + 1)[graded(values[certain], cuts)]
    return chances


def share_rows(
    given: FloatArray,
    woman: NDArray[np.intp],
    chances: FloatArray | None,
    cuts: Sequence[float],
    labels: Sequence[str],
    confidence: float,
) -> pd.DataFrame:
    """Return number, women and share of each grade with its interval, one row each.

    Parameters
    ----------
    given : float array, shape (value, grade)
        1 for the grade a value has, else 0.
    woman : integer array, shape (value,)
    chances : float array, shape (value, grade), or None
    cuts, labels : sequence
    confidence : float
    """
    sums = by_woman(given, woman)
    ends = np.array([_wilson(column, sums.sum(axis=1), confidence) for column in sums.T])
    return pd.DataFrame(
        {
            "grade": pd.Categorical(list(labels), categories=list(labels), ordered=True),
            "above": [-math.inf, *cuts],
            "up_to": [*cuts, math.inf],
            "n": sums.sum(axis=0).astype(np.int64),
            "n_subjects": (sums > 0).sum(axis=0),
            "share": given.mean(axis=0),
            "ci_low": ends[:, 0],
            "ci_high": ends[:, 1],
            "expected_share": math.nan if chances is None else chances.mean(axis=0),
        }
    )


def _wilson(counts: FloatArray, sizes: FloatArray, confidence: float) -> tuple[float, float]:
    """Return Wilson's interval of a share, counts and sizes by woman.

    Where women have several values, their number is the effective one: that with which independent
    values would give the variance found between women. It lies between women and values.
    """
    from statsmodels.stats.proportion import proportion_confint

    women, total = sizes.size, float(sizes.sum())
    share, effective = float(counts.sum()) / total, total
    if women < total:
        effective = float(women)
        if 0 < share < 1 and women > 1:
            variance = women / (women - 1) * float(((counts - share * sizes) ** 2).sum()) / total**2
            plain = share * (1 - share)
            effective = min(total, max(1.0, plain / variance)) if variance > 0 else total
            # few women tell little about that variance
            wider = stats.t.ppf((1 + confidence) / 2, [women - 1, max(total - 1, 1)])
            effective *= float(wider[1] / wider[0]) ** 2
    low, high = proportion_confint(share * effective, effective, alpha=1 - confidence, method="wilson")
    # at none and all the limits are 0 and 1, but for rounding
    return 0.0 if share == 0 else float(max(0.0, low)), 1.0 if share == 1 else float(min(1.0, high))
