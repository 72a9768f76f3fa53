"""Training patches varied at random: MONAI's dictionary transforms, the same for the same seed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.transforms import (
    Compose,
    Identityd,
    OneOf,
    RandAdjustContrastd,
    RandFlipd,
    RandGaussianNoised,
    RandGaussianSmoothd,
    RandScaleIntensityd,
    RandScaleIntensityFixedMeand,
    RandShiftIntensityd,
    RandSpatialCropd,
    RandZoomd,
    Rotate90d,
    Transform,
)
from numpy.typing import NDArray
from torch import Tensor

from bactools.training.checks import ConfigError, within

_BOTH = ("image", "label")
_GREY = ("image",)
_HALF = 0.5


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How training patches are varied; the defaults are the paper's kinds, 0 or false leaves one out.

    The paper names flips, rotations by 90 or 270 degrees, brightness, contrast and saturation, and no
    amounts. Saturation means nothing for grey images.

    Attributes
    ----------
    flip : bool
        Mirror at either axis, each half of the time.
    rotate90 : bool
        Turn by 90 or 270 degrees half of the time.
    brightness : float
        Largest shift, as a share of the grey scale.
    contrast : float
        Largest relative change of the distance from the patch's mean.
    gain : float
        Largest relative change of all grey values.
    gamma : float
        Exponents from ``1 / (1 + gamma)`` to ``1 + gamma``.
    scale : float
        Largest relative change of size.
    noise : float
        Largest SD of added Gaussian noise [grey level of 255].
    blur : float
        Largest SD of a Gaussian blur [pixel].

    References
    ----------
    Guo X, et al. Med Phys 2021;48:5851-5861, section II.B.
    """

    flip: bool = True
    rotate90: bool = True
    brightness: float = 0.1
    contrast: float = 0.2
    gain: float = 0.0
    gamma: float = 0.0
    scale: float = 0.0
    noise: float = 0.0
    blur: float = 0.0

    def __post_init__(self) -> None:
        for name, most in (("brightness", 1), ("contrast", 1), ("gain", 1), ("scale", 0.9)):
            within(f"augment.{name}", getattr(self, name), 0, most)
        for name, most in (("gamma", 5), ("noise", 255), ("blur", 50)):
            within(f"augment.{name}", getattr(self, name), 0, most)
        for name in ("flip", "rotate90"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"augment.{name}={getattr(self, name)!r}: write true or false")


def geometry(augment: Augmentation, *, crop: int | None = None) -> Compose:
    """Return the transforms that move pixels, image and label alike.

    Parameters
    ----------
    augment : Augmentation
    crop : int, optional
        Side of a random cut-out [pixel].
    """
    steps: list[Transform] = []
    if augment.scale:
        steps.append(
            RandZoomd(
                _BOTH,
                prob=1.0,
                min_zoom=1 - augment.scale,
                max_zoom=1 + augment.scale,
                mode=("bilinear", "nearest-exact"),
                padding_mode="reflect",
            )
        )
    if crop is not None:
        steps.append(RandSpatialCropd(_BOTH, roi_size=(crop, crop), random_size=False))
    if augment.flip:
        steps += [RandFlipd(_BOTH, prob=_HALF, spatial_axis=axis) for axis in (0, 1)]
    if augment.rotate90:
        turns = [Identityd(_BOTH), Rotate90d(_BOTH, k=1), Rotate90d(_BOTH, k=3)]
        steps.append(OneOf(turns, weights=[_HALF, _HALF / 2, _HALF / 2]))
    return Compose(steps)


def intensity(augment: Augmentation) -> Compose:
    """Return the transforms of grey values, on a scale of 0 to 255."""
    steps: list[Transform] = []
    if augment.blur:
        sigma = (0.0, augment.blur)
        steps.append(RandGaussianSmoothd(_GREY, sigma_x=sigma, sigma_y=sigma, prob=_HALF))
    if augment.gamma:
        exponents = (1 / (1 + augment.gamma), 1 + augment.gamma)
        steps.append(RandAdjustContrastd(_GREY, prob=1.0, gamma=exponents))
    if augment.gain:
        steps.append(RandScaleIntensityd(_GREY, factors=augment.gain, prob=1.0))
    if augment.contrast:
        steps.append(RandScaleIntensityFixedMeand(_GREY, factors=augment.contrast, prob=1.0))
    if augment.brightness:
        steps.append(RandShiftIntensityd(_GREY, offsets=255 * augment.brightness, prob=1.0))
    if augment.noise:
        steps.append(RandGaussianNoised(_GREY, prob=_HALF, std=augment.noise, sample_std=True))
    return Compose(steps)


class Augment:
    """Vary a patch; what is black stays black, as outside the breast in a prepared image.

    Parameters
    ----------
    augment : Augmentation
    crop : int, optional
        Side of a random cut-out [pixel].
    """

    def __init__(self, augment: Augmentation, *, crop: int | None = None) -> None:
        self._geometry = geometry(augment, crop=crop)
        self._intensity = intensity(augment)

    def __call__(
        self, image: NDArray[np.uint8], label: NDArray[np.bool_], *, seed: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """Return grey values and label, varied.

        Parameters
        ----------
        image, label : uint8 and bool arrays, shape (y, x)
        seed : sequence of int
            The same numbers give the same variation, whatever was drawn before.

        Returns
        -------
        float32 Tensors, shape (1, y, x)
            Grey values, whole numbers 0 to 255; label, 0 or 1.
        """
        for steps, state in zip(
            (self._geometry, self._intensity), np.random.SeedSequence(seed).generate_state(2), strict=True
        ):
            steps.set_random_state(seed=int(state))
        sample: dict[Hashable, Any] = {
            "image": torch.from_numpy(image.astype(np.float32)[None]),
            "label": torch.from_numpy(label.astype(np.float32)[None]),
        }
        moved = self._geometry(sample)
        black = torch.as_tensor(moved["image"]) <= 0
        varied = torch.as_tensor(self._intensity({"image": moved["image"]})["image"])
        grey = _plain(varied).clamp(0, 255).round().masked_fill(_plain(black), 0)
        return grey.contiguous(), (_plain(moved["label"]) > _HALF).float().contiguous()


def _plain(tensor: Tensor) -> Tensor:
    """Return a tensor without MONAI's history."""
    as_tensor = getattr(tensor, "as_tensor", None)
    plain: Tensor = tensor if as_tensor is None else as_tensor()
    return plain
