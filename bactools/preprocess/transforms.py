"""The steps from a presentation image to what a network sees, as MONAI dictionary transforms.

Every transform takes and returns a dictionary with channel-first arrays, so that MONAI's own (random
flips, crops, DataLoader) can stand before, between and behind them:

=================  ==========================  ====================================================
key                type                        meaning
=================  ==========================  ====================================================
``image``          uint8 (1, y, x)             grey, presentation polarity
``breast``         bool (1, y, x)              breast mask; everything where the recipe has none
``surround``       bool (1, y, x)              the breast and its skin line, film border left out
``label``          bool (1, y, x), optional    annotation, resampled along with the image
``spacing_mm``     float                       pixel spacing at the detector [mm]; NaN when unknown
``scale``          float                       stored pixels per pixel of ``image``
=================  ==========================  ====================================================
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import cv2
import numpy as np
from monai.config import KeysCollection
from monai.transforms import Compose, MapTransform
from monai.utils import convert_to_numpy
from numpy.typing import NDArray

from bactools.preprocess.breast import BreastRegion, breast_region
from bactools.preprocess.filters import (
    Grey,
    Mask,
    median_disk,
    median_square,
    opening_disk,
)
from bactools.recipe import Recipe

Sample = dict[Hashable, Any]


def _plane(sample: Mapping[Hashable, Any], key: Hashable) -> NDArray[Any]:
    """Return the one channel under `key` as an array, also when MONAI made it a tensor."""
    return np.ascontiguousarray(convert_to_numpy(sample[key])[0])


class HarmoniseSpacingd(MapTransform):
    """Resample images that state their spacing to one spacing at the detector.

    Area averaging when shrinking, linear when enlarging, nearest for masks. An image without a stated
    spacing, or within 2 % of the wanted one, keeps its grid.

    Parameters
    ----------
    keys : collection of keys
        Arrays to resample; missing ones are left out.
    spacing_mm : float or None
        Wanted spacing [mm]; None does nothing.
    """

    def __init__(self, keys: KeysCollection, *, spacing_mm: float | None) -> None:
        super().__init__(keys, allow_missing_keys=True)
        self.spacing_mm = spacing_mm

    def __call__(self, data: Mapping[Hashable, Any]) -> Sample:
        """Return the sample with ``spacing_mm`` and ``scale`` brought up to date."""
        sample = dict(data)
        spacing = float(sample.get("spacing_mm", np.nan))
        sample["spacing_mm"], sample["scale"] = spacing, 1.0
        if self.spacing_mm is None or not np.isfinite(spacing) or abs(spacing / self.spacing_mm - 1) < 0.02:
            return sample
        height, width = sample["image"].shape[1:]
        size = (
            max(1, round(width * spacing / self.spacing_mm)),
            max(1, round(height * spacing / self.spacing_mm)),
        )
        for key in self.key_iterator(sample):
            array = _plane(sample, key)
            if array.dtype == bool:
                nearest = cv2.resize(array.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
                sample[key] = nearest.astype(bool)[None]
                continue
            method = cv2.INTER_AREA if self.spacing_mm > spacing else cv2.INTER_LINEAR
            sample[key] = np.asarray(cv2.resize(array, size, interpolation=method))[None]
        sample["spacing_mm"], sample["scale"] = self.spacing_mm, self.spacing_mm / spacing
        return sample


class BreastMaskd(MapTransform):
    """Add ``breast`` and ``surround``: the body found by `breast_region`, or the whole image.

    Parameters
    ----------
    keys : collection of keys
        The image.
    whole : bool
        Count the whole image as breast (the published script has no breast mask).
    """

    def __init__(self, keys: KeysCollection, *, whole: bool) -> None:
        super().__init__(keys)
        self.whole = whole

    def __call__(self, data: Mapping[Hashable, Any]) -> Sample:
        """Return the sample with the two masks."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            image = _plane(sample, key)
            everything = np.ones(image.shape, dtype=bool)
            region = BreastRegion(everything, everything) if self.whole else breast_region(image)
            sample["breast"], sample["surround"] = region.breast[None], region.surround[None]
        return sample


class _EachImage(MapTransform):
    """Treats every image on its own; subclasses say how."""

    @abstractmethod
    def treat(self, image: Grey, sample: Sample) -> Grey:
        """Return the treated image, (y, x)."""

    def __call__(self, data: Mapping[Hashable, Any]) -> Sample:
        """Return the sample with its images treated."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample[key] = self.treat(_plane(sample, key), sample)[None]
        return sample


class Smoothd(_EachImage):
    """Median filter, square or disk.

    Parameters
    ----------
    keys : collection of keys
        The image.
    smoothing : {"none", "median_square_5", "median_disk_5"}
        The disk is filtered only where ``breast`` lies.
    """

    def __init__(self, keys: KeysCollection, *, smoothing: str) -> None:
        super().__init__(keys)
        self.smoothing = smoothing

    def treat(self, image: Grey, sample: Sample) -> Grey:
        """Return the smoothed image."""
        if self.smoothing == "median_square_5":
            return median_square(image)
        if self.smoothing == "median_disk_5":
            return median_disk(image, inside=_plane(sample, "breast"))
        return image


class RemoveLabelsd(_EachImage):
    """Blacken what an opening of the foreground with a disk of 10 pixels does not keep.

    The paper erodes and dilates "the breast images". A grey opening of that size would erase the
    calcifications too, so the foreground mask is opened; what it does not keep, the strokes of a view
    label among it, becomes 0.
    """

    def treat(self, image: Grey, sample: Sample) -> Grey:
        """Return the image without its labels."""
        return np.where(opening_disk(image > 0, radius=10), image, np.uint8(0))


class IsolateBreastd(_EachImage):
    """Blacken everything outside ``surround``: labels, plates, film borders.

    The surround reaches past the skin, so that the skin line stays natural.
    """

    def treat(self, image: Grey, sample: Sample) -> Grey:
        """Return the image with only the breast left."""
        return np.where(_plane(sample, "surround"), image, np.uint8(0))


class StretchContrastd(_EachImage):
    """Stretch the breast's 0.5th to 99.5th percentile onto 0 to 255.

    The paper only says "enhance image contrast". A stretch keeps the order of grey values, which
    adaptive equalisation would not: TAM_X needs X to mean the same all over an image.
    """

    def treat(self, image: Grey, sample: Sample) -> Grey:
        """Return the stretched image; a breast of one grey stays as it is."""
        return stretch(image, inside=_plane(sample, "breast"))


def stretch(image: Grey, *, inside: Mask) -> Grey:
    """Return `image` with its percentiles inside the mask (0.5 and 99.5) taken to 0 and 255.

    Parameters
    ----------
    image : uint8, shape (y, x)
    inside : bool, shape (y, x)
        Where the percentiles are taken.
    """
    counts = np.bincount(image[inside].ravel(), minlength=256)
    if not counts.sum():
        return image
    share = np.cumsum(counts) / counts.sum()
    low, high = int(np.searchsorted(share, 0.005)), int(np.searchsorted(share, 0.995))
    if high <= low:
        return image
    ramp = np.clip((np.arange(256) - low) * (255.0 / (high - low)), 0, 255)
    return np.asarray(np.floor(ramp + 0.5).astype(np.uint8)[image], dtype=np.uint8)


def compose(recipe: Recipe, *, keys: tuple[str, ...] = ("image",)) -> Compose:
    """Return the deterministic preprocessing of a recipe, for inference and training alike.

    Parameters
    ----------
    recipe : Recipe
    keys : tuple of str
        Images to treat; ``label`` is resampled with them when present.

    Returns
    -------
    monai.transforms.Compose
        Takes a dictionary with ``image`` (uint8, (1, y, x)) and ``spacing_mm``; adds ``breast`` and
        ``scale``.
    """
    whole = recipe.region == "image"
    steps: list[Callable[[Mapping[Hashable, Any]], Sample]] = [
        HarmoniseSpacingd((*keys, "label"), spacing_mm=recipe.spacing_mm),
        BreastMaskd(keys, whole=whole),
        Smoothd(keys, smoothing=recipe.smoothing),
    ]
    if recipe.labels == "opening_disk_10":
        steps.append(RemoveLabelsd(keys))
    if not whole:
        steps.append(IsolateBreastd(keys))
    if recipe.contrast == "stretch":
        steps.append(StretchContrastd(keys))
    return Compose(steps)
