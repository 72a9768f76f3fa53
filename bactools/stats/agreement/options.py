"""Options of an analysis of agreement: what is known, and what goes together."""

from __future__ import annotations

from typing import get_args

from bactools.stats.agreement.differences import SCALES
from bactools.stats.agreement.limits import INTERVALS
from bactools.stats.agreement.nested import ESTIMATORS
from bactools.stats.agreement.nested_limits import NESTED_INTERVALS
from bactools.stats.agreement.result import Limits, Repeats
from bactools.stats.inputs import Pairs, between, choice
from bactools.stats.result import StatsError

_FEWEST_RESAMPLES = 100


def check(
    repeats: str, estimator: str, scale: str, limits: str, level: float, confidence: float, n_bootstrap: int
) -> None:
    """Refuse options that are unknown or out of range.

    Raises
    ------
    StatsError
    """
    choice(repeats, get_args(Repeats), name="repeats")
    choice(estimator, ESTIMATORS, name="estimator")
    choice(scale, SCALES, name="scale")
    choice(limits, get_args(Limits), name="limits")
    between(level, 0, 1, name="level")
    between(confidence, 0, 1, name="confidence")
    if n_bootstrap < _FEWEST_RESAMPLES:
        raise StatsError(f"n_bootstrap={n_bootstrap}: give {_FEWEST_RESAMPLES} or more, such as 2000")


def is_nested(pairs: Pairs, repeats: Repeats) -> bool:
    """Return whether the design has repeats to allow for; refuse to pool them unasked.

    Raises
    ------
    StatsError
    """
    if pairs.repeated and repeats == "refuse":
        raise StatsError(
            f"{len(pairs)} pairs come from {pairs.n_subjects} women, and pairs of one woman are alike:"
            " pooled, they would give intervals that are too narrow. Choose repeats='varying' (what is"
            " measured differs between her pairs: views, years), 'constant' (replicates of one value)"
            " or, knowing this, 'pooled'"
        )
    return pairs.repeated and repeats in ("varying", "constant")


def interval_of(asked: str | None, nested: bool, repeats: str, estimator: str, scale: str) -> str:
    """Return how intervals of the limits are made; refuse what does not go together.

    Raises
    ------
    StatsError
    """
    known = NESTED_INTERVALS if nested else INTERVALS
    interval = asked or known[0]
    if asked in NESTED_INTERVALS + INTERVALS and asked not in known:
        kind = "women with several pairs" if nested else "one pair per woman, or pooled ones"
        raise StatsError(f"interval={asked!r} is not for {kind}: choose one of {', '.join(map(repr, known))}")
    choice(interval, known, name="interval")
    if nested and repeats == "constant" and scale == "percent":
        raise StatsError("scale='percent' does not go with repeats='constant': use 'difference' or 'log'")
    if interval == "bootstrap" and repeats == "varying" and estimator == "reml":
        raise StatsError("interval='bootstrap' does not go with estimator='reml': use 'anova' or 'means'")
    if interval == "parametric-bootstrap" and (repeats, estimator) != ("varying", "anova"):
        raise StatsError(
            "interval='parametric-bootstrap' goes with repeats='varying' and estimator='anova' only: use"
            " 'mover' or 'bootstrap'"
        )
    return interval
