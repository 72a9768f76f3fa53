"""A published case: its data, the expected answers and how near one must come."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd


class CaseError(ValueError):
    """A reference case that cannot be read; the message says which and why."""


@dataclass(frozen=True)
class Answer:
    """One expected number.

    Attributes
    ----------
    name : str
    value : float
    absolute, relative : float
        Tolerances; an answer agrees if either is met.
    origin : str
        Where the number comes from.
    tested : bool
        False for numbers known to be misprinted, approximate or not reproducible.
    """

    name: str
    value: float
    absolute: float = 0.0
    relative: float = 0.0
    origin: str = ""
    tested: bool = True

    def agrees(self, value: float) -> bool:
        """Whether a computed value is near enough."""
        return math.isfinite(value) and math.isclose(
            value, self.value, rel_tol=self.relative, abs_tol=self.absolute
        )


@dataclass(frozen=True)
class Case:
    """A published case.

    Attributes
    ----------
    name, title, source : str
    answers : tuple of Answer
    """

    name: str
    title: str
    source: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Reference:
    """A folder of cases: ``expected/<case>.json`` and ``data/<table>.csv``.

    Attributes
    ----------
    folder : pathlib.Path
    """

    folder: Path

    def cases(self) -> Iterator[Case]:
        """Yield every case, in order of name.

        Raises
        ------
        CaseError
            If there is none, or one cannot be read.
        """
        paths = sorted((self.folder / "expected").glob("*.json"))
        if not paths:
            raise CaseError("no cases in this folder: it needs expected/*.json and data/*.csv")
        for path in paths:
            yield _read(path)

    def table(self, name: str) -> pd.DataFrame:
        """Return a table by name.

        Raises
        ------
        CaseError
            If there is no such table.
        """
        path = self.folder / "data" / f"{name}.csv"
        if not path.is_file():
            raise CaseError(f"there is no table {name}.csv among the reference data")
        return pd.read_csv(path)


def _read(path: Path) -> Case:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        answers = content["answers"] if "answers" in content else content["expected"]
        return Case(
            content["case"],
            content["title"],
            content["source"],
            tuple(
                Answer(
                    name=answer["name"],
                    value=float(answer["value"]),
                    absolute=float(answer.get("abs_tol") or 0.0),
                    relative=float(answer.get("rel_tol") or 0.0),
                    origin=answer["origin"],
                    tested=answer["use"] == "test",
                )
                for answer in answers
            ),
        )
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise CaseError(f"{path.name} is no reference case: {type(error).__name__} {error}") from None
