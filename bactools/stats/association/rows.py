"""Rows of an analysis: exposure, outcome and covariates of the same women, put in one order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bactools.stats.burden import Burden
from bactools.stats.grades.result import Grades
from bactools.stats.result import StatsError

Exposure = Any
"""Numbers, categories, a Burden or Grades."""

Covariates = Mapping[str, Any] | pd.DataFrame | Sequence[str] | None


@dataclass(frozen=True, eq=False)
class Rows:
    """Values of the same women in the same order.

    Attributes
    ----------
    exposure : sequence, shape (row,)
    covariates : mapping of str to sequence of shape (row,)
    place : callable
        Puts other values of the women in the same order; None stays None.
    n : int
    name, units : str
        Of the exposure.
    note : str
    warnings : tuple of str
    """

    exposure: Any
    covariates: Mapping[str, Any]
    place: Callable[[Any, str], Any]
    n: int
    name: str
    units: str
    note: str = ""
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        exposure: Exposure,
        event: Any,
        covariates: Covariates,
        *,
        name: str | None = None,
        units: str | None = None,
    ) -> Rows:
        """Take values as they come; those of a Burden or of Grades find their women by subject.

        Raises
        ------
        StatsError
            If a Burden or Grades has several rows per woman and exam, or the outcome does not say of
            whom it is.
        """
        if isinstance(exposure, Burden | Grades):
            return cls._by_subject(exposure, event, covariates, name=name, units=units)
        if isinstance(covariates, Sequence):
            raise StatsError(
                "covariates are names: they need a Burden; else give a mapping of names to values"
            )
        called = name or getattr(exposure, "name", None) or "exposure"
        unit = str(getattr(exposure, "attrs", {}).get("units", "")) if units is None else units
        flat = exposure if isinstance(exposure, pd.Series | pd.Categorical) else np.asarray(exposure).ravel()
        given = {} if covariates is None else {str(key): values for key, values in covariates.items()}
        return cls(flat, given, lambda values, _: values, len(flat), str(called), unit)

    @classmethod
    def _by_subject(
        cls,
        exposure: Burden | Grades,
        event: Any,
        covariates: Covariates,
        *,
        name: str | None,
        units: str | None,
    ) -> Rows:
        first = baseline(exposure)
        column = "grade" if isinstance(exposure, Grades) else "value"

        def place(values: Any, what: str) -> Any:
            if values is None:
                return None
            if not isinstance(values, pd.Series):
                raise StatsError(f"{what} does not say of whom it is: give a Series with subjects as index")
            if values.index.has_duplicates:
                raise StatsError(f"{what} has several rows of one woman: give one")
            return values.reindex(first.index)

        given: dict[str, Any] = {}
        for key in covariates if covariates is not None else ():
            known = not isinstance(covariates, Sequence)
            if not known and key not in first:
                raise StatsError(f"the burden has no covariate {key!r}: it has {', '.join(map(str, first))}")
            given[str(key)] = place(covariates[key], f"covariate {key}") if known else first[key]  # type: ignore[index,call-overload]
        place(event, "event")
        strangers = int((first.index.get_indexer(event.index) < 0).sum())
        lost = (f"{strangers} women with an outcome have no exam to measure",) if strangers else ()
        called = name or (f"grade of {exposure.name}" if column == "grade" else exposure.name)
        unit = exposure.units if units is None else units
        return cls(first[column], given, place, len(first), called, unit, exposure.note, lost)


def baseline(exposure: Burden | Grades) -> pd.DataFrame:
    """Return the first exam of each woman.

    Parameters
    ----------
    exposure : Burden or Grades
        With one row per woman and exam.

    Returns
    -------
    DataFrame
        Indexed by subject.

    Raises
    ------
    StatsError
        If there are several rows per exam, or subjects are not known.
    """
    table = exposure.table
    apart = [column for column in ("breast", "view") if column in table]
    if apart:
        raise StatsError(f"there is a row per {apart[0]}: an outcome is a woman's, so use per='woman'")
    if "subject" not in table:
        raise StatsError("grades do not say of whom they are: make them of a Burden, or give subject=")
    order = [column for column in ("subject", "date") if column in table]
    first = table.sort_values(order, kind="stable").drop_duplicates("subject")
    return first.set_index("subject")
