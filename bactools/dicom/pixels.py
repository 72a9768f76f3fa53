"""One file becomes one image on the paper's 8-bit scale: calcium bright, spacing in mm."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from bactools.dicom.decode import ImageFailure, Stored, StoredImage, read_stored
from bactools.dicom.facts import photometric, spacing
from bactools.dicom.headers import Header
from bactools.dicom.picture import MAGIC, read_picture
from bactools.dicom.privacy import PrivatePath
from bactools.dicom.quiet import quiet
from bactools.dicom.robust import robust_limits
from bactools.dicom.stream import Excluded, open_regular
from bactools.dicom.voi import Attributes, round_grey, stated_grey

_CODES = {
    "not_dicom": ("unreadable", "neither DICOM nor PNG or TIFF"),
    "dicomdir": ("unreadable", "a DICOMDIR, not an image"),
    "unreadable": ("unreadable", "the file cannot be read: fetch it again"),
    "unknown_syntax": ("unsupported", "an image compression that is not known here: re-encode the file"),
    "too_large": ("too_large", "larger than any mammogram (120 megapixels, 16384 a side)"),
    "missing_tag": ("missing_tag", "an attribute is missing"),
    "colour": ("unsupported", "a colour image: export it in grey"),
}


def read_image(path: str | os.PathLike[str] | PrivatePath, *, scaling: str = "presentation") -> xr.DataArray:
    """Read one image onto the 8-bit scale.

    Parameters
    ----------
    path : path or PrivatePath
        A DICOM file with one grey image, or a grey PNG or TIFF picture of 8 or 16 bits.
    scaling : {"presentation", "container"}
        ``presentation``: as the file states it (VOI LUT Sequence, else window, the first of
        several); without a statement, `bactools.dicom.robust.robust_limits`. ``container``: 16-bit
        pictures divided by 256 and rounded down; DICOM files as under ``presentation``. Pictures of
        8 bits stay as they are.

    Returns
    -------
    xarray.DataArray
        uint8, dims (y, x), calcium bright. Attributes: ``spacing_detector_mm`` and
        ``spacing_corrected_mm`` [mm] (NaN unknown), ``scaling`` (``voi_lut``, ``window``, ``robust``,
        ``none8`` or ``container``) with its numbers, ``bits_stored``, ``photometric``,
        ``padding_pixels`` (count of pixels set to black as padding).

    Raises
    ------
    ImageFailure
        For anything that is wrong with the file; its ``code`` says what, its text holds nothing of
        the header and no path.
    ValueError
        If `scaling` is not one of the choices.

    References
    ----------
    DICOM PS3.3 C.11.1 and C.11.2 (modality and VOI transformation), C.7.6.3.1.2 (MONOCHROME1),
    C.7.5.1.1.2 (padding).
    """
    if scaling not in ("presentation", "container"):
        raise ValueError(f"scaling={scaling!r}: choose presentation or container")
    file = path.open_path() if isinstance(path, PrivatePath) else Path(path)
    try:
        with open_regular(file) as stream:
            head = stream.read(132)
        if head[128:] != b"DICM" and head.startswith(MAGIC):
            return _picture(read_picture(file), scaling)
        return _dicom(read_stored(file))
    except Excluded as verdict:
        code, message = _CODES[verdict.reason]
        detail = f" ({verdict.detail})" if verdict.detail else ""
        raise ImageFailure(code, message + detail) from None
    except ImageFailure:
        raise
    except Exception as error:
        raise ImageFailure("unreadable", f"the file cannot be read ({type(error).__name__})") from None


def _dicom(image: StoredImage) -> xr.DataArray:
    header, values = image.header, image.values
    inverted = header.word("PhotometricInterpretation") == "MONOCHROME1"
    padding = _padding(image)
    domain = _domain(values)
    grey = stated_grey(domain, image.dataset)
    if grey is not None:
        table, attributes = round_grey(grey.ramp, inverted=inverted), grey.attributes
    else:
        table, attributes = _robust_table(values, domain, header, padding, inverted=inverted)
    hidden = np.zeros(len(table), dtype=bool)
    if padding is not None:
        hidden = (domain >= padding[0]) & (domain <= padding[1])
        table = np.where(hidden, np.uint8(0), table)
    # The word itself is the index: the table is ordered as unsigned words count.
    order = np.roll(np.arange(65536), -32768) if values.dtype == np.int16 else np.arange(65536)
    words = values.view(np.uint16)
    shown = table[order].take(words)
    attributes["padding_pixels"] = int(np.count_nonzero(hidden[order].take(words))) if padding else 0
    return _labelled(shown, header, attributes)


def _domain(values: Stored) -> npt.NDArray[np.int64]:
    """Return all values that a word can hold, ascending."""
    limits = np.iinfo(values.dtype)
    return np.arange(limits.min, limits.max + 1, dtype=np.int64)


def _padding(image: StoredImage) -> tuple[int, int] | None:
    """Return the range of Pixel Padding Value and Pixel Padding Range Limit, in stored values."""
    bits, signed = image.header.integer("BitsStored", 16), image.values.dtype == np.int16
    ends = []
    for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
        with quiet():
            try:
                value: Any = image.dataset.get(keyword)
                number = None if value in (None, "") else int(value)
            except Exception:
                number = None
        if number is not None:
            ends.append(_as_stored(number, bits, signed=signed))
        elif not ends:
            return None
    return min(ends), max(ends)


def _as_stored(number: int, bits: int, *, signed: bool) -> int:
    """Undo that some writers give a signed value where an unsigned one is meant, or the reverse."""
    if signed and 1 << bits - 1 <= number < 1 << bits:
        return number - (1 << bits)
    return number + (1 << bits) if not signed and -(1 << bits - 1) <= number < 0 else number


def _robust_table(
    values: Stored,
    domain: npt.NDArray[np.int64],
    header: Header,
    padding: tuple[int, int] | None,
    *,
    inverted: bool,
) -> tuple[npt.NDArray[np.uint8], Attributes]:
    """Scale between the background and the brightest of the breast; numbers are those of stored values."""
    bits, signed = header.integer("BitsStored", 16), values.dtype == np.int16
    mirror = -1 if signed else 2**bits - 1  # least plus greatest stored value
    valid = None if padding is None else (values < padding[0]) | (values > padding[1])
    bright = mirror - values.astype(np.int32) if inverted else values
    low, high = robust_limits(bright, valid)
    ramp = ((mirror - domain if inverted else domain) - low) / (high - low) * 255.0
    black, white = (mirror - low, mirror - high) if inverted else (low, high)
    attributes: Attributes = {"scaling": "robust", "scaling_low": black, "scaling_high": white}
    return round_grey(np.clip(ramp, 0, 255), inverted=False), attributes


def _picture(values: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], scaling: str) -> xr.DataArray:
    attributes: Attributes = {"padding_pixels": 0}
    if values.dtype == np.uint8:
        shown, bits = values.astype(np.uint8), 8
        attributes["scaling"] = "none8"
    elif scaling == "container":
        shown, bits = (values // 256).astype(np.uint8), 16
        attributes["scaling"] = "container"
    else:
        low, high = robust_limits(values)
        ramp = (np.arange(65536) - low) / (high - low) * 255.0
        shown, bits = round_grey(np.clip(ramp, 0, 255), inverted=False).take(values), 16
        attributes |= {"scaling": "robust", "scaling_low": low, "scaling_high": high}
    header = Header({"BitsStored": (str(bits),), "PhotometricInterpretation": ("MONOCHROME2",)})
    return _labelled(shown, header, attributes)


def _labelled(shown: npt.NDArray[np.uint8], header: Header, attributes: Attributes) -> xr.DataArray:
    size = spacing(header)
    return xr.DataArray(
        shown,
        dims=("y", "x"),
        name="image",
        attrs={
            "spacing_detector_mm": size.detector_mm,
            "spacing_corrected_mm": size.corrected_mm,
            **attributes,
            "bits_stored": header.integer("BitsStored", 0),
            "photometric": photometric(header),
        },
    )
