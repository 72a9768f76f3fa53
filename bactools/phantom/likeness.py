"""How a mammogram looks in numbers, real or synthetic: grey levels, texture exponent, noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TEXTURE = (0.012, 0.05)
"""Frequencies of the texture's power law [cycles per pixel]: 0.17 to 0.7 per mm at 0.07 mm."""

NOISE = (0.35, 0.5)
"""Frequencies at which noise is what is left [cycles per pixel]."""

_PERCENTILES = (5, 25, 50, 75, 95)


@dataclass(frozen=True, eq=False)
class Likeness:
    """The look of one mammogram.

    Attributes
    ----------
    percentiles : dict of int to float
        Of the grey levels in the breast, 0 to 255.
    texture_exponent : float
        Of the power law that the spectrum follows over `TEXTURE`; mammograms have about 3.
    noise_power : float
        Mean spectral power over `NOISE` [grey level squared].
    frequency, power : float array, shape (bin,)
        Radially averaged spectrum [cycles per pixel; grey level squared].
    """

    percentiles: dict[int, float]
    texture_exponent: float
    noise_power: float
    frequency: NDArray[np.float64]
    power: NDArray[np.float64]


def likeness(image: NDArray[np.uint8], breast: NDArray[np.bool_], *, side: int = 512) -> Likeness:
    """Describe the look of a mammogram.

    Parameters
    ----------
    image : uint8 array, shape (y, x)
        As presented, not smoothed.
    breast : bool array, shape (y, x)
    side : int
        Of the squares whose spectra are averaged; only those wholly inside the breast count [pixel].

    Returns
    -------
    Likeness

    Raises
    ------
    ValueError
        If no square fits into the breast.

    References
    ----------
    Burgess AE. Mammographic structure: data preparation and spatial statistics analysis. Proc SPIE
    1999;3661:642-653.
    """
    frequency, power = spectrum(image, breast, side=side)
    texture = (frequency >= TEXTURE[0]) & (frequency <= TEXTURE[1])
    slope = np.polyfit(np.log(frequency[texture]), np.log(np.maximum(power[texture], 1e-12)), 1)[0]
    noise = (frequency >= NOISE[0]) & (frequency <= NOISE[1])
    values = np.percentile(image[breast], _PERCENTILES)
    return Likeness(
        {name: float(value) for name, value in zip(_PERCENTILES, values, strict=True)},
        float(-slope),
        float(power[noise].mean()),
        frequency,
        power,
    )


def spectrum(
    image: NDArray[np.uint8], breast: NDArray[np.bool_], *, side: int = 512
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return frequencies [cycles per pixel] and the mean power of the breast's squares.

    Parameters
    ----------
    image, breast, side
        As for `likeness`. Squares overlap by half, lose their mean and carry a Hann window.
    """
    taper = np.hanning(side)[:, None] * np.hanning(side)[None, :]
    total, count = np.zeros((side, side // 2 + 1)), 0
    for top in range(0, image.shape[0] - side + 1, side // 2):
        for left in range(0, image.shape[1] - side + 1, side // 2):
            place = (slice(top, top + side), slice(left, left + side))
            if breast[place].all():
                square = image[place].astype(np.float64)
                total += np.abs(np.fft.rfft2((square - square.mean()) * taper)) ** 2
                count += 1
    if not count:
        raise ValueError(f"no square of {side} pixels lies inside the breast: choose a smaller side")
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]) * side
    ring = np.rint(radius).astype(np.int64).ravel()
    members = np.bincount(ring)
    power = np.bincount(ring, total.ravel()) / np.maximum(members, 1) / count / (taper**2).sum()
    rings = np.arange(1, side // 2)
    return rings / side, power[1 : side // 2]
