"""Examples: made once, opened later, and true to what they are made from."""

from pathlib import Path

import pandas as pd
import pytest

from bactools.examples import EXAMPLES, Cohort, ExampleError, Films, Numbers, open_example


def test_made_once_then_opened(tmp_path: Path) -> None:
    told: list[str] = []
    first = open_example("thresholds", folder=tmp_path, say=told.append)
    written = (first.study.folder / "study.json").stat().st_mtime_ns
    again = open_example("thresholds", folder=tmp_path, say=told.append)
    assert told == ["making the example thresholds once; later it is only opened"]
    assert (again.study.folder / "study.json").stat().st_mtime_ns == written
    assert "joint_histogram" in again.study.cube(axis="exam")


def test_one_that_was_not_finished_is_made_anew(tmp_path: Path) -> None:
    left = tmp_path / "screening" / "study"
    left.mkdir(parents=True)
    (left / "study.json").write_text("half")
    study = open_example("screening", folder=tmp_path, say=lambda _: None).study
    plan = EXAMPLES["screening"]
    assert isinstance(plan, Numbers)
    assert study.cube(axis="exam").sizes["subject"] == plan.women


def test_the_cohort_that_is_made_is_the_one_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXAMPLES, "cohort-b", Cohort("B", 2, 0.1))  # type: ignore[index]
    monkeypatch.setenv("BACTOOLS_EXAMPLES", str(tmp_path))
    made = open_example("cohort-b", say=lambda _: None)
    assert made.truth is not None
    assert made.study.counts["done"] == len(made.truth) == 8
    measured = set(made.study.images["subject"])
    assert set(made.breast_ct["subject"]) == set(made.women["subject"]) == measured
    assert not set(made.truth.images["patient_id"]) & measured
    # a breast's calcium in the CT is what the phantom put there, within its noise
    breasts = made.truth.table("breasts")
    pd.testing.assert_series_equal(breasts["ct_mass_mg"], made.breast_ct["ct_mass_mg"])


def test_what_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(ExampleError, match="no example 'cohort-z': choose cohort-a, cohort-b"):
        open_example("cohort-z", folder=tmp_path)
    with pytest.raises(ExampleError, match="only the examples cohort-a"):
        _ = open_example("thresholds", folder=tmp_path, say=lambda _: None).breast_ct
    assert isinstance(EXAMPLES["films"], Films)
