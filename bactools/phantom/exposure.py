"""From tissue to a presentation image: attenuation, scatter, blur, noise, and a vendor's processing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from bactools.phantom.noise import Field, stream
from bactools.phantom.tissue import Tissue

FAT, GLAND, MUSCLE = 0.0500, 0.0740, 0.0760
"""Linear attenuation at about 20 keV, a 28 to 30 kV spectrum behind a breast [1/mm]; after NIST's XCOM."""

CALCIUM = 0.0068
"""Mass attenuation of hydroxyapatite at the same energy, less that of the tissue it displaces [cm2/mg]."""


@dataclass(frozen=True)
class Look:
    """How one unit and its processing show a breast.

    Attributes
    ----------
    photons : float
        Quanta per pixel without a breast.
    blur : float
        Sigma of the detector's point spread [pixel].
    scatter : float
        Scattered to primary photons behind the middle of the breast.
    base : float
        Grey of fat at full thickness, of 4095.
    contrast : float
        Greys per unit of attenuation.
    equalised : float
        How much of the thinning edge is made up for, 0 to 1.
    falling : float
        How much darker the outermost tissue is made [attenuation].
    skin : float
        How far the skin line stands out [attenuation].
    darkest : float
        Grey of the darkest tissue.
    shoulder : float
        Grey from which highlights are compressed.
    """

    photons: float
    blur: float
    scatter: float
    base: float
    contrast: float
    equalised: float
    falling: float
    skin: float
    darkest: float
    shoulder: float


def look_of(seed: int, exam: int) -> Look:
    """Return the look of the unit that took an exam; units differ and are replaced now and then."""
    unit = stream(seed, "unit", exam // 4)
    today = stream(seed, "exposure", exam)
    return Look(
        photons=float(np.exp(unit.normal(np.log(60_000), 0.3))),
        blur=float(unit.uniform(0.75, 1.35)),
        scatter=float(unit.uniform(0.25, 0.45)),
        base=float(1150 + unit.normal(0, 180) + today.normal(0, 60)),
        contrast=float(1700 * np.exp(unit.normal(0, 0.12) + today.normal(0, 0.04))),
        equalised=float(unit.uniform(0.8, 0.93)),
        falling=float(unit.uniform(0.25, 0.7)),
        skin=float(unit.uniform(0.02, 0.12)),
        darkest=float(unit.uniform(60, 400)),
        shoulder=float(unit.uniform(3100, 3500)),
    )


def expose(tissue: Tissue, opaque: Field, *, look: Look, random: np.random.Generator) -> NDArray[np.uint16]:
    """Return the presentation image of a breast.

    Parameters
    ----------
    tissue : Tissue
    opaque : float32 array, shape of `tissue.grid`
        Attenuation by what is small and dense: calcium, clips, skin marks.
    look : Look
    random : numpy.random.Generator
        Of the quantum noise.

    Returns
    -------
    uint16, shape of `tissue.grid`
        Twelve bits, 0 outside the breast.
    """
    size = (tissue.grid.shape[1], tissue.grid.shape[0])
    soft = (GLAND - FAT) * cv2.resize(tissue.gland, size, interpolation=cv2.INTER_LINEAR)
    thick = float(tissue.thickness.max())
    bulk = FAT * tissue.thickness + (MUSCLE - FAT) * tissue.muscle
    # processing flattens the edge: what is left of it darkens towards the skin
    missing = np.float32(FAT) * (np.float32(thick) - tissue.thickness)
    left = (MUSCLE - FAT) * tissue.muscle - (1 - look.equalised) * missing
    left = left - look.falling * np.maximum(1 - tissue.thickness / (0.5 * thick), 0) ** 2
    signal = np.asarray(cv2.GaussianBlur(soft + opaque, (0, 0), look.blur), dtype=np.float32)
    # quanta: primary behind bulk and gland, with scatter on top that is estimated and taken away again
    gland = cv2.resize(tissue.gland, (bulk.shape[1], bulk.shape[0]), interpolation=cv2.INTER_AREA)
    primary = np.exp(-(bulk + (GLAND - FAT) * gland))
    scattered = look.scatter * gaussian_filter(primary, 12.0) * (tissue.thickness > 0)
    relative = np.sqrt((primary + scattered) / look.photons) / primary
    coarse = np.stack([left, relative.astype(np.float32)], axis=-1)
    full = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
    noise = random.standard_normal(signal.shape, dtype=np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 0.55) * np.float32(1.55)
    inward = tissue.inward
    signal += full[..., 0]
    signal += np.float32(look.skin) * np.exp(-(((inward - 0.8) / 0.7) ** 2))
    signal += noise * full[..., 1]
    grey = np.float32(look.base) + np.float32(look.contrast) * signal
    grey = _shoulder(grey, look.shoulder)
    grey = np.maximum(grey, np.float32(look.darkest))
    grey *= np.clip(inward / (2 * tissue.grid.spacing), 0, 1)
    picture: NDArray[np.uint16] = np.clip(grey, 0, 4095).astype(np.uint16)
    return picture


def _shoulder(grey: Field, start: float) -> Field:
    """Compress highlights above `start` smoothly towards white."""
    above = np.maximum(grey - np.float32(start), 0)
    room = np.float32(4095 - start)
    return np.asarray(
        np.minimum(grey, np.float32(start)) + room * (1 - np.exp(-above / room)), dtype=np.float32
    )
