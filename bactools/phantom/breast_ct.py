"""What a breast CT would read of the calcium in a breast: mass and voxels, with a reader's error."""

from __future__ import annotations

import math

import numpy as np

from bactools.phantom.calcium import DENSITY

VOXEL_MM3 = 0.27**3
"""Volume of a voxel of the breast CT: a cube of 0.27 mm [mm3]; assumed."""

CT_DENSITY = DENSITY / 2
"""Mean hydroxyapatite in a voxel above the threshold [mg/mm3]; assumed: such voxels are half filled."""

READER_CV = 0.08
"""Coefficient of variation of a reading, of the mass and of the volume independently; assumed."""


def read_ct(random: np.random.Generator, calcium_mg: float) -> tuple[float, int]:
    """Return what a breast CT reads where there are `calcium_mg`.

    Parameters
    ----------
    random : numpy.random.Generator
    calcium_mg : float
        True mass of hydroxyapatite in the breast [mg].

    Returns
    -------
    mass : float
        [mg]; the true one times a lognormal error of mean 1 and `READER_CV`. Zero stays zero.
    voxels : int
        Above the threshold; likewise, with an error of its own.
    """
    variance = math.log1p(READER_CV**2)
    errors = np.exp(random.normal(-variance / 2, math.sqrt(variance), 2))
    volume = calcium_mg / CT_DENSITY
    return float(calcium_mg * errors[0]), round(float(volume * errors[1] / VOXEL_MM3))
