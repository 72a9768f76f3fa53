"""Columns of a regression on a basis that loses no digits, and the way back to the coefficients asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy import linalg, stats

from bactools.stats.inputs import FloatArray

_SINGULAR = 1e-10


@dataclass(frozen=True, eq=False)
class Design:
    """How predictors become columns.

    With an intercept, powers of x are Legendre polynomials on [-1, 1] and covariates are centred; without
    one, everything is only scaled. Coefficients of the powers themselves are ``back @ (those found)``.

    Attributes
    ----------
    terms : tuple of str
        Names of the coefficients asked for: intercept, powers of x, covariates.
    intercept : bool
    degree : int
        Of the polynomial in x; 1 is a line.
    centre, scale : float array, shape (1 + covariate,)
        Of x, then of each covariate.
    back : float array, shape (term, term)
    """

    terms: tuple[str, ...]
    intercept: bool
    degree: int
    centre: FloatArray
    scale: FloatArray
    back: FloatArray

    @classmethod
    def of(
        cls,
        x: FloatArray,
        covariates: FloatArray,
        *,
        names: Sequence[str],
        degree: int = 1,
        intercept: bool = True,
    ) -> Design:
        """Choose the basis.

        Parameters
        ----------
        x : float array, shape (n,)
        covariates : float array, shape (n, covariate)
        names : sequence of str
            Of x, then of the covariates.
        degree : int
        intercept : bool
        """
        both = np.column_stack([x, covariates])
        centre = both.mean(axis=0) if intercept else np.zeros(both.shape[1])
        if intercept and degree > 1:
            centre[0] = (x.min() + x.max()) / 2
        scale = np.abs(both - centre).max(axis=0)
        scale[scale == 0] = 1.0
        powers = [names[0], *(f"{names[0]}^{power}" for power in range(2, degree + 1))]
        terms = (*(["intercept"] if intercept else []), *powers, *names[1:])
        return cls(terms, intercept, degree, centre, scale, _way_back(centre, scale, degree, intercept))

    def rows(self, x: FloatArray, covariates: FloatArray) -> FloatArray:
        """Return the columns at given x, shape (n,), and covariates, shape (n, covariate)."""
        scaled = (np.column_stack([x, covariates]) - self.centre) / self.scale
        if self.intercept:
            powers = legendre.legvander(scaled[:, 0], self.degree)
        else:
            powers = scaled[:, :1] ** np.arange(1, self.degree + 1)
        return np.asarray(np.column_stack([powers, scaled[:, 1:]]), dtype=np.float64)


def _way_back(centre: FloatArray, scale: FloatArray, degree: int, intercept: bool) -> FloatArray:
    if not intercept:
        return np.diag(np.concatenate([scale[0] ** -np.arange(1.0, degree + 1), 1 / scale[1:]]))
    n = degree + centre.size
    back = np.zeros((n, n))
    back[: degree + 1, : degree + 1] = _powers_of_x(float(centre[0]), float(scale[0]), degree)
    for at in range(1, centre.size):
        back[degree + at, degree + at] = 1 / scale[at]
        back[0, degree + at] = -centre[at] / scale[at]
    return back


def _powers_of_x(centre: float, scale: float, degree: int) -> FloatArray:
    """Return the powers of x in each Legendre polynomial of (x - centre) / scale, one column each.

    In exact fractions: floating point would lose what the basis has saved.
    """
    shift, unit = -Fraction(centre) / Fraction(scale), 1 / Fraction(scale)
    columns = []
    for order in range(degree + 1):
        # Horner's rule with a polynomial for a variable
        found = [Fraction(0)] * (degree + 1)
        for coefficient in reversed(legendre.leg2poly([0.0] * order + [1.0])):
            moved = [Fraction(0), *(value * unit for value in found[:-1])]
            found = [value * shift + up for value, up in zip(found, moved, strict=True)]
            found[0] += Fraction(float(coefficient))
        columns.append([float(value) for value in found])
    return np.array(columns, dtype=np.float64).T


@dataclass(frozen=True, eq=False)
class Fit:
    """Weighted least squares on a basis.

    Attributes
    ----------
    beta : float array, shape (term,)
    root : float array, shape (term, term)
        The inverse of (X'WX) is ``root @ root.T``.
    q : float array, shape (n, term)
        Orthonormal columns of the weighted design.
    residuals : float array, shape (n,)
        Unweighted.
    """

    beta: FloatArray
    root: FloatArray
    q: FloatArray
    residuals: FloatArray

    @classmethod
    def of(cls, rows: FloatArray, y: FloatArray, weights: FloatArray) -> Fit | None:
        """Fit by QR with one step of refinement; None if columns are linearly dependent."""
        half = np.sqrt(weights)
        norms = np.linalg.norm(rows * half[:, None], axis=0)
        if not norms.all():
            return None
        q, r = np.linalg.qr(rows * half[:, None] / norms)
        sizes = np.linalg.svd(r, compute_uv=False)
        if sizes[-1] < _SINGULAR * sizes[0]:
            return None
        beta = linalg.solve_triangular(r, q.T @ (half * y)) / norms
        beta = beta + linalg.solve_triangular(r, q.T @ (half * (y - rows @ beta))) / norms
        root = linalg.solve_triangular(r, np.eye(norms.size)) / norms[:, None]
        return cls(beta, root, q, y - rows @ beta)

    def covariance(self, variance: float) -> FloatArray:
        """Return the covariance of the coefficients if observations are independent."""
        return np.asarray(variance * self.root @ self.root.T)

    def robust(self, weights: FloatArray, subject: NDArray[np.intp]) -> FloatArray:
        """Return the covariance if only women are independent: CR1."""
        scores = self.q * (np.sqrt(weights) * self.residuals)[:, None]
        n, terms = self.q.shape
        groups = int(subject.max()) + 1
        summed = np.stack([np.bincount(subject, column, groups) for column in scores.T], axis=1)
        factor = groups / (groups - 1) * (n - 1) / (n - terms)
        spread = self.root @ summed.T
        return np.asarray(factor * spread @ spread.T)


@dataclass(frozen=True, eq=False)
class Curve:
    """A fitted line or curve, ready to be read off.

    Attributes
    ----------
    design : Design
    beta : float array, shape (term,)
    covariance : float array, shape (term, term)
        Of `beta`.
    df : float
    sd : float
        Of a new observation about the curve.
    covariates : float array, shape (covariate,)
        Where other predictors are held: their means.
    """

    design: Design
    beta: FloatArray
    covariance: FloatArray
    df: float
    sd: float
    covariates: FloatArray

    def at(self, x: FloatArray, covariates: FloatArray, confidence: float) -> pd.DataFrame:
        """Return the curve with its bands; x has shape (n,), covariates (n, covariate)."""
        rows = self.design.rows(x, covariates)
        fit = rows @ self.beta
        variance = np.clip(np.einsum("ij,jk,ik->i", rows, self.covariance, rows), 0, None)
        reach = float(stats.t.ppf((1 + confidence) / 2, self.df))
        half, new = reach * np.sqrt(variance), reach * np.sqrt(variance + self.sd**2)
        return pd.DataFrame(
            {
                "x": x, "fit": fit, "low": fit - half, "high": fit + half,
                "new_low": fit - new, "new_high": fit + new,
            }
        )  # fmt: skip
