"""How many women a study of progression needs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bactools.stats.inputs import FloatArray, between, choice
from bactools.stats.result import Result, StatsError, number
from bactools.stats.trajectories.result import Trajectories

Compare = Literal["groups", "zero"]
_MOST = 1_000_000


@dataclass(frozen=True, eq=False, repr=False)
class ProgressionSampleSize(Result):
    """Women needed to see a rate, or a difference of two rates.

    Attributes
    ----------
    n : int
        Women per group (of the only group, against zero) at the start; 0 if not estimable.
    n_total : int
    power : float
        With that many.
    difference : float
        Smallest rate, or difference of rates, to be seen [per year].
    rate_sd, residual_sd : float
        Between women, and of one exam about her line.
    own_rate_sd : float
        Of one woman's estimated rate: both together, over the exams and the dropout planned.
    times : tuple of float
        Exams [years from the first].
    dropout : float
        Share of women lost by the last exam.
    compare : {"groups", "zero"}
    alpha : float
    reason, note : str
    """

    n: int
    n_total: int
    power: float
    difference: float
    rate_sd: float
    residual_sd: float
    own_rate_sd: float
    times: tuple[float, ...]
    dropout: float
    compare: Compare
    alpha: float
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return "Sample size for a study of progression"

    def to_frame(self) -> pd.DataFrame:
        """Return one row: women, power and what was assumed."""
        names = (
            "n", "n_total", "power", "difference", "rate_sd", "residual_sd", "own_rate_sd", "dropout",
            "alpha",
        )  # fmt: skip
        row = {name: getattr(self, name) for name in names}
        return pd.DataFrame([row | {"exams": len(self.times), "years": self.times[-1]}])

    def _words(self) -> str:
        what = "a difference in rate" if self.compare == "groups" else "a rate"
        each = f"{self.n} women in each of two groups" if self.compare == "groups" else f"{self.n} women"
        lost = f", {100 * self.dropout:g} % of them lost by the end" if self.dropout else ""
        return (
            f"{each}{lost}, with {len(self.times)} exams over {self.times[-1]:g} years, give a power of"
            f" {self.power:.2f} to see {what} of {number(self.difference)} per year (two-sided alpha"
            f" {self.alpha:g}), if rates differ between women by an SD of {number(self.rate_sd)} and an exam"
            f" lies {number(self.residual_sd)} (SD) about her line. {self._lever()}"
        )

    def _lever(self) -> str:
        """Say which of women and exams would help more."""
        if self.rate_sd**2 > self.own_rate_sd**2 / 2:
            return "Most of the uncertainty is that women differ: more women help, more exams hardly."
        return "Most of the uncertainty is measurement error: more exams, or longer follow-up, help too."


def sample_size_progression(
    *,
    difference: float,
    like: Trajectories | None = None,
    rate_sd: float | None = None,
    residual_sd: float | None = None,
    exams: int | None = None,
    years: float | None = None,
    times: ArrayLike | None = None,
    dropout: float = 0.0,
    compare: Compare = "groups",
    power: float = 0.8,
    n: int | None = None,
    alpha: float = 0.05,
) -> ProgressionSampleSize:
    """Compute how many women are needed to see a rate or a difference of two rates; or the power of n.

    Parameters
    ----------
    difference : float
        Rate, or difference of two groups' mean rates, that must not be missed [units per year]; not 0.
    like : Trajectories, optional
        A pilot from which to take `rate_sd` and `residual_sd` where they are not given.
    rate_sd, residual_sd : float, optional
        SD of true rates between women [per year], and of one exam about a woman's line.
    exams, years : int and float, optional
        Number of exams, evenly spread over that many years; give these two or `times`.
    times : array, optional
        The exams [years from the first].
    dropout : float
        Share of women lost by the last exam, as many before each exam after the first. Those lost early
        add what they were seen; after a single exam, nothing.
    compare : {"groups", "zero"}
        Two groups of one size, or one group against no change.
    power : float
    n : int, optional
        Women per group: then their power is computed, and `power` does not count.
    alpha : float
        Two-sided.

    Returns
    -------
    ProgressionSampleSize

    Raises
    ------
    StatsError
        If a variance component is missing or an option is out of range.

    Notes
    -----
    A woman's estimated rate has the variance rate_sd² + residual_sd² / Σ(t - mean t)²; with dropout, that
    of the weighted mean over those who stay 2, 3 … exams. Power is that of the t test of such rates
    (noncentral t), which a mixed model with random slopes comes near.

    References
    ----------
    Fitzmaurice GM, Laird NM, Ware JH. Applied Longitudinal Analysis, 2nd ed., Wiley 2011, chapter 20.
    Diggle PJ et al. Analysis of Longitudinal Data, 2nd ed., Oxford 2002, section 2.4.
    """
    choice(compare, get_args(Compare), name="compare")
    between(power, 0, 1, name="power")
    between(alpha, 0, 1, name="alpha")
    if not math.isfinite(difference) or difference == 0:
        raise StatsError(f"difference={difference:g}: give a rate that is not 0")
    if not 0 <= dropout < 1:
        raise StatsError(f"dropout={dropout:g}: give a share from 0 to below 1")
    if n is not None and n < 2:
        raise StatsError(f"n={n}: give 2 women or more")
    at = _times(exams, years, times)
    spread = _component(like, rate_sd, "rate_sd")
    error = _component(like, residual_sd, "residual_sd")
    plan = ProgressionSampleSize(
        0, 0, math.nan, difference, spread, error, math.nan, tuple(map(float, at)), dropout, compare, alpha,
        note="" if like is None else like.note,
    )  # fmt: skip
    if math.isnan(spread) or math.isnan(error):
        return replace(plan, reason="the pilot has no variance components: give rate_sd and residual_sd")
    sd = own_rate_sd(at, rate_sd=spread, residual_sd=error, dropout=dropout)
    if sd == 0:
        return replace(plan, reason="rate_sd and residual_sd are both 0, so any two women would do")
    plan = replace(plan, own_rate_sd=sd)
    found = n or _smallest(abs(difference) / sd, compare, alpha, power)
    if found > _MOST:
        return replace(plan, reason=f"more than {_MOST} women are needed")
    reached = rate_power(found, effect=abs(difference) / sd, compare=compare, alpha=alpha)
    return replace(plan, n=found, n_total=found * (2 if compare == "groups" else 1), power=reached)


def own_rate_sd(times: FloatArray, *, rate_sd: float, residual_sd: float, dropout: float = 0.0) -> float:
    """Return the SD of one woman's estimated rate, averaged over how long women stay.

    Parameters
    ----------
    times : float array
        At least two [years].
    rate_sd, residual_sd, dropout : float
        As of `sample_size_progression`.

    Returns
    -------
    float
    """
    last = len(times)
    lost = dropout / (last - 1)
    # seen exactly k times: as many lost before each exam after the first, the rest stay
    shares = dict.fromkeys(range(2, last), lost) | {last: 1 - dropout}
    information = 0.0
    for k, share in shares.items():
        square = float(((times[:k] - times[:k].mean()) ** 2).sum())
        variance = rate_sd**2 + residual_sd**2 / square
        if variance == 0:
            return 0.0
        information += share / variance
    return 1 / math.sqrt(information)


def rate_power(n: int, *, effect: float, compare: Compare = "groups", alpha: float = 0.05) -> float:
    """Return the power of the two-sided t test of the women's rates.

    Parameters
    ----------
    n : int
        Women per group.
    effect : float
        Difference over the SD of a woman's estimated rate.
    compare : {"groups", "zero"}
    alpha : float

    Returns
    -------
    float
    """
    df, shift = (
        (2 * n - 2, effect * math.sqrt(n / 2)) if compare == "groups" else (n - 1, effect * math.sqrt(n))
    )
    critical = float(stats.t.ppf(1 - alpha / 2, df))
    upper = float(stats.nct.sf(critical, df, shift))
    # the far tail of the noncentral t underflows to NaN, where it is nothing
    lower = float(np.nan_to_num(stats.nct.cdf(-critical, df, shift)))
    return min(1.0, upper + lower) if not math.isnan(upper) else float(stats.norm.sf(critical - shift))


def _smallest(effect: float, compare: Compare, alpha: float, power: float) -> int:
    """Return the fewest women with that power, or one beyond `_MOST`."""
    high = 2
    while rate_power(high, effect=effect, compare=compare, alpha=alpha) < power:
        high *= 2
        if high > 2 * _MOST:
            return high
    low = max(1, high // 2)
    while high - low > 1:
        middle = (low + high) // 2
        enough = rate_power(middle, effect=effect, compare=compare, alpha=alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def _times(exams: int | None, years: float | None, times: ArrayLike | None) -> FloatArray:
    if times is None:
        if exams is None or years is None:
            raise StatsError("when are the exams? Give exams= and years=, or times=")
        if exams < 2 or not 0 < years < math.inf:
            raise StatsError(f"exams={exams}, years={years:g}: give 2 exams or more over some time")
        return np.linspace(0, years, exams)
    if exams is not None or years is not None:
        raise StatsError("give exams= and years=, or times=, not both")
    at = np.sort(np.asarray(times, dtype=np.float64).ravel())
    if at.size < 2 or not np.isfinite(at).all() or np.ptp(at) == 0 or at[1] == at[0]:
        raise StatsError("times: give 2 different times or more, the first one once")
    return np.asarray(at - at[0])


def _component(like: Trajectories | None, given: float | None, name: str) -> float:
    if given is not None:
        if not 0 <= given < math.inf:
            raise StatsError(f"{name}={given:g}: give 0 or more")
        return given
    if like is None:
        raise StatsError(f"{name} is missing: give it, or a pilot with like=")
    return float(getattr(like, name).value)
