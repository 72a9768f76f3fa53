"""A test whose statistic is chi-squared."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bactools.stats.inputs import FloatArray
from bactools.stats.result import p_words


@dataclass(frozen=True)
class ChiSquared:
    """A chi-squared test.

    Attributes
    ----------
    value : float
        NaN if there is no test, and then `reason` says why.
    df : int
    reason : str
    """

    value: float
    df: int
    reason: str = ""

    @property
    def p(self) -> float:
        """The p-value; NaN if there is no test."""
        return math.nan if self.reason or self.df < 1 else float(stats.chi2.sf(self.value, self.df))

    @classmethod
    def missing(cls, reason: str) -> ChiSquared:
        """Return a test that could not be made, with the reason in words."""
        return cls(math.nan, 0, reason)

    @classmethod
    def wald(cls, beta: FloatArray, covariance: FloatArray) -> ChiSquared:
        """Return the test that all of some coefficients are 0.

        Parameters
        ----------
        beta : float array, shape (p,)
        covariance : float array, shape (p, p)
        """
        try:
            return cls(float(beta @ np.linalg.solve(covariance, beta)), beta.size)
        except np.linalg.LinAlgError:
            return cls.missing("the covariance of the coefficients is singular")

    def words(self) -> str:
        """Return ``chi-squared 4.1 on 2 df, p = 0.13``, or why there is no test."""
        return self.reason or f"chi-squared {self.value:.1f} on {self.df} df, {p_words(self.p)}"
