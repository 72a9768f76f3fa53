"""Windows: the published grid, three merges, MONAI's own inferer as the outside answer."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.inferers import SlidingWindowInferer
from torch import Tensor, nn

from bactools.inference import Predictor, by_windows, load_predictor, predict
from bactools.inference.windows import starts
from bactools.metrics import compute, evidence
from bactools.networks.weights import Weights
from bactools.preprocess import compose
from bactools.recipe import named
from tests.networks.reference import published_map, read_state


@given(size=st.integers(8, 3000), patch=st.integers(8, 512), data=st.data())
def test_windows_cover_every_pixel_and_stay_inside(size: int, patch: int, data: st.DataObject) -> None:
    patch = min(patch, size)
    stride = data.draw(st.integers(1, patch))
    begins = starts(size, patch=patch, stride=stride)
    assert begins[0] == 0
    assert begins[-1] + patch == size
    assert all(0 < b - a <= stride for a, b in itertools.pairwise(begins))


def test_the_published_grid_is_480_with_the_last_pulled_back() -> None:
    assert starts(2560, patch=512, stride=480) == [0, 480, 960, 1440, 1920, 2048]
    assert starts(512, patch=512, stride=480) == [0]


def test_published_recipe_gives_the_authors_map_and_counts(published: Weights, real_crop: np.ndarray) -> None:
    recipe = named("published")
    image = np.ascontiguousarray(real_crop[700:1500, 400:1100])  # 800 x 700 around the artery
    sample = compose(recipe)({"image": image[None], "spacing_mm": np.nan})
    smoothed = sample["image"][0]
    logit = published.spec.output == "logit"
    expected = published_map(read_state(published.path), smoothed, logit=logit)
    found = predict(smoothed, load_predictor(recipe, published))
    assert np.abs(found - expected).max() < 1e-4
    mask = expected > 0.65
    bright = mask & (smoothed >= 100)
    assert bright.sum() > 1000
    numbers = compute(
        evidence(found, smoothed, breast=None, region="image", cut=recipe.cut, comparison=recipe.comparison)
    )
    assert numbers["am"] == mask.sum()
    assert numbers["tam_100"] == bright.sum()
    assert numbers["tsim_100"] == smoothed[bright].sum(dtype=np.int64)
    assert numbers["breast_area"] == (smoothed > 0).sum()
    assert numbers["pm"] == pytest.approx(expected.sum(), rel=1e-5)


class Blur(nn.Module):
    """A network whose answer differs at a window's border, as SCU-Net's does."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(x[:, :1], 9, stride=1, padding=4)


def blur_score(windows: Tensor) -> Tensor:
    return Blur()(windows / 255)


@pytest.mark.parametrize(("merge", "mode"), [("gaussian", "gaussian"), ("mean", "constant")])
def test_weighted_merges_equal_monais_sliding_window(merge: str, mode: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (192, 256), dtype=np.uint8)
    ours = by_windows(
        image, blur_score, patch=64, stride=32, merge=merge, reject_mean=-1, reject_sd=-1, batch=3
    )
    monai = SlidingWindowInferer(roi_size=64, overlap=0.5, mode=mode, sw_batch_size=3)
    theirs = monai(torch.from_numpy(image)[None, None].float(), blur_score)[0, 0].numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_maximum_merge_is_a_running_maximum_onto_zeros() -> None:
    image = np.random.default_rng(1).integers(0, 256, (150, 190), dtype=np.uint8)
    ours = by_windows(
        image,
        lambda x: blur_score(x) - 0.5,
        patch=64,
        stride=48,
        merge="maximum",
        reject_mean=-1,
        reject_sd=-1,
    )
    expected = np.zeros(image.shape, dtype=np.float32)
    for top in starts(150, patch=64, stride=48):
        for left in starts(190, patch=64, stride=48):
            window = torch.from_numpy(image[top : top + 64, left : left + 64])[None, None].float()
            place = expected[top : top + 64, left : left + 64]
            np.maximum(place, (blur_score(window) - 0.5)[0, 0].numpy(), out=place)
    np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("merge", ["maximum", "mean", "gaussian"])
def test_skipped_windows_give_zero_and_no_nan(merge: str) -> None:
    image = np.zeros((128, 256), dtype=np.uint8)
    image[:, :100] = np.random.default_rng(2).integers(60, 200, (128, 100))
    seen: list[int] = []

    def score(windows: Tensor) -> Tensor:
        seen.append(len(windows))
        return torch.ones_like(windows)

    found = by_windows(image, score, patch=64, stride=64, merge=merge, reject_mean=20, reject_sd=10)
    assert sum(seen) == 4
    np.testing.assert_array_equal(found[:, :128], 1)
    np.testing.assert_array_equal(found[:, 128:], 0)


def test_the_rejection_rule_is_the_published_one() -> None:
    rng = np.random.default_rng(3)
    dark, flat, kept = rng.integers(0, 40, (64, 64)), np.full((64, 64), 100), rng.integers(0, 80, (64, 64))
    flat[::2] += 20  # standard deviation exactly 10
    for window, expected in ((dark, dark.mean() > 20 and dark.std() > 10), (flat, False), (kept, True)):
        found = by_windows(
            window.astype(np.uint8), torch.ones_like, patch=64, stride=64, merge="maximum",
            reject_mean=20, reject_sd=10,
        )  # fmt: skip
        assert found.all() == expected


def test_black_image_has_no_window_and_no_calcium() -> None:
    found = by_windows(
        np.zeros((100, 90), np.uint8), torch.ones_like, patch=64, stride=64, merge="mean",
        reject_mean=20, reject_sd=10,
    )  # fmt: skip
    np.testing.assert_array_equal(found, 0)


@pytest.mark.parametrize("shape", [(40, 300), (300, 41), (7, 9), (64, 64)])
def test_images_smaller_than_a_window(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(4).integers(50, 250, shape, dtype=np.uint8)
    found = by_windows(
        image, lambda x: x / 255, patch=64, stride=48, merge="maximum", reject_mean=-1, reject_sd=-1
    )
    np.testing.assert_allclose(found, image / np.float32(255), rtol=1e-6)


def test_batch_size_does_not_matter(paper_weights: Weights, real_crop: np.ndarray) -> None:
    predictor = load_predictor(named("published", patch=128, stride=96), paper_weights)
    image = np.ascontiguousarray(real_crop[900:1150, 600:1000])
    one, four = (predict(image, predictor, batch=batch) for batch in (1, 4))
    np.testing.assert_allclose(one, four, atol=1e-5)
    assert (one > 0.65).sum() == (four > 0.65).sum() > 100


def test_logits_get_their_sigmoid_before_merging() -> None:
    zero = Predictor(Negative(), named("published", patch=64, stride=48), logit=True)
    found = predict(np.random.default_rng(5).integers(0, 255, (100, 90), dtype=np.uint8), zero)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(3)), rtol=1e-5)  # not 0, not 0.5


class Negative(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.full_like(x[:, :1], -3.0)


def test_patch_mean_takes_each_windows_own_mean() -> None:
    predictor = Predictor(nn.Identity(), named("paper"))
    windows = torch.tensor([[100.0, 200.0], [10.0, 30.0]]).reshape(2, 1, 1, 2)
    expected = torch.tensor([[-50.0, 50.0], [-10.0, 10.0]]).reshape(2, 1, 1, 2) / 255 / 0.1256
    torch.testing.assert_close(predictor.normalise(windows), expected)


def test_output_is_clipped_where_the_recipe_says_so() -> None:
    raw = torch.tensor([-0.2, 0.4, 1.3])
    assert Predictor(nn.Identity(), named("default")).finish(raw).tolist() == pytest.approx([0, 0.4, 1])
    assert Predictor(nn.Identity(), named("published")).finish(raw).tolist() == pytest.approx(raw.tolist())
