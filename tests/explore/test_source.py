"""A study for reading: each version is read once, parts are shared, memory has a limit."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.cube import write_cube
from bactools.explore import Cohort, Source
from bactools.explore import reading as module
from bactools.stats.cohort.flow import flow
from bactools.study import StudyError
from bactools.testing import simulate_cube, simulate_study

OLD = Cohort(ranges={"age": (65.0, None)})


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return simulate_study(tmp_path / "my study <b>", 12, n_exam=3, missing_views=0.1).folder


def test_the_name_is_plain(study: Path) -> None:
    assert Source(study).name == "my-study-b"


def test_a_version_is_read_once(study: Path) -> None:
    source = Source(study)
    assert source.cube is source.cube
    assert source.images is source.images
    assert source.about["counts"]["done"] == len(source.images)


def test_a_new_version_is_seen_without_a_restart(study: Path) -> None:
    source = Source(study)
    before, version = source.part(Cohort(), "am"), source.version
    write_cube(simulate_cube(20, n_exam=2, seed=5), study / "cube.zarr")
    assert source.version != version
    assert source.part(Cohort(), "am").sizes["subject"] == 20
    assert before.sizes["subject"] == 12


def test_nothing_is_written(study: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*")}
    source = Source(study)
    assert source.part(OLD).sizes["subject"]
    assert len(source.index)
    assert not source.evaluations.networks
    assert {path: path.stat().st_mtime_ns for path in study.rglob("*")} == before


def test_a_part_is_what_the_cohort_says(study: Path) -> None:
    source = Source(study)
    xr.testing.assert_identical(source.part(OLD, "am"), OLD.apply(source.cube, metrics=["am"]))


def test_visitors_share_a_part(study: Path) -> None:
    source = Source(study)
    same = Cohort(ranges={"age": (65.0, None)})
    assert np.shares_memory(source.part(OLD, "am")["am"].values, source.part(same, "am", "sim")["am"].values)


def test_memory_has_a_limit(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(study)
    monkeypatch.setattr(module, "_MOST_BYTES", 40_000)
    for low in range(40, 70):
        source.part(Cohort(ranges={"age": (float(low), 69.5)}))
        held = source._reading._chosen
        assert len(held) == 1 or source._reading.nbytes <= 40_000
    assert len(held) < 30


def test_many_at_once_get_the_same(study: Path) -> None:
    source = Source(study)
    found: list[int] = []
    threads = [Thread(target=lambda: found.append(source.part(OLD, "am").sizes["subject"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [OLD.apply(Source(study).cube).sizes["subject"]] * 8


def test_no_study_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(StudyError):
        Source(tmp_path)


def test_whoever_follows_is_never_kept_waiting(study: Path) -> None:
    source = Source(study)
    source.warm()
    source.follow(every=0.05)
    try:
        before, version = source.cube, source.version
        write_cube(simulate_cube(20, n_exam=2, seed=5), study / "cube.zarr")
        assert source.cube is before or source.version != version
        until = time.monotonic() + 20
        while source.version == version and time.monotonic() < until:
            time.sleep(0.02)
        assert source.cube.sizes["subject"] == 20
    finally:
        source.close()


def test_a_version_that_cannot_be_read_does_not_replace_the_old_one(study: Path) -> None:
    source = Source(study)
    source.warm()
    source.follow(every=0.02)
    try:
        (study / "cube.zarr" / "zarr.json").write_text("{")
        time.sleep(0.5)
        assert source.cube.sizes["subject"] == 12
        assert source.part(OLD, "am").sizes["subject"]
    finally:
        source.close()


def test_the_flow_of_a_cohort_is_that_of_its_part(study: Path) -> None:
    source = Source(study)
    part = source.part(OLD)
    expected = flow(source.index, source.images, part)
    pd.testing.assert_frame_equal(source.flow.of_part(part).to_frame(), expected.to_frame())


def test_results_are_kept_until_there_is_a_new_version(study: Path) -> None:
    source, made = Source(study), []
    for _ in range(3):
        assert source.kept("sum", lambda: made.append(1) or len(made)) == 1
    write_cube(simulate_cube(20, n_exam=2, seed=5), study / "cube.zarr")
    assert source.kept("sum", lambda: made.append(1) or len(made)) == 2
