"""What a covariate may be called in the cube, and whose rows are whose."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal, Protocol

import pandas as pd

from bactools.cube import PROVENANCE
from bactools.study.covariates.errors import CovariatesError

Ids = Literal["pseudonym", "original"]
Dates = Literal["original", "shifted"]

_TAKEN = frozenset(
    {
        *("subject", "view", "exam", "date", "method", "cohort", "status", "joint_histogram", "weights_note"),
        *("years", "n_views", "complete", "grade", "n_exams", "n_complete", "first_exam", "last_exam"),
        *("follow_up", "first_grade", "cube", "self", "metrics", "probability_bin", "intensity"),
        *(variable.name for variable in PROVENANCE),
    }
)
_OF_METRICS = re.compile(r"(pm|am|sim|tam|tsim|breast_area)(_\d+)?(_norm|_mm2?)*(_first|_last|_per_year)?")


class Names(Protocol):
    """Who can make a study's pseudonyms, such as `bactools.evaluation.match.study_names` gives."""

    @property
    def check(self) -> str:
        """What tells keys apart."""

    def subject(self, patient_id: str, issuer: str = "") -> str:
        """Return a pseudonym."""

    def date_shift(self, subject: str, max_days: int) -> int:
        """Return the days by which a subject's dates are moved."""


def variable_name(column: str) -> str:
    """Return what a column is called in the cube: letters, digits and underscores; empty if nothing is left.

    Whatever a page, a spreadsheet or a query could take for more than a name is gone.
    """
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", column):
        return column
    plain = re.sub(r"[^A-Za-z0-9]+", "_", column).strip("_")[:60].rstrip("_")
    return f"x_{plain}" if plain[:1].isdigit() else plain


def is_taken(name: str) -> bool:
    """Whether a name means something in every study."""
    lower = name.lower()
    return lower in _TAKEN or lower.startswith("true_") or _OF_METRICS.fullmatch(lower) is not None


def shift_of(folder: Path) -> tuple[int, str]:
    """Return by how many days at most a study's dates were shifted, and what tells its key; 0 and "" unknown.

    Raises
    ------
    CovariatesError
        If it cannot be read.
    """
    try:
        said = json.loads((folder / "naming.json").read_text(encoding="utf-8"))
        return int(said["shift_dates"]), str(said["key"])
    except FileNotFoundError:
        return 0, ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CovariatesError("naming.json of the study cannot be read") from error


def pseudonyms(texts: pd.Series[str], *, ids: Ids, names: Names | None, issuer: str) -> pd.Series[str]:
    """Return the pseudonym of every row; empty where it names nobody.

    Parameters
    ----------
    texts : Series of str
    ids : {"pseudonym", "original"}
    names : Names, optional
        For the hospital's numbers.
    issuer : str
        Of these.

    Raises
    ------
    CovariatesError
        If the hospital's numbers are given without the key.
    """
    if ids not in ("pseudonym", "original"):
        raise CovariatesError("ids: pseudonym or original")
    if ids == "pseudonym":
        return texts
    if names is None:
        raise CovariatesError("the hospital's numbers need the key of the study's pseudonyms")
    known = {text: names.subject(text, issuer) if text else "" for text in texts.unique()}
    return texts.map(known)


def shifted(
    days: pd.Series[pd.Timestamp],
    subjects: pd.Series[str],
    *,
    at_most: int,
    ids: Ids,
    dates: Dates | None,
    names: Names | None,
) -> pd.Series[pd.Timestamp]:
    """Return days moved as the study's were.

    Parameters
    ----------
    days, subjects : Series
    at_most : int
        Of the study; 0 for none.
    ids : {"pseudonym", "original"}
    dates : {"original", "shifted"}, optional
        What the days are; of the hospital's numbers the original ones by default.
    names : Names, optional

    Raises
    ------
    CovariatesError
        If that cannot be known.
    """
    if dates not in (None, "original", "shifted"):
        raise CovariatesError("dates: original or shifted")
    if at_most == 0 or dates == "shifted":
        return days
    if dates is None and ids == "pseudonym":
        raise CovariatesError(
            "this study's dates were shifted: say whether the file's days are shifted too (--dates shifted),"
            " or the original ones (--dates original, with the key)"
        )
    if names is None:
        raise CovariatesError("original days of a study with shifted dates need the key of its pseudonyms")
    steps = {subject: names.date_shift(subject, at_most) for subject in subjects.unique()}
    return days + pd.to_timedelta(subjects.map(steps), unit="D")
