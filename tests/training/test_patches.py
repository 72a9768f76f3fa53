"""Patches: where they lie, which are kept, and that cutting goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bactools.recipe import named
from bactools.training import ConfigError, PatchError, cut_patches, open_patches
from bactools.training.cut import Cutting, cut
from bactools.truth import open_truth

from .made import vessel, write_truth


def cutting(*, negatives: float = 0.0, seed: int = 0) -> Cutting:
    return Cutting(named("default"), patch=32, overlap=8, negatives=negatives, seed=seed)


def test_corners_and_kinds_by_hand() -> None:
    """80 x 56 pixels in steps of 24: rows 0, 24, 48; columns 0, 24."""
    image = np.arange(80 * 56, dtype=np.uint32).reshape(80, 56).astype(np.uint8)
    label = np.zeros(image.shape, dtype=bool)
    label[30, 28] = True  # rows 0 and 24, columns 0 and 24
    breast = np.ones(image.shape, dtype=bool)
    found = cut(image, label, breast, cutting(negatives=10))
    corners = list(zip(found["y"].tolist(), found["x"].tolist(), strict=True))
    assert corners == [(0, 0), (0, 24), (24, 0), (24, 24), (48, 0), (48, 24)]
    for record, (y, x) in zip(found, corners, strict=True):
        assert np.array_equal(record["image"], image[y : y + 32, x : x + 32])
        assert np.array_equal(np.unpackbits(record["label"], axis=1), label[y : y + 32, x : x + 32])
    assert len(cut(image, label, breast, cutting())) == 4
    label[30, 28], label[79, 55] = False, True
    assert [tuple(r) for r in cut(image, label, breast, cutting())[["y", "x"]].tolist()] == [(48, 24)]


def test_the_last_row_and_column_move_inwards() -> None:
    ones = np.ones((70, 33), dtype=bool)
    found = cut(ones.astype(np.uint8), ones, ones, cutting())
    assert sorted(set(found["y"].tolist())) == [0, 24, 38]
    assert sorted(set(found["x"].tolist())) == [0, 1]


def test_background_is_left_out_at_five_percent() -> None:
    label = np.ones((32, 32), dtype=bool)
    breast = np.zeros((32, 32), dtype=bool)
    breast.flat[:51] = True  # 4.98 %
    assert len(cut(label.astype(np.uint8), label, breast, cutting())) == 0
    breast.flat[51] = True
    assert len(cut(label.astype(np.uint8), label, breast, cutting())) == 1


def test_a_small_image_is_filled_up_with_black() -> None:
    ones = np.ones((20, 40), dtype=bool)
    found = cut(np.full((20, 40), 9, dtype=np.uint8), ones, ones, cutting())
    assert found["image"].shape == (2, 32, 32)
    assert np.all(found["image"][:, :20] == 9)
    assert not found["image"][:, 20:].any()


def test_negatives_are_chosen_by_seed() -> None:
    label = np.zeros((200, 200), dtype=bool)
    whole, grey = ~label, np.full((200, 200), 50, dtype=np.uint8)
    first, again, other = (
        cut(grey, label, whole, cutting(negatives=1, seed=seed))[["y", "x"]].tolist() for seed in (0, 0, 1)
    )
    assert len(first) == 4
    assert first == again != other


def test_table_counts_and_names_nobody(toy_truth: Path, tmp_path: Path) -> None:
    patches = cut_patches(
        open_truth(toy_truth), tmp_path / "p", recipe="published", patch=32, overlap=8, negatives=0.5
    )
    table = patches.table
    positive = int(table["is_positive"].sum())
    assert len(table) - positive == np.ceil(positive * 0.5)
    assert set(table.loc[table["is_positive"], "subject"]) == {1, 2, 3, 4}
    assert np.array_equal(table["is_positive"], table["label_area"] > 0)
    for row in range(len(patches)):
        image, label = patches.load(row)
        assert label.sum() == table["label_area"].iloc[row]
        if label.any():
            assert ((image > 150) == label).mean() > 0.98  # all but the corners that the median rounds
    for file in (tmp_path / "p").iterdir():
        assert b"SECRET" not in file.read_bytes()


def test_cutting_goes_on_and_refuses_other_settings(toy_truth: Path, tmp_path: Path) -> None:
    truth, out = open_truth(toy_truth), tmp_path / "p"
    first = cut_patches(truth, out, recipe="published", patch=32, overlap=8)
    kept = (out / "000001.npy").stat().st_mtime_ns
    before = (out / "000000.npy").read_bytes()
    (out / "000000.npy").unlink()
    again = cut_patches(truth, out, recipe="published", patch=32, overlap=8)
    assert (out / "000001.npy").stat().st_mtime_ns == kept
    assert (out / "000000.npy").read_bytes() == before
    pd.testing.assert_frame_equal(first.table, again.table)
    pd.testing.assert_frame_equal(open_patches(out).table, first.table)
    with pytest.raises(PatchError, match="another overlap: take another folder"):
        cut_patches(truth, out, recipe="published", patch=32, overlap=0)


def test_without_processes_it_goes_on_alone(
    toy_truth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr("bactools.training.cut.ProcessPoolExecutor", refused)
    patches = cut_patches(
        open_truth(toy_truth), tmp_path / "p", recipe="published", patch=32, overlap=8, processes=2
    )
    assert patches.table["subject"].nunique() == 4


@pytest.mark.slow
def test_processes_change_nothing(toy_truth: Path, tmp_path: Path) -> None:
    truth = open_truth(toy_truth)
    one, two = (
        cut_patches(truth, tmp_path / str(n), recipe="published", patch=32, overlap=8, processes=n)
        for n in (1, 2)
    )
    pd.testing.assert_frame_equal(one.table, two.table)


def test_images_that_fail_are_named_by_row(tmp_path: Path) -> None:
    folder = write_truth(tmp_path / "data", women=4)
    (folder / "images" / "10.dcm").write_bytes(b"no image")
    (folder / "truth" / "masks" / "20.png").unlink()

    Image.fromarray(vessel(30)[1][:-1].astype(np.uint8)).save(folder / "truth" / "masks" / "30.png")
    told: list[str] = []
    patches = cut_patches(
        open_truth(folder), tmp_path / "p", recipe="published", patch=32, overlap=8, say=told.append
    )
    assert patches.failed == 3
    assert set(patches.table["file"]) == {"000000.npy"}
    assert ["row 2" in told[0], "row 3" in told[1], "mask has 71 x 64 pixels" in told[2]] == [True] * 3
    assert not any("SECRET" in line or ".dcm" in line or str(tmp_path) in line for line in told)
    assert (tmp_path / "p" / "failed.csv").read_text().count("\n") == 4


def test_the_label_follows_a_resampled_image(tmp_path: Path) -> None:
    folder = write_truth(tmp_path / "data", women=1)  # 0.07 mm
    recipe = named("published", spacing_mm=0.035, smoothing="none")
    patches = cut_patches(open_truth(folder), tmp_path / "p", recipe=recipe, patch=32, overlap=0)
    assert patches.table["x"].max() > 32
    image, label = patches.load(int(patches.table["label_area"].to_numpy().argmax()))
    assert image[label].mean() > image[~label].mean() + 50
    assert patches.table["label_area"].sum() == pytest.approx(4 * vessel(0)[1].sum(), rel=0.3)


def test_nothing_to_learn_from_and_bad_sides(tmp_path: Path) -> None:
    folder = write_truth(tmp_path / "data", women=1, empty=(0,))
    with pytest.raises(PatchError, match="no patch with calcium in 1 images"):
        cut_patches(open_truth(folder), tmp_path / "p", recipe="published", patch=32, overlap=8)
    with pytest.raises(ConfigError, match="patch=30"):
        cut_patches(open_truth(folder), tmp_path / "q", patch=30)
    with pytest.raises(PatchError, match="cut them first"):
        open_patches(tmp_path)
