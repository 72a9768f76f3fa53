"""Harrell's C, against looking at every pair."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest

from bactools.stats.association.discrimination import harrell_c

Columns = dict[str, Any]


def _every_pair(
    predictor: np.ndarray, stop: np.ndarray, event: np.ndarray, entry: np.ndarray, stratum: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return C, and how much each row pulls at it, as the definition says."""
    agree, usable = np.zeros(stop.size), np.zeros(stop.size)
    for i in np.flatnonzero(event):
        for j in range(stop.size):
            later = stop[j] > stop[i] or (stop[j] == stop[i] and not event[j])
            if not later or entry[j] >= stop[i] or stratum[i] != stratum[j]:
                continue
            won = 1.0 if predictor[i] > predictor[j] else 0.5 if predictor[i] == predictor[j] else 0.0
            for row in (i, j):
                agree[row] += won
                usable[row] += 1
    c = float(agree.sum() / usable.sum())
    return c, 2 * (agree - c * usable) / float(usable.sum())


def _some(seed: int, *, coarse: bool) -> Columns:
    """Return random follow-up; coarse times and predictors are tied a lot."""
    rng = np.random.default_rng(seed)
    n = 70
    stop, entry = rng.gamma(2.0, 2.0, n), rng.uniform(0, 3, n)
    predictor = rng.normal(size=n)
    if coarse:
        stop, entry, predictor = np.ceil(stop), np.floor(entry), np.round(predictor)
    return {
        "predictor": predictor, "stop": stop, "event": rng.random(n) < 0.4, "entry": entry,
        "stratum": rng.integers(0, 3, n),
    }  # fmt: skip


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("given", [(), ("entry",), ("stratum",), ("entry", "stratum")])
def test_c_and_its_error_are_those_of_every_pair(given: tuple[str, ...], coarse: bool) -> None:
    for seed in range(8):
        data = _some(seed, coarse=coarse)
        cluster = np.arange(data["stop"].size) // 2
        asked = {name: data[name] for name in given}
        found = harrell_c(data["predictor"], data["stop"], data["event"], **asked, cluster=cluster)
        ignored = {"entry": np.full(data["stop"].size, -1.0), "stratum": np.zeros(data["stop"].size)}
        c, pull = _every_pair(**{**data, **ignored, **asked})
        assert found.value == pytest.approx(c, abs=1e-12)
        assert found.se == pytest.approx(math.sqrt(np.sum(np.bincount(cluster, pull) ** 2)), abs=1e-12)


def test_without_a_usable_pair_it_is_not_estimable() -> None:
    nobody = harrell_c(np.array([1.0, 2.0]), np.array([1.0, 2.0]), np.array([False, False]))
    assert "no pair" in nobody.reason
    never_together = harrell_c(
        np.array([1.0, 2.0]), np.array([1.0, 3.0]), np.array([True, True]), entry=np.array([0.0, 1.0])
    )
    assert "no pair" in never_together.reason


def test_its_time_grows_about_as_fast_as_the_number_of_women() -> None:
    def took(n: int) -> float:
        rng = np.random.default_rng(n)
        columns = rng.normal(size=n), rng.random(n), rng.random(n) < 0.1
        begin = time.perf_counter()
        harrell_c(*columns)
        return time.perf_counter() - begin

    small, large = (min(took(n) for _ in range(3)) for n in (20_000, 160_000))
    # eightfold; looking at every pair would be sixty-fourfold
    assert large < 25 * small
