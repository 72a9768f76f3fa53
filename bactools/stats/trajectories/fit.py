"""How burden grows: rates per year of women, of groups, and what goes with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bactools.stats.burden import Burden
from bactools.stats.inputs import FloatArray, Values, between, choice
from bactools.stats.lines import line
from bactools.stats.mixed import Errors, Mixed, mixed
from bactools.stats.mixed.search import Engine
from bactools.stats.result import Estimate, StatsError, number
from bactools.stats.trajectories.histories import Histories, level_name
from bactools.stats.trajectories.own_rates import own_rates
from bactools.stats.trajectories.result import Scale, Slope, Trajectories
from bactools.stats.trajectories.terms import columns, members, weights

__all__ = ["Trajectories", "trajectories"]


def trajectories(
    values: Burden | Values,
    *,
    subject: Sequence[Any] | ArrayLike | None = None,
    years: Values | None = None,
    date: Sequence[Any] | ArrayLike | None = None,
    group: str | Sequence[Any] | ArrayLike | None = None,
    covariates: Sequence[str] | pd.DataFrame = (),
    by_time: Sequence[str] = (),
    slope: Slope = "random",
    scale: Scale = "raw",
    errors: Errors | Literal["auto"] = "auto",
    engine: Engine = "auto",
    keys: pd.DataFrame | None = None,
    name: str = "",
    units: str = "",
    confidence: float = 0.95,
) -> Trajectories:
    """Estimate how a measurement changes per year.

    Parameters
    ----------
    values : Burden or array, shape (exam,)
        Of all women; those with a NaN are left out and counted.
    subject : sequence, shape (exam,), optional
        The woman of each; needed with an array.
    years, date : shape (exam,), optional
        When; one of the two is needed with an array. Years are counted from each woman's first exam.
    group : str or sequence, optional
        Women to be compared: a column of the burden, or one value per exam. What she was at her first
        exam counts.
    covariates : sequence of str, or DataFrame
        Columns of the burden, or one row per exam; as of her first exam, numbers centred at the mean of
        women. They shift the level.
    by_time : sequence of str
        Those covariates that may change the rate too.
    slope : {"random", "fixed", "per-woman"}
        ``random``: mixed model, every woman has a level and a rate of her own. ``fixed``: mixed model, own
        levels, one rate for all. ``per-woman``: mean of the women's own least-squares rates; assumes least,
        wastes women with few exams, takes no covariates.
    scale : {"raw", "log"}
        ``log``: rates are of the logarithm, so growth in percent; not with zeros.
    errors : {"auto", "model", "robust"}
        See `bactools.stats.mixed.mixed`. ``auto``: ``robust`` if groups are compared, which
        may scatter differently, or women have several breasts or views, nested in them; else ``model``.
    engine : {"auto", "statsmodels", "exact"}
        Which optimisers. ``exact`` is the fastest: a few milliseconds for 100 women.
    keys : DataFrame, optional
        What is known of each exam (view, image_id), so that a point leads to its image.
    name, units : str
    confidence : float

    Returns
    -------
    Trajectories
        Women with one exam stay in a mixed model, where they inform the level only, and are counted. Not
        estimable if fewer than two women have two exams at different times, or nothing ever changes.

    Raises
    ------
    StatsError
        If an option is unknown, or input does not fit together.

    References
    ----------
    Fitzmaurice GM, Laird NM, Ware JH. Applied Longitudinal Analysis, 2nd ed., Wiley 2011, chapters 8, 20.
    Laird NM, Ware JH. Biometrics 1982;38:963-974. Matthews JNS et al. BMJ 1990;300:230-235.
    """
    choice(slope, get_args(Slope), name="slope")
    choice(scale, get_args(Scale), name="scale")
    choice(errors, ("auto", *get_args(Errors)), name="errors")
    choice(engine, get_args(Engine), name="engine")
    between(confidence, 0, 1, name="confidence")
    seen = Histories.of(
        values, subject=subject, years=years, date=date, group=group, covariates=covariates, keys=keys,
        name=name, units=units,
    )  # fmt: skip
    for wanted in by_time:
        if wanted not in seen.covariates:
            raise StatsError(f"by_time={wanted!r} is no covariate: name it in covariates= too")
    if slope == "per-woman" and seen.covariates:
        raise StatsError("slope='per-woman' takes no covariates: use 'random', or group=")
    reason = ""
    if scale == "log":
        zeros = int((seen.table["value"] <= 0).sum())
        reason = f"{zeros} of {len(seen.table)} values are 0 or less and have no logarithm" if zeros else ""
        if not zeros:
            seen = replace(seen, table=seen.table.assign(value=np.log(seen.table["value"])))
    guarded = seen.nested or len(seen.levels) > 1
    chosen: Errors = ("robust" if guarded else "model") if errors == "auto" else errors
    plan = _Plan(seen, tuple(by_time), slope, scale, chosen, engine, confidence)
    reason = reason or plan.obstacle()
    if reason:
        return plan.build(reason=reason)
    return plan.two_stage() if slope == "per-woman" else plan.mixed()


@dataclass(frozen=True, eq=False)
class _Plan:
    """One analysis: its data and options."""

    seen: Histories
    by_time: tuple[str, ...]
    slope: Slope
    scale: Scale
    errors: Errors
    engine: Engine
    confidence: float

    def obstacle(self) -> str:
        """Return why there is no answer, or nothing."""
        table, women = self.seen.table, self.seen.per_unit
        if table.empty:
            return "no exam has a value"
        values = table["value"].to_numpy(dtype=np.float64)
        if np.ptp(values) == 0:
            none = (
                ": no woman has any, so nothing can change" if values[0] == 0 and self.scale == "raw" else ""
            )
            return f"all {len(values)} values are {number(float(values[0]))}{none}"
        followed = women[women["years"] > 0]
        n, total = followed["subject"].nunique(), table["subject"].nunique()
        if n < 2:
            of = f"{n} of {total} {'woman has' if total == 1 else 'women have'}"
            return f"{of} two exams at different times, at least 2 are needed"
        for name in self.seen.covariates:
            if table[name].nunique() == 1:
                return f"{name} is {level_name(table[name].iloc[0])} in all women"
        for level in self.seen.levels:
            few = followed.loc[followed["group"] == level, "subject"].nunique()
            if few < 2:
                has = (
                    f"woman has two exams in group {level}"
                    if few == 1
                    else f"women have two exams in {level}"
                )
                return f"{few} {has}, at least 2 are needed"
        return ""

    def two_stage(self) -> Trajectories:
        """Return the mean of the women's own rates."""
        found = own_rates(self.seen, confidence=self.confidence)
        return self.build(reason=found.reason) if found.reason else self.build(**found.parts)

    def mixed(self) -> Trajectories:
        """Return the answer of a mixed model."""
        table, terms = self.seen.table, columns(self.seen, self.by_time)
        model = mixed(
            table["value"],
            terms,
            subject=table["unit"],
            slope="years" if self.slope == "random" else None,
            engine=self.engine,
            errors=self.errors,
            cluster=table["subject"],
            confidence=self.confidence,
        )
        if model.reason:
            return self.build(reason=model.reason)
        at_start, by_year = weights(self.seen, terms)
        # every woman counts once, however many exams she has
        units = table.drop_duplicates("unit").groupby("subject")["unit"].transform("size")
        share = 1 / units.to_numpy(dtype=np.float64)
        share /= share.sum()
        rates = {
            level: model.contrast((share * held) @ by_year / (share * held).sum())
            for level, held in members(self.seen).items()
        }
        on_rate = {level: f"years x group {level}" for level in self.seen.levels[1:]}
        return self.build(
            model=model,
            rate=model.contrast(share @ by_year),
            intercept=model.contrast(share @ at_start),
            rates=rates,
            differences={
                f"{level} - {self.seen.levels[0]}": model.coefficients[term]
                for level, term in on_rate.items()
            },
            effects={
                term: model.coefficients[term]
                for term in terms
                if term != "years" and not term.removeprefix("years x ").startswith("group ")
            },
            residual_sd=model.residual_variance.mapped(math.sqrt),
            intercept_sd=model.intercept_variance.mapped(math.sqrt),
            rate_sd=model.slope_variance.mapped(math.sqrt),
            women=self.shrunken(model, at_start, by_year),
        )

    def shrunken(self, model: Mixed, at_start: FloatArray, by_year: FloatArray) -> pd.DataFrame:
        """Return the women with their predicted levels and rates."""
        women = self.seen.per_unit
        level, _ = model.predict(at_start, [1.0, 0.0])
        rate, se = model.predict(by_year, [0.0, 1.0])
        # of a rate that is alike in all women, only the common uncertainty is left
        df = model.degrees_of_freedom(by_year.mean(axis=0))
        half = float(stats.t.ppf((1 + self.confidence) / 2, df)) * se
        predicted: dict[str, Any] = {
            "shrunken_level": level, "shrunken_rate": rate, "se": se, "low": rate - half,
            "high": rate + half,
        }  # fmt: skip
        return women.assign(**predicted)

    def build(self, *, reason: str = "", **parts: Any) -> Trajectories:
        """Gather what was found; what was not is missing, with the reason."""
        seen, missing = self.seen, Estimate.missing(reason or "not part of this analysis")
        women = parts.pop("women", None)
        women = seen.per_unit if women is None else women
        naive = missing
        if not reason:
            straight = line(
                seen.table["years"].to_numpy(np.float64), seen.table["value"].to_numpy(np.float64),
                confidence=self.confidence,
            )  # fmt: skip
            naive = straight.slope
        options: dict[str, Any] = {
            "model": None, "rate": missing, "intercept": missing, "rates": {}, "differences": {},
            "effects": {}, "residual_sd": missing, "intercept_sd": missing, "rate_sd": missing,
        }  # fmt: skip
        return Trajectories(
            **(options | parts), naive=naive, women=women.drop(columns="spread"), points=_points(seen, women),
            n=len(seen.table), n_subjects=seen.table["subject"].nunique(), n_units=len(women),
            n_one_exam=int((women["years"] == 0).sum()), n_dropped=seen.n_dropped, slope=self.slope,
            scale=self.scale, errors=self.errors, group=seen.group, levels=seen.levels,
            confidence=self.confidence, name=seen.name, units=seen.units, reason=reason, note=seen.note,
        )  # fmt: skip


def _points(seen: Histories, women: pd.DataFrame) -> pd.DataFrame:
    """Return the exams with each woman's fitted line."""
    points = seen.table
    if "shrunken_rate" in women:
        level, rate = women["shrunken_level"], women["shrunken_rate"]
    else:
        level, rate = women["level"], women["rate"]
    unit = points["unit"].to_numpy()
    fitted = level.to_numpy()[unit] + rate.to_numpy()[unit] * points["years"].to_numpy()
    return points.assign(fitted=fitted)
