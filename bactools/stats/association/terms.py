"""Exposure and covariates as columns of a model, with names that say what they are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bactools.stats.association.outcomes import codes, numbers
from bactools.stats.association.splines import knots_of, spline_basis
from bactools.stats.inputs import FloatArray
from bactools.stats.result import StatsError, number


@dataclass(frozen=True, eq=False)
class Variable:
    """An exposure or covariate.

    Attributes
    ----------
    name : str
    values : float array, shape (n,)
        Numbers, or codes of the levels; NaN if missing.
    levels : tuple of str
        Empty of a number.
    reference : str
        The level others are compared with.
    ordered : bool
        Whether the levels are steps.
    """

    name: str
    values: FloatArray
    levels: tuple[str, ...] = ()
    reference: str = ""
    ordered: bool = False

    @classmethod
    def of(cls, values: Any, *, name: str, n: int, reference: object = None) -> Variable:
        """Recognise numbers, truth values and categories.

        Parameters
        ----------
        values : sequence, shape (n,)
        name : str
        n : int
        reference : object, optional
            A level; by default the first, of categories in their own order, of other words in
            alphabetical order.

        Raises
        ------
        StatsError
            If there are not n values, or no such level.
        """
        if _is_numeric(values) and reference is None:
            found = numbers(values, name=name)
            if found.size != n:
                raise StatsError(f"{found.size} values of {name} for {n} rows: give one for each")
            return cls(name, found)
        code, levels = codes(values, n, name=name)
        kept = str(reference) if reference is not None else (levels[0] if levels else "")
        if levels and kept not in levels:
            raise StatsError(f"reference={kept!r} is no level of {name}: choose one of {', '.join(levels)}")
        steps = bool(getattr(getattr(values, "dtype", None), "ordered", False))
        return cls(name, np.where(code < 0, np.nan, code.astype(np.float64)), levels, kept, steps)

    def kept(self, rows: NDArray[np.bool_]) -> Variable:
        """Return the variable on some rows, without levels nobody there has."""
        values = self.values[rows]
        if not self.levels:
            return Variable(self.name, values)
        present = sorted({int(code) for code in values})
        place = np.full(len(self.levels), np.nan)
        place[present] = np.arange(len(present))
        levels = tuple(self.levels[code] for code in present)
        reference = self.reference if self.reference in levels else (levels[0] if levels else "")
        return Variable(self.name, place[values.astype(int)], levels, reference, self.ordered)

    def columns(self) -> Iterator[tuple[str, FloatArray]]:
        """Yield the terms: the number itself, or a column for each level but the reference."""
        if not self.levels:
            yield self.name, self.values
        for code, level in enumerate(self.levels):
            if level != self.reference:
                yield f"{self.name}: {level}", (self.values == code).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Terms:
    """The columns of a model.

    Attributes
    ----------
    names : tuple of str
    matrix : float array, shape (n, term)
    variable : tuple of str
        Which variable each column belongs to.
    scale : float
        What a numeric exposure was divided by.
    per : str
        That, in words.
    knots : tuple of float
        Of a spline of the exposure.
    """

    names: tuple[str, ...]
    matrix: FloatArray
    variable: tuple[str, ...]
    scale: float = 1.0
    per: str = ""
    knots: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        exposure: Variable,
        covariates: Sequence[Variable],
        *,
        per: str | float,
        spline: int | Sequence[float] | None,
        units: str,
    ) -> Terms:
        """Make the columns, exposure first.

        Raises
        ------
        StatsError
            If there is no place for the knots.
        """
        parts = [(name, column, exposure.name) for name, column in exposure.columns()]
        scale, told = 1.0, "level"
        knots: tuple[float, ...] = ()
        if not exposure.levels and spline is not None:
            places = knots_of(exposure.values, spline)
            knots, told = tuple(float(place) for place in places), "curve"
            bent = spline_basis(exposure.values, knots=knots)
            names = [exposure.name, *(f"{exposure.name} (bend {at})" for at in range(1, bent.shape[1]))]
            parts = [(name, bent[:, at], exposure.name) for at, name in enumerate(names)]
        elif not exposure.levels and set(np.unique(exposure.values)) <= {0.0, 1.0}:
            told = f"{exposure.name} being present"
        elif not exposure.levels:
            scale, told = _scaled(exposure, per, units)
            parts = [(exposure.name, exposure.values / scale, exposure.name)]
        for covariate in covariates:
            parts += [(name, column, covariate.name) for name, column in covariate.columns()]
        return cls(
            tuple(name for name, _, _ in parts), np.column_stack([column for _, column, _ in parts]),
            tuple(variable for _, _, variable in parts), scale, told, knots,
        )  # fmt: skip

    def of_variable(self, name: str) -> list[int]:
        """Return which columns belong to a variable."""
        return [at for at, variable in enumerate(self.variable) if variable == name]

    def obstacle(self) -> str:
        """Return why no model can have these columns, or nothing."""
        for name, column in zip(self.names, self.matrix.T, strict=True):
            if np.ptp(column) <= 1e-12 * np.abs(column).max(initial=0):
                return f"{name} is {number(float(column[0]))} in every row, so nothing depends on it"
        spread = self.matrix.std(axis=0)
        scaled = (self.matrix - self.matrix.mean(axis=0)) / spread
        for at in range(1, scaled.shape[1]):
            before, own = scaled[:, :at], scaled[:, at]
            fitted = before @ np.linalg.lstsq(before, own, rcond=None)[0]
            if float(np.square(own - fitted).mean()) < 1e-8:
                others = ", ".join(dict.fromkeys(self.names[:at]))
                return f"{self.names[at]} follows from {others}, so they cannot be told apart: leave one out"
        return ""


def variables(
    covariates: Mapping[str, Any] | pd.DataFrame | None,
    *,
    n: int,
    taken: str,
    references: Mapping[str, object],
) -> list[Variable]:
    """Return covariates.

    Parameters
    ----------
    covariates : mapping of str to sequence of shape (n,), or DataFrame, optional
    n : int
    taken : str
        Name of the exposure.
    references : mapping of str to object
        Reference levels by name of the variable.

    Raises
    ------
    StatsError
        If one has the name of the exposure, or a reference is of no variable.
    """
    given = {} if covariates is None else {str(name): values for name, values in covariates.items()}
    if taken in given:
        raise StatsError(f"covariate {taken!r} has the name of the exposure: rename it or leave it out")
    unknown = [name for name in references if name != taken and name not in given]
    if unknown:
        raise StatsError(f"references name {unknown[0]!r}, which is no variable of the model")
    return [
        Variable.of(values, name=name, n=n, reference=references.get(name)) for name, values in given.items()
    ]


def _is_numeric(values: Any) -> bool:
    if isinstance(values, pd.Series | pd.Index | pd.Categorical):
        if isinstance(values.dtype, pd.CategoricalDtype):
            return False
        if pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_numeric_dtype(values.dtype):
            return True
    flat = np.asarray(values)
    if flat.dtype.kind in "biuf":
        return True
    known = [value for value in flat.astype(object).ravel() if not pd.isna(value)]
    return all(isinstance(value, bool | int | float | np.number | np.bool_) for value in known)


def _scaled(exposure: Variable, per: str | float, units: str) -> tuple[float, str]:
    """Return what to divide the exposure by, and that in words."""
    unit = f" {units}" if units not in ("", "1") else ""
    if per == "sd":
        scale = (float(exposure.values.std(ddof=1)) if exposure.values.size > 1 else 0.0) or 1.0
        return scale, f"SD of {exposure.name} ({number(scale)}{unit})"
    if per == "unit":
        return 1.0, f"{units if unit else 'unit'} of {exposure.name}"
    if isinstance(per, str) or not per > 0:
        raise StatsError(f"per={per!r}: choose 'sd', 'unit' or a number above 0")
    return float(per), f"{number(float(per))}{unit} of {exposure.name}"
