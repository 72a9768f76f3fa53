"""Where a mixed model's likelihood is largest: optimisers in a stated order, and a judgement of each."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bactools.stats.inputs import FloatArray
from bactools.stats.mixed.likelihood import Profile

Engine = Literal["auto", "statsmodels", "exact"]

OPTIMISERS = ("bfgs", "lbfgs", "cg", "powell", "nm")
"""Tried through statsmodels in this order, until one ends at a maximum."""

EXACT = "exact (BFGS and Newton)"
_LARGE = 5000
_NEAR = 0.01


@dataclass(frozen=True)
class Attempt:
    """One optimiser's try.

    Attributes
    ----------
    optimiser : str
    log_likelihood : float
        Where it stopped; NaN if it failed.
    converged : bool
        Whether less than 0.01 of deviance is left to gain from there.
    message : str
        What it said, or nothing.
    """

    optimiser: str
    log_likelihood: float
    converged: bool
    message: str = ""


@dataclass(frozen=True, eq=False)
class Found:
    """The maximum.

    Attributes
    ----------
    theta : float array
    optimiser : str
        The one that came there.
    converged : bool
        The likelihood is flat there, bends down to all sides, and no attempt reached a higher one.
    attempts : tuple of Attempt
    """

    theta: FloatArray
    optimiser: str
    converged: bool
    attempts: tuple[Attempt, ...]


def search(profile: Profile, *, engine: Engine) -> Found:
    """Maximise the likelihood.

    Parameters
    ----------
    profile : Profile
    engine : {"auto", "statsmodels", "exact"}
        ``statsmodels``: its optimisers in the order of `OPTIMISERS`. ``exact``: our own descent on the
        closed form, some hundred times faster. ``auto``: the first up to 5,000 observations. Either ends
        with Newton steps on the closed form, and is held against the other's maximum.

    Returns
    -------
    Found
    """
    attempts: list[Attempt] = []
    ends: list[tuple[float, float, str, FloatArray]] = []

    def note(optimiser: str, theta: FloatArray, message: str = "") -> bool:
        """Judge where an optimiser stopped; return whether that is a maximum."""
        stopped = profile.at(theta).deviance
        at, left = profile.finish(theta)
        reached = profile.at(at).deviance
        good = math.isfinite(left) and stopped - reached < _NEAR
        attempts.append(Attempt(optimiser, -stopped / 2, good, message))
        ends.append((reached, left, optimiser, at))
        return good

    if engine == "statsmodels" or (engine == "auto" and profile.sums.n <= _LARGE):
        for method in OPTIMISERS:
            theta, message = _by_statsmodels(profile, method)
            if theta is None:
                attempts.append(Attempt(method, math.nan, False, message))
            elif note(method, theta, message):
                break
    for start in profile.starts():
        if note(EXACT, profile.descend(start)):
            break
    best = min(end[0] for end in ends)
    # the first that came to the top is the winner, whatever others found later
    _, left, optimiser, theta = next(end for end in ends if end[0] < best + 1e-6)
    return Found(theta, optimiser, left < 1e-6, tuple(attempts))


def _by_statsmodels(profile: Profile, method: str) -> tuple[FloatArray | None, str]:
    """Return where one optimiser of MixedLM stopped, and what it said."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    sums = profile.sums
    y, x = sums.held[:, -1], sums.held[:, :-1]
    z = np.column_stack([np.ones(y.size), sums.time]) if profile.slopes else np.ones((y.size, 1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = MixedLM(y, x, groups=sums.subject, exog_re=z)
            found: Any = model.fit(reml=profile.reml, method=[method])
            covariance = np.zeros((2, 2))
            size = z.shape[1]
            covariance[:size, :size] = np.asarray(found.cov_re) / found.scale
        except (np.linalg.LinAlgError, ValueError, ZeroDivisionError, FloatingPointError) as error:
            return None, f"failed: {error}"
    said = "; ".join(dict.fromkeys(str(warning.message).split("\n")[0] for warning in caught))
    if not np.isfinite(covariance).all():
        return None, said or "ended nowhere"
    return profile.theta(covariance), said
