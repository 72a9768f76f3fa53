"""The bytes of a DICOM file up to its pixel data: never forced, and inflated only within bounds."""

from __future__ import annotations

import io
import stat
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom import uid as syntaxes
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from bactools.dicom.quiet import quiet

HEADER_LIMIT = 4 * 2**20  # inflated bytes in which a deflated header must end
_DEFER = 2**16  # longer elements (overlays, private blobs) are skipped
_UNDEFINED = 0xFFFFFFFF

DEFLATED = str(syntaxes.DeflatedExplicitVRLittleEndian)
NATIVE = frozenset(
    str(uid)
    for uid in (
        syntaxes.ImplicitVRLittleEndian,
        syntaxes.ExplicitVRLittleEndian,
        syntaxes.ExplicitVRBigEndian,
    )
) | {DEFLATED}
ENCAPSULATED = frozenset(
    str(uid)
    for group in (
        syntaxes.JPEGTransferSyntaxes,
        syntaxes.JPEGLSTransferSyntaxes,
        syntaxes.JPEG2000TransferSyntaxes,
        syntaxes.RLETransferSyntaxes,
        (syntaxes.HTJ2KLossless, syntaxes.HTJ2KLosslessRPCL, syntaxes.HTJ2K),
    )
    for uid in group
)

_PIXEL_DATA = 0x7FE00010
_STOP = frozenset({0x7FE00008, 0x7FE00009, _PIXEL_DATA})


class Excluded(ValueError):
    """A file that cannot be measured, with a coded reason.

    Parameters
    ----------
    reason : str
        A key of `bactools.dicom.eligibility.REASONS`.
    detail : str
        A keyword, a number or a word of our own; never what a header says.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


@dataclass(frozen=True)
class PixelElement:
    """Where the value of Pixel Data starts in its stream, and its length (None: encapsulated)."""

    offset: int
    length: int | None


@dataclass(frozen=True, repr=False)
class Parsed:
    """A dataset up to its pixel data, and the stream in which those are."""

    dataset: Dataset
    syntax: str
    stream: BinaryIO
    pixels: PixelElement | None
    little_endian: bool
    complete: bool
    """False when only the first `HEADER_LIMIT` bytes of a deflated file were inflated."""


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; a pipe or device would block or never end.

    Raises
    ------
    Excluded
        ``unreadable``.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Excluded("unreadable", "not a regular file")
        return path.open("rb")
    except (OSError, ValueError) as error:
        if isinstance(error, Excluded):
            raise
        raise Excluded("unreadable", type(error).__name__) from None


def parse(
    stream: BinaryIO, *, tags: list[BaseTag] | None = None, inflate_limit: int = HEADER_LIMIT
) -> Parsed:
    """Parse up to the pixel data.

    Parameters
    ----------
    stream : binary file
        Positioned at the start of a DICOM file.
    tags : list of tag, optional
        Keep only these elements.
    inflate_limit : int
        Inflate at most this many bytes of a deflated file.

    Raises
    ------
    Excluded
        ``not_dicom``, ``unreadable``, ``unknown_syntax``, ``missing_tag`` or ``too_large``.
    """
    try:
        with quiet():
            return _parse(stream, tags, inflate_limit)
    except Excluded:
        raise
    except Exception as error:  # pydicom raises many kinds, RecursionError among them
        raise Excluded("unreadable", type(error).__name__) from None


def _parse(stream: BinaryIO, tags: list[BaseTag] | None, inflate_limit: int) -> Parsed:
    if stream.read(132)[128:] != b"DICM":
        raise Excluded("not_dicom")
    meta = read_dataset(stream, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
    if meta.get("MediaStorageSOPClassUID") == syntaxes.MediaStorageDirectoryStorage:
        raise Excluded("dicomdir")
    syntax = str(meta.get("TransferSyntaxUID", "")).strip(" \0")
    if not syntax:
        raise Excluded("missing_tag", "TransferSyntaxUID")
    if syntax not in NATIVE and syntax not in ENCAPSULATED:
        raise Excluded("unknown_syntax")
    complete = True
    if syntax == DEFLATED:
        stream, complete = _inflate(stream, inflate_limit)
    dataset = read_dataset(
        stream,
        syntax == syntaxes.ImplicitVRLittleEndian,
        syntax != syntaxes.ExplicitVRBigEndian,
        stop_when=lambda tag, vr, length: tag in _STOP,
        defer_size=_DEFER if tags else None,
        specific_tags=list(tags) if tags else None,
    )
    implicit, little = dataset.original_encoding
    pixels = _pixel_element(stream, bool(implicit), "<" if little else ">")
    if pixels is None and not complete:
        raise Excluded("too_large", "deflated header")
    return Parsed(dataset, syntax, stream, pixels, bool(little), complete)


def _inflate(stream: BinaryIO, limit: int) -> tuple[BinaryIO, bool]:
    """Inflate at most `limit` bytes; the second value says whether that was everything."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    out = bytearray()
    while len(out) < limit and not inflater.eof:
        piece = inflater.unconsumed_tail or stream.read(2**16)
        if not piece:
            break
        out += inflater.decompress(piece, limit - len(out))
    complete = inflater.eof or len(out) < limit
    return io.BytesIO(bytes(out)), complete


def _pixel_element(stream: BinaryIO, implicit: bool, endian: str) -> PixelElement | None:
    start = stream.tell()
    head = stream.read(12)
    if len(head) < 12:
        return None
    group, element = struct.unpack(endian + "HH", head[:4])
    if group << 16 | element != _PIXEL_DATA:
        return None
    (length,) = struct.unpack(endian + "L", head[4:8] if implicit else head[8:12])
    return PixelElement(start + (8 if implicit else 12), None if length == _UNDEFINED else length)


def fragments_complete(stream: BinaryIO, position: int, end: int) -> bool:
    """Walk over the fragments (PS3.5 A.4); some writers leave the closing delimiter out."""
    while position + 8 <= end:
        stream.seek(position)
        group, element, length = struct.unpack("<HHL", stream.read(8))
        if (group, element) == (0xFFFE, 0xE0DD):
            return True
        if (group, element) != (0xFFFE, 0xE000) or position + 8 + length > end:
            return False
        position += 8 + length
    return position == end
