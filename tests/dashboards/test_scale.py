"""Many exams: choosing a cohort stays quick, and visitors share what they look at.

The million of exams is in ``benchmarks/dashboard.py``; here are 20,000, with room for a slow machine.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from bactools.explore import Cohort, Source
from bactools.testing import simulate_study
from dashboards.state import State

COHORTS = {
    "age": Cohort(ranges={"age": (60.0, 70.0)}),
    "vendor": Cohort(choices={"vendor": ("GE",)}),
    "dates": Cohort(dates=("2010-01-01", "2012-12-31")),
    "views": Cohort(views=("LCC",)),
    "exams": Cohort(at_least=4),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("many") / "study"
    made = Source(simulate_study(folder, 5_000, n_exam=4, missing_views=0.03, one_exam=0.1).folder)
    assert made.cube.sizes["subject"] == 5_000
    return made


@pytest.mark.parametrize("name", COHORTS)
def test_a_filter_is_quick(name: str, source: Source) -> None:
    state = State([source])
    state.cohort = COHORTS[name]
    started = time.perf_counter()
    found = state.cube("tam_100")
    assert time.perf_counter() - started < 0.25
    assert 0 < found.sizes["subject"] <= 5_000


def test_twenty_visitors_hold_one_copy(source: Source) -> None:
    states = [State([source]) for _ in range(20)]
    for state in states:
        state.cohort = Cohort(ranges={"age": (60.0, 70.0)})
    parts = [state.cube("tam_100")["tam_100"].values for state in states]
    assert all(np.shares_memory(parts[0], part) for part in parts)


def test_everyone_costs_nothing(source: Source) -> None:
    found = State([source]).cube("tam_100")
    assert np.shares_memory(found["tam_100"].values, source.cube["tam_100"].values)
