"""Many tests at once: p-values that allow for it."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bactools.stats.inputs import FloatArray, choice, vector
from bactools.stats.result import StatsError

Adjustment = Literal["holm", "hochberg", "hommel", "bonferroni", "bh", "by", "none"]
"""How p-values are adjusted; see `adjust`."""

ADJUSTMENTS: tuple[str, ...] = get_args(Adjustment)

WORDS: dict[str, str] = {
    "holm": "Holm's",
    "hochberg": "Hochberg's",
    "hommel": "Hommel's",
    "bonferroni": "Bonferroni's",
    "bh": "Benjamini and Hochberg's",
    "by": "Benjamini and Yekutieli's",
    "tukey": "Tukey's",
}
"""Whose adjustment it is, for sentences."""

_STATSMODELS = {
    "holm": "holm",
    "hochberg": "simes-hochberg",
    "hommel": "hommel",
    "bonferroni": "bonferroni",
    "bh": "fdr_bh",
    "by": "fdr_by",
}


def adjust(p: ArrayLike | pd.Series, *, method: Adjustment = "holm") -> FloatArray:
    """Adjust p-values for their number.

    Parameters
    ----------
    p : array, shape (test,)
        From 0 to 1. NaN, a test that could not be made, stays NaN and is not counted.
    method : {"holm", "hochberg", "hommel", "bonferroni", "bh", "by", "none"}
        The first four keep the chance of any false finding; ``hochberg`` and ``hommel`` need tests that
        are not negatively dependent. ``bh`` and ``by`` keep the expected share of false ones among the
        findings, ``by`` under any dependence.

    Returns
    -------
    float array, shape (test,)
        In the order given.

    Raises
    ------
    StatsError
        If a p-value lies outside 0 to 1, or the method is unknown.

    References
    ----------
    Holm S. Scand J Stat 1979;6:65-70. Hochberg Y. Biometrika 1988;75:800-802. Hommel G. Biometrika
    1988;75:383-386. Benjamini Y, Hochberg Y. J R Stat Soc B 1995;57:289-300. Benjamini Y, Yekutieli D.
    Ann Stat 2001;29:1165-1188.
    """
    choice(method, ADJUSTMENTS, name="method")
    adjusted = vector(p, name="p")
    known = ~np.isnan(adjusted)
    outside = np.flatnonzero(known & ((adjusted < 0) | (adjusted > 1)))
    if outside.size:
        raise StatsError(
            f"p is {adjusted[outside[0]]:g} at position {outside[0]}: give probabilities from 0 to 1"
        )
    adjusted = adjusted.copy()
    # one test needs no adjustment, and statsmodels collects garbage on every call: slow in simulations
    if method != "none" and known.sum() > 1:
        from statsmodels.stats.multitest import multipletests

        adjusted[known] = multipletests(adjusted[known], method=_STATSMODELS[method])[1]
    return adjusted
