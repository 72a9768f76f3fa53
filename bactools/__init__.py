"""Breast arterial calcification on mammograms, from a DICOM archive to burden and progression.

For research only; not a medical device.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bactools.cluster import run
    from bactools.cube import open_cube, pair, to_table
    from bactools.dicom import index_folder
    from bactools.recipe import PRESETS, Recipe
    from bactools.study import open_study

_HOMES = {
    "PRESETS": "bactools.recipe",
    "Recipe": "bactools.recipe",
    "index_folder": "bactools.dicom",
    "open_cube": "bactools.cube",
    "open_study": "bactools.study",
    "pair": "bactools.cube",
    "run": "bactools.cluster",
    "to_table": "bactools.cube",
}

_WITH_CUBES = {"open_cube", "open_study", "pair", "run", "to_table"}
"""Names whose users will want ``cube.bac``: it is registered when one of them is loaded."""

__all__ = ["PRESETS", "Recipe", "index_folder", "open_cube", "open_study", "pair", "run", "to_table"]


def __getattr__(name: str) -> Any:
    """Load a public name from its home on first use, so that importing bactools stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'bactools' has no attribute {name!r}")
    if name in _WITH_CUBES:
        importlib.import_module("bactools.accessor")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
