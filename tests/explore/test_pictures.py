"""Pictures are exact in what they call calcified, and what holds them is bounded."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from bactools.explore import Source, originals, pictures
from bactools.explore.picture import around, crop, outline, overview
from bactools.explore.pictures import Loaded, Outline, PictureError, load
from bactools.explore.shelf import Shelf
from bactools.study import Study


@pytest.fixture
def first(made_study: Study) -> str:
    images = made_study.images
    return str(images.loc[images["status"] == "done", "image_id"].iloc[0])


def _seen(data: bytes) -> NDArray[Any]:
    picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(int)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_cut_is_exact_at_and_beside_its_border(dtype: type) -> None:
    cuts = (np.arange(100) / 100).astype(np.float32)
    beside: list[Any] = [
        cuts,
        np.nextafter(cuts, np.float32(2)),
        np.nextafter(cuts, np.float32(-1)),
        [1.0, np.nan],
    ]
    near = np.concatenate([np.asarray(each, dtype=np.float32) for each in beside])
    values: NDArray[Any] = near.clip(0, 1).astype(dtype)[None]
    levels = originals.levels(values)
    for percent, cut in enumerate(cuts):
        assert ((levels > percent) == (values.astype(np.float32) > cut)).all()


def test_the_least_speck_is_still_there_when_small() -> None:
    level = np.zeros((997, 701), dtype=np.uint8)
    specks = np.random.default_rng(0).integers(0, (997, 701), size=(40, 2))
    for row, column in specks:
        level[:] = 0
        level[row, column] = 57
        small = Loaded(None, level, True).fitted(60).level
        assert small is not None
        assert small.max() == 57


def test_a_crop_is_the_pixels_of_the_image(made_study: Study, first: str) -> None:
    source = Source(made_study.folder)
    found, held = outline(source, first), load(source, first)
    assert (found.height, found.width) == held.shape
    box = around(found, 0.5, 0.5, width=64, height=48)
    left, top, width, height = box
    shown = _seen(crop(source, first, box, overlay=False))
    assert held.grey is not None
    there = held.grey[top : top + height, left : left + width]
    assert shown.shape[:2] == (48, 64)
    assert np.abs(shown.mean(axis=2) - there).mean() < 3
    assert max(_seen(crop(source, first, (0, 0, 9999, 9999), most=50)).shape[:2]) == 50


def test_a_higher_cut_calls_less_and_the_window_moves_the_greys(made_study: Study, first: str) -> None:
    source = Source(made_study.folder)

    def green(cut: float) -> int:
        shown = _seen(overview(source, first, cut=cut, opacity=1.0))
        return int((shown[..., 1] - shown[..., [0, 2]].max(axis=-1) > 60).sum())

    called = [green(cut) for cut in (0.1, 0.5, 0.9)]
    assert called == sorted(called, reverse=True)
    assert called[0] > called[2]
    dark, light = (_seen(overview(source, first, overlay=False, window=w)) for w in ((100, 255), (0, 100)))
    assert dark.mean() < light.mean()
    assert np.ptp(_seen(overview(source, first, heat=True)), axis=2).max() > 50


def test_a_box_stays_inside() -> None:
    found = Outline(100, 80, True, "none", "")
    assert around(found, 0, 1, width=40, height=30) == (0, 50, 40, 30)
    assert around(found, 0.5, 0.5, width=400, height=30) == (0, 25, 100, 30)


@pytest.mark.parametrize(
    "options", [{"height": 0}, {"opacity": 2}, {"cut": 1}, {"intensity": 256}, {"window": (0, float("nan"))}]
)
def test_options_out_of_range_are_refused(made_study: Study, first: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="choose"):
        overview(Source(made_study.folder), first, **options)


@pytest.mark.parametrize("image_id", ["", "..", "../maps.zarr", "a/b", "x\x00", "<img>", None, 3])
def test_who_is_not_of_the_study_has_no_picture(made_study: Study, image_id: object) -> None:
    with pytest.raises(PictureError, match="knows no such image"):
        overview(Source(made_study.folder), image_id)  # type: ignore[arg-type]


@pytest.mark.parametrize("linked", ["torn", "gone", "nonsense"])
def test_no_failure_tells_a_path(made_study: Study, first: str, tmp_path: Path, linked: str) -> None:
    folder = tmp_path / "STUDY"
    shutil.copytree(made_study.folder, folder)
    secret = tmp_path / "STUDY.linkage.csv"
    file = tmp_path / "secret^name.dcm"
    if linked == "torn":
        file.write_bytes(b"\0" * 128 + b"DICM" + b"\1" * 50)
    text = "\0\n,,," if linked == "nonsense" else f"image_id,path\n{first},{file}\n"
    secret.write_text(text)
    source = Source(folder)
    found = outline(source, first)
    assert not found.image
    assert found.note.endswith(": the map alone")
    assert "secret" not in found.note
    shutil.rmtree(folder / "maps.zarr")
    pictures.forget()
    with pytest.raises(PictureError) as told:
        overview(source, first)
    assert str(tmp_path) not in str(told.value)
    assert "secret" not in str(told.value)


def test_a_shelf_is_bounded_and_remembers_what_was_used_last() -> None:
    shelf: Shelf[Loaded] = Shelf(300)
    made: list[str] = []

    def get(name: str) -> Loaded:
        def make() -> Loaded:
            made.append(name)
            return Loaded(np.zeros((10, 10), dtype=np.uint8), None, False)

        return shelf.get(name, make)

    for name in "abcadabc":
        get(name)
        assert shelf.nbytes <= 300
    assert made == list("abcdbc")


@pytest.mark.parametrize("threshold", [50, 100, 150])
def test_what_is_coloured_above_an_intensity_is_what_the_study_counted(
    made_study: Study, threshold: int
) -> None:
    source = Source(made_study.folder)
    done = made_study.images.query("status == 'done'").head(4)
    counted = done[f"tam_{threshold}"].to_list()
    shown = []
    for image_id in done["image_id"]:
        there = pictures.bright(source, image_id, threshold)
        assert there is not None
        level = load(source, image_id).where(there).level
        assert level is not None
        shown.append(int((level > 100 * made_study.recipe.cut).sum()))
    assert shown == counted
    assert max(shown) > 0


def test_without_the_image_nothing_can_be_brighter(made_study: Study, first: str, tmp_path: Path) -> None:
    shutil.copytree(made_study.folder, tmp_path / "alone")
    source = Source(tmp_path / "alone")
    assert pictures.bright(source, first, 100) is None
    assert overview(source, first, intensity=100) == overview(source, first)
