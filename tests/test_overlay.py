"""Pictures: green where the mask is, the image as it was elsewhere, names without names."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from bactools.overlay import draw_study, overlay
from bactools.study import Study, StudyError
from bactools.testing import breast_pixels

from .study.made import measure, write_image

BREAST = breast_pixels((400, 300), bits=8).astype(np.uint8)


def green(picture: np.ndarray) -> np.ndarray:
    """Where a picture is coloured."""
    return (picture[..., 1] != picture[..., 0]) | (picture[..., 1] != picture[..., 2])


def test_green_where_the_mask_is_and_grey_elsewhere() -> None:
    mask = np.zeros(BREAST.shape, dtype=bool)
    mask[180:200, 50:90] = True
    picture = overlay(BREAST, mask, opacity=1)
    plain = overlay(BREAST, np.zeros_like(mask))
    assert not green(plain).any()
    coloured = green(picture)
    assert coloured.sum() == mask.sum()
    assert (picture[coloured] == (0, 255, 0)).all()
    np.testing.assert_array_equal(picture[~coloured], plain[~coloured])
    rows, columns = np.nonzero(coloured)
    assert (np.ptp(rows), np.ptp(columns)) == (19, 39)
    # The crop is a part of the image: the grey around the patch is the image's own.
    top, left = 180 - rows.min(), 50 - columns.min()
    height, width = plain.shape[:2]
    np.testing.assert_array_equal(plain[..., 0], BREAST[top : top + height, left : left + width])


def test_opacity_mixes() -> None:
    mask = np.zeros(BREAST.shape, dtype=bool)
    mask[190, 60] = True
    value = float(BREAST[190, 60])
    (pixel,) = (picture := overlay(BREAST, mask, opacity=0.7))[green(picture)]
    np.testing.assert_allclose(pixel, [0.3 * value, 0.3 * value + 0.7 * 255, 0.3 * value], atol=0.51)


def test_a_thin_mask_survives_shrinking() -> None:
    mask = np.zeros(BREAST.shape, dtype=bool)
    mask[205, 40:200] = True
    picture = overlay(BREAST, mask, height=50)
    assert picture.shape[0] == 50
    coloured = green(picture)
    assert coloured.any(axis=0).sum() >= 160 * 50 / 400
    assert coloured.any(axis=1).sum() <= 2


def test_a_mask_on_another_grid_covers_the_same_field() -> None:
    fine = np.zeros(BREAST.shape, dtype=bool)
    fine[160:240, 60:120] = True
    coarse = fine[::2, ::2]
    np.testing.assert_array_equal(overlay(BREAST, coarse), overlay(BREAST, fine))


def test_an_image_without_a_breast_is_shown_whole() -> None:
    assert overlay(np.zeros((60, 40), dtype=np.uint8), np.zeros((60, 40), dtype=bool)).shape == (60, 40, 3)


@pytest.fixture
def linkage(made_study: Study) -> Path:
    return made_study.folder.with_name("STUDY.linkage.csv")


def test_one_picture_per_image_under_its_pseudonym(made_study: Study, tmp_path: Path) -> None:
    assert draw_study(made_study, tmp_path / "pictures") == 16
    rows = made_study.images.query("status == 'done'")
    expected = {f"{row.subject}_{row.view}_{row.date:%Y-%m-%d}.png" for row in rows.itertuples()}
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == expected
    for row in rows.itertuples():
        name = f"{row.subject}_{row.view}_{row.date:%Y-%m-%d}.png"
        picture = cv2.imread(str(tmp_path / "pictures" / name))
        assert picture is not None
        # Nothing is shrunk at this size, so as many green pixels as the image's AM.
        assert green(picture).sum() == row.am


def test_mask_and_probability_give_the_same_pictures(tmp_path: Path, toy_weights) -> None:
    write_image(tmp_path / "in" / "a.dcm")
    drawn = []
    for maps in ("mask", "probability"):
        study = measure(tmp_path / "in", tmp_path / maps / "out", maps=maps, linkage=tmp_path / f"{maps}.csv")
        assert draw_study(study, tmp_path / maps / "png", linkage=tmp_path / f"{maps}.csv") == 1
        drawn.append([path.read_bytes() for path in (tmp_path / maps / "png").iterdir()])
    assert drawn[0] == drawn[1]


def test_repeats_do_not_overwrite_each_other(tmp_path: Path, toy_weights) -> None:
    for number, time in enumerate(("080000", "090000")):
        write_image(tmp_path / "in" / f"{number}.dcm", seed=number, AcquisitionTime=time)
    study = measure(tmp_path / "in", tmp_path / "out")
    assert draw_study(study, tmp_path / "png") == 2
    assert len(list((tmp_path / "png").iterdir())) == 2


def test_what_is_missing_is_said(made_study: Study, linkage: Path, tmp_path: Path, toy_weights) -> None:
    with pytest.raises(StudyError, match="no linkage file.*--linkage"):
        draw_study(made_study, tmp_path / "png", linkage=tmp_path / "nosuch.csv")
    header, *_ = linkage.read_text().splitlines()
    (tmp_path / "other.csv").write_text(header + "\n")
    with pytest.raises(StudyError, match="does not know image"):
        draw_study(made_study, tmp_path / "png", linkage=tmp_path / "other.csv")
    write_image(tmp_path / "in" / "a.dcm")
    with pytest.raises(StudyError, match="keeps no maps"):
        draw_study(measure(tmp_path / "in", tmp_path / "out", maps="none"), tmp_path / "png")


def test_an_image_that_went_away_is_told_without_its_path(tmp_path: Path, toy_weights) -> None:
    write_image(tmp_path / "Erika" / "a.dcm")
    study = measure(tmp_path / "Erika", tmp_path / "out")
    shutil.rmtree(tmp_path / "Erika")
    with pytest.raises(ValueError, match="cannot be read") as error:
        draw_study(study, tmp_path / "png")
    assert "Erika" not in str(error.value)
