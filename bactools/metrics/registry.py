"""The registry of metrics: `@metric(units=...)` beside the computing function is all it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bactools.conventions import Variable
from bactools.metrics.evidence import Evidence

MetricFunction = Callable[[Evidence], float]


@dataclass(frozen=True)
class MetricSpec:
    """One metric: its name, unit, one-sentence meaning and how it is computed.

    Attributes
    ----------
    name : str
        Name in cube, table and CSV.
    units : str
        UDUNITS unit; pixels and grey levels are ``"1"``.
    long_name : str
        First line of the function's docstring.
    function : callable
        Takes one `Evidence`, returns a float.
    """

    name: str
    units: str
    long_name: str
    function: MetricFunction


METRICS: dict[str, MetricSpec] = {}
"""Metrics by name, in the order of the cube's and table's columns."""


def metric(*, units: str) -> Callable[[MetricFunction], MetricFunction]:
    """Register the decorated function as a metric under its own name.

    Raises
    ------
    ValueError
        If the name is taken, or the function has no docstring to be its long name.
    """

    def register(function: MetricFunction) -> MetricFunction:
        name = function.__name__
        lines = (function.__doc__ or "").strip().splitlines()
        if name in METRICS:
            raise ValueError(f"there is a metric {name!r} already: choose another name")
        if not lines:
            raise ValueError(f"metric {name!r} has no docstring: its first line is the long name")
        METRICS[name] = MetricSpec(name, units, lines[0], function)
        return function

    return register


def compute(evidence: Evidence, *, names: Iterable[str] | None = None) -> dict[str, float]:
    """Compute metrics of one image.

    Parameters
    ----------
    evidence : Evidence
        The image's counts.
    names : iterable of str, optional
        Metrics to compute; all by default.

    Returns
    -------
    dict of str to float
        Values by name; NaN where a metric is not defined, such as an area of unknown spacing.

    Raises
    ------
    ValueError
        If a name is unknown; the message lists the metrics.
    """
    chosen = list(METRICS if names is None else names)
    for name in chosen:
        if name not in METRICS:
            raise ValueError(f"no metric {name!r}; metrics: {', '.join(METRICS)}")
    return {name: float(METRICS[name].function(evidence)) for name in chosen}


def variables() -> tuple[Variable, ...]:
    """Return the metrics as variables of the cube, in registry order."""
    return tuple(Variable(spec.name, spec.units, spec.long_name) for spec in METRICS.values())
