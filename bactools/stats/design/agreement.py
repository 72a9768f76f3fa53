"""How many pairs a study of agreement needs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import optimize, stats

from bactools.stats.inputs import FloatArray, between, choice
from bactools.stats.result import Result, StatsError

Method = Literal["exact-test", "interval"]
_MOST = 1_000_000


@dataclass(frozen=True, eq=False, repr=False)
class AgreementSampleSize(Result):
    """Pairs needed to show that limits of agreement lie within a margin.

    Attributes
    ----------
    n : int
        Independent pairs: women with one pair each; 0 if not estimable.
    power : float
        With that many.
    n_women : int
        Women needed if each gives `pairs_per_woman`.
    pairs_per_woman, correlation : float
        As asked for; `correlation` is the share of the variance that lies between women.
    margin, bias, sd, level, alpha : float
    method : {"exact-test", "interval"}
    reason, note : str
    """

    n: int
    power: float
    n_women: int
    pairs_per_woman: float
    correlation: float
    margin: float
    bias: float
    sd: float
    level: float
    alpha: float
    method: Method
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return "Sample size for limits of agreement"

    def to_frame(self) -> pd.DataFrame:
        """Return one row: n, power, women and what was assumed."""
        names = ("n", "power", "n_women", "pairs_per_woman", "correlation", "margin", "bias", "sd", "level")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def _words(self) -> str:
        women = (
            f" With {self.pairs_per_woman:g} pairs per woman, of which differences are alike by"
            f" {self.correlation:g}, {self.n_women} women."
            if self.pairs_per_woman > 1
            else ""
        )
        return (
            f"{self.n} independent pairs give a power of {self.power:.2f} to show that {100 * self.level:g} %"
            f" of differences lie within ± {self.margin:g}, if their mean is {self.bias:g} and their SD"
            f" {self.sd:g}.{women}"
        )


def sample_size_agreement(
    *,
    margin: float,
    sd: float,
    bias: float = 0.0,
    power: float = 0.8,
    level: float = 0.95,
    alpha: float = 0.05,
    method: Method = "interval",
    pairs_per_woman: float = 1.0,
    correlation: float = 0.0,
) -> AgreementSampleSize:
    """Compute how many pairs are needed to show that limits of agreement lie within ± margin.

    Parameters
    ----------
    margin : float
        Largest difference that does not matter [unit of the measurement], above 0.
    sd, bias : float
        Expected SD and mean of the differences.
    power : float
    level : float
        Share of differences between the limits.
    alpha : float
        Level of the test; of `interval`, the two-sided intervals of the limits have 1 - alpha.
    method : {"interval", "exact-test"}
        ``interval``: the outer ends of both limits' intervals lie within the margin (Lu 2016, exact by
        the noncentral t, equation 5; the published tables use an approximation and are larger).
        ``exact-test``: Shieh's test of both limits.
    pairs_per_woman, correlation : float
        For several pairs per woman, number of pairs is multiplied by 1 + (pairs - 1) correlation.

    Returns
    -------
    AgreementSampleSize

    Raises
    ------
    StatsError
        If an option is out of range.

    References
    ----------
    Lu MJ et al. Int J Biostat 2016;12(2). Shieh G. BMC Med Res Methodol 2019;20:1-10.
    """
    choice(method, get_args(Method), name="method")
    for value, name in ((power, "power"), (level, "level"), (alpha, "alpha")):
        between(value, 0, 1, name=name)
    between(sd, 0, math.inf, name="sd")
    for value, name in ((margin, "margin"), (bias, "bias")):
        if not math.isfinite(value):
            raise StatsError(f"{name}={value:g}: give a number")
    if not 0 <= correlation <= 1:
        raise StatsError(f"correlation={correlation:g}: give 0 to 1")
    if not 1 <= pairs_per_woman < math.inf:
        raise StatsError(f"pairs_per_woman={pairs_per_woman:g}: give 1 or more")

    def answer(n: int, reached: float, reason: str = "") -> AgreementSampleSize:
        women = math.ceil(n * (1 + (pairs_per_woman - 1) * correlation) / pairs_per_woman)
        shape = (women, pairs_per_woman, correlation, margin, bias, sd, level, alpha)
        return AgreementSampleSize(n, reached, *shape, method=method, reason=reason)

    z = float(stats.norm.ppf((1 + level) / 2))
    if abs(bias) + z * sd >= margin:
        ends = f"{bias - z * sd:.3g} and {bias + z * sd:.3g}"
        return answer(0, math.nan, f"the limits themselves, {ends}, are not within the margin")
    powers = {"interval": interval_power, "exact-test": exact_test_power}[method]
    n = _smallest(lambda n: powers(n, margin=margin, sd=sd, bias=bias, level=level, alpha=alpha), power)
    if n > _MOST:
        return answer(0, math.nan, f"more than {_MOST} pairs are needed")
    return answer(n, powers(n, margin=margin, sd=sd, bias=bias, level=level, alpha=alpha))


def interval_power(
    n: int, *, margin: float, sd: float, bias: float = 0.0, level: float = 0.95, alpha: float = 0.05
) -> float:
    """Return the power that the intervals of both limits lie within ± margin (Lu 2016, equation 5)."""
    z = float(stats.norm.ppf((1 + level) / 2))
    se = sd * math.sqrt(1 / n + z**2 / (2 * (n - 1)))
    critical = float(stats.t.ppf(1 - alpha / 2, n - 1))
    missed = [float(stats.nct.cdf(critical, n - 1, (margin + sign * bias - z * sd) / se)) for sign in (-1, 1)]
    return max(0.0, 1 - sum(missed))


def exact_test_power(
    n: int, *, margin: float, sd: float, bias: float = 0.0, level: float = 0.95, alpha: float = 0.05
) -> float:
    """Return the power of Shieh's exact test that both limits lie within ± margin."""
    critical, df = exact_test_critical(n, level=level, alpha=alpha) / math.sqrt(n), n - 1
    # the variance ratio is hardly ever outside of these, nor may the SD exceed margin / critical
    low, high = (float(end) for end in stats.chi2.ppf([1e-13, 1 - 1e-13], df))
    top = min(high, df * (margin / (critical * sd)) ** 2)
    if top <= low:
        return 0.0
    v, weights = _nodes(math.sqrt(low), math.sqrt(top))
    room = (margin / sd - critical * v / math.sqrt(df)) * math.sqrt(n)
    offset = bias * math.sqrt(n) / sd
    held = stats.norm.cdf(room - offset) - stats.norm.cdf(-room - offset)
    return float(weights @ (held * stats.chi.pdf(v, df)))


def exact_test_critical(n: int, *, level: float = 0.95, alpha: float = 0.05) -> float:
    """Return the critical value of Shieh's exact test, in standard errors of the mean."""
    reach, df = float(stats.norm.ppf((1 + level) / 2)) * math.sqrt(n), n - 1

    v, weights = _nodes(0.0, min(reach, 9.0))
    density = 2 * weights * stats.norm.pdf(v)

    def excess(critical: float) -> float:
        return float(density @ stats.chi2.cdf(df * ((reach - v) / critical) ** 2, df)) - alpha

    return float(optimize.brentq(excess, 1e-2, 100 * reach))


def _nodes(low: float, high: float) -> tuple[FloatArray, FloatArray]:
    """Return places and weights of Gauss and Legendre's rule."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    return low + (high - low) * (nodes + 1) / 2, weights * (high - low) / 2


def _smallest(power_of: Callable[[int], float], power: float) -> int:
    """Return the smallest n with that power, or one beyond `_MOST`."""
    high = 4
    while power_of(high) < power:
        high *= 2
        if high > _MOST:
            return _MOST + 1
    low = max(2, high // 2 - 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= power else (middle, high)
    return high
