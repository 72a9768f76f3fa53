"""What a study folder refuses, what it holds, and the files beside it."""

from __future__ import annotations

import json
import stat

import pytest

from bactools.cluster import run
from bactools.networks.checkpoint import add
from bactools.study import StudyError, create_study, open_study

from .made import KEY, RECIPE, measure, write_image

WEIGHTS = {"name": "w", "sha256": "0" * 64, "output": "probability"}


@pytest.fixture
def small(tmp_path, toy_weights):
    """A study of one image, kept with probabilities."""
    write_image(tmp_path / "in" / "a.dcm")
    return measure(tmp_path / "in", tmp_path / "out", maps="probability")


def refused(tmp_path, **options) -> str:
    with pytest.raises(StudyError) as error:
        measure(tmp_path / "in", tmp_path / "out", **options)
    return str(error.value)


def test_another_recipe_is_refused_with_the_difference(tmp_path, small) -> None:
    text = refused(tmp_path, recipe=RECIPE.replace(cut=0.65, smoothing="none"))
    assert "cut: 0.5 there, 0.65 asked" in text
    assert "smoothing: median_square_5 there, none asked" in text
    assert "--out" in text
    assert measure(tmp_path / "in", tmp_path / "out", recipe=RECIPE.replace(name="other")).counts["done"] == 1


def test_other_weights_are_refused(tmp_path, small, silent_weights) -> None:
    assert "weights: toy there, silent asked" in refused(tmp_path, weights="silent")


def test_other_maps_are_refused_and_none_given_takes_those_there(tmp_path, small) -> None:
    assert "maps: probability there, mask asked" in refused(tmp_path, maps="mask")
    assert measure(tmp_path / "in", tmp_path / "out").maps == "probability"


def test_another_key_is_refused(tmp_path, small) -> None:
    assert "another key" in refused(tmp_path, key=KEY[::-1])


def test_another_date_shift_is_refused(tmp_path, small) -> None:
    assert "shifted by up to 0 days, 30 asked" in refused(tmp_path, shift_dates=30)


def test_refusals_leave_the_study_as_it_was(tmp_path, small, silent_weights) -> None:
    before = {path: path.read_bytes() for path in small.folder.rglob("*") if path.is_file()}
    for options in ({"weights": "silent"}, {"maps": "none"}, {"key": KEY[::-1]}, {"shift_dates": 9}):
        refused(tmp_path, **options)
    assert {path: path.read_bytes() for path in small.folder.rglob("*") if path.is_file()} == before


def test_a_folder_that_is_no_study_is_refused(tmp_path, toy_weights) -> None:
    write_image(tmp_path / "in" / "a.dcm")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    assert "new or empty folder" in refused(tmp_path)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]
    with pytest.raises(StudyError, match="not a study folder"):
        open_study(tmp_path / "in")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"recipe": {"name": "x", "cut": 7}}', "\0\xff"])
def test_a_damaged_study_json_is_refused(tmp_path, content: str) -> None:
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(StudyError, match="study.json cannot be read"):
        open_study(tmp_path)


def test_a_study_of_a_newer_version_is_refused(tmp_path) -> None:
    create_study(tmp_path / "out", RECIPE, WEIGHTS)
    about = json.loads((tmp_path / "out" / "study.json").read_text())
    (tmp_path / "out" / "study.json").write_text(json.dumps(about | {"conventions": "bactools-2"}))
    with pytest.raises(StudyError, match="'bactools-2'.*update"):
        open_study(tmp_path / "out")


def test_an_unknown_kind_of_map_is_refused(tmp_path) -> None:
    with pytest.raises(StudyError, match="choose one of probability, mask, none"):
        create_study(tmp_path / "out", RECIPE, WEIGHTS, maps="contour")  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_two_runs_do_not_write_one_study(tmp_path, small) -> None:
    with small.lock:
        assert "another run is writing" in refused(tmp_path)
    assert measure(tmp_path / "in", tmp_path / "out").counts["done"] == 1


def test_an_opened_study_is_the_one_that_was_written(small) -> None:
    again = open_study(small.folder)
    assert (again.recipe, again.weights, again.maps) == (small.recipe, small.weights, small.maps)
    assert again.counts == small.counts
    assert again.cube().am.identical(small.cube().am)


def test_study_json_tells_how_the_numbers_came_about_and_no_path(small, tmp_path, toy_weights) -> None:
    text = (small.folder / "study.json").read_text()
    about = json.loads(text)
    assert about["recipe"] == small.recipe.to_dict()
    assert about["recipe_hash"] == small.recipe.hash
    assert about["weights"]["sha256"] == toy_weights.spec.sha256
    assert about["counts"] == {"seen": 1, "done": 1, "excluded": 0, "failed": 0, "to_do": 0}
    assert about["versions"]["torch"]
    assert "/" not in text
    assert str(tmp_path) not in text


def test_the_cube_says_by_what_it_was_made(small, toy_weights) -> None:
    attrs = small.cube(axis="exam").attrs
    assert attrs["Conventions"] == "bactools-1"
    assert json.loads(attrs["recipe"]) == small.recipe.to_dict()
    assert attrs["weights_sha256"] == toy_weights.spec.sha256


def test_summary_and_html_show_failures_in_our_own_words(made_study) -> None:
    text = made_study.summary()
    assert text.startswith("18 files seen: 16 done, 1 excluded, 1 failed")
    assert "failed: truncated: " in text
    assert text.splitlines()[0] in made_study._repr_html_()


def test_images_before_any_run_says_what_to_do(tmp_path) -> None:
    study = create_study(tmp_path / "out", RECIPE, WEIGHTS)
    with pytest.raises(StudyError, match="bactools run FOLDER --out STUDY"):
        _ = study.images


def test_the_linkage_lies_beside_the_study_for_its_owner_alone(small) -> None:
    linkage = small.folder.with_name("out.linkage.csv")
    assert stat.S_IMODE(linkage.stat().st_mode) == 0o600
    assert "P1" in linkage.read_text()
    assert not list(small.folder.rglob("*linkage*"))


@pytest.mark.parametrize("place", ["out/linkage.csv", "out/deep/er.csv", "in/../out/linkage.csv"])
def test_a_linkage_inside_the_study_is_refused(tmp_path, toy_weights, place: str) -> None:
    write_image(tmp_path / "in" / "a.dcm")
    assert "outside the study" in refused(tmp_path, linkage=tmp_path / place)
    assert not (tmp_path / "out").exists()


def test_bad_weights_stop_a_run_before_anything_is_written(tmp_path, toy_weights) -> None:
    write_image(tmp_path / "in" / "a.dcm")
    content = toy_weights.path.read_bytes()
    toy_weights.path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    for weights in ("toy", "nosuch", toy_weights.path):
        with pytest.raises(ValueError, match="weights"):
            measure(tmp_path / "in", tmp_path / "out", weights=weights)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "in"]


def test_weights_may_be_given_as_a_file(tmp_path, small, toy_checkpoint) -> None:
    add(toy_checkpoint, name="toy", output="probability")
    study = run(
        tmp_path / "in",
        tmp_path / "out",
        recipe=RECIPE,
        weights=toy_checkpoint,
        key=KEY,
        workers=0,
        progress=False,
    )
    assert study.counts["done"] == 1
    assert study.weights["name"] == "toy"
