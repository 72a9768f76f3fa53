"""Cards: what notebooks show of a study, a cube and an index is what these hold, and text stays text."""

from pathlib import Path

import numpy as np
import pytest

from bactools.card import card
from bactools.stats.cohort.exam_table import exam_table
from bactools.study import Study
from bactools.testing import simulate_cube, simulate_study


def test_text_stays_text() -> None:
    bad = "<script>alert(1)</script>"
    shown = card(bad, facts={bad: bad}, words=[bad], warnings=[bad], following={bad: bad})
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;alert(1)") == 7
    assert 'role="note"' in shown


def test_nothing_to_say_takes_no_room() -> None:
    assert card("a title").count("<div") == 2
    assert "<p" not in card("a title", words=["", ""], warnings=[""])


def test_a_cube_is_counted(tmp_path: Path) -> None:
    cube = simulate_cube(9, missing_views=0.1, seed=3)
    shown = cube.bac._repr_html_()
    exams = exam_table(cube)
    done = int((cube["status"] == 1).sum())
    for told in (
        f"<div>{cube.sizes['subject']}</div>",
        f"{len(exams.table)}, ",
        f"{done:,} measured, 0 failed",
    ):
        assert told in shown, told
    assert f"{int(exams.complete.sum())} exams have all of" in " ".join(shown.split())
    assert "tam_100" in shown
    assert "ckd" in shown
    assert "simulated numbers" in shown
    assert "not a medical device" in shown
    empty = cube.isel(subject=slice(0, 0)).bac._repr_html_()
    assert "<div>0</div>" in empty


def test_a_study_says_what_it_is_and_what_next(tmp_path: Path) -> None:
    study = simulate_study(tmp_path / "made", 5, excluded=2)
    shown = study._repr_html_()
    images = int(np.asarray(study.images["in_cube"]).sum())
    assert study.counts["done"] == images
    assert f"{images} done, 2 excluded, 0 failed" in shown
    assert f"5 with {images} images" in shown
    assert study.recipe.hash in shown
    assert "study.dashboard()" in shown
    assert str(tmp_path) not in shown


def test_every_next_step_of_a_study_can_be_taken(made_study: Study) -> None:
    for call in ("study.cube", "study.images", "study.sql", "study.dashboard"):
        assert call in made_study._repr_html_()
        assert hasattr(made_study, call.removeprefix("study."))


@pytest.mark.parametrize("method", ["agreement", "trajectories", "where", "table1"])
def test_every_next_step_of_a_cube_can_be_taken(method: str) -> None:
    bac = simulate_cube(3).bac
    assert f"cube.bac.{method}(" in bac._repr_html_()
    assert callable(getattr(bac, method))
    assert method in dir(bac)
