"""Restricted cubic splines: curves that bend between knots and are straight beyond the outer ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bactools.stats.inputs import FloatArray, vector
from bactools.stats.result import StatsError, number

QUANTILES = {
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.50, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    7: (0.025, 0.1833, 0.3417, 0.50, 0.6583, 0.8167, 0.975),
}
"""Where Harrell puts as many knots."""


def knots_of(x: ArrayLike, knots: int | Sequence[float] = 5) -> FloatArray:
    """Return where the knots lie.

    Parameters
    ----------
    x : float array, shape (n,)
        NaN is left out.
    knots : int or sequence of float
        As many, at Harrell's quantiles of x, or the places themselves, at least three and increasing.

    Returns
    -------
    float array, shape (knot,)

    Raises
    ------
    StatsError
        If knots coincide, as they do when many values are 0, or are too few.

    References
    ----------
    Harrell FE. Regression Modeling Strategies, 2nd ed. Springer 2015, section 2.4.6.
    """
    if not isinstance(knots, int):
        places = vector(knots, name="knots")
        if places.size < 3 or np.isnan(places).any() or (np.diff(places) <= 0).any():
            raise StatsError(f"knots={[float(k) for k in places]}: give three or more, increasing")
        return places
    if knots not in QUANTILES:
        raise StatsError(f"knots={knots}: choose from 3 to 7, or give the places")
    known = vector(x, name="x")
    known = known[~np.isnan(known)]
    if not known.size:
        raise StatsError("x holds no number, so there is no place for knots")
    places = np.quantile(known, QUANTILES[knots])
    if (np.diff(places) <= 1e-12 * max(1e-300, float(np.ptp(known)))).any():
        told = ", ".join(number(float(place)) for place in places)
        raise StatsError(
            f"quantiles of x coincide ({told}), so {knots} knots have no place: give fewer, or the places"
            " themselves, such as quantiles of the values above 0"
        )
    return places


def spline_basis(x: ArrayLike, *, knots: int | Sequence[float] = 5) -> FloatArray:
    """Return the columns of a restricted cubic spline.

    Parameters
    ----------
    x : float array, shape (n,)
        NaN gives a row of NaN.
    knots : int or sequence of float
        See `knots_of`.

    Returns
    -------
    float array, shape (n, knots - 1)
        First x itself, then what bends, divided by the square of the distance of the outer knots, so
        that all are in the unit of x (Hmisc's default).

    Raises
    ------
    StatsError
        If knots coincide or are too few.

    References
    ----------
    Devlin TF, Weeks BJ. Proc 11th SAS Users Group 1986:646-651. Harrell FE. Regression Modeling
    Strategies, 2nd ed. Springer 2015, section 2.4.5.
    """
    values = vector(x, name="x")
    places = knots_of(values, knots)
    last, before = places[-1], places[-2]
    cubes = np.clip(values[:, None] - places, 0, None) ** 3
    inner, next_to_last, at_last = cubes[:, :-2], cubes[:, -2:-1], cubes[:, -1:]
    own = places[:-2]
    bent = inner - next_to_last * (last - own) / (last - before) + at_last * (before - own) / (last - before)
    return np.column_stack([values, bent / (last - places[0]) ** 2])
