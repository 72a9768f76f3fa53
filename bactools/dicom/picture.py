"""Grey PNG and TIFF pictures: their size, and their pixels."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from bactools.conventions import VIEWS, is_subject
from bactools.dicom.facts import parse_date
from bactools.dicom.headers import MAX_PIXELS, MAX_SIDE
from bactools.dicom.quiet import quiet
from bactools.dicom.stream import Excluded

DEFAULT_PATTERN = (
    r"(?P<subject>.+)_(?P<view>[LR](?:CC|MLO))_(?P<date>\d{8}|\d{4}-\d{2}-\d{2})(?:_\w+)?\.(?:png|tiff?)"
)
"""How a picture's name tells woman, view and date; matched against the whole name, in any case."""

MAGIC = (b"\x89PNG", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_GREY8 = frozenset({"L"})
_GREY16 = frozenset({"I;16", "I;16B", "I;16L", "I", "I;16N"})
_COLOUR = frozenset({"RGB", "P"})


@dataclass(frozen=True)
class Picture:
    """Size and depth of a picture, read without decoding it."""

    rows: int
    columns: int
    bits: int


def name_regex(pattern: str) -> re.Pattern[str]:
    """Compile a name pattern.

    Raises
    ------
    ValueError
        If it is no regular expression, or lacks a group named subject, view or date.
    """
    try:
        regex = re.compile(pattern, re.IGNORECASE)
    except re.error:
        raise ValueError("name_pattern is not a regular expression: see DEFAULT_PATTERN") from None
    missing = [name for name in ("subject", "view", "date") if name not in regex.groupindex]
    if missing:
        raise ValueError(f"name_pattern has no group (?P<{missing[0]}>...): see DEFAULT_PATTERN")
    return regex


def parse_name(name: str, regex: re.Pattern[str]) -> tuple[str, str, dt.date | None] | None:
    """Return (subject, view, day) told by a file's name, or None when it does not fit the pattern."""
    found = regex.fullmatch(name)
    if found is None:
        return None
    subject, view = found["subject"] or "", (found["view"] or "").upper()
    if not is_subject(subject) or view not in VIEWS:
        return None
    return subject, view, parse_date(found["date"] or "")


def picture_info(path: Path) -> Picture:
    """Read a picture's size and depth.

    Raises
    ------
    Excluded
        ``unreadable``, ``too_large`` or ``colour``.
    """
    try:
        with quiet(), Image.open(path, formats=("PNG", "TIFF")) as picture:
            return _checked(picture)
    except Excluded:
        raise
    except Image.DecompressionBombError:
        raise Excluded("too_large", "picture") from None
    except Exception as error:
        raise Excluded("unreadable", type(error).__name__) from None


def read_picture(path: Path) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Read a grey picture; a colour one only when its three channels are equal.

    Returns
    -------
    uint8 or uint16, shape (y, x)
        Stored values.

    Raises
    ------
    Excluded
        ``unreadable``, ``too_large`` or ``colour``.
    """
    try:
        with quiet(), Image.open(path, formats=("PNG", "TIFF")) as picture:
            bits = _checked(picture).bits
            values = np.asarray(picture.convert("RGB") if picture.mode == "P" else picture)
    except Excluded:
        raise
    except Exception as error:
        raise Excluded("unreadable", type(error).__name__) from None
    if values.ndim == 3:
        if not (
            np.array_equal(values[..., 0], values[..., 1]) and np.array_equal(values[..., 0], values[..., 2])
        ):
            raise Excluded("colour")
        values = values[..., 0]
    if values.size and (values.min() < 0 or values.max() >= 2**bits):
        raise Excluded("unreadable", "values beyond 16 bits")
    return values.astype(np.uint8) if bits == 8 else values.astype(np.uint16)


def _checked(picture: Image.Image) -> Picture:
    columns, rows = picture.size
    if max(rows, columns) > MAX_SIDE or rows * columns > MAX_PIXELS:
        raise Excluded("too_large", f"{rows} x {columns} pixels")
    if getattr(picture, "n_frames", 1) > 1:
        raise Excluded("unreadable", "several pages")
    if picture.mode in _GREY8 | _COLOUR:
        return Picture(rows, columns, 8)
    if picture.mode in _GREY16:
        return Picture(rows, columns, 16)
    raise Excluded("colour", "neither 8- nor 16-bit grey")
