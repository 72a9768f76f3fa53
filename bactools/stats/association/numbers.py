"""The numbers of an association with an outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from bactools.stats.association.splines import spline_basis
from bactools.stats.chi_squared import ChiSquared
from bactools.stats.inputs import FloatArray, vector
from bactools.stats.result import COLUMNS, Estimate, Result

Kind = Literal["logistic", "poisson", "cox", "fine-gray"]


@dataclass(frozen=True, eq=False)
class DoseCurve:
    """How the logarithm of a ratio depends on the exposure.

    Attributes
    ----------
    knots : tuple of float
        Of a restricted cubic spline; empty of a straight line.
    scale : float
        What the exposure was divided by, of a straight line.
    beta : float array, shape (term,)
    covariance : float array, shape (term, term)
    values : float array, shape (woman,)
        The exposure, in its unit.
    """

    knots: tuple[float, ...]
    scale: float
    beta: FloatArray
    covariance: FloatArray
    values: FloatArray

    @property
    def reference(self) -> float:
        """Where the ratio is 1 unless asked otherwise: at 0 if that is the least value, else the median."""
        return 0.0 if self.values.min() == 0 else float(np.median(self.values))

    def basis(self, x: FloatArray) -> FloatArray:
        """Return the columns of the model, shape (n, term)."""
        return spline_basis(x, knots=self.knots) if self.knots else (x / self.scale)[:, None]


@dataclass(frozen=True, eq=False, repr=False)
class AssociationNumbers(Result):
    """Ratios of odds, rates or hazards by an exposure, adjusted for covariates.

    Attributes
    ----------
    kind : {"logistic", "poisson", "cox", "fine-gray"}
    ratio : str
        "odds ratio", "rate ratio", "risk ratio", "hazard ratio" or "subdistribution hazard ratio".
    coefficients : mapping of str to Estimate
        Logarithms of the ratios, exposure first; p-values are Wald's.
    exposure : tuple of str
        Terms of the exposure among them.
    references : mapping of str to str
        Reference level of each categorical variable.
    intercept : Estimate
        Log odds or log rate where everything is 0; of logistic and Poisson models only.
    trend : Estimate
        Log ratio per step of grade, from a model of its own with grades counted 0, 1, 2 …
    overall : ChiSquared
        Wald's test of all terms of the exposure together.
    nonlinearity : ChiSquared
        Wald's test of what bends, of a spline.
    unadjusted : AssociationNumbers or None
        The exposure alone, in the same women, beside an adjusted model.
    naive : mapping of str to Estimate, or None
        Coefficients with intervals that take rows as independent, beside robust ones.
    concordance : Estimate
        Harrell's C of the model, in the women it was fitted to, so optimistic; of a logistic model the
        area under the ROC curve.
    proportionality : mapping of str to ChiSquared
        Of a Cox model: whether each variable's effect changes with time, and "global".
    log_likelihood, log_likelihood_null : float
        Partial of a Cox model.
    levels : DataFrame
        Of an exposure in grades: level, n, n_events, time at risk.
    n, n_events, n_competing, n_subjects : int
        Rows, events, competing events, women.
    n_dropped : int
        Rows left out because a value is missing.
    person_time : float
        NaN of a logistic model.
    robust : bool
        Whether standard errors are robust (to women's rows being alike, where they repeat).
    curve : DoseCurve or None
        Of a numeric exposure.
    name, units, per : str
        Of the exposure, and for what difference in it the ratio is.
    warnings : tuple of str
        What to be careful with.
    confidence : float
    reason, note : str
    """

    kind: Kind
    ratio: str
    coefficients: Mapping[str, Estimate]
    exposure: tuple[str, ...]
    references: Mapping[str, str]
    intercept: Estimate
    trend: Estimate
    overall: ChiSquared
    nonlinearity: ChiSquared
    unadjusted: AssociationNumbers | None
    naive: Mapping[str, Estimate] | None
    concordance: Estimate
    proportionality: Mapping[str, ChiSquared]
    log_likelihood: float
    log_likelihood_null: float
    levels: pd.DataFrame
    n: int
    n_events: int
    n_competing: int
    n_subjects: int
    n_dropped: int
    person_time: float
    robust: bool
    curve: DoseCurve | None
    name: str
    units: str
    per: str
    warnings: tuple[str, ...]
    confidence: float
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"{self.ratio.capitalize()} of {self.name}"

    @property
    def ratios(self) -> dict[str, Estimate]:
        """The ratios: coefficients and their intervals as powers of e."""
        return {term: estimate.mapped(ratio_of) for term, estimate in self.coefficients.items()}

    @property
    def value(self) -> Estimate:
        """The ratio of the exposure, if it has one term."""
        if self.reason:
            return Estimate.missing(self.reason)
        if len(self.exposure) != 1:
            return Estimate.missing(f"{self.name} has {len(self.exposure)} terms: see ratios")
        return self.ratios[self.exposure[0]]

    @property
    def likelihood_ratio(self) -> ChiSquared:
        """The likelihood ratio test of all terms together; not of robust models, whose likelihood is none."""
        if self.reason or self.robust:
            return ChiSquared.missing(self.reason or "rows are not independent, so there is no likelihood")
        return ChiSquared(2 * (self.log_likelihood - self.log_likelihood_null), len(self.coefficients))

    def dose_response(self, at: ArrayLike | None = None, *, reference: float | None = None) -> pd.DataFrame:
        """Return the ratio along the exposure, relative to a reference.

        Parameters
        ----------
        at : float array, shape (n,), optional
            By default 101 places over the values.
        reference : float, optional
            Where the ratio is 1; by default at 0 if that is the least value, else at the median.

        Returns
        -------
        DataFrame
            x, ratio, low, high: a pointwise band. No row if there is no curve.
        """
        if self.curve is None:
            return pd.DataFrame(columns=["x", "ratio", "low", "high"], dtype=np.float64)
        values = self.curve.values
        x = np.linspace(values.min(), values.max(), 101) if at is None else vector(at, name="at")
        start = self.curve.reference if reference is None else reference
        step = self.curve.basis(x) - self.curve.basis(np.array([start]))
        middle = step @ self.curve.beta
        half = stats.norm.ppf((1 + self.confidence) / 2) * np.sqrt(
            np.clip(np.einsum("ij,jk,ik->i", step, self.curve.covariance, step), 0, None)
        )
        with np.errstate(over="ignore"):
            ends = {"ratio": middle, "low": middle - half, "high": middle + half}
            return pd.DataFrame({"x": x, **{name: np.exp(end) for name, end in ends.items()}})

    def to_frame(self) -> pd.DataFrame:
        """Return the ratios, one row per term; adjusted and unadjusted in turn if there are both.

        ``se`` is that of the logarithm. Reference levels stand in the table with a ratio of 1; of a
        curve there are tests only, see `dose_response`.
        """
        table = self._rows()
        if self.unadjusted is None:
            return table
        tables = {"adjusted": table, "unadjusted": self.unadjusted.to_frame()}
        both = pd.concat(tables, names=["model"]).reset_index("model")
        return both.reset_index(drop=True)

    def _rows(self) -> pd.DataFrame:
        rows: list[tuple[object, ...]] = []
        if self.curve is not None and self.curve.knots:
            # bends mean nothing one by one
            tests = {"curve": self.overall, "not a straight line": self.nonlinearity}
            rows += [(f"{self.name}: {what}", *[math.nan] * 4, test.p) for what, test in tests.items()]
        for term, found in self.ratios.items():
            variable = term.rsplit(": ", 1)[0]
            told = any(str(row[0]).startswith(f"{variable}: ") for row in rows)
            if variable in self.references and not told:
                label = f"{variable}: {self.references[variable]} (reference)"
                rows.append((label, 1.0, math.nan, math.nan, math.nan, math.nan))
            if term in self.exposure and self.curve is not None and self.curve.knots:
                continue
            log = self.coefficients[term]
            rows.append((term, found.value, log.se, found.low, found.high, found.p))
        if self.trend.estimable:
            found = self.trend.mapped(ratio_of)
            label = f"{self.name}: per step (trend)"
            rows.append((label, found.value, self.trend.se, found.low, found.high, found.p))
        return pd.DataFrame(rows, columns=list(COLUMNS))


def ratio_of(log: float) -> float:
    """Return the ratio of a logarithm; infinity where it is too large to write.

    Parameters
    ----------
    log : float
    """
    return math.exp(log) if log < 700 else math.inf
