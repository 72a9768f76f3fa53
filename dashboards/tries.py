"""How often a password may be tried: by name, by browser, and by everybody together."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

_SLOTS = 4096


@dataclass
class _Bucket:
    most: float
    every: float
    held: float
    since: float

    def wait(self, now: float) -> float:
        """Return the seconds until the next try; 0 if there is one."""
        self.held = min(self.most, self.held + (now - self.since) / self.every)
        self.since = now
        return 0.0 if self.held >= 1 else (1 - self.held) * self.every


@dataclass
class Tries:
    """Counts tries that failed: a few at once, then one every so often.

    A name that strangers try stays open to the browsers that its owner has logged in from before: those
    are counted apart.

    Parameters
    ----------
    each, every : int, float
        Tries at once for a name, and seconds until one more.
    all, all_every : int, float
        The same for all browsers that are not known.
    clock : callable
        Seconds that only grow.
    """

    each: int = 5
    every: float = 30.0
    all: int = 30
    all_every: float = 2.0
    clock: Callable[[], float] = time.monotonic
    _slots: dict[int, _Bucket] = field(default_factory=dict)
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    _lock: Lock = field(default_factory=Lock)

    def take(self, name: str, browser: str = "") -> float:
        """Take one try; return 0, or the seconds until there is one.

        Parameters
        ----------
        name : str
            Whose password is tried.
        browser : str
            Names a browser from which this person logged in before; empty for all others.
        """
        with self._lock:
            now, buckets = self.clock(), self._buckets(name, browser)
            wait = max(bucket.wait(now) for bucket in buckets)
            if not wait:
                for bucket in buckets:
                    bucket.held -= 1
            return wait

    def give_back(self, name: str, browser: str = "") -> None:
        """Give the try back: the password was right."""
        with self._lock:
            for bucket in self._buckets(name, browser):
                bucket.held = min(bucket.most, bucket.held + 1)

    def _buckets(self, name: str, browser: str) -> list[_Bucket]:
        own = self._bucket(self._slot(f"{name}\n{browser}"), self.each, self.every)
        return [own] if browser else [own, self._bucket(-1, self.all, self.all_every)]

    def _bucket(self, slot: int, most: float, every: float) -> _Bucket:
        if slot not in self._slots:
            self._slots[slot] = _Bucket(most, every, most, self.clock())
        return self._slots[slot]

    def _slot(self, key: str) -> int:
        # a bounded number of them, and nobody outside can tell which names share one
        mixed = hashlib.blake2b(key.encode("utf-8", "replace"), key=self._salt, digest_size=8).digest()
        return int.from_bytes(mixed) % _SLOTS
