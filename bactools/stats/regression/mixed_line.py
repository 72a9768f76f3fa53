"""A regression with random effects of women and of breasts within women, by statsmodels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bactools.stats.inputs import FloatArray

OPTIMISERS = ("powell", "nm", "bfgs", "cg", "lbfgs")
"""Tried in this order until one converges.

Those without gradients come first: the others stop short of the best likelihood, and say that they have
converged, when a variance is near 0.
"""

BETWEEN_WOMEN = "between women"
BETWEEN_BREASTS = "between breasts of a woman"
RESIDUAL = "residual"

_ZERO = 1e-8


@dataclass(frozen=True, eq=False)
class MixedFit:
    """A mixed model on a basis.

    Attributes
    ----------
    beta : float array, shape (term,)
    covariance : float array, shape (term, term)
    variances : dict of str to float
        Between women, between breasts (if asked for), residual.
    optimiser : str
    """

    beta: FloatArray
    covariance: FloatArray
    variances: dict[str, float]
    optimiser: str


def breasts(keys: pd.DataFrame, subject: NDArray[np.intp]) -> NDArray[np.intp] | None:
    """Return each pair's breast as a code from 0, shape (pair,), from the view or a column ``breast``.

    None if unknown, or if breasts cannot be told from women or from single images.
    """
    if "breast" in keys:
        side = keys["breast"].astype(str)
    elif "view" in keys and keys["view"].astype(str).str[:1].isin(["L", "R"]).all():
        side = keys["view"].astype(str).str[:1]
    else:
        return None
    code = np.asarray(pd.factorize(pd.Series(subject).astype(str) + " " + side.reset_index(drop=True))[0])
    n = int(code.max(initial=-1)) + 1
    return code if int(subject.max(initial=-1)) + 1 < n < code.size else None


def fit_mixed(
    rows: FloatArray, y: FloatArray, subject: NDArray[np.intp], breast: NDArray[np.intp] | None
) -> MixedFit | str:
    """Fit by REML; return why not, if it cannot be done.

    Parameters
    ----------
    rows : float array, shape (n, term)
        Well-conditioned columns.
    y : float array, shape (n,)
        Not constant.
    subject : integer array, shape (n,)
    breast : integer array, shape (n,), optional
        Codes that differ between women.
    """
    # loading statsmodels sets a filter of warnings, so load it before ours
    import statsmodels.regression.mixed_linear_model  # noqa: F401

    unit = float(y.std())
    failures = []
    for optimiser in OPTIMISERS:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                found = _model(rows, y / unit, subject, breast).fit(method=optimiser, reml=True)
                fit = _read(found, rows, subject, breast, unit, optimiser)
        except (np.linalg.LinAlgError, ValueError, ZeroDivisionError) as error:
            failures.append(f"{optimiser} {type(error).__name__}")
            continue
        if found.converged and np.isfinite(fit.covariance).all() and np.isfinite(fit.beta).all():
            return fit
        failures.append(f"{optimiser} did not converge")
    return f"the mixed model could not be fitted ({', '.join(failures)})"


def _model(
    rows: FloatArray, y: FloatArray, subject: NDArray[np.intp], breast: NDArray[np.intp] | None
) -> Any:
    from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

    if breast is None:
        return MixedLM(y, rows, groups=subject)
    order = np.argsort(subject, kind="stable")
    parts = np.split(breast[order], np.cumsum(np.bincount(subject))[:-1])
    names = [list(np.unique(part)) for part in parts]
    held = [
        (part[:, None] == np.array(name)).astype(np.float64) for part, name in zip(parts, names, strict=True)
    ]
    spec = VCSpec(["breast"], [[[str(one) for one in name] for name in names]], [held])
    return MixedLM(y, rows, groups=subject, exog_re=np.ones((y.size, 1)), exog_vc=spec)


def _read(
    found: Any,
    rows: FloatArray,
    subject: NDArray[np.intp],
    breast: NDArray[np.intp] | None,
    unit: float,
    optimiser: str,
) -> MixedFit:
    """Return the numbers in the unit of y; a variance of next to nothing is 0."""
    variances = {BETWEEN_WOMEN: float(np.asarray(found.cov_re)[0, 0])}
    if breast is not None:
        variances[BETWEEN_BREASTS] = float(found.vcomp[0])
    variances[RESIDUAL] = scale = float(found.scale)
    variances = {name: value if value > _ZERO else 0.0 for name, value in variances.items()}
    ratios = [variances.get(name, 0.0) / scale for name in (BETWEEN_WOMEN, BETWEEN_BREASTS)]
    information = _information(rows, subject, subject if breast is None else breast, *ratios)
    return MixedFit(
        np.asarray(found.fe_params, dtype=np.float64) * unit,
        np.asarray(np.linalg.inv(information) * scale * unit**2),
        {name: value * unit**2 for name, value in variances.items()},
        optimiser,
    )


def _information(
    rows: FloatArray, subject: NDArray[np.intp], breast: NDArray[np.intp], women: float, breasts: float
) -> FloatArray:
    """Return X'V⁻¹X, with variances between women and between breasts in units of the residual one.

    statsmodels takes the curvature of the profile likelihood instead, which differs a little from the
    standard errors that R prints.
    """
    size = np.bincount(breast)
    summed = np.stack([np.bincount(breast, column) for column in rows.T], axis=1)
    shrunk = 1 / (1 + breasts * size)
    woman = np.zeros(size.size, dtype=np.intp)
    woman[breast] = subject
    of_women = np.stack([np.bincount(woman, shrunk * column) for column in summed.T], axis=1)
    weight = women / (1 + women * np.bincount(woman, shrunk * size))
    lost = summed.T @ (breasts * shrunk[:, None] * summed) + of_women.T @ (weight[:, None] * of_women)
    return np.asarray(rows.T @ rows - lost)
