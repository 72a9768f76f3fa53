"""A study against masks whose agreement with it is known."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydicom import dcmread

from bactools.evaluation import Evaluation, EvaluationError, evaluate
from bactools.evaluation.score import COUNTS, SCORES
from bactools.metrics import METRICS
from bactools.recipe import named
from bactools.study import Study, StudyError
from bactools.testing import breast_pixels
from bactools.truth import TruthError, open_truth

from ..study.made import KEY, SHAPE, measure, write_image
from .made import image_id_of, own_mask, write_truth


@pytest.fixture(scope="module")
def good(made_folder: Path) -> list[Path]:
    """The files of the 16 images that `made_study` measured."""
    return sorted(made_folder.glob("P*.dcm"))


@pytest.fixture(scope="module")
def mixed(made_study: Study, good: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half the images with the study's own masks moved and thinned out, half with none."""

    def drawing(image_id: str) -> np.ndarray:
        own = own_mask(made_study, image_id)
        empty = int(image_id, 16) % 2
        moved = np.roll(own, 3, axis=1)
        moved[::4] = False  # recall is then not precision
        return moved & (not empty)

    mass = np.linspace(0.5, 3.0, len(good)) ** 2
    folder = tmp_path_factory.mktemp("mixed") / "cohort"
    return write_truth(folder, good, drawing, calcium_mass_mg=mass, accession_number=range(900100, 900116))


@pytest.fixture(scope="module")
def found(made_study: Study, mixed: Path) -> Evaluation:
    return evaluate(made_study, mixed, key=KEY, min_area_mm2=1.0, processes=1)


def test_a_study_agrees_with_its_own_masks(made_study, good, tmp_path) -> None:
    truth = write_truth(tmp_path / "t", good, lambda image: own_mask(made_study, image))
    result = evaluate(made_study, truth, key=KEY, processes=1)
    assert (result.images["status"] == "done").all()
    assert result.summary["images"]["with_calcium"] == 16
    for name in SCORES:
        assert result.summary["per_image"][name] == {"n": 16, "mean": 1.0, "sd": 0.0}
        assert result.summary["pooled"][name] == 1.0
    assert (result.images[["fp", "fn", "drawn_outside"]] == 0).all(axis=None)
    for name in ("am", "sim", "tam_100", "tsim_100"):
        line = result.summary["against_drawn"][name]
        assert line["r2"] == pytest.approx(1)
        assert line["slope"] == pytest.approx(1)
        assert line["intercept"] == pytest.approx(0, abs=1e-6 * result.images[name].max())
    # PM sums probabilities; everything else of a mask of ones is what the study measured.
    for name in set(METRICS) - {"pm"}:
        pd.testing.assert_series_equal(
            result.images[name], result.images[f"{name}_truth"], check_names=False, rtol=1e-12
        )
    assert (result.images["pm_truth"] == result.images["am"]).all()


def test_hand_counted_pixels(tmp_path, toy_weights) -> None:
    path = write_image(tmp_path / "in" / "a.dcm")
    study = measure(tmp_path / "in", tmp_path / "out")
    own = own_mask(study, image_id_of(path))
    rows, columns = np.nonzero(own)
    # 5 of the found pixels are drawn, and 7 others: three rows down the chest wall inside the breast.
    drawn = np.zeros_like(own)
    drawn[rows[:5], columns[:5]] = True
    free = np.argwhere(~own[120:136, 20:40])[:7] + np.array([120, 20])
    drawn[free[:, 0], free[:, 1]] = True
    drawn[0, -3:] = True  # in the air: outside of what is counted
    result = evaluate(study, write_truth(tmp_path / "t", [path], lambda _: drawn), key=KEY)
    (row,) = result.images.to_dict("records")
    assert (row["tp"], row["fn"], row["drawn_outside"]) == (5, 7, 3)
    assert row["fp"] == own.sum() - 5
    assert row["tp"] + row["fp"] + row["tn"] + row["fn"] == row["breast_area"]
    assert row["recall"] == pytest.approx(5 / 12)
    assert row["precision"] == pytest.approx(5 / own.sum())
    assert row["dice"] == pytest.approx(10 / (own.sum() + 12))
    assert row["jaccard"] == pytest.approx(5 / (own.sum() + 7))
    assert row["am_truth"] == 12
    assert row["false_area_mm2"] == pytest.approx((own.sum() - 5) * 0.07**2)


def test_an_empty_mask_makes_everything_found_false(made_study, good, tmp_path) -> None:
    truth = write_truth(tmp_path / "t", good[:5], lambda _: np.zeros(SHAPE, dtype=bool))
    result = evaluate(made_study, truth, key=KEY, processes=1)
    images, false = result.images, result.summary["false_area"]
    assert images["am"].sum() > 0
    assert (images["fp"] == images["am"]).all()
    np.testing.assert_allclose(images["false_area_mm2"], images["am_mm2"])
    assert (false["n_pixels"], false["sum_pixels"]) == (5, images["am"].sum())
    assert false["mean_pixels"] == pytest.approx(images["am"].mean())
    assert false["median_pixels"] == images["am"].median()
    assert false["mean_mm2"] == pytest.approx(images["am_mm2"].mean())
    assert result.summary["per_image"]["dice"]["n"] == 0
    assert np.isnan(result.summary["against_drawn"]["am"]["r2"])  # nothing drawn: no variance
    assert json.loads(result.to_json())["per_image"]["dice"] == {"n": 0, "mean": None, "sd": None}


def test_a_recipe_without_a_breast_mask_counts_the_whole_image(tmp_path, toy_weights) -> None:
    path = write_image(tmp_path / "in" / "a.dcm")
    recipe = named("published", patch=128, stride=96)
    study = measure(tmp_path / "in", tmp_path / "out", recipe=recipe)
    drawn = own_mask(study, image_id_of(path))
    drawn[0, -3:] = True  # in the air, which counts here
    result = evaluate(study, write_truth(tmp_path / "t", [path], lambda _: drawn), key=KEY)
    (row,) = result.images.to_dict("records")
    assert row["am"] > 0
    assert (row["tp"], row["fp"], row["fn"], row["drawn_outside"]) == (row["am"], 0, 3, 0)
    assert row["tp"] + row["tn"] + 3 == SHAPE[0] * SHAPE[1]
    assert row["am_truth"] == row["am"] + 3


def test_masks_follow_the_image_onto_the_analysis_grid(tmp_path, toy_weights) -> None:
    """0.1 mm pixels measured at 0.07 mm: the mask is drawn on the file's grid."""
    path = write_image(tmp_path / "in" / "a.dcm", spacing=0.1, EstimatedRadiographicMagnificationFactor=1.25)
    study = measure(tmp_path / "in", tmp_path / "out")
    own = own_mask(study, image_id_of(path))
    fine = (round(SHAPE[0] / 0.7), round(SHAPE[1] / 0.7))
    assert own.shape == fine
    drawn = np.zeros(SHAPE, dtype=bool)
    drawn[100:140, 20:60] = True
    result = evaluate(study, write_truth(tmp_path / "t", [path], lambda _: drawn), key=KEY)
    (row,) = result.images.to_dict("records")
    expected = np.zeros(fine, dtype=bool)  # the stored pixel that each fine pixel's corner lies in
    down, across = (np.arange(size) * stored // size for size, stored in zip(fine, SHAPE, strict=True))
    expected[:] = drawn[np.ix_(down, across)]
    assert row["drawn_outside"] == 0
    assert row["am_truth"] == expected.sum()
    assert row["tp"] == (expected & own).sum()
    assert row["am_mm2_truth"] == pytest.approx(drawn.sum() * 0.1**2, rel=0.03)
    assert row["am_mm2_corrected_truth"] == pytest.approx(row["am_mm2_truth"] / 1.25**2)
    assert row["breast_area_mm2_corrected_truth"] == row["breast_area_mm2_corrected"]


def test_the_summary_is_that_of_the_images(found) -> None:
    images = found.images
    drawn = images[images["calcium"]]
    assert 3 <= len(drawn) <= 13
    for name in SCORES:
        row = found.summary["per_image"][name]
        assert row["mean"] == pytest.approx(np.mean(drawn[name]))
        assert row["sd"] == pytest.approx(np.std(drawn[name], ddof=1))
    assert 0 < found.summary["per_image"]["dice"]["mean"] < 1
    assert found.summary["per_image"]["recall"]["mean"] > found.summary["per_image"]["precision"]["mean"]
    large = drawn[drawn["am_mm2_truth"] >= 1.0]
    assert 0 < len(large) == found.summary["per_image_large"]["dice"]["n"]
    pooled = found.summary["pooled"]
    assert [pooled[name] for name in COUNTS] == [images[name].sum() for name in COUNTS]
    assert pooled["recall"] == pytest.approx(drawn["tp"].sum() / (drawn["tp"] + drawn["fn"]).sum())
    for name in ("pm", "am", "sim", "tam_100", "tsim_100"):
        for part, truth in (
            ("against_drawn", f"{name}_truth"),
            ("against_calcium_mass", "truth_calcium_mass_mg"),
        ):
            line = found.summary[part][name]
            assert line["n"] == 16
            assert line["r2"] == pytest.approx(np.corrcoef(images[truth], images[name])[0, 1] ** 2)
            slope, intercept = np.polyfit(images[truth], images[name], 1)
            assert (line["slope"], line["intercept"]) == pytest.approx((slope, intercept))


def test_processes_change_nothing(made_study, mixed, found, monkeypatch) -> None:
    here: list[object] = []
    monkeypatch.setattr("bactools.evaluation.compare.score_image", lambda *_, **__: here.append(1))
    other = evaluate(made_study, mixed, key=KEY, min_area_mm2=1.0, processes=2)
    pd.testing.assert_frame_equal(other.images, found.images)
    assert other.to_json() == found.to_json()
    assert not here  # they did it


def test_what_was_not_compared_is_counted(made_study, made_folder, good, tmp_path) -> None:
    stranger = write_image(tmp_path / "stranger.dcm", seed=500, patient_id="P9")
    files = [*good[:3], stranger, made_folder / "magnified.dcm", made_folder / "torn.dcm"]
    truth = write_truth(tmp_path / "t", files, lambda _: np.zeros(SHAPE, dtype=bool))
    result = evaluate(made_study, truth, key=KEY)
    counts = result.summary["images"]
    assert {name: counts[name] for name in ("truth", "evaluated", "failed", "without_truth")} == {
        "truth": 6,
        "evaluated": 3,
        "failed": 0,
        "without_truth": 13,
    }
    states = result.images.set_index("truth_row")["status"]
    assert states[[4, 5, 6]].tolist() == ["not_in_study", "excluded", "not_done"]
    assert (counts["not_in_study"], counts["excluded"], counts["not_done"]) == (1, 1, 1)
    assert "1 are not in the study" in result.interpret()


def test_nothing_in_common_is_an_error(made_study, tmp_path) -> None:
    stranger = write_image(tmp_path / "stranger.dcm", seed=500, patient_id="P9")
    truth = write_truth(tmp_path / "t", [stranger], lambda _: np.zeros(SHAPE, dtype=bool))
    with pytest.raises(EvaluationError, match="none of the truth folder's 1 images is in this study"):
        evaluate(made_study, truth, key=KEY)


def test_only_failed_images_in_common_is_an_error(made_study, made_folder, tmp_path) -> None:
    truth = write_truth(tmp_path / "t", [made_folder / "torn.dcm"], lambda _: np.zeros(SHAPE, dtype=bool))
    with pytest.raises(EvaluationError, match="was measured in this study.*retry-failed"):
        evaluate(made_study, truth, key=KEY)


def test_another_key_and_no_key_are_refused(made_study, mixed, tmp_path) -> None:
    with pytest.raises(EvaluationError, match="another key: give it with --key"):
        evaluate(made_study, mixed, key=bytes(32))
    with pytest.raises(EvaluationError, match="no pseudonym key"):
        evaluate(made_study, mixed)  # the user's own does not exist, and is not made
    assert not (tmp_path / "config").exists()


def test_a_study_without_maps_is_refused(tmp_path, toy_weights) -> None:
    path = write_image(tmp_path / "in" / "a.dcm")
    truth = write_truth(tmp_path / "t", [path], lambda _: np.zeros(SHAPE, dtype=bool))
    study = measure(tmp_path / "in", tmp_path / "out", maps="none")
    with pytest.raises(EvaluationError, match="keeps no maps.*--maps mask"):
        evaluate(study, truth, key=KEY)
    study = measure(tmp_path / "in", tmp_path / "masks", maps="mask")
    with pytest.raises(EvaluationError, match="need probability maps"):
        evaluate(study, truth, key=KEY, cuts=[0.3])


def test_bad_options_and_folders_are_refused(made_study, mixed, tmp_path) -> None:
    with pytest.raises(ValueError, match="not on the histogram's grid"):
        evaluate(made_study, mixed, key=KEY, cuts=[0.333])
    with pytest.raises(EvaluationError, match="min_area_mm2=-1"):
        evaluate(made_study, mixed, key=KEY, min_area_mm2=-1)
    with pytest.raises(StudyError, match="not a study folder"):
        evaluate(tmp_path, mixed, key=KEY)
    with pytest.raises(TruthError, match=r"no truth/images\.csv"):
        evaluate(made_study, tmp_path, key=KEY)


def test_what_is_wrong_with_one_image_stays_with_it(made_study, good, tmp_path) -> None:
    """A torn mask, a mask of another size, another image under the UID, an image that is gone."""
    truth = write_truth(tmp_path / "Erika", good[:5], lambda image: own_mask(made_study, image))
    masks, images = truth / "truth" / "masks", truth / "images"
    torn = masks / f"{good[0].stem}.png"
    torn.write_bytes(torn.read_bytes()[:90])
    Image.new("L", (20, 30)).save(masks / f"{good[1].stem}.png")
    other = dcmread(images / good[2].name)
    other.PixelData = breast_pixels(SHAPE, seed=77).tobytes()
    other.save_as(images / good[2].name)
    (images / good[3].name).unlink()
    result = evaluate(made_study, truth, key=KEY)
    told = result.images.set_index("truth_row").loc[[1, 2, 3, 4, 5]]
    assert told["status"].tolist() == ["failed"] * 4 + ["done"]
    for message, part in zip(
        told["failure"],
        (
            "row 1, column mask: the mask cannot be read",
            "30 x 20 pixels",
            "other pixels",
            "cannot be read",
            "",
        ),
        strict=True,
    ):
        assert part in message
        assert "Erika" not in message
        assert "report it" not in message
    assert told.loc[5, "dice"] == 1
    assert result.summary["images"]["failed"] == 4
    failures = json.loads(result.to_json())["failures"]
    assert {row["image_id"] for row in failures} == {image_id_of(path) for path in good[:4]}


def test_a_damaged_or_lost_map_is_one_failed_image(made_study, good, tmp_path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made_study.folder, folder)
    lost, torn = (folder / "maps.zarr" / image_id_of(path) for path in good[:2])
    shutil.rmtree(lost)
    shutil.rmtree(torn / "c")
    truth = write_truth(tmp_path / "t", good[:3], lambda image: own_mask(made_study, image))
    told = evaluate(folder, truth, key=KEY).images.set_index("truth_row").loc[[1, 2, 3]]
    assert told["failure"].tolist() == [
        "the study has no map of this image: measure it again",
        "the study's map of this image is damaged: measure it again",
        "",
    ]


def test_one_image_named_twice_is_refused(made_study, good, tmp_path) -> None:
    folder = write_truth(tmp_path / "t", good[:2], lambda image: own_mask(made_study, image))
    truth = open_truth(folder)
    truth.images.loc[1, "sop_instance_uid"] = " " + truth.images.loc[0, "sop_instance_uid"]
    with pytest.raises(EvaluationError, match="row 1: another row names the same image"):
        evaluate(made_study, truth, key=KEY)


@pytest.mark.parametrize("indexed", ["", "images", "images/set"])
def test_pictures_are_found_by_their_path(tmp_path, toy_weights, indexed) -> None:
    """From whichever folder on the way to them was indexed."""
    rows = []
    (tmp_path / "t" / "truth").mkdir(parents=True)
    (tmp_path / "t" / "images" / "set").mkdir(parents=True)
    for number, view in enumerate(("LCC", "LMLO")):
        name = f"images/set/S1_{view}_20200102.png"
        picture = breast_pixels(SHAPE, seed=number, bits=8).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / "t" / name)
        Image.fromarray(picture * 0).save(tmp_path / "t" / "truth" / f"{view}.png")
        rows.append(
            {"sop_instance_uid": f"x{number}", "patient_id": "S1", "file": name, "mask": f"truth/{view}.png"}
        )
    study = measure(tmp_path / "t" / indexed, tmp_path / "out")
    pd.DataFrame(rows).to_csv(tmp_path / "t" / "truth" / "images.csv", index=False)
    result = evaluate(study, tmp_path / "t", key=KEY)
    assert result.images["status"].tolist() == ["done", "done"]
    assert result.images["view"].tolist() == ["LCC", "LMLO"]
    assert (result.images["fp"] == result.images["am"]).all()
    assert result.summary["false_area"]["n_mm2"] == 0  # a picture states no spacing


def test_a_lower_cut_finds_more_and_the_studys_own_is_the_same(made_study, mixed, found) -> None:
    result = evaluate(made_study, mixed, key=KEY, cuts=[0.2, 0.5, 0.9], processes=1)
    table = result.cuts.set_index("cut")
    assert table["recall"].is_monotonic_decreasing
    assert table["false_area"].is_monotonic_decreasing
    assert table.loc[0.2, "false_area"] > table.loc[0.9, "false_area"]
    for name in SCORES:
        assert table.loc[0.5, name] == pytest.approx(found.summary["per_image"][name]["mean"])
    assert table.loc[0.5, "false_area"] == pytest.approx(found.summary["false_area"]["mean_pixels"])
    assert [row["cut"] for row in json.loads(result.to_json())["cuts"]] == [0.2, 0.5, 0.9]


def test_no_identity_gets_out(found, mixed) -> None:
    truth = open_truth(mixed)
    outputs = [str(found), repr(found), found._repr_html_(), found.to_json(), found.interpret()]
    outputs += [found.images.to_csv(), found.to_frame().to_csv()]
    secrets = [*truth.images["sop_instance_uid"], *truth.images["file"], *truth.images["mask"]]
    secrets += ["900107", "accession", str(mixed), "P1_", "patient"]
    for output in outputs:
        assert not [secret for secret in secrets if secret in output]


def test_the_long_table_and_the_words(found) -> None:
    frame = found.to_frame().set_index(["section", "name"])["value"]
    assert frame["per_image", "dice mean"] == found.summary["per_image"]["dice"]["mean"]
    assert frame["images", "evaluated"] == 16
    assert frame.index.is_unique
    dice = found.summary["per_image"]["dice"]
    assert f"the Dice score is {dice['mean']:.2f} (SD {dice['sd']:.2f})" in found.interpret()
    assert "For research only" in found.interpret()
    assert "<table" in found._repr_html_()
