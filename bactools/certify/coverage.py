"""How often 95 % intervals hold the truth, in simulated studies whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bactools.stats.agreement import Agreement, agreement
from bactools.stats.agreement.differences import Scale
from bactools.stats.result import Estimate

LOW, HIGH = 0.93, 0.97
"""Between these the coverage of a 95 % interval is called right."""

FloatArray = NDArray[np.float64]
Counted = tuple[str, str, str, bool]
"""Quantity, interval, its role, and whether it held the truth."""

ROLES = ("default", "other", "naive", "not normal")
"""What bactools gives unasked; what can be asked for; what takes images as independent; formulas of normal
differences where these are not normal."""

_Z = float(stats.norm.ppf(0.975))
_RESAMPLES = 1000
_ENOUGH = 1000
_BIAS = 2.0
_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class Design:
    """A study to be simulated.

    Attributes
    ----------
    name : str
    sizes : integer array, shape (woman,)
        Pairs of images of each; of several a woman's come from both breasts in turn.
    woman, breast, image : float
        SD of the differences that women, breasts and images add.
    skewed : bool
        Whether differences are exponential and not, as intervals with a formula assume, normal.
    logarithmic : bool
        Whether errors are shares of the burden, and so analysed on the scale of ratios.
    intervals : tuple of str
        Of the limits; the first is the default.
    resampled : tuple of str
        Further ones, by resampling women.
    """

    name: str
    sizes: NDArray[np.int64]
    woman: float = 0.0
    breast: float = 0.0
    image: float = 1.0
    skewed: bool = False
    logarithmic: bool = False
    intervals: tuple[str, ...] = ("mover",)
    resampled: tuple[str, ...] = ()

    @property
    def sd(self) -> float:
        """True SD of a single difference."""
        return math.sqrt(self.woman**2 + self.breast**2 + self.image**2)

    @property
    def unit(self) -> float:
        """What a difference of 1 is on the scale of the analysis."""
        return _SHARE if self.logarithmic else 1.0

    @property
    def nested(self) -> bool:
        """Whether women have several pairs."""
        return bool((self.sizes > 1).any())

    @property
    def subject(self) -> NDArray[np.int64]:
        """The woman of each pair."""
        return np.repeat(np.arange(self.sizes.size), self.sizes)

    def draw(self, random: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Return two measurements of every image: burden is skewed, as it is in women."""
        subject, n = self.subject, self.sizes.size
        breast = (
            2 * subject
            + (np.arange(subject.size) - np.repeat(np.cumsum(self.sizes) - self.sizes, self.sizes)) % 2
        )
        burden = random.lognormal(3, 1, n)[subject] * random.lognormal(0, 0.3, subject.size)
        one = (lambda size: random.exponential(1, size) - 1) if self.skewed else random.standard_normal
        apart = (
            self.woman * one(n)[subject] + self.breast * one(2 * n)[breast] + self.image * one(subject.size)
        )
        if self.logarithmic:
            return burden * np.exp(_SHARE * (_BIAS + apart)), burden
        return burden + _BIAS + apart, burden


def designs() -> list[Design]:
    """Return the studies that are simulated: from the paper's 26 women to 100."""
    unequal = 4 * (1 + np.arange(40) % 6)
    few = np.array([2] * 10 + [1] * 50)
    resampled = ("bootstrap", "parametric-bootstrap")
    return [
        Design("60 women x 1 image", np.ones(60, np.int64), intervals=("exact", "exact-pair", "mover")),
        Design("20 women x 1 image", np.ones(20, np.int64), intervals=("exact", "exact-pair", "mover")),
        Design("26 women x 4 views", np.full(26, 4), woman=1, resampled=resampled),
        Design("26 women x 4 views, ratios", np.full(26, 4), woman=1, logarithmic=True),
        Design("40 women x 4 views x 1 to 6 exams", unequal, woman=1, resampled=resampled),
        Design("60 women, 10 of them with 2 images", few, woman=0.5),
        Design("100 women x 4 views, not alike", np.full(100, 4)),
        Design("100 women x 4 views, alike in breasts", np.full(100, 4), woman=0.7, breast=0.7),
        Design("100 women x 4 views, skewed", np.full(100, 4), 1, skewed=True, resampled=("bootstrap",)),
    ]


@dataclass
class _Tally:
    """Counts of intervals that held the truth."""

    held: dict[tuple[str, str, str, str], list[bool]] = field(default_factory=dict)

    def add(self, design: str, counted: Iterator[Counted]) -> None:
        """Count the intervals of one study."""
        for quantity, interval, role, held in counted:
            self.held.setdefault((design, quantity, interval, role), []).append(held)

    def table(self) -> pd.DataFrame:
        """Return the shares, one row per design, quantity and interval."""
        rows = []
        for (design, quantity, interval, role), held in self.held.items():
            share, n = float(np.mean(held)), len(held)
            rows.append(
                {
                    "design": design, "quantity": quantity, "interval": interval, "role": role,
                    "coverage": share, "replicates": n,
                    "mc_se": math.sqrt(max(share * (1 - share), 0.5 / n) / n),
                    "right": LOW <= share <= HIGH,
                }
            )  # fmt: skip
        return pd.DataFrame(rows)


def coverage(
    replicates: int = 1000, *, seed: int = 0, progress: Callable[[str], object] | None = None
) -> pd.DataFrame:
    """Simulate studies and count how often 95 % intervals hold the truth.

    Parameters
    ----------
    replicates : int
        Studies of each design.
    seed : int
    progress : callable, optional
        Called with the name of a design when it begins.

    Returns
    -------
    DataFrame
        One row per design, quantity and interval: its ``role`` (see `ROLES`), ``coverage``,
        ``replicates``, ``mc_se`` (Monte-Carlo standard error of the coverage) and ``right`` (whether it
        lies in 93 to 97 %).

    Notes
    -----
    Burden is log-normal. Differences have a part of the woman, of the breast and of the image, and are
    normal, as the intervals assume, but for the last design. Rates per year differ between women with a
    coefficient of variation of 0.6 and are skewed.
    """
    tally = _Tally()
    for at, design in enumerate(designs()):
        if progress is not None:
            progress(design.name)
        random = np.random.default_rng([seed, at])
        for replicate in range(replicates):
            a, b = design.draw(random)
            tally.add(design.name, _agreed(design, a, b))
            tally.add(design.name, _resampled(design, a, b, replicate))
    for at, (women, exams) in enumerate(((26, 4), (100, 6))):
        name = f"{women} women x {exams} exams"
        if progress is not None:
            progress(name)
        random = np.random.default_rng([seed, 1000 + at])
        for _ in range(replicates):
            tally.add(name, _rates(women, exams, random))
    return tally.table()


def to_text(table: pd.DataFrame) -> str:
    """Return the table of `coverage` in words and numbers, and one line that sums it up."""
    shown = pd.DataFrame(
        {
            "design": table["design"],
            "quantity": table["quantity"],
            "interval": table["interval"],
            "role": table["role"],
            "coverage %": [f"{100 * share:.1f}" for share in table["coverage"]],
            "± (MC SE)": [f"{100 * se:.1f}" for se in table["mc_se"]],
            "studies": table["replicates"],
            "93 to 97 %": np.where(table["right"], "yes", "no"),
        }
    )
    parts = []
    for role, rows in table.groupby("role", sort=False):
        parts.append(f"{int(rows['right'].sum())} of {len(rows)} {role}")
    summary = f"Intervals that hold the truth in 93 to 97 % of the studies: {', '.join(parts)}"
    if table["replicates"].max() < _ENOUGH:
        summary += f"; with fewer than {_ENOUGH} studies many fall outside by chance"
    return f"{shown.to_string(index=False, justify='left')}\n\n{summary}"


def _agreed(design: Design, a: FloatArray, b: FloatArray) -> Iterator[Counted]:
    """Count bias, SD and limits, with every interval that has a formula."""
    scale: Scale = "log" if design.logarithmic else "difference"
    role = "not normal" if design.skewed else "default"
    for at, interval in enumerate(design.intervals):
        found = agreement(a, b, subject=design.subject, repeats="varying", scale=scale, interval=interval)
        if at == 0:
            of_sd = "mover" if design.nested else "chi-square"
            yield from _counted(design, found, ("t", of_sd, interval), role)
            if found.naive is not None:
                yield from _counted(design, found.naive, ("t", "chi-square", "exact"), "naive")
        elif interval == "exact-pair":
            yield "both limits", interval, "other", _pair_held(design, found)
        else:
            yield from _limits_counted(design, found, interval, "other")


def _resampled(design: Design, a: FloatArray, b: FloatArray, seed: int) -> Iterator[Counted]:
    for interval in design.resampled:
        found = agreement(
            a, b, subject=design.subject, repeats="varying", interval=interval, n_bootstrap=_RESAMPLES,
            seed=seed,
        )  # fmt: skip
        yield from _limits_counted(design, found, interval, "other")


def _counted(
    design: Design, found: Agreement, intervals: tuple[str, str, str], role: str
) -> Iterator[Counted]:
    yield "bias", intervals[0], role, _holds(found.bias, design.unit * _BIAS)
    yield "SD", intervals[1], role, _holds(found.sd, design.unit * design.sd)
    yield from _limits_counted(design, found, intervals[2], role)


def _limits_counted(design: Design, found: Agreement, interval: str, role: str) -> Iterator[Counted]:
    for name, limit, side in (("lower limit", found.lower, -1), ("upper limit", found.upper, 1)):
        yield name, interval, role, _holds(limit, design.unit * (_BIAS + side * _Z * design.sd))


def _pair_held(design: Design, found: Agreement) -> bool:
    """Whether 95 % of all differences lie between more than the inner and less than the outer ends."""
    inner, outer = (
        float(np.diff(stats.norm.cdf(ends, _BIAS, design.sd))[0])
        for ends in ((found.lower.high, found.upper.low), (found.lower.low, found.upper.high))
    )
    return inner <= 0.95 <= outer


def _holds(estimate: Estimate, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def _rates(women: int, exams: int, random: np.random.Generator) -> Iterator[Counted]:
    """Count the annual rate of a cohort followed for years."""
    from bactools.stats.trajectories import trajectories
    from bactools.stats.trajectories.result import Slope

    rate, spread = 0.4, 0.36
    own = rate * random.gamma(1 / spread, spread, women)
    start = random.lognormal(1, 0.8, women)
    subject = np.repeat(np.arange(women), exams)
    years = (np.arange(exams) + random.normal(0, 0.1, (women, exams))).ravel()
    values = start[subject] + own[subject] * years + random.normal(0, 0.3, subject.size)
    kinds: tuple[tuple[Slope, str, str], ...] = (
        ("random", "mixed model", "default"), ("per-woman", "mean of own rates", "other"),
    )  # fmt: skip
    for slope, name, role in kinds:
        found = trajectories(values, subject=subject, years=years, slope=slope, engine="exact")
        yield "annual rate", name, role, _holds(found.rate, rate)
        if role == "default":
            yield "annual rate", "least squares", "naive", _holds(found.naive, rate)
