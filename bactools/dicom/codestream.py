"""The size that a compressed image states about itself, read before any decoder allocates for it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}  # 0xF7: JPEG-LS
_J2K_START = b"\xff\x4f\xff\x51"


@dataclass(frozen=True)
class Stated:
    """Rows, columns, components and bits per value."""

    rows: int
    columns: int
    components: int
    bits: int


def stated(frame: bytes) -> Stated | None:
    """Return what a JPEG, JPEG-LS or JPEG 2000 codestream says, or None when it is none of them.

    References
    ----------
    ITU-T T.81 B.2.2 (frame header), T.87 C.2.2 (JPEG-LS), T.800 A.5.1 (SIZ).
    """
    if frame[:2] == b"\xff\xd8":
        return _jpeg(frame)
    start = frame[:4096].find(_J2K_START)  # a JP2 wrapper may come first
    return _jpeg_2000(frame[start:]) if start >= 0 else None


def _jpeg(frame: bytes) -> Stated | None:
    position = 2
    while position + 4 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF or marker in _STANDALONE:
            position += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", frame, position + 2)
        if marker in _FRAME_MARKERS:
            if position + 10 > len(frame):
                return None
            bits, rows, columns, components = struct.unpack_from(">BHHB", frame, position + 4)
            return Stated(rows, columns, components, bits)
        if length < 2:
            return None
        position += 2 + length
    return None


def _jpeg_2000(frame: bytes) -> Stated | None:
    if len(frame) < 43:
        return None
    x1, y1, x0, y0 = struct.unpack_from(">4L", frame, 8)
    (components,) = struct.unpack_from(">H", frame, 40)
    return Stated(y1 - y0, x1 - x0, components, (frame[42] & 0x7F) + 1)
