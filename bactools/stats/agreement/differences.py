"""Differences of two measurements, on the scale that suits them."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np

from bactools.stats.inputs import FloatArray, Pairs
from bactools.stats.result import StatsError

Scale = Literal["difference", "log", "ratio", "percent"]
SCALES: tuple[str, ...] = get_args(Scale)


def differences(pairs: Pairs, scale: Scale) -> FloatArray:
    """Return a - b, ln a - ln b (also for "ratio") or 100 (a - b) / mean, shape (pair,).

    Raises
    ------
    StatsError
        If a value does not suit the scale; the message names the first image concerned.
    """
    if scale == "percent":
        mean = (pairs.a + pairs.b) / 2
        _refuse(mean == 0, pairs, "have a mean of zero, of which nothing is a percentage")
        return 100 * (pairs.a - pairs.b) / mean
    a, b = sides(pairs, scale)
    return a - b


def sides(pairs: Pairs, scale: Scale) -> tuple[FloatArray, FloatArray]:
    """Return both measurements on the scale, shape (pair,) each.

    Raises
    ------
    StatsError
        If a value is not positive where a logarithm is needed, or the scale has no sides: "percent".
    """
    if scale == "percent":
        raise StatsError("scale='percent' does not go with repeats='constant': use 'difference' or 'log'")
    if scale == "difference":
        return pairs.a, pairs.b
    _refuse((pairs.a <= 0) | (pairs.b <= 0), pairs, "are zero or negative and have no logarithm")
    return np.log(pairs.a), np.log(pairs.b)


def averages(pairs: Pairs, scale: Scale) -> FloatArray:
    """Return the mean of both measurements, shape (pair,); of their logarithms for "log" and "ratio".

    Raises
    ------
    StatsError
        If a value does not suit the scale.
    """
    a, b = (pairs.a, pairs.b) if scale == "percent" else sides(pairs, scale)
    return (a + b) / 2


def rounding(pairs: Pairs, scale: Scale) -> float:
    """Return how far differences may lie from each other by rounding alone."""
    largest = max(float(np.abs(side).max()) for side in (pairs.a, pairs.b))
    size = {"difference": largest, "percent": 100.0}.get(scale, 1 + abs(math.log(largest or 1)))
    return 8 * float(np.finfo(np.float64).eps) * size


def _refuse(wrong: np.ndarray[tuple[int], np.dtype[np.bool_]], pairs: Pairs, what: str) -> None:
    if not wrong.any():
        return
    first = pairs.keys.iloc[int(np.flatnonzero(wrong)[0])]
    named = ", ".join(str(first[name])[:64] for name in ("image_id", "subject", "view") if name in first)
    where = f" (the first: {named})" if named else ""
    raise StatsError(
        f"{int(wrong.sum())} of {len(pairs)} pairs {what}{where}: use scale='difference', or leave"
        " images without calcification out yourself and say so"
    )
