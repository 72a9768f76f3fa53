"""What was made at some cost, held while there is room."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import RLock
from typing import Generic, Protocol, TypeVar

_SOON = 30.0


class _Sized(Protocol):
    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        ...

    @property
    def note(self) -> str:
        """What is missing of it, in words; such a thing is made anew before long."""
        ...


_Held = TypeVar("_Held", bound=_Sized)


class Shelf(Generic[_Held]):
    """What was made, the latest used last, up to so many bytes."""

    def __init__(self, most: int) -> None:
        self._most, self._lock, self._making = most, RLock(), RLock()
        self._held: OrderedDict[Hashable, tuple[_Held, float]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], _Held]) -> _Held:
        """Return what is held at once, or make it: one at a time, so that memory is bounded."""
        held = self._find(key)
        if held is not None:
            return held
        with self._making:
            held = self._find(key)
            if held is None:
                held = make()
                self._keep(key, held)
            return held

    def _find(self, key: Hashable) -> _Held | None:
        with self._lock:
            found = self._held.get(key)
            if found is None or found[1] < time.monotonic():
                return None
            self._held.move_to_end(key)
            return found[0]

    def _keep(self, key: Hashable, made: _Held) -> None:
        with self._lock:
            # what was not reachable may be soon
            self._held[key] = (made, time.monotonic() + _SOON if made.note else float("inf"))
            self._held.move_to_end(key)
            while len(self._held) > 1 and self.nbytes > self._most:
                self._held.popitem(last=False)

    @property
    def nbytes(self) -> int:
        """Memory that all take."""
        return sum(held.nbytes for held, _ in self._held.values())

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()
