"""Two cubes of the same images side by side: networks, readers, or a measurement and the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bactools.conventions import CONVENTIONS
from bactools.cube.layout import Layout, blank, lay_out, with_missing
from bactools.cube.literal import on_exams

_CELL = {"subject", "view", "exam"}


def pair(a: xr.Dataset, b: xr.Dataset, *, names: tuple[str, str] = ("a", "b")) -> xr.Dataset:
    """Align two cubes on the images both have.

    Parameters
    ----------
    a, b : Dataset
        Cubes in either form, with ``status``.
    names : two str
        Names on the ``method`` axis.

    Returns
    -------
    Dataset
        On (method, subject, view, exam) with the variables both cubes have per image, and the
        covariates of `a`. Cells are joined by subject, view and date; a cell that is empty in one
        cube is empty in both, one that failed stays failed. Exams are numbered anew.
        ``joint_histogram`` is left out. Choose one with ``.sel({"method": "a"})``: written as a
        keyword, ``method`` means something else to xarray.

    Raises
    ------
    ValueError
        If the names are equal or a cube has no ``status``.
    """
    if len(names) != 2 or names[0] == names[1]:
        raise ValueError(f"names {names}: give two different names for the method axis")
    cubes = [on_exams(cube) if "date" in cube.dims else cube for cube in (a, b)]
    both = _images(cubes[0]).merge(
        _images(cubes[1]), on=["subject", "view", "date"], suffixes=("_a", "_b"), validate="one_to_one"
    )
    views = [view for view in cubes[0]["view"].values if view in cubes[1]["view"].values]
    layout = lay_out(both["subject"], both["view"], both["date"], views=views)
    paired = xr.Dataset(coords={"method": ("method", np.array(names, dtype=object)), **layout.coords})
    paired.attrs = _shared(a.attrs, b.attrs)
    cells = [tuple(both[f"{dim}_{side}"].to_numpy() for dim in ("s", "v", "e")) for side in "ab"]
    for name, array in cubes[0].data_vars.items():
        if set(array.dims) == _CELL and name in cubes[1]:
            sides = [
                layout.place(_taken(cube[name], cell, name=str(name)))
                for cube, cell in zip(cubes, cells, strict=True)
            ]
            paired[name] = (("method", "subject", "view", "exam"), np.stack(sides), array.attrs)
        elif set(array.dims) <= {"subject", "exam"}:
            paired[name] = _covariate(array, layout, cells[0], name=str(name))
    return paired


def _images(cube: xr.Dataset) -> pd.DataFrame:
    """Return one row per image: subject, view, date and the position s, v, e."""
    if "status" not in cube:
        raise ValueError("a cube has no status: keep that variable to tell images from empty cells")
    s, v, e = np.nonzero(cube["status"].transpose("subject", "view", "exam").values)
    dates = cube["date"].transpose("subject", "exam").values[s, e]
    subjects, views = (cube[dim].values.astype(object) for dim in ("subject", "view"))
    return pd.DataFrame({"subject": subjects[s], "view": views[v], "date": dates, "s": s, "v": v, "e": e})


def _taken(array: xr.DataArray, cells: tuple[NDArray[Any], ...], *, name: str) -> NDArray[Any]:
    """Return the values of a per-image variable at some cells."""
    variable = with_missing(array.variable, name=name).transpose("subject", "view", "exam")
    taken: NDArray[Any] = variable.values[cells]
    return taken


def _covariate(
    array: xr.DataArray, layout: Layout, cells: tuple[NDArray[Any], ...], *, name: str
) -> xr.Variable:
    """Return a covariate per subject, or per subject and exam, on the new axes."""
    source = {"subject": cells[0], "exam": cells[2]}
    target = {"subject": layout.cells[0], "exam": layout.cells[2]}
    sizes = {"subject": layout.shape[0], "exam": layout.shape[2]}
    variable = with_missing(array.variable, name=name)
    placed = blank(tuple(sizes[str(dim)] for dim in variable.dims), variable.dtype)
    placed[tuple(target[str(dim)] for dim in variable.dims)] = variable.values[
        tuple(source[str(dim)] for dim in variable.dims)
    ]
    return xr.Variable(variable.dims, placed, variable.attrs)


def _shared(a: dict[Any, Any], b: dict[Any, Any]) -> dict[Any, Any]:
    shared = {key: value for key, value in a.items() if key in b and b[key] == value}
    notes = {str(attrs["weights_note"]) for attrs in (a, b) if attrs.get("weights_note")}
    return (
        {"Conventions": CONVENTIONS} | shared | ({"weights_note": "; ".join(sorted(notes))} if notes else {})
    )
