"""Results that visitors share: computed once for all who ask at the same time, held while there is room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import xarray as xr

_Found = TypeVar("_Found")
_LEAST = 1_000
"""What anything is taken to cost, in bytes."""


class Kept:
    """Results by key, the latest used last, up to so many bytes; the latest is always held.

    Unlike `bactools.explore.shelf.Shelf`, different keys are computed side by side.

    Parameters
    ----------
    most : float
        Bytes.
    """

    def __init__(self, most: float) -> None:
        self._most, self._lock = most, Lock()
        self._held: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._making: dict[Hashable, tuple[Lock, list[int]]] = {}

    def get(self, key: Hashable, make: Callable[[], _Found]) -> _Found:
        """Return what is held of a key, or make it; whoever asks meanwhile waits for the one maker.

        An error is the asker's alone: the next one tries again.
        """
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key][0]  # type: ignore[no-any-return]
            making, waiting = self._making.setdefault(key, (Lock(), [0]))
            waiting[0] += 1
        try:
            with making:
                with self._lock:
                    if key in self._held:
                        return self._held[key][0]  # type: ignore[no-any-return]
                found = make()
                self._keep(key, found)
                return found
        finally:
            with self._lock:
                waiting[0] -= 1
                if not waiting[0]:
                    self._making.pop(key, None)

    def _keep(self, key: Hashable, found: Any) -> None:
        size = _size(found, set())
        with self._lock:
            self._held[key] = (found, size)
            while len(self._held) > 1 and self.nbytes > self._most:
                self._held.popitem(last=False)

    @property
    def nbytes(self) -> int:
        """Memory that all take, about."""
        return sum(size for _, size in self._held.values())

    def __len__(self) -> int:
        return len(self._held)


def _size(found: Any, seen: set[int]) -> int:
    """Return about how many bytes something takes; arrays in it are counted once, texts by their number."""
    if id(found) in seen:
        return 0
    seen.add(id(found))
    if isinstance(found, np.ndarray):
        return _LEAST + found.nbytes
    if isinstance(found, pd.DataFrame | pd.Series):
        return _LEAST + int(np.sum(found.memory_usage(index=True)))
    if isinstance(found, xr.Dataset | xr.DataArray):
        arrays = found.variables.values() if isinstance(found, xr.Dataset) else [found.variable]
        return _LEAST + sum(array.nbytes for array in arrays if array._in_memory)
    if isinstance(found, Mapping):
        return _LEAST + sum(_size(each, seen) for each in found.values())
    if isinstance(found, list | tuple):
        return _LEAST + sum(_size(each, seen) for each in found)
    if is_dataclass(found):
        return _LEAST + sum(_size(getattr(found, each.name), seen) for each in fields(found))
    data = getattr(found, "data", None)
    if isinstance(data, tuple):  # a figure: its traces' arrays
        return _LEAST + sum(_size(value, seen) for trace in data for value in _held_by(trace))
    return _LEAST


def _held_by(trace: Any) -> list[Any]:
    return list(getattr(trace, "_props", {}).values())
