"""Random fields, and random streams that depend on nothing but names."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter

Field = NDArray[np.float32]


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the random stream of a thing, the same whatever was drawn before.

    Parameters
    ----------
    seed : int
        Of the woman or cohort.
    *names : str or int
        What the stream is for: ``stream(7, "arteries", "L")``.
    """
    words = [zlib.crc32(str(name).encode()) for name in names]
    return np.random.default_rng([abs(int(seed)), *words])


def power_law(
    random: np.random.Generator,
    shape: tuple[int, ...],
    *,
    exponent: float,
    longest: float,
    shortest: float = 0.0,
    stretch: tuple[float, ...] | None = None,
) -> Field:
    """Return a Gaussian field whose power falls with frequency as a power law, mean 0 and sd 1.

    Parameters
    ----------
    random : numpy.random.Generator
    shape : tuple of int
        Two or three axes.
    exponent : float
        Of the power spectrum; mammograms have about 3 in two dimensions.
    longest, shortest : float
        Wavelengths beyond which the power stays level, and below which it fades [pixel].
    stretch : tuple of float, optional
        How much longer structures are along each axis.

    Returns
    -------
    float32 array of that shape

    References
    ----------
    Burgess AE. Mammographic structure: data preparation and spatial statistics analysis. Proc SPIE
    1999;3661:642-653.
    """
    stretch = stretch or (1.0,) * len(shape)
    squared = np.zeros((1,) * len(shape), dtype=np.float32)
    for axis, (size, factor) in enumerate(zip(shape, stretch, strict=True)):
        last = axis == len(shape) - 1
        frequency = (fft.rfftfreq if last else fft.fftfreq)(size).astype(np.float32) * np.float32(factor)
        index: list[slice | None] = [None] * len(shape)
        index[axis] = slice(None)
        squared = squared + frequency[tuple(index)] ** 2
    amplitude = (squared + np.float32(longest**-2)) ** np.float32(-exponent / 4)
    if shortest > 0:
        amplitude *= np.exp(squared * np.float32(-0.5 * shortest**2))
    white = random.standard_normal(shape, dtype=np.float32)
    spectrum = fft.rfftn(white, workers=1) * amplitude
    field: Field = np.asarray(fft.irfftn(spectrum, s=shape, workers=1), dtype=np.float32)
    field -= field.mean()
    field /= max(float(field.std()), 1e-6)
    return field


def smooth(
    random: np.random.Generator, shape: tuple[int, ...], sigma: tuple[float, ...], *, mode: str | list[str]
) -> Field:
    """Return white noise blurred with a Gaussian and brought back to sd 1.

    Parameters
    ----------
    random : numpy.random.Generator
    shape, sigma : tuple
        Axis lengths and blur [samples].
    mode : str or list of str
        How each axis goes on past its ends, as `scipy.ndimage.gaussian_filter` names it.
    """
    white = random.standard_normal(shape, dtype=np.float32)
    field: Field = np.asarray(gaussian_filter(white, sigma, mode=mode, truncate=3.0))
    for length, width in zip(shape, sigma, strict=True):  # what blurring takes from the spread
        lost = 1.0 if width <= 0.3 else min(2.0 * np.sqrt(np.pi) * width, float(length))
        field *= np.float32(np.sqrt(lost))
    return field
