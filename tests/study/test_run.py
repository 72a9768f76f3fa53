"""From a folder of files to a study and its cube; going on where a run stopped."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from bactools import metrics, open_cube
from bactools.dicom import index_folder
from bactools.study import Study

from .made import DATES, KEY, measure, pieces, same, truncate, write_folder, write_image, write_woman


def test_counts_add_up_and_cells_are_right(made_study: Study) -> None:
    counts = made_study.counts
    assert counts == {"seen": 18, "done": 16, "excluded": 1, "failed": 1, "to_do": 0}
    cube = made_study.cube(axis="exam").load()
    assert cube.sizes["subject"] == 3
    assert cube.view.values.tolist() == ["LCC", "LMLO", "RCC", "RMLO"]
    done = cube.status == 1
    assert int(done.sum()) == 16
    assert (cube.am.notnull() == done).all()
    assert (cube.status == 2).sum() == 1
    failed = cube.where(cube.status == 2, drop=True)
    assert failed.view.values.tolist() == ["LCC"]
    assert failed.date.values.astype("datetime64[D]").astype(str).tolist() == [["2021-01-01"]]
    assert failed.pm.isnull().all()
    assert (made_study.images.failure.replace("", np.nan).dropna() == "truncated").all()


def test_each_cell_holds_its_own_image(made_study: Study, made_folder) -> None:
    """The file's view and date, found through the linkage, lead to the cell with the file's numbers."""
    index = index_folder(made_folder, key=KEY)
    cube = made_study.cube()
    names = ["LCC", "LMLO", "RCC", "RMLO"]
    found = index.linkage.assign(name=[path.rsplit("/")[-1] for path in index.linkage.path])
    rows = made_study.images.set_index("image_id")
    seen = set()
    for link in found.itertuples():
        if not link.name.startswith("P"):
            continue
        _, date, number = link.name.removesuffix(".dcm").split("_")
        cell = cube.sel(subject=link.subject, view=names[int(number)], date=pd.Timestamp(date))
        assert str(cell.image_id.values) == link.image_id
        assert float(cell.tam_100) == rows.tam_100[link.image_id]
        seen.add(float(cell.pm))
    assert len(seen) == 16  # no two images alike, so no cell could stand for another


def test_the_index_tells_why_a_file_is_excluded(made_study: Study) -> None:
    excluded = made_study.index[~made_study.index.eligible.astype(bool)]
    assert len(excluded) == 1
    assert excluded.reason.iloc[0] != ""


def test_an_image_without_calcium_is_zero_and_not_missing(tmp_path, silent_weights) -> None:
    write_woman(tmp_path / "in", "P1")
    truncate(write_image(tmp_path / "in" / "torn.dcm", study_date="20210101", patient_id="P1"))
    cube = measure(tmp_path / "in", tmp_path / "out", weights="silent").cube(axis="exam").load()
    measured = cube.isel(exam=0)
    for name in ("pm", "am", "sim", "tam_100", "tsim_100", "am_mm2", "am_norm"):
        assert (measured[name] == 0).all(), name
    assert (measured.breast_area > 0).all()
    assert cube.am.isel(exam=1).isnull().all()
    assert cube.status.isel(exam=1).values.tolist() == [[2, 0, 0, 0]]


def test_lazy_is_eager(made_study: Study) -> None:
    lazy, eager = made_study.cube(axis="exam", chunks={}), made_study.cube(axis="exam")
    assert lazy.am.chunks is not None
    assert eager.am.chunks is None
    assert lazy.load().identical(eager.load())


@pytest.mark.parametrize("name", ["am", "sim", "tam_50", "tam_100", "tam_200", "tsim_75", "tsim_150"])
def test_metrics_follow_from_the_joint_histogram(made_study: Study, name: str) -> None:
    cube = open_cube(made_study.folder, axis="exam", chunks={})
    quantity, _, x = name.partition("_")
    recipe = made_study.recipe
    again = metrics.from_histogram(
        cube.joint_histogram,
        name=quantity,
        cut=recipe.cut,
        x=float(x) if x else None,
        comparison=recipe.comparison,
    )
    np.testing.assert_array_equal(again.values, cube[name].values)
    assert np.nansum(again.values) > 0


def test_metrics_follow_from_the_map(made_study: Study) -> None:
    """AM counted on the stored map, which holds nothing outside the breast."""
    for row in made_study.images.query("status == 'done'").itertuples():
        probability = made_study.map(row.image_id).values
        assert int((probability > np.float32(0.5)).sum()) == row.am
        assert float(probability.sum(dtype=np.float64)) == pytest.approx(row.pm, rel=1e-2)


def test_running_again_does_nothing_and_says_so(tmp_path, toy_weights) -> None:
    write_woman(tmp_path / "in", "P1")
    first = measure(tmp_path / "in", tmp_path / "out")
    before, cube = pieces(first), first.cube(axis="exam").load()
    lazy = first.cube(axis="exam", chunks={})
    told: list[str] = []
    second = measure(tmp_path / "in", tmp_path / "out", say=told.append)
    assert lazy.compute().identical(cube)  # not rewritten under a reader
    assert any("nothing to do" in line for line in told)
    assert pieces(second) == before
    assert len(before) == 4
    assert second.cube(axis="exam").load().identical(cube)


def test_a_cube_that_is_missing_or_behind_is_rebuilt(tmp_path, toy_weights) -> None:
    write_woman(tmp_path / "in", "P1")
    study = measure(tmp_path / "in", tmp_path / "out")
    cube = study.cube(axis="exam").load()
    shutil.rmtree(tmp_path / "out" / "cube.zarr")
    assert measure(tmp_path / "in", tmp_path / "out").cube(axis="exam").load().identical(cube)
    study.begin()  # as a run does that is then killed
    (tmp_path / "out" / "images.parquet").write_bytes(b"behind")
    again = measure(tmp_path / "in", tmp_path / "out")
    assert len(again.images) == 4
    assert again.consolidated


def test_a_later_exam_is_added_and_the_rest_left_alone(tmp_path, toy_weights) -> None:
    write_woman(tmp_path / "in", "P1", dates=DATES[1:])
    before = pieces(measure(tmp_path / "in", tmp_path / "out"))
    write_woman(tmp_path / "in", "P1", dates=DATES[:1])  # an earlier exam: exams are numbered anew
    told: list[str] = []
    grown = measure(tmp_path / "in", tmp_path / "out", say=told.append)
    assert any("4 of 8 eligible" in line for line in told)
    assert before.items() <= pieces(grown).items()
    same(grown, measure(tmp_path / "in", tmp_path / "anew"))


def test_a_folder_in_parts_is_the_folder(tmp_path, toy_weights) -> None:
    """Files of earlier runs stay in study, cube and linkage when a run sees others."""
    for part in ("a", "b"):
        write_woman(tmp_path / part, f"P{part}")
        write_woman(tmp_path / "all", f"P{part}")
        study = measure(tmp_path / part, tmp_path / "out")
    assert study.counts["done"] == 8
    same(study, measure(tmp_path / "all", tmp_path / "whole"))
    linkage = pd.read_csv(tmp_path / "out.linkage.csv")
    assert sorted(linkage.patient_id.unique()) == ["Pa", "Pb"]
    assert len(linkage) == 8


@pytest.mark.parametrize("damage", ["torn", "altered", "empty", "gone"])
def test_a_damaged_piece_counts_as_not_done(tmp_path, toy_weights, damage: str) -> None:
    for number, laterality in enumerate("LR"):
        write_image(tmp_path / "in" / f"{laterality}.dcm", seed=number, laterality=laterality)
    study = measure(tmp_path / "in", tmp_path / "out")
    reference = measure(tmp_path / "in", tmp_path / "reference")
    piece = sorted(study.journal.folder.glob("??/*.json"))[1]
    content = piece.read_bytes()
    if damage == "gone":
        piece.unlink()
    else:
        at = content.index(b'"am":') + 5
        wrong = content[:at] + (b"8" if content[at : at + 1] != b"8" else b"9") + content[at + 1 :]
        piece.write_bytes({"torn": content[: len(content) // 2], "altered": wrong, "empty": b""}[damage])
    assert len(study.journal) == 1
    assert study.counts["to_do"] == 1
    told: list[str] = []
    mended = measure(tmp_path / "in", tmp_path / "out", say=told.append)
    assert any(line.startswith("1 of 2 eligible") for line in told)
    same(mended, reference)


def test_a_changed_file_is_measured_again(tmp_path, toy_weights) -> None:
    """Other bytes under the same UID."""
    path = write_image(tmp_path / "in" / "a.dcm", seed=1)
    before = measure(tmp_path / "in", tmp_path / "out").images
    write_image(path, seed=1, window=(1500.0, 2500.0))
    told: list[str] = []
    after = measure(tmp_path / "in", tmp_path / "out", say=told.append).images
    assert any(line.startswith("1 of 1 eligible") for line in told)
    assert after.image_id.tolist() == before.image_id.tolist()
    assert after.pm[0] != before.pm[0]
    assert after.pixels_sha256[0] != before.pixels_sha256[0]


def test_failed_images_are_tried_again_only_when_asked(tmp_path, toy_weights) -> None:
    write_image(tmp_path / "in" / "good.dcm", seed=1)
    truncate(write_image(tmp_path / "in" / "torn.dcm", seed=2, laterality="R"))
    before = pieces(measure(tmp_path / "in", tmp_path / "out"))
    told: list[str] = []
    assert pieces(measure(tmp_path / "in", tmp_path / "out", say=told.append)) == before
    assert any("nothing to do" in line for line in told)
    study = measure(tmp_path / "in", tmp_path / "out", say=told.append, retry_failed=True)
    assert told[-1] == "1 of 2 eligible images to measure"
    changed = {name for name, time in pieces(study).items() if time != before[name]}
    assert changed == set(study.images.query("status == 'failed'").image_id)
    assert len(changed) == 1


@pytest.mark.parametrize("files", [0, 1])
def test_a_folder_without_eligible_images_gives_an_empty_cube(tmp_path, toy_weights, files: int) -> None:
    (tmp_path / "in").mkdir()
    for number in range(files):
        (tmp_path / "in" / f"{number}.txt").write_text("a letter")
    study = measure(tmp_path / "in", tmp_path / "out")
    assert study.counts == {"seen": files, "done": 0, "excluded": files, "failed": 0, "to_do": 0}
    assert study.cube(axis="exam").sizes["subject"] == 0
    assert len(study.images) == 0


def test_of_two_images_for_a_cell_the_loser_stays_in_the_study(tmp_path, toy_weights) -> None:
    for number, time in enumerate(("080000", "090000")):
        write_image(tmp_path / "in" / f"{number}.dcm", seed=number, AcquisitionTime=time)
    images = measure(tmp_path / "in", tmp_path / "out").images
    assert sorted(images.not_in_cube_reason) == ["", "repeat_view"]
    assert images.set_index("acquisition_time").in_cube.to_dict() == {"080000": False, "090000": True}


def test_the_made_folder_is_as_said(tmp_path) -> None:
    assert len(list(write_folder(tmp_path / "in").iterdir())) == 18
