"""How sure a mixed model's estimates are: covariance, degrees of freedom, variance components."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bactools.stats.inputs import FloatArray
from bactools.stats.mixed.likelihood import Profile, State, add_up

_PARTS = (
    np.array([[1.0, 0.0], [0.0, 0.0]]),
    np.array([[0.0, 1.0], [1.0, 0.0]]),
    np.array([[0.0, 0.0], [0.0, 1.0]]),
)


@dataclass(frozen=True, eq=False)
class Inference:
    """What follows from a fitted state.

    Attributes
    ----------
    profile : Profile
    theta : float array
    cluster : integer array, shape (n,), optional
        Codes from 0 of what is independent; with it, errors are robust.
    """

    profile: Profile
    theta: FloatArray
    cluster: NDArray[np.intp] | None = None

    @cached_property
    def state(self) -> State:
        """The model there."""
        return self.profile.at(self.theta)

    @cached_property
    def phi(self) -> FloatArray:
        """(X'V⁻¹X)⁻¹ over the residual variance, of the orthonormal fixed effects."""
        return np.asarray(np.linalg.inv(self.state.information))

    @cached_property
    def residual(self) -> float:
        """Residual variance in the unit of y."""
        return self.state.variance * self.profile.sums.unit**2

    @cached_property
    def coefficients(self) -> FloatArray:
        """Fixed effects as given, shape (term,)."""
        sums = self.profile.sums
        return sums.ols + sums.unit * np.linalg.solve(sums.r, self.state.coefficients)

    @cached_property
    def covariance(self) -> FloatArray:
        """Of the coefficients, shape (term, term); robust where there are clusters."""
        inverse = np.linalg.inv(self.profile.sums.r)
        middle = self.residual * self.phi if self.cluster is None else self._jackknifed()
        return np.asarray(inverse @ middle @ inverse.T)

    @cached_property
    def random(self) -> FloatArray:
        """Covariance of the random effects as given, shape (2, 2)."""
        factor = self.profile.sums.back @ self.profile.factor(self.theta)
        return np.asarray(factor @ factor.T * self.residual)

    @cached_property
    def components_covariance(self) -> FloatArray:
        """Of var(intercept), covariance, var(slope), residual; shape (4, 4), by expected information."""
        a = self.profile.sums.back
        change = np.zeros((4, 4))
        for at, part in enumerate(_PARTS):
            moved = a @ part @ a.T
            change[:3, at] = moved[0, 0], moved[0, 1], moved[1, 1]
        change[3, 3] = 1.0
        used = self._used
        spread = np.zeros((4, 4))
        spread[np.ix_(used, used)] = 2 * self.residual**2 * np.linalg.pinv(self._expected)
        return np.asarray(change @ spread @ change.T)

    @cached_property
    def _used(self) -> list[int]:
        return [0, 1, 2, 3] if self.profile.slopes else [0, 3]

    def degrees_of_freedom(self, contrast: FloatArray) -> float:
        """Return the degrees of freedom of a contrast of the coefficients, shape (term,).

        Satterthwaite's with the expected information, which for one contrast are Kenward and Roger's.
        With clusters: how many of them inform the contrast, less one (as Bell and McCaffrey's).
        """
        held = self.phi @ np.linalg.solve(self.profile.sums.r.T, contrast)
        if self.cluster is not None:
            p = len(held)
            parts = np.einsum("i,nij,j->n", held, self._clusters[:, :p, :p], held)
            return max(1.0, float(parts.sum() ** 2 / (parts @ parts)) - 1)
        change = np.array([held @ moved @ held for moved in self._moved])
        value = float(change @ np.linalg.pinv(self._expected) @ change)
        within = self.profile.sums.n - self.profile.sums.terms
        by_phi = float(np.linalg.solve(self.profile.sums.r.T, contrast) @ held)
        return within if value <= 0 else max(1.0, min(within, by_phi**2 / value))

    @cached_property
    def _pieces(self) -> tuple[FloatArray, ...]:
        """Z'V⁻¹Z, Z'V⁻²Z, Z'V⁻¹X, Z'V⁻²X per subject, then X'V⁻²X, X'V⁻³X and tr V⁻²; V over residual."""
        sums, w = self.profile.sums, self.state.w
        c = sums.c[:, :, :-1]
        k = np.eye(2) - w @ sums.s
        kt = k.transpose(0, 2, 1)
        wc, one, square = w @ c, np.eye(2), k @ k
        x = sums.total[:-1, :-1]
        second = x - np.einsum("niq,nij,njr->qr", c, one + k, wc)
        third = x - np.einsum("niq,nij,njr->qr", c, one + k + square, wc)
        trace = sums.n - 2 * len(sums.size) + float(np.trace(square, axis1=1, axis2=2).sum())
        return sums.s @ k, sums.s @ square, kt @ c, kt @ kt @ c, second, third, np.array(trace)

    @cached_property
    def _moved(self) -> list[FloatArray]:
        """X'V⁻¹ G V⁻¹X for each variance parameter in use."""
        _, _, b, _, second, *_ = self._pieces
        all_ = [np.einsum("niq,ij,njr->qr", b, part, b) for part in _PARTS]
        return [([*all_, second])[at] for at in self._used]

    @cached_property
    def _expected(self) -> FloatArray:
        """Twice the expected information of the variance parameters, times the residual variance squared."""
        a, a2, b, b2, _, third, trace = self._pieces
        parts = [_PARTS[at] for at in self._used if at < 3]
        size = len(self._used)
        traces, mixed = np.zeros((size, size)), np.zeros((size, size))
        for row, e in enumerate(parts):
            for column, f in enumerate(parts):
                traces[row, column] = np.einsum("ij,njk,kl,nli->", e, a, f, a, optimize=True)
                q = np.einsum("nip,ij,njk,kl,nlq->pq", b, e, a, f, b, optimize=True)
                mixed[row, column] = np.trace(self.phi @ q)
            traces[row, -1] = traces[-1, row] = np.einsum("ij,nji->", e, a2)
            q = np.einsum("nip,ij,njq->pq", b2, e, b)
            mixed[row, -1] = mixed[-1, row] = np.trace(self.phi @ q)
        traces[-1, -1], mixed[-1, -1] = float(trace), np.trace(self.phi @ third)
        if not self.profile.reml:
            return traces
        moved = [self.phi @ part for part in self._moved]
        both = np.array([[np.trace(one @ two) for two in moved] for one in moved])
        return np.asarray(traces - 2 * mixed + both)

    @cached_property
    def _clusters(self) -> FloatArray:
        """[X, y]'V⁻¹[X, y] of each cluster, V over residual, shape (cluster, term + 1, term + 1)."""
        sums, cluster = self.profile.sums, np.asarray(self.cluster)
        n, m, p = len(sums.size), int(cluster.max()) + 1, sums.terms
        of = np.zeros(n, dtype=np.intp)
        of[sums.subject] = cluster
        full = np.empty((n, p + 1, p + 1))
        for at in range(p + 1):
            full[:, at] = add_up(sums.subject, sums.held[:, [at]] * sums.held, n)
        full -= sums.c.transpose(0, 2, 1) @ (self.state.w @ sums.c)
        return add_up(of, full.reshape(n, -1), m).reshape(m, p + 1, p + 1)

    def _jackknifed(self) -> FloatArray:
        """Return the covariance by leaving out one cluster at a time (CR3), orthonormal, in the unit of y."""
        state, p = self.state, self.profile.sums.terms
        x, y = self._clusters[:, :p, :p], self._clusters[:, :p, p]
        score = y - x @ state.coefficients
        left_out = np.linalg.pinv(state.information - x, hermitian=True)
        shift = (left_out @ score[:, :, None])[:, :, 0] * self.profile.sums.unit
        m = len(shift)
        return np.asarray((m - 1) / m * shift.T @ shift)

    def effects(self) -> FloatArray:
        """Return the predicted random effects (BLUPs) as given, shape (subject, 2)."""
        sums, state = self.profile.sums, self.state
        left = sums.c[:, :, -1] - sums.c[:, :, :-1] @ state.coefficients
        shrunken = (state.w @ left[:, :, None])[:, :, 0] * sums.unit
        return np.asarray(shrunken @ sums.back.T)

    def prediction_error(self, x: FloatArray, z: FloatArray) -> FloatArray:
        """Return the standard error of x'coefficients + z'effects, one per subject.

        Parameters
        ----------
        x : float array, shape (subject, term)
        z : float array, shape (2,)
        """
        sums, w = self.profile.sums, self.state.w
        at = sums.back.T @ z
        orthonormal = np.linalg.solve(sums.r.T, x.T).T
        weights = orthonormal - ((w @ sums.c[:, :, :-1]).transpose(0, 2, 1) @ at)
        of_fixed = np.einsum("np,pq,nq->n", weights, self.phi, weights)
        return np.asarray(np.sqrt(self.residual * (np.einsum("i,nij,j->n", at, w, at) + of_fixed)))
