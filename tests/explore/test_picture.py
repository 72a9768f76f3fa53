"""Pictures are small, show the mask where it is, and say in words when there is nothing to show."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from bactools.explore import Source
from bactools.explore.picture import PictureError, outline, overview, side_by_side
from bactools.study import Study
from bactools.testing import simulate_study


def _decoded(content: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(int)


def _green(picture: np.ndarray) -> int:
    return int((picture[..., 1] - picture[..., [0, 2]].max(axis=-1) > 60).sum())


def _called(study: Study) -> str:
    done = study.images.query("status == 'done'")["image_id"]
    return max(done, key=lambda image_id: float((study.map(image_id).values > 0.5).sum()))


def test_green_is_where_the_mask_is_and_can_be_taken_off(made_study: Study) -> None:
    source, image_id = Source(made_study.folder), _called(made_study)
    with_mask = _decoded(overview(source, image_id, height=300))
    without = _decoded(overview(source, image_id, height=300, overlay=False))
    assert with_mask.shape == without.shape
    assert with_mask.shape[0] <= 300
    assert _green(with_mask) > 20
    assert _green(without) == 0
    assert outline(source, image_id).image


def test_without_the_linkage_file_the_map_is_shown_alone(made_study: Study, tmp_path: Path) -> None:
    shutil.copytree(made_study.folder, tmp_path / "alone")
    source, image_id = Source(tmp_path / "alone"), _called(made_study)
    picture = _decoded(overview(source, image_id, height=300))
    assert not outline(source, image_id).image
    assert (picture > 100).any()


def test_neither_image_nor_map_is_told_without_a_path(tmp_path: Path) -> None:
    source = Source(simulate_study(tmp_path / "simulated", 2).folder)
    with pytest.raises(PictureError, match=".") as told:
        overview(source, "i0000000")
    assert str(tmp_path) not in str(told.value)
    with pytest.raises(PictureError):
        overview(source, "../../../secret")


def test_side_by_side_are_the_pictures_themselves(made_study: Study) -> None:
    source = Source(made_study.folder)
    ids = [_called(made_study), *made_study.images.query("status == 'done'")["image_id"][:2]]
    row = _decoded(side_by_side(source, ids, height=200, gap=10))
    left = 0
    for image_id in ids:
        alone = _decoded(overview(source, image_id, height=200))
        tall, wide = alone.shape[:2]
        assert np.abs(row[:tall, left : left + wide] - alone).mean() < 6  # packed as JPEG twice
        assert (row[:, left + wide + 2 : left + wide + 8] > 240).all()
        left += wide + 10
    assert row.shape[1] == left
    with pytest.raises(PictureError, match="no image"):
        side_by_side(source, [])
