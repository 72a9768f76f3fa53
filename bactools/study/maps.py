"""Maps of a study: one checked zarr array per image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec

_CHUNK = 1024


def write_map(folder: Path, image_id: str, array: NDArray[Any], *, attrs: dict[str, Any]) -> None:
    """Store a mask or a probability map, replacing an earlier one.

    Parameters
    ----------
    folder : Path
        ``STUDY/maps.zarr``.
    image_id : str
    array : bool or float32, shape (y, x)
    attrs : dict
        Recipe hash, weights hash and spacing that the map was made with.
    """
    zarr.create_array(
        store=folder / image_id,
        data=array,
        chunks=tuple(min(_CHUNK, size) for size in array.shape),
        compressors=[ZstdCodec(level=1), Crc32cCodec()],
        fill_value=0,
        attributes={**attrs, "nonzero": int(np.count_nonzero(array))},
        dimension_names=["y", "x"],
        overwrite=True,
    )


def read_map(folder: Path, image_id: str) -> xr.DataArray:
    """Return a stored map.

    Returns
    -------
    DataArray, dims (y, x)
        bool (mask) or float32 (probability), with the attributes it was stored with.

    Raises
    ------
    KeyError
        If the image has no map.
    ValueError
        If a stored piece is damaged.
    """
    if not (folder / image_id / "zarr.json").exists():
        raise KeyError(f"no map of image {image_id} in this study")
    damaged = f"the map of image {image_id} is damaged: run this image again"
    try:
        stored = zarr.open_array(store=folder / image_id, mode="r")
        array = np.asarray(stored[:])
        whole = int(np.count_nonzero(array)) == stored.attrs["nonzero"]  # zarr reads a lost chunk as zeros
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{damaged} ({type(error).__name__})") from None
    if not whole:
        raise ValueError(damaged)
    return xr.DataArray(array, dims=("y", "x"), attrs=dict(stored.attrs), name="map")
