"""The fixed effects of a trajectory: time, groups, covariates, and what changes with time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bactools.stats.inputs import FloatArray
from bactools.stats.trajectories.histories import Histories, level_name


def columns(seen: Histories, by_time: Sequence[str]) -> dict[str, FloatArray]:
    """Return the fixed effects, shape (exam,) each; ``years x …`` are those on the rate."""
    table = seen.table
    years = table["years"].to_numpy(dtype=np.float64)
    terms, on_rate = {"years": years}, {}
    for level in seen.levels[1:]:
        terms[f"group {level}"] = (table["group"] == level).to_numpy(dtype=np.float64)
        on_rate[f"years x group {level}"] = terms[f"group {level}"] * years
    for name in seen.covariates:
        for label, column in _coded(seen, name).items():
            terms[label] = column
            if name in by_time:
                on_rate[f"years x {label}"] = column * years
    return terms | on_rate


def _coded(seen: Histories, name: str) -> dict[str, FloatArray]:
    """Return a covariate as columns, centred at the mean of women."""
    column = seen.table[name]
    women = seen.table.drop_duplicates("subject").index
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        coded = {name: column.to_numpy(dtype=np.float64)}
    else:
        texts = np.array([level_name(value) for value in column], dtype=object)
        coded = {f"{name} {level}": (texts == level) * 1.0 for level in sorted(set(texts))[1:]}
    return {label: values - values[women].mean() for label, values in coded.items()}


def weights(seen: Histories, terms: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return what each unit's level at the start and rate are made of, each (unit, 1 + term)."""
    # units are numbered as they appear
    rows = seen.table.drop_duplicates("unit").index.to_numpy()
    start = np.zeros((len(rows), 1 + len(terms)))
    rate = np.zeros_like(start)
    start[:, 0] = rate[:, 1] = 1.0
    for at, name in enumerate(terms, start=1):
        if name.startswith("years x "):
            rate[:, at] = terms[name.removeprefix("years x ")][rows]
        elif name != "years":
            start[:, at] = terms[name][rows]
    return start, rate


def members(seen: Histories) -> dict[str, FloatArray]:
    """Return who belongs to each group, shape (unit,) each."""
    if not seen.levels:
        return {}
    group = seen.table.drop_duplicates("unit")["group"]
    return {level: np.asarray(group == level, dtype=np.float64) for level in seen.levels}
