"""What an analysis of progression found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bactools.stats.inputs import FloatArray
from bactools.stats.mixed.result import Mixed
from bactools.stats.reliability import MeasurementError
from bactools.stats.result import Estimate, Result, StatsError, frame, p_words
from bactools.stats.trajectories.progressors import Followed, Progression, progression

Slope = Literal["random", "fixed", "per-woman"]
Scale = Literal["raw", "log"]


@dataclass(frozen=True, eq=False, repr=False)
class Trajectories(Result):
    """Rates of change per year.

    Attributes
    ----------
    rate : Estimate
        Mean of the women's rates [units per year]; its p-value is of no change.
    intercept : Estimate
        Mean level at the first exam.
    rates : dict of str to Estimate
        Mean rate of each group.
    differences : dict of str to Estimate
        Rate of a group minus that of the first: ``yes - no``.
    effects : dict of str to Estimate
        Covariates: on the level, and as ``years x …`` on the rate.
    intercept_sd, rate_sd, residual_sd : Estimate
        Standard deviations between women, and within a woman about her line.
    naive : Estimate
        The rate of one line through all exams taken as independent, for comparison.
    women : DataFrame
        One row per woman (breast, view): ``subject``, ``n_exams``, ``years`` between first and last,
        their dates, values and ``change``, her own least-squares ``rate`` and ``level``; with a mixed model
        ``shrunken_rate``, its ``se``, ``low`` and ``high``, and ``shrunken_level``.
    points : DataFrame
        One row per exam: ``subject``, ``unit``, ``years``, ``value``, ``fitted`` (her shrunken line; her
        own one without a mixed model) and what is known of it.
    model : Mixed or None
        The mixed model itself: optimiser, likelihood, variance components.
    n, n_subjects, n_units, n_one_exam, n_dropped : int
        Exams, women, units (women, breasts or views), units seen at one time only, which tell nothing of
        rates, and exams left out because something is missing.
    slope, scale, errors, group, levels, confidence
        As asked for.
    name, units : str
    reason, note : str
    """

    rate: Estimate
    intercept: Estimate
    rates: dict[str, Estimate]
    differences: dict[str, Estimate]
    effects: dict[str, Estimate]
    intercept_sd: Estimate
    rate_sd: Estimate
    residual_sd: Estimate
    naive: Estimate
    women: pd.DataFrame
    points: pd.DataFrame
    model: Mixed | None
    n: int
    n_subjects: int
    n_units: int
    n_one_exam: int
    n_dropped: int
    slope: Slope
    scale: Scale
    errors: str
    group: str
    levels: tuple[str, ...]
    confidence: float
    name: str
    units: str
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"Trajectories of {self.name}"

    @property
    def nested(self) -> bool:
        """Whether women have several units: breasts or views."""
        return self.n_units > self.n_subjects

    @property
    def n_never(self) -> int:
        """Women with 0 at every exam."""
        if self.scale == "log" or self.points.empty:
            return 0
        return int((self.points["value"].abs().groupby(self.points["subject"]).max() == 0).sum())

    @property
    def optimiser(self) -> str:
        """The one that fitted the mixed model; empty without one."""
        return "" if self.model is None else self.model.optimiser

    @property
    def rate_units(self) -> str:
        """Unit of the rates."""
        if self.scale == "log":
            return "log units per year"
        return f"{self.units} per year" if self.units not in ("", "1") else "per year"

    def percent_per_year(self) -> Estimate:
        """Return the mean rate as growth in percent per year.

        Raises
        ------
        StatsError
            If ``scale`` is not "log".
        """
        if self.scale != "log":
            raise StatsError("growth in percent needs the logarithm: use scale='log'")
        return self.rate.mapped(lambda rate: 100 * math.expm1(rate))

    def progressed(
        self,
        sdc: float | Estimate | MeasurementError | None = None,
        *,
        by: Literal["observed", "fitted"] = "observed",
    ) -> Progression:
        """Tell which women changed by more than measurement error explains.

        Parameters
        ----------
        sdc : float, Estimate or MeasurementError, optional
            Smallest detectable change, in the unit (scale) of the analysis. By default 1.96 √2 times the
            SD of exams about the women's own lines, of women whose value ever changes (those with 0 at
            every exam show no error). It contains true departures from a line too, and so is cautious.
        by : {"observed", "fitted"}
            Change from first to last exam as measured, or along her fitted line.

        Returns
        -------
        Progression

        Raises
        ------
        StatsError
            If `sdc` is not above 0.
        """
        followed = Followed(
            self.women, self.points, self.residual_sd, self.n_one_exam, self.scale, self.confidence,
            self.name, self.units, self.reason, self.note,
        )  # fmt: skip
        return progression(followed, sdc, by=by)

    def fitted_at(self, years: ArrayLike, *, group: str = "") -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the mean trajectory with its interval at given years from the first exam.

        Parameters
        ----------
        years : array
        group : str
            One of `levels`; the average of all women without it. Covariates at their mean.

        Returns
        -------
        middle, low, high : float array

        Raises
        ------
        StatsError
            If there is no such group, or no mixed model.
        """
        if self.model is None or self.model.reason:
            raise StatsError(f"no mixed model to draw from: {self.reason or 'slope is per-woman'}")
        if group and group not in self.levels:
            raise StatsError(f"group={group!r}: choose one of {', '.join(map(repr, self.levels))}")
        at = np.atleast_1d(np.asarray(years, dtype=np.float64))
        women = self.points.drop_duplicates("subject")
        terms = {"intercept": np.ones_like(at), "years": at}
        for level in self.levels[1:]:
            share = float(level == group) if group else float((women["group"] == level).mean())
            terms |= {f"group {level}": share + 0 * at, f"years x group {level}": share * at}
        rows = np.column_stack([terms.get(name, 0 * at) for name in self.model.terms])
        found = [self.model.contrast(row) for row in rows]
        middle, low, high = (np.array([getattr(e, end) for e in found]) for end in ("value", "low", "high"))
        return middle, low, high

    def differ(self) -> float:
        """Return the p-value of all groups having one rate (Wald's F); NaN without groups."""
        if not self.differences:
            return math.nan
        if len(self.differences) == 1 or self.model is None or self.model.reason:
            return next(iter(self.differences.values())).p if len(self.differences) == 1 else math.nan
        terms = self.model.terms
        at = [terms.index(f"years x group {level}") for level in self.levels[1:]]
        values = np.array([self.differences[name].value for name in self.differences])
        statistic = float(values @ np.linalg.pinv(self.model.covariance[np.ix_(at, at)]) @ values) / len(at)
        df = min(self.model.degrees_of_freedom(terms[place]) for place in at)
        return float(stats.f.sf(statistic, len(at), df))

    def to_frame(self) -> pd.DataFrame:
        """Return levels, rates, differences, covariates and standard deviations, one row each."""
        rows = {"level at first exam": self.intercept, "rate per year": self.rate}
        rows |= {f"rate per year, {self.group} {level}": e for level, e in self.rates.items()}
        rows |= {f"difference in rate, {name}": e for name, e in self.differences.items()}
        rows |= self.effects
        spread = {
            "SD of levels between women": self.intercept_sd,
            "SD of rates between women": self.rate_sd,
            "SD within women": self.residual_sd,
        }
        rows |= {name: e for name, e in spread.items() if e.estimable}
        return frame(rows | {"rate per year, exams as independent": self.naive})

    def _words(self) -> str:
        rate = self.rate.words(units=self.rate_units)
        told = [f"On average {self.name} changes by {rate}, {p_words(self.rate.p)}."]
        if self.scale == "log":
            told.append(f"That is {self.percent_per_year().words(units='% per year')}.")
        told += [f"In {self.group} {level} the rate is {e.words()}." for level, e in self.rates.items()] + [
            f"The difference in rate, {name}, is {e.words()}, {p_words(e.p)}."
            for name, e in self.differences.items()
        ]
        told.append(self._how())
        if self.rate_sd.estimable and self.rate_sd.value > 0:
            told.append(
                f"Women's own rates differ by an SD of {self.rate_sd.words()}; a single value lies"
                f" {self.residual_sd.words(units=self.units)} (SD) about her line."
            )
        if self.model is not None and self.model.singular:
            told.append(f"Careful, the fit is singular: {self.model.singular}.")
        if self.model is not None and not self.model.converged:
            told.append("Careful: no optimiser found a clear maximum of the likelihood.")
        if self.n_never:
            told.append(f"{self.n_never} women have 0 at every exam; they are in the average.")
        if self.n_one_exam:
            stay = "add nothing" if self.slope == "per-woman" else "inform the level only"
            told.append(f"{self.n_one_exam} of {self.n_units} have exams at one time only and {stay}.")
        if self.n_dropped:
            told.append(f"{self.n_dropped} exams were left out because a value is missing.")
        if self.n_subjects - self.n_one_exam < 20 and not self.nested:
            told.append(f"{self.n_subjects - self.n_one_exam} women with follow-up are few.")
        return " ".join(told)

    def _how(self) -> str:
        of = f"From {self.n} exams of {self.n_subjects} women"
        of += f" ({self.n_units} breasts or views, nested in women)" if self.nested else ""
        if self.slope == "per-woman":
            return f"{of}: mean of the women's own least-squares rates."
        rates = "levels and rates" if self.slope == "random" else "levels, with one rate for all"
        return f"{of}, by a mixed model in which women have their own {rates} (optimiser {self.optimiser})."
