"""Augmentation: label and image stay together, and the seed decides all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bactools.training import Augmentation
from bactools.training.augment import Augment

STILL: dict[str, Any] = {"flip": False, "rotate90": False, "brightness": 0.0, "contrast": 0.0}
EVERYTHING = Augmentation(gain=0.1, gamma=0.2, scale=0.2, noise=3, blur=1)


def patch(side: int = 64) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return a label drawn into the image: an F, which no symmetry maps onto itself."""
    label = np.zeros((side, side), dtype=bool)
    label[10:50, 16:24] = label[10:18, 16:44] = label[28:34, 16:36] = True
    return np.where(label, 220, 60).astype(np.uint8), label


@pytest.mark.parametrize("crop", [None, 40])
def test_label_stays_on_the_image(crop: int | None) -> None:
    image, label = patch()
    vary = Augment(Augmentation(scale=0.3), crop=crop)
    seen = set()
    for draw in range(24):
        grey, moved = vary(image, label, seed=(0, 1, draw))
        assert grey.shape == moved.shape == (1, crop or 64, crop or 64)
        bright = grey > (grey.max() + grey.min()) / 2
        if bool(moved.any()):
            agreement = (bright & (moved > 0)).sum() / (bright | (moved > 0)).sum()
            assert float(agreement) > 0.85
        seen.add(moved.numpy().tobytes())
    assert len(seen) > 12


def test_flips_and_turns_reach_all_eight_positions_and_no_other() -> None:
    image, label = patch()
    vary = Augment(Augmentation(**STILL | {"flip": True, "rotate90": True}))
    wanted = {np.rot90(turned, k).tobytes() for turned in (label, label[::-1]) for k in range(4)}
    found = {(vary(image, label, seed=(0, 0, draw))[1][0].numpy() > 0).tobytes() for draw in range(100)}
    assert found == wanted


def test_rotation_alone_turns_by_90_or_270_half_of_the_time() -> None:
    image, label = patch()
    vary = Augment(Augmentation(**STILL | {"rotate90": True}))
    positions = [np.rot90(label, k).tobytes() for k in range(4)]
    counts = np.zeros(4, dtype=int)
    for draw in range(200):
        moved = vary(image, label, seed=(1, 0, draw))[1][0].numpy() > 0
        counts[positions.index(moved.tobytes())] += 1
    assert counts[2] == 0
    assert 70 < counts[0] < 130
    assert min(counts[1], counts[3]) > 25


def test_nothing_asked_nothing_changed() -> None:
    image, label = patch()
    grey, moved = Augment(Augmentation(**STILL))(image, label, seed=(0, 0, 0))
    assert np.array_equal(grey[0].numpy(), image)
    assert np.array_equal(moved[0].numpy() > 0, label)
    assert type(grey) is torch.Tensor


def test_same_seed_same_patch_whatever_came_before() -> None:
    image, label = patch()
    vary, other = Augment(EVERYTHING, crop=32), Augment(EVERYTHING, crop=32)
    for draw in range(5):
        other(image, label, seed=(9, 9, draw))
    torch.manual_seed(3)
    first = vary(image, label, seed=(0, 1, 2))
    torch.manual_seed(4)
    again = other(image, label, seed=(0, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    for seed in ((1, 1, 2), (0, 2, 2), (0, 1, 3)):
        assert not torch.equal(first[0], vary(image, label, seed=seed)[0])


def test_grey_values_are_whole_and_within_8_bits_and_black_stays_black() -> None:
    image, label = patch()
    image[:, 50:] = 0
    vary = Augment(Augmentation(**STILL | {"brightness": 0.5, "contrast": 0.5, "noise": 20, "blur": 2}))
    for draw in range(10):
        grey, _ = vary(image, label, seed=(0, 0, draw))
        assert torch.equal(grey, grey.round())
        assert float(grey.min()) >= 0
        assert float(grey.max()) <= 255
        assert not grey[0, :, 50:].any()
