"""Cohorts: their size, their seed, going on, and what is known of the women."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bactools.phantom import cohorts, subjects
from bactools.phantom.breast_ct import CT_DENSITY, READER_CV, VOXEL_MM3, read_ct
from bactools.phantom.cohorts import make_cohort
from bactools.phantom.noise import stream
from bactools.phantom.plan import DESIGNS, CohortError, plan
from bactools.phantom.subjects import Subject, draw_subject
from bactools.truth import Truth

from .conftest import SCALE, SEED, files_of


@pytest.mark.parametrize(("name", "women", "images"), [("A", 216, 661), ("B", 10, 40), ("C", 26, 961)])
@pytest.mark.parametrize("seed", [1, 2, 77])
def test_cohorts_are_as_large_as_the_papers(name: str, women: int, images: int, seed: int) -> None:
    exams = plan(name, seed=seed)
    assert len(exams) == women
    assert sum(len(views) for woman in exams for views in woman) == images
    counts = {len(woman) for woman in exams}
    assert counts == {1} if name != "C" else min(counts) >= 5 and max(counts) <= 12
    assert all(len(set(views)) == len(views) >= 2 for woman in exams for views in woman)


def test_the_first_women_are_those_of_the_whole_cohort() -> None:
    assert plan("C", seed=4, women=5) == plan("C", seed=4)[:5]
    assert plan("C", seed=4) != plan("C", seed=5)


def test_three_women_in_four_of_cohort_a_are_to_have_calcium() -> None:
    design = DESIGNS["A"]
    assert 0.65 * design.calcified + 0.35 * design.calcified_ckd == pytest.approx(0.75, abs=0.01)
    assert design.calcified_ckd > design.calcified


def test_tables_say_who_and_what(cohort: Truth, first: Subject) -> None:
    subjects, breasts = cohort.table("subjects"), cohort.table("breasts")
    assert list(subjects["patient_id"]) == ["PHANTOM-B-0001", "PHANTOM-B-0002"]
    assert (subjects["calcium_mg"] > 0).all()
    assert {"race", "ckd", "diabetes", "event_time_years", "event", "onset_age", "rate"} <= set(subjects)
    assert len(breasts) == 4
    both = breasts.groupby("patient_id")["calcium_mg"].sum().to_numpy()
    np.testing.assert_allclose(both, subjects["calcium_mg"], atol=1e-3)
    true = first.woman.calcium_mg("L", first.exams[0].age)
    assert breasts["calcium_mg"].iloc[0] == pytest.approx(true, abs=1e-3)
    about = json.loads((cohort.folder / "cohort.json").read_text())
    assert (about["women"], about["images"], about["scale"]) == (2, 8, SCALE)


def test_women_of_cohort_c_are_followed_for_years() -> None:
    views = plan("C", seed=SEED)[0]
    subject = draw_subject("C", 1, seed=SEED, scale=SCALE, views=views)
    gaps = np.diff([exam.date.toordinal() for exam in subject.exams])
    assert len(gaps) == len(views) - 1
    assert (gaps > 300).all()
    assert (gaps < 480).all()
    assert subject.calcium_mg > 0
    woman = subject.woman
    masses = [woman.calcium_mg("L", exam.age) + woman.calcium_mg("R", exam.age) for exam in subject.exams]
    assert (np.diff(masses) > 0).all()


def test_kidney_disease_calcifies_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = subjects.draw_covariates
    rates = {}
    for ckd in ("none", "ESRD"):
        monkeypatch.setattr(
            subjects, "draw_covariates", lambda *a, ckd=ckd, **k: replace(drawn(*a, **k), ckd=ckd)
        )
        rates[ckd] = draw_subject("C", 1, seed=1, scale=SCALE, views=(("LCC",),)).woman.course.rate
    assert rates["ESRD"] == pytest.approx(rates["none"] * subjects.CKD_RATE)


def test_processes_make_the_same_files(cohort: Truth, tmp_path: Path) -> None:
    """And so does making them again: byte for byte."""
    again = make_cohort("B", tmp_path / "B", seed=SEED, scale=SCALE, women=2, processes=2)
    assert files_of(again.folder) == files_of(cohort.folder)


def test_another_seed_makes_other_images(cohort: Truth, tmp_path: Path) -> None:
    other = make_cohort("B", tmp_path / "B", seed=SEED + 1, scale=SCALE, women=1, processes=1)
    assert not set(other.images["sop_instance_uid"]) & set(cohort.images["sop_instance_uid"])
    assert other.path(0).read_bytes() != cohort.path(0).read_bytes()


def test_going_on_makes_only_what_is_missing(
    cohort: Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "B"
    shutil.copytree(cohort.folder, folder)
    made = []
    make = cohorts._make_woman
    monkeypatch.setattr(cohorts, "_make_woman", lambda job: (made.append(job.number), make(job)))
    options = {"seed": SEED, "scale": SCALE, "processes": 1}
    make_cohort("B", folder, women=2, **options)
    assert made == []
    (folder / "truth" / "women" / "0002.json").unlink()
    (folder / "truth" / "images.csv").unlink()
    next((folder / "images" / "PHANTOM-B-0002").rglob("*.dcm")).write_bytes(b"half a fi")
    make_cohort("B", folder, women=2, **options)
    assert made == [2]
    assert files_of(folder) == files_of(cohort.folder)


def test_more_women_may_be_asked_for_later(cohort: Truth, tmp_path: Path) -> None:
    options = {"seed": SEED, "scale": SCALE, "processes": 1}
    make_cohort("B", tmp_path / "B", women=1, **options)
    assert len(make_cohort("B", tmp_path / "B", women=2, **options)) == 8
    assert files_of(tmp_path / "B") == files_of(cohort.folder)


def test_a_folder_holds_one_cohort(cohort: Truth, tmp_path: Path) -> None:
    options = {"seed": SEED, "scale": SCALE, "women": 2}
    before = files_of(cohort.folder)
    for change in ({"seed": SEED + 1}, {"scale": 0.2}, {"syntax": "rle"}):
        key = next(iter(change))
        with pytest.raises(CohortError, match=f"{key} .* not .*choose another folder, or the same options"):
            make_cohort("B", cohort.folder, **(options | change))
    with pytest.raises(CohortError, match="cohort 'B', not 'A'"):
        make_cohort("A", cohort.folder, **options)
    with pytest.raises(CohortError, match="holds 2 women"):
        make_cohort("B", cohort.folder, **(options | {"women": 1}))
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(CohortError, match="not empty"):
        make_cohort("B", tmp_path, **options)
    assert files_of(cohort.folder) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "D"}, "'D': choose one of A, B, C"),
        ({"women": 11}, "11 women: cohort B has 10"),
        ({"women": 0}, "choose 1 to 10"),
        ({"scale": 1.5}, "scale 1.5: choose 0.1 to 1"),
        ({"syntax": "gif"}, "'gif': choose one of"),
        ({"processes": 0}, "0 processes: choose 1 or more"),
    ],
)
def test_what_cannot_be_made_is_refused(change: dict[str, object], words: str, tmp_path: Path) -> None:
    options = {"name": "B"} | change
    with pytest.raises(CohortError, match=words):
        make_cohort(options.pop("name"), tmp_path / "new", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_a_breast_ct_reads_nothing_where_nothing_is() -> None:
    assert read_ct(stream(1), 0.0) == (0.0, 0)


def test_a_breast_ct_errs_as_stated() -> None:
    random = stream(1, "readings")
    mass, voxels = np.array([read_ct(random, 80.0) for _ in range(6000)]).T
    volume = 80 / CT_DENSITY / VOXEL_MM3
    for reading, true in ((mass, 80.0), (voxels, volume)):
        assert reading.mean() == pytest.approx(true, rel=4 * READER_CV / np.sqrt(6000))
        assert reading.std() / reading.mean() == pytest.approx(READER_CV, rel=0.05)
    assert abs(np.corrcoef(mass, voxels)[0, 1]) < 0.05
