"""The recipes' preprocessing as MONAI dictionary transforms."""

from __future__ import annotations

import numpy as np
import pytest
from monai.transforms import Compose, RandFlipd
from skimage.morphology import disk, opening

from bactools.preprocess import breast_mask, compose, median_square
from bactools.preprocess.transforms import HarmoniseSpacingd, RemoveLabelsd, stretch
from bactools.recipe import PRESETS, named
from tests.preprocess.test_breast import drawn


def run(recipe: str, image: np.ndarray, **extra: object) -> dict[object, object]:
    sample = {"image": image[None], "spacing_mm": np.nan, **extra}
    return dict(compose(named(recipe))(sample))


def test_published_is_the_square_median_and_nothing_else() -> None:
    image, _ = drawn(film=True)
    sample = run("published", image)
    np.testing.assert_array_equal(sample["image"][0], median_square(image))
    assert sample["breast"].all()
    assert sample["scale"] == 1


@pytest.mark.parametrize("recipe", ["default", "paper", "smooth_windows"])
def test_label_is_gone_and_the_breast_is_not(recipe: str) -> None:
    image, truth = drawn(film=True)
    sample = run(recipe, image)
    assert not sample["image"][0][60:140, 700:800].any()
    assert (sample["image"][0][truth] > 0).mean() > 0.98
    assert sample["breast"].dtype == bool


def test_the_papers_opening_is_of_the_foreground() -> None:
    image, _ = drawn(film=True)
    found = RemoveLabelsd(["image"])({"image": image[None]})["image"][0]
    np.testing.assert_array_equal(found > 0, opening(image > 0, disk(10)))
    kept = found > 0
    np.testing.assert_array_equal(found[kept], image[kept])  # calcifications keep their grey


@pytest.mark.parametrize(("spacing", "factor"), [(0.035, 0.5), (0.14, 2.0), (0.0707, 1.0), (np.nan, 1.0)])
def test_spacing_is_harmonised_where_it_is_known(spacing: float, factor: float) -> None:
    image, truth = drawn()
    sample = {"image": image[None], "label": truth[None], "spacing_mm": spacing}
    found = HarmoniseSpacingd(["image", "label"], spacing_mm=0.07)(sample)
    assert found["image"].shape == found["label"].shape == (1, round(1200 * factor), round(900 * factor))
    assert found["label"].dtype == bool
    assert found["image"].mean() == pytest.approx(image.mean(), rel=0.01)
    assert found["label"].sum() == pytest.approx(truth.sum() * factor**2, rel=0.01)
    if factor != 1:
        assert found["spacing_mm"] == 0.07
        assert found["scale"] == pytest.approx(1 / factor)
        area = found["label"].sum() * found["spacing_mm"] ** 2
        assert area == pytest.approx(truth.sum() * spacing**2, rel=0.01)
    else:
        assert found["spacing_mm"] == spacing or np.isnan(spacing)


def test_stretch_takes_the_percentiles_of_the_breast() -> None:
    image, truth = drawn()
    found = stretch(image, inside=truth)
    low, high = np.percentile(found[truth], [0.4, 99.6])
    assert low == 0
    assert high == 255
    order = np.argsort(image[truth], kind="stable")
    assert (np.diff(found[truth][order].astype(int)) >= 0).all()
    flat = np.full((5, 5), 7, dtype=np.uint8)
    np.testing.assert_array_equal(stretch(flat, inside=flat > 0), flat)
    np.testing.assert_array_equal(stretch(image, inside=truth & False), image)


def test_monais_own_transforms_fit_around() -> None:
    image, truth = drawn()
    both = Compose(
        [
            RandFlipd(["image", "label"], prob=1.0, spatial_axis=1),
            compose(named("default")),
        ]
    )
    flipped = both({"image": image[None], "label": truth[None], "spacing_mm": np.nan})
    np.testing.assert_array_equal(np.asarray(flipped["label"])[0], truth[:, ::-1])
    expected = breast_mask(median_square(image[:, ::-1]))
    assert (np.asarray(flipped["breast"])[0] == expected).mean() > 0.999


def test_input_is_left_alone() -> None:
    image, _ = drawn(film=True)
    before = image.copy()
    for recipe in PRESETS:
        run(recipe, image)
    np.testing.assert_array_equal(image, before)
