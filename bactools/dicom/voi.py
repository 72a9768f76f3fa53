"""From stored values to 8-bit grey by a table: modality and VOI transformation as the file states them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_windowing

from bactools.dicom.decode import ImageFailure
from bactools.dicom.quiet import quiet

Ramp = npt.NDArray[np.float64]
Attributes = dict[str, float | int | str]

_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


@dataclass(frozen=True)
class Grey:
    """Grey of every stored value, 0 to 255 and not yet rounded, and how it came about."""

    ramp: Ramp
    attributes: Attributes


def stated_grey(stored: npt.NDArray[np.int64], dataset: Dataset) -> Grey | None:
    """Return the grey that the file states for each stored value, or None when it states none.

    A VOI LUT Sequence counts before windows, as in pydicom; of several the first is taken.

    Parameters
    ----------
    stored : int, shape (n,)
        Stored values.
    dataset : pydicom.Dataset
        Modality LUT or rescale, VOI LUT Sequence, Window Center and Width, VOI LUT Function.

    Raises
    ------
    ImageFailure
        ``unsupported``, when the modality transformation cannot be applied.

    References
    ----------
    DICOM PS3.3 C.11.1 (Modality LUT), C.11.2 (VOI LUT), C.8.11.3.1.5 (VOI in DX and mammography).
    """
    try:
        with quiet():
            modality = np.asarray(apply_modality_lut(stored, dataset), dtype=np.float64)
    except Exception as error:
        raise ImageFailure("unsupported", f"modality transformation ({type(error).__name__})") from None
    try:
        with quiet():
            return _lookup(modality, dataset) or _window(modality, dataset)
    except Exception:
        return None  # a damaged window is no window


def round_grey(ramp: Ramp, *, inverted: bool) -> npt.NDArray[np.uint8]:
    """Round to 8 bits, half up; after rounding to a millionth, so that inverted twins agree."""
    shown = 255.0 - ramp if inverted else ramp
    return np.clip(np.floor(np.round(shown, 6) + 0.5), 0, 255).astype(np.uint8)


def _lookup(modality: Ramp, dataset: Dataset) -> Grey | None:
    sequence: Any = dataset.get("VOILUTSequence")
    if not sequence:
        return None
    entries, first, bits = (int(value) for value in sequence[0].LUTDescriptor)
    table = _lut_data(sequence[0], entries or 65536, dataset)
    index = np.clip(np.floor(modality).astype(np.int64) - first, 0, len(table) - 1)
    scale = 255.0 / (2**bits - 1)
    return Grey(
        table[index] * scale, {"scaling": "voi_lut", "voi_lut_entries": len(table), "voi_lut_bits": bits}
    )


def _lut_data(item: Dataset, entries: int, dataset: Dataset) -> Ramp:
    data: Any = item.LUTData
    if isinstance(data, bytes):
        order = "<" if dataset.original_encoding[1] is not False else ">"
        data = np.frombuffer(data, dtype=np.uint8 if len(data) < 2 * entries else f"{order}u2")
    table = np.asarray(data, dtype=np.float64)[:entries]
    if table.ndim != 1 or len(table) < entries:
        raise ValueError("short table")
    return table


def _window(modality: Ramp, dataset: Dataset) -> Grey | None:
    center, width = (_first_number(dataset, keyword) for keyword in ("WindowCenter", "WindowWidth"))
    function = str(dataset.get("VOILUTFunction") or "LINEAR").strip().upper()
    if center is None or width is None or function not in _FUNCTIONS:
        return None
    if width <= 0 or (function == "LINEAR" and width < 1):
        return None
    # pydicom spreads a window over the range of the stored bits; with 8 unsigned bits that is our scale.
    scale = Dataset()
    scale.PhotometricInterpretation = "MONOCHROME2"
    scale.BitsStored, scale.PixelRepresentation = 8, 0
    scale.WindowCenter, scale.WindowWidth, scale.VOILUTFunction = center, width, function
    with np.errstate(over="ignore"):
        ramp = apply_windowing(modality, scale)
    return Grey(
        ramp,
        {"scaling": "window", "window_center": center, "window_width": width, "window_function": function},
    )


def _first_number(dataset: Dataset, keyword: str) -> float | None:
    value: Any = dataset.get(keyword)
    if value is None or value == "":
        return None
    number = float(value[0] if hasattr(value, "__len__") and not isinstance(value, str) else value)
    return number if math.isfinite(number) else None
