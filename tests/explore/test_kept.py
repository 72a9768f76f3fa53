"""What is computed for one visitor serves all: once, side by side, and within a limit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Barrier, Thread

import numpy as np
import pandas as pd
import pytest

from bactools.explore.kept import Kept


def at_once(n: int, run: object) -> None:
    threads = [Thread(target=run, args=(number,)) for number in range(n)]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_who_asks_at_the_same_time_waits_for_the_one_maker() -> None:
    kept, made, found = Kept(1e9), [], []

    def make() -> list[int]:
        made.append(1)
        time.sleep(0.05)
        return [7]

    at_once(8, lambda _: found.append(kept.get("key", make)))
    assert len(made) == 1
    assert all(each is found[0] for each in found)


def test_different_things_are_made_side_by_side() -> None:
    kept, both = Kept(1e9), Barrier(2, timeout=10)
    # each maker waits for the other: one after another they would never meet
    at_once(2, lambda number: kept.get(number, both.wait))
    assert len(kept) == 2


def test_an_error_is_not_kept() -> None:
    kept = Kept(1e9)
    with pytest.raises(ZeroDivisionError):
        kept.get("key", lambda: 1 // 0)
    assert kept.get("key", lambda: 3) == 3


def test_the_latest_used_stay_within_the_limit() -> None:
    kept = Kept(3_500_000)
    for number in range(5):
        kept.get(number, lambda: np.zeros(1_000_000, dtype=np.uint8))
        kept.get(0, lambda: pytest.fail("it was used a moment ago"))
    assert kept.nbytes <= 3_500_000
    assert len(kept) == 3
    made: list[int] = []
    kept.get(1, lambda: made.append(1))
    assert made == [1]


def test_one_that_is_larger_than_the_limit_is_held_alone() -> None:
    kept = Kept(1_000)
    kept.get("small", lambda: 1)
    kept.get("large", lambda: np.zeros(10_000))
    assert len(kept) == 1
    assert kept.get("large", lambda: pytest.fail("it is held")).size == 10_000


def test_arrays_inside_results_are_counted_once() -> None:
    @dataclass
    class Found:
        table: pd.DataFrame
        again: pd.DataFrame
        inner: dict[str, np.ndarray]

    table = pd.DataFrame({"a": np.zeros(100_000)})
    kept = Kept(1e9)
    kept.get("one", lambda: Found(table, table, {"b": np.zeros(50_000)}))
    assert 1_200_000 <= kept.nbytes <= 1_220_000
