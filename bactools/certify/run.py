"""Compute the published cases and say where bactools agrees."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bactools.certify import solvers
from bactools.certify.builtin import Builtin
from bactools.certify.case import Answer, Case, Reference
from bactools.certify.registry import SOLVERS, Answers

AGREES, DISAGREES, LEFT_OUT, RECORD = "agrees", "disagrees", "left out", "record only"


@dataclass(frozen=True, eq=False)
class Certificate:
    """Computed against published numbers.

    Attributes
    ----------
    answers : DataFrame
        One row per answer: case, answer, published, computed, origin, state (agrees, disagrees, left
        out, record only) and, where it does not agree, why.
    cases : DataFrame
        One row per case: case, title, method, source, tested, agree, left_out.
    """

    answers: pd.DataFrame
    cases: pd.DataFrame

    @property
    def passed(self) -> bool:
        """Whether no answer disagrees."""
        return not (self.answers["state"] == DISAGREES).any()

    def summary(self) -> str:
        """Return one line: how many answers of how many cases agree."""
        counts = self.answers["state"].value_counts()
        tested = len(self.answers) - counts.get(RECORD, 0)
        parts = [f"{counts.get(AGREES, 0)} of {tested} published answers agree ({len(self.cases)} cases)"]
        parts += [f"{counts[state]} {state}" for state in (DISAGREES, LEFT_OUT) if state in counts]
        return "; ".join(parts)

    def to_text(self) -> str:
        """Return the cases as a table, what does not agree, and the summary."""
        shown = ["case", "method", "tested", "agree", "left_out"]
        parts = [self.cases[shown].to_string(index=False, justify="left", max_colwidth=60)]
        odd = self.answers[self.answers["state"].isin([DISAGREES, LEFT_OUT])]
        if len(odd):
            shown = ["case", "answer", "published", "computed", "state", "why"]
            parts.append(odd[shown].to_string(index=False, justify="left", float_format="{:.6g}".format))
        return "\n\n".join([*parts, self.summary()])


def certify(folder: Path | None = None) -> Certificate:
    """Compute every published case and compare.

    Parameters
    ----------
    folder : pathlib.Path, optional
        Reference cases as ``expected/<case>.json`` and ``data/<table>.csv``; by default those that come
        with bactools and its dependencies.

    Returns
    -------
    Certificate

    Raises
    ------
    CaseError
        If the folder holds no cases, or one cannot be read.

    Notes
    -----
    A solver that fails counts as disagreeing in all its answers; the others go on.
    """
    load_solvers()
    reference = Builtin() if folder is None else Reference(folder)
    rows: list[dict[str, object]] = []
    cases: list[dict[str, object]] = []
    for case in reference.cases():
        answered = list(_answered(case, reference))
        rows += answered
        states = [row["state"] for row in answered]
        cases.append(
            {
                "case": case.name,
                "title": case.title,
                "method": SOLVERS[case.name].method if case.name in SOLVERS else "",
                "source": case.source,
                "tested": len(states) - states.count(RECORD),
                "agree": states.count(AGREES),
                "left_out": states.count(LEFT_OUT),
            }
        )
    return Certificate(pd.DataFrame(rows), pd.DataFrame(cases))


def load_solvers() -> None:
    """Import every solver, so that the registry is complete."""
    for module in pkgutil.iter_modules(solvers.__path__):
        importlib.import_module(f"{solvers.__name__}.{module.name}")


def _answered(case: Case, reference: Reference) -> Iterator[dict[str, object]]:
    computed, failure = _computed(case, reference)
    for answer in case.answers:
        state, why = _judged(case, answer, computed, failure)
        yield {
            "case": case.name,
            "answer": answer.name,
            "published": answer.value,
            "computed": computed.get(answer.name, math.nan),
            "origin": answer.origin,
            "state": state,
            "why": why,
        }


def _computed(case: Case, reference: Reference) -> tuple[Answers, str]:
    """Return a case's answers, or why there are none."""
    if case.name not in SOLVERS:
        return {}, "no solver for this case"
    try:
        return SOLVERS[case.name].compute(reference.table), ""
    except Exception as error:  # one case must not end the others
        return {}, f"{type(error).__name__}: {error}"


def _judged(case: Case, answer: Answer, computed: Answers, failure: str) -> tuple[str, str]:
    """Return the state of an answer and, unless it agrees, the reason."""
    left_out = SOLVERS[case.name].left_out if case.name in SOLVERS else {}
    if not answer.tested:
        return RECORD, "known to be misprinted, approximate or not reproducible"
    if answer.name in left_out:
        return LEFT_OUT, left_out[answer.name]
    if answer.name not in computed:
        return DISAGREES, failure or "not computed"
    if answer.agrees(computed[answer.name]):
        return AGREES, ""
    return DISAGREES, "outside its tolerance"
