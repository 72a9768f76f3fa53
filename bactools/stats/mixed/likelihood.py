"""The exact likelihood of a linear mixed model with at most two random effects, from sums per subject."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

from bactools.stats.inputs import FloatArray

_FLAT = 1e-14


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over the observations of each subject, after y, time and fixed effects were standardised.

    The random effects are an intercept and `u` = (time - centre) / spread; the fixed effects are made
    orthonormal, and y is what ordinary least squares leaves of it, over `unit`. None of this changes the
    model: `back` and `unit` lead back exactly.

    Attributes
    ----------
    s : float array, shape (subject, 2, 2)
        Z'Z.
    c : float array, shape (subject, 2, term + 1)
        Z'[X, y].
    total : float array, shape (term + 1, term + 1)
        [X, y]'[X, y].
    r : float array, shape (term, term)
        X = (orthonormal) r.
    ols : float array, shape (term,)
        Coefficients of ordinary least squares.
    size : float array, shape (subject,)
    unit, centre, spread : float
    held : float array, shape (n, term + 1)
        [X, y] themselves.
    subject : integer array, shape (n,)
    time : float array, shape (n,)
        u itself.
    """

    s: FloatArray
    c: FloatArray
    total: FloatArray
    r: FloatArray
    ols: FloatArray
    size: FloatArray
    unit: float
    centre: float
    spread: float
    held: FloatArray
    subject: NDArray[np.intp]
    time: FloatArray

    @classmethod
    def of(cls, y: FloatArray, x: FloatArray, time: FloatArray, subject: NDArray[np.intp]) -> Sums:
        """Add up; y has shape (n,), x (n, term) of full rank, time (n,), subject codes from 0."""
        q, r = np.linalg.qr(x)
        projected = q.T @ y
        left = y - q @ projected
        unit = float(np.sqrt(np.mean(left**2))) or 1.0
        centre, spread = float(time.mean()), float(time.std()) or 1.0
        z = np.column_stack([np.ones(y.size), (time - centre) / spread])
        held = np.column_stack([q, left / unit])
        n = int(subject.max()) + 1
        s = np.stack([add_up(subject, z[:, [i]] * z, n) for i in (0, 1)], axis=1)
        c = np.stack([add_up(subject, z[:, [i]] * held, n) for i in (0, 1)], axis=1)
        size = np.bincount(subject, minlength=n).astype(np.float64)
        ols = linalg.solve_triangular(r, projected)
        rest = (unit, centre, spread, held, subject, z[:, 1])
        return cls(s, c, held.T @ held, r, ols, size, *rest)

    @property
    def n(self) -> int:
        """Observations."""
        return int(self.size.sum())

    @property
    def terms(self) -> int:
        """Fixed effects."""
        return len(self.r)

    @property
    def back(self) -> FloatArray:
        """Standardised to given random effects, without the unit, shape (2, 2)."""
        return np.array([[1.0, -self.centre / self.spread], [0.0, 1 / self.spread]])

    @cached_property
    def own(self) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Least-squares line of each subject, shape (subject, 2), and whether there is one."""
        determinant = self.s[:, 0, 0] * self.s[:, 1, 1] - self.s[:, 0, 1] ** 2
        known = determinant > 1e-9 * self.s[:, 0, 0] ** 2
        lines = np.full((len(self.size), 2), np.nan)
        if known.any():
            lines[known] = np.linalg.solve(self.s[known], self.c[known, :, -1:])[..., 0]
        return lines, known

    def pure_error(self, *, slopes: bool) -> tuple[float, int]:
        """Return the sum of squares about each subject's own line (mean, without slopes), and its df."""
        lines, known = self.own
        fitted = np.where(known, (np.nan_to_num(lines) * self.c[:, :, -1]).sum(axis=1), 0.0)
        use = known & slopes
        means = self.c[:, 0, -1] ** 2 / self.size
        squares = float(self.total[-1, -1] - np.where(use, fitted, means).sum())
        return max(0.0, squares), self.n - int((1 + use).sum())


def add_up(subject: NDArray[np.intp], values: FloatArray, n: int) -> FloatArray:
    """Return the sums of columns per subject, shape (n, column)."""
    return np.stack([np.bincount(subject, column, n) for column in values.T], axis=1)


@dataclass(frozen=True, eq=False)
class State:
    """The model at given relative standard deviations.

    Attributes
    ----------
    deviance : float
        Minus twice the log-likelihood, of the data as given.
    gradient : float array, shape (free,)
    w : float array, shape (subject, 2, 2)
        Covariance of the random effects given the data, over the residual variance.
    information : float array, shape (term, term)
        X'V⁻¹X times the residual variance.
    coefficients : float array, shape (term,)
    variance : float
        Residual.
    """

    deviance: float
    gradient: FloatArray
    w: FloatArray
    information: FloatArray
    coefficients: FloatArray
    variance: float


@dataclass(frozen=True, eq=False)
class Profile:
    """The likelihood as a function of the relative standard deviations alone.

    Attributes
    ----------
    sums : Sums
    slopes : bool
        Whether slopes differ between subjects.
    reml : bool
    """

    sums: Sums
    slopes: bool
    reml: bool

    @property
    def df(self) -> int:
        """What the residual sum of squares is divided by."""
        return self.sums.n - (self.sums.terms if self.reml else 0)

    def factor(self, theta: FloatArray) -> FloatArray:
        """Return the lower triangle whose square is the random effects' covariance over the residual's."""
        a, b, c = theta if self.slopes else (theta[0], 0.0, 0.0)
        return np.array([[a, 0.0], [b, c]])

    def at(self, theta: FloatArray) -> State:
        """Compute the model at `theta`: (SD of intercepts) or the three entries of `factor`."""
        sums, factor = self.sums, self.factor(theta)
        m = np.eye(2) + factor.T @ sums.s @ factor
        determinant = m[:, 0, 0] * m[:, 1, 1] - m[:, 0, 1] ** 2
        inverse = np.empty_like(m)
        inverse[:, 0, 0], inverse[:, 1, 1] = m[:, 1, 1], m[:, 0, 0]
        inverse[:, 0, 1] = inverse[:, 1, 0] = -m[:, 0, 1]
        w = factor @ (inverse / determinant[:, None, None]) @ factor.T
        wc = w @ sums.c
        rows = (-1, sums.c.shape[2])
        g = sums.total - sums.c.reshape(rows).T @ wc.reshape(rows)
        p = sums.terms
        information, right = g[:p, :p], g[:p, p]
        cholesky = linalg.cholesky(information, lower=True)
        coefficients = linalg.cho_solve((cholesky, True), right)
        squares = max(float(g[p, p] - right @ coefficients), 1e-300)
        variance = squares / self.df
        deviance = float(np.log(determinant).sum()) + self.df * (1 + math.log(2 * math.pi * variance))
        deviance += 2 * self.df * math.log(sums.unit)
        sw = sums.s @ w
        held = sums.c - sw @ sums.c
        left = held[:, :, p] - held[:, :, :p] @ coefficients
        slope = (sums.s - sw @ sums.s).sum(axis=0) - left.T @ left / variance
        if self.reml:
            deviance += 2 * float(np.log(np.diag(cholesky)).sum() + np.log(np.abs(np.diag(sums.r))).sum())
            b = held[:, :, :p].transpose(1, 0, 2)
            solved = linalg.cho_solve((cholesky, True), b.reshape(-1, p).T).T.reshape(b.shape)
            slope -= np.einsum("inp,jnp->ij", b, solved)
        gradient = np.asarray((2 * slope @ factor)[np.tril_indices(2)])[: 3 if self.slopes else 1]
        return State(deviance, gradient, w, information, coefficients, variance)

    def theta(self, covariance: FloatArray) -> FloatArray:
        """Return the parameters of a covariance over the residual's, standardised, shape (2, 2)."""
        a = math.sqrt(max(float(covariance[0, 0]), 0.0))
        if not self.slopes:
            return np.array([a])
        b = float(covariance[0, 1]) / a if a > 0 else 0.0
        return np.array([a, b, math.sqrt(max(float(covariance[1, 1]) - b**2, 0.0))])

    def starts(self) -> list[FloatArray]:
        """Return where to begin: from the subjects' own lines, and two that suit most data."""
        lines, known = self.sums.own
        squares, df = self.sums.pure_error(slopes=self.slopes)
        fixed = [np.array([1.0, 0.0, 0.5]), np.array([0.3, 0.0, 0.05])]
        begin = [theta if self.slopes else theta[:1] for theta in fixed]
        if known.sum() > 2 and df > 0 and squares > 0:
            error = squares / df
            spread = lines[known].var(axis=0) / error - np.linalg.inv(self.sums.s[known])[
                :, [0, 1], [0, 1]
            ].mean(axis=0)
            first = np.sqrt(np.clip(spread, 0.05, 1e6))
            begin.insert(0, np.array([first[0], 0.0, first[1]]) if self.slopes else first[:1])
        return begin

    def descend(self, start: FloatArray) -> FloatArray:
        """Return the parameters that BFGS finds from a start."""

        def at(theta: FloatArray) -> tuple[float, FloatArray]:
            state = self.at(theta)
            return state.deviance, state.gradient

        found = optimize.minimize(at, start, jac=True, method="BFGS", options={"gtol": 1e-5, "maxiter": 200})
        return np.asarray(found.x)

    def finish(self, theta: FloatArray) -> tuple[FloatArray, float]:
        """Take Newton steps to the minimum; return it and how much deviance is left to gain there.

        The second is infinite where the likelihood curves the wrong way, so that it is no minimum.
        """
        state, left = self.at(theta), math.inf
        for _ in range(20):
            curvature = self._curvature(theta)
            values, vectors = np.linalg.eigh(curvature)
            most = max(float(np.abs(values).max()), 1e-12)
            along = vectors.T @ state.gradient
            bent = np.where(np.abs(values) > 1e-8 * most, np.abs(values), np.inf)
            left = float(0.5 * (along**2 / bent).sum())
            if values.min() < -1e-5 * most:
                left = math.inf
            if left < _FLAT:
                break
            step = -vectors @ (along / bent)
            for halved in range(12):
                trial = self.at(theta + step / 2**halved)
                if trial.deviance < state.deviance:
                    break
            else:
                break
            theta, state = theta + step / 2**halved, trial
        return theta, left

    def _curvature(self, theta: FloatArray) -> FloatArray:
        size = 1e-5 * np.maximum(np.abs(theta), 1e-2)
        rows = [
            (self.at(theta + step).gradient - self.at(theta - step).gradient) / (2 * width)
            for step, width in zip(np.diag(size), size, strict=True)
        ]
        curvature = np.array(rows)
        return np.asarray((curvature + curvature.T) / 2)
