"""Which function answers which published case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

Tables = Callable[[str], pd.DataFrame]
"""Gives a case's data by name, such as ``tables("nist_Norris")``."""

Answers = Mapping[str, float]


@dataclass(frozen=True)
class Solver:
    """How bactools answers a case.

    Attributes
    ----------
    case : str
        The case's name.
    compute : callable
        Takes the tables, returns answers by name.
    left_out : mapping of str to str
        Answers that are not computed, with the reason.
    """

    case: str
    compute: Callable[[Tables], Answers]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """What is computed, in one line."""
        return (self.compute.__doc__ or "").strip().splitlines()[0]


SOLVERS: dict[str, Solver] = {}
"""Solvers by case."""


def solves(
    case: str, *, left_out: Mapping[str, str] | None = None
) -> Callable[[Callable[[Tables], Answers]], Callable[[Tables], Answers]]:
    """Register the decorated function as the solver of a case.

    Parameters
    ----------
    case : str
    left_out : mapping of str to str, optional
        Answers that are not computed, with the reason.

    Raises
    ------
    ValueError
        If the case has a solver already, or the function no docstring.
    """

    def register(compute: Callable[[Tables], Answers]) -> Callable[[Tables], Answers]:
        if case in SOLVERS:
            raise ValueError(f"case {case!r} has a solver already")
        if not compute.__doc__:
            raise ValueError(f"the solver of {case!r} has no docstring: its first line names the method")
        SOLVERS[case] = Solver(case, compute, left_out or {})
        return compute

    return register
