"""Which women progressed: changed by more than the measurement's own error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import pandas as pd
from scipy import stats

from bactools.stats.inputs import choice
from bactools.stats.reliability import MeasurementError
from bactools.stats.result import Estimate, Result, StatsError, frame
from bactools.stats.trajectories.own_rates import own_error

By = Literal["observed", "fitted"]
SDC = 1.96 * math.sqrt(2)
"""By how many SD within women two measurements must differ."""


@dataclass(frozen=True, eq=False)
class Followed:
    """What is needed of an analysis of trajectories; fields as of a `Trajectories`."""

    women: pd.DataFrame
    points: pd.DataFrame
    residual_sd: Estimate
    n_one_exam: int
    scale: str
    confidence: float
    name: str
    units: str
    reason: str
    note: str


@dataclass(frozen=True, eq=False, repr=False)
class Progression(Result):
    """Women whose change exceeds the smallest detectable change.

    Attributes
    ----------
    share : Estimate
        Share of women (breasts, views) with a rise beyond it, among those seen at two times; Wilson's
        interval, on the number of women.
    share_fell : Estimate
        The same of a fall: what measurement error does if nothing can fall.
    sdc : Estimate
        The smallest detectable change.
    table : DataFrame
        One row per woman (breast, view) seen at two times: subject, n_exams, years, change, ``progressed``
        and ``fell``.
    n, n_progressed, n_fell, n_one_exam : int
    by : {"observed", "fitted"}
    source : str
        Where the smallest detectable change comes from.
    name, units : str
    reason, note : str
    """

    share: Estimate
    share_fell: Estimate
    sdc: Estimate
    table: pd.DataFrame
    n: int
    n_progressed: int
    n_fell: int
    n_one_exam: int
    by: By
    source: str
    name: str
    units: str
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"Progression beyond measurement error of {self.name}"

    def to_frame(self) -> pd.DataFrame:
        """Return shares and the smallest detectable change, one row each."""
        return frame(
            {
                "share that rose beyond it": self.share,
                "share that fell beyond it": self.share_fell,
                "smallest detectable change": self.sdc,
            }
        )

    def _words(self) -> str:
        how = "from first to last exam" if self.by == "observed" else "along her fitted line"
        told = (
            f"{self.n_progressed} of {self.n} rose by more than {self.sdc.words(units=self.units)} {how}"
            f" ({self.share.words()} as a share), {self.n_fell} fell by more. The smallest detectable change"
            f" is {self.source}. If nobody changed, 2.5 % would rise and 2.5 % fall beyond it by error alone."
        )
        if self.n_one_exam:
            told += f" {self.n_one_exam} have exams at one time only and are not counted."
        return told


def progression(
    found: Followed, sdc: float | Estimate | MeasurementError | None = None, *, by: By = "observed"
) -> Progression:
    """Tell which women changed by more than measurement error explains.

    See `bactools.stats.trajectories.result.Trajectories.progressed`.

    Parameters
    ----------
    found : Followed
    sdc : float, Estimate or MeasurementError, optional
    by : {"observed", "fitted"}

    Returns
    -------
    Progression

    Raises
    ------
    StatsError
        If `sdc` is not above 0, or `by` is unknown.

    References
    ----------
    de Vet HCW et al. J Clin Epidemiol 2006;59:1033-1039. Wilson EB. J Am Stat Assoc 1927;22:209-212.
    """
    choice(by, get_args(By), name="by")
    limit, source = _limit(found, sdc)
    kept = [c for c in ("subject", "breast", "view", "group", "n_exams", "years") if c in found.women]
    seen = found.women[found.women["years"] > 0].reset_index(drop=True)
    change = seen["change"] if by == "observed" else seen.get("shrunken_rate", seen["rate"]) * seen["years"]
    reason = limit.reason or ("" if len(seen) else "no woman was seen at two times")
    if found.reason and (reason or found.scale == "log"):
        reason = found.reason
    rose, fell = change > limit.value, change < -limit.value
    table = seen[kept].assign(change=change, progressed=rose, fell=fell)
    share, share_fell = (
        Estimate.missing(reason)
        if reason
        else wilson(float(over.mean()), seen["subject"].nunique(), confidence=found.confidence)
        for over in (rose, fell)
    )
    return Progression(
        share, share_fell, limit, table, len(seen), int(rose.sum()), int(fell.sum()), found.n_one_exam, by,
        source, found.name, found.units if found.scale == "raw" else "", reason, found.note,
    )  # fmt: skip


def wilson(share: float, n: int, *, confidence: float = 0.95) -> Estimate:
    """Return a share of n with Wilson's interval."""
    z2 = float(stats.norm.ppf((1 + confidence) / 2)) ** 2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2) * math.sqrt(share * (1 - share) / n + z2 / (4 * n**2)) / (1 + z2 / n)
    # without this, rounding leaves the interval just short of 0 or 1
    low = 0.0 if share == 0 else middle - half
    return Estimate(share, low, 1.0 if share == 1 else middle + half)


def _limit(found: Followed, sdc: float | Estimate | MeasurementError | None) -> tuple[Estimate, str]:
    """Return the smallest detectable change, and where it comes from."""
    if sdc is None:
        told = "1.96 √2 times the SD about the women's own lines, of those whose value ever changes"
        sd, _ = own_error(found.points, found.women, confidence=found.confidence, varying=True)
        if not sd.estimable and found.residual_sd.estimable:
            told, sd = "1.96 √2 times the model's residual SD", found.residual_sd
        if not sd.value > 0:
            sd = Estimate.missing(
                sd.reason or "values lie exactly on lines, which shows no measurement error"
            )
        return sd.mapped(lambda sd: SDC * sd), told
    if isinstance(sdc, MeasurementError):
        return sdc.smallest_detectable_change(), "from replicate measurements"
    given = sdc if isinstance(sdc, Estimate) else Estimate(float(sdc))
    if given.estimable and not 0 < given.value < math.inf:
        raise StatsError(f"sdc={given.value:g}: give a number above 0")
    return given, "as given"
