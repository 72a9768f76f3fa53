"""The words every room shares: dimensions, views, subject names and variable specifications.

This module imports nothing of bactools and only the standard library, so that any room may use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

CONVENTIONS = "bactools-1"

VIEWS: tuple[str, ...] = ("LCC", "LMLO", "RCC", "RMLO")
"""The four standard screening views, laterality first, in the order of the cube's ``view`` axis."""

Maps = Literal["probability", "mask", "none"]
"""What a study keeps of each image's map."""

STORED_DIMS: tuple[str, ...] = ("subject", "view", "exam")
LITERAL_DIMS: tuple[str, ...] = ("subject", "view", "date")

INTENSITIES = 256
"""Grey levels of the 8-bit scale on which the paper's threshold X = 100 is meant."""

PROBABILITY_BINS = 100
"""Bins of the joint histogram; bin k holds probabilities in (k/100, (k+1)/100], bin 0 also holds 0."""

STATUS: dict[int, str] = {0: "absent", 1: "done", 2: "failed"}
"""Values of the cube's ``status`` variable (a CF flag variable)."""

ABSENT, DONE, FAILED = STATUS
"""The same by name."""

SYNTHETIC = "weights trained on synthetic mammograms only: for demonstration and tests"
"""What every result says that was made with such weights."""

_SUBJECT = re.compile(r"[A-Za-z0-9._-]{1,64}")


def is_subject(name: object) -> bool:
    """Whether `name` may stand as a subject's pseudonym.

    Only letters, digits, dot, underscore and hyphen, at most 64 of them: nothing that a page could
    run as HTML or a spreadsheet as a formula.
    """
    return isinstance(name, str) and _SUBJECT.fullmatch(name) is not None and name[0] != "-"


@dataclass(frozen=True)
class Variable:
    """One variable of the cube: its name, what it is counted in and what it means.

    Attributes
    ----------
    name : str
        The variable's name in cube, table and CSV.
    units : str
        Unit in brackets-free UDUNITS style: ``"1"``, ``"mm2"``, ``"mm"``; pixels are ``"1"``.
    long_name : str
        One sentence saying what the number is.
    dims : tuple of str
        Dimensions in the stored cube.
    dtype : str
        NumPy dtype in the stored cube.
    """

    name: str
    units: str
    long_name: str
    dims: tuple[str, ...] = STORED_DIMS
    dtype: str = "float64"

    @property
    def attrs(self) -> dict[str, str]:
        """The attributes the variable carries in an xarray object."""
        return {"units": self.units, "long_name": self.long_name}
