"""One DICOM header, read safely: bounded, never forced, and handed on as plain text values."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from bactools.dicom.quiet import quiet
from bactools.dicom.stream import NATIVE, Excluded, Parsed, fragments_complete, open_regular, parse

MAX_PIXELS = 120_000_000
MAX_SIDE = 16384

_ATTRIBUTES = """
    SOPClassUID SOPInstanceUID Modality Manufacturer ManufacturerModelName ImageType
    StudyDate AcquisitionDate ContentDate AcquisitionTime ContentTime
    PatientID IssuerOfPatientID PatientBirthDate PatientAge LongitudinalTemporalInformationModified
    PresentationIntentType SeriesDescription BodyPartExamined QualityControlImage NumberOfFrames
    ViewPosition PatientOrientation ImageLaterality Laterality PartialView
    BreastImplantPresent BurnedInAnnotation EstimatedRadiographicMagnificationFactor
    ImagerPixelSpacing PixelSpacing Rows Columns SamplesPerPixel PhotometricInterpretation
    BitsAllocated BitsStored HighBit PixelRepresentation
"""
KEYWORDS: tuple[str, ...] = tuple(_ATTRIBUTES.split())
"""The attributes that are read, and no others."""

_TAGS: dict[str, BaseTag] = {keyword: Tag(keyword) for keyword in KEYWORDS}
_TAGS |= {"CTPPrivateCreator": Tag(0x00130010), "CTPCollection": Tag(0x00131010)}
_SEQUENCES = (Tag("ViewCodeSequence"), Tag("ViewModifierCodeSequence"))

Code = tuple[str, str]
"""Coding scheme designator and code value."""


@dataclass(frozen=True, repr=False)
class Header:
    """What one header says, as text; it holds identities, so its repr shows nothing.

    Attributes
    ----------
    texts : mapping
        Values by keyword, surrounding blanks removed.
    view_codes, modifier_codes : tuple of (scheme, value)
        View Code Sequence and View Modifier Code Sequence (nested or at top level).
    syntax : str
        Transfer syntax UID.
    has_pixels : bool
        Whether Pixel Data (7FE0,0010) is there.
    truncated : bool
        Whether the file ends before its pixel data do.
    """

    texts: Mapping[str, tuple[str, ...]]
    view_codes: tuple[Code, ...] = ()
    modifier_codes: tuple[Code, ...] = ()
    syntax: str = ""
    has_pixels: bool = False
    truncated: bool = False

    def values(self, keyword: str) -> tuple[str, ...]:
        """Return every value of `keyword`; absent is empty."""
        return self.texts.get(keyword, ())

    def text(self, keyword: str) -> str:
        """Return the first value of `keyword`; absent is ``""``."""
        return next(iter(self.values(keyword)), "")

    def word(self, keyword: str) -> str:
        """Return the first value of `keyword` in capitals."""
        return self.text(keyword).upper()

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """Return the values of `keyword` as numbers, or nothing when one of them is none."""
        try:
            return tuple(float(value) for value in self.values(keyword))
        except ValueError:
            return ()

    def number(self, keyword: str) -> float | None:
        """Return the first value of `keyword` as a number."""
        return next(iter(self.numbers(keyword)), None)

    def integer(self, keyword: str, default: int) -> int:
        """Return the first value of `keyword` as a whole number."""
        number = self.number(keyword)
        return int(number) if number is not None and abs(number) < 2**40 else default

    @property
    def frames(self) -> int:
        """Number of frames; absent is one."""
        return max(1, self.integer("NumberOfFrames", 1))

    @property
    def pixel_bytes(self) -> int:
        """Bytes that the uncompressed pixel data need; 0 when the header does not say."""
        sizes = [self.integer(keyword, 0) for keyword in ("Rows", "Columns", "BitsAllocated")]
        return sizes[0] * sizes[1] * self.integer("SamplesPerPixel", 1) * self.frames * sizes[2] // 8


def read_header(path: Path) -> Header:
    """Read one header without its pixel data.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    Header
        Plain values.

    Raises
    ------
    Excluded
        ``not_dicom``, ``unreadable``, ``unknown_syntax``, ``missing_tag`` or ``too_large``.

    References
    ----------
    DICOM PS3.10 section 7 (file format), PS3.5 section A.5 (deflated syntax).
    """
    with open_regular(path) as stream, quiet():
        parsed = parse(stream, tags=[*_TAGS.values(), *_SEQUENCES])
        return header_of(parsed)


def header_of(parsed: Parsed) -> Header:
    """Take the plain values out of a parsed dataset; an element that cannot be read is absent.

    Raises
    ------
    Excluded
        ``too_large`` when rows or columns are beyond the bounds; ``unreadable``.
    """
    try:
        with quiet():
            texts = {
                keyword: _texts(parsed.dataset, tag)
                for keyword, tag in _TAGS.items()
                if tag in parsed.dataset
            }
            views = _codes(parsed.dataset, _SEQUENCES[0])
            modifiers = _codes(parsed.dataset, _SEQUENCES[1]) + _nested_codes(parsed.dataset)
        header = Header(texts, views, modifiers, parsed.syntax, parsed.pixels is not None)
        check_bounds(header)
        truncated = _is_truncated(parsed, header)
    except Excluded:
        raise
    except Exception as error:
        raise Excluded("unreadable", type(error).__name__) from None
    return Header(texts, views, modifiers, parsed.syntax, parsed.pixels is not None, truncated)


def check_bounds(header: Header) -> None:
    """Refuse an image that is too large to be a mammogram, before anything is allocated for it.

    Raises
    ------
    Excluded
        ``too_large``.
    """
    rows, columns = header.integer("Rows", 0), header.integer("Columns", 0)
    if max(rows, columns) > MAX_SIDE or rows * columns > MAX_PIXELS:
        raise Excluded("too_large", f"{rows} x {columns} pixels")


def _is_truncated(parsed: Parsed, header: Header) -> bool:
    if parsed.pixels is None or not parsed.complete:
        return False
    end = parsed.stream.seek(0, io.SEEK_END)
    if parsed.pixels.length is None:
        return not fragments_complete(parsed.stream, parsed.pixels.offset, end)
    present = min(end - parsed.pixels.offset, parsed.pixels.length)
    needed = header.pixel_bytes if parsed.syntax in NATIVE else parsed.pixels.length
    return present < needed


def _texts(dataset: Dataset, tag: BaseTag) -> tuple[str, ...]:
    try:
        value = dataset[tag].value
    except Exception:
        return ()
    if value is None:
        return ()
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    parts = value if not isinstance(value, str) and hasattr(value, "__iter__") else (value,)
    return tuple(str(part).strip(" \0\t\r\n") for part in parts)


def _items(dataset: Dataset, tag: BaseTag) -> list[Dataset]:
    try:
        items: Any = dataset[tag].value if tag in dataset else []
        return [item for item in items if isinstance(item, Dataset)]
    except Exception:
        return []


def _codes(dataset: Dataset, tag: BaseTag) -> tuple[Code, ...]:
    scheme, value = Tag("CodingSchemeDesignator"), Tag("CodeValue")
    pairs = [(_texts(item, scheme), _texts(item, value)) for item in _items(dataset, tag)]
    return tuple((schemes[0].upper(), values[0].upper()) for schemes, values in pairs if schemes and values)


def _nested_codes(dataset: Dataset) -> tuple[Code, ...]:
    return tuple(code for item in _items(dataset, _SEQUENCES[0]) for code in _codes(item, _SEQUENCES[1]))
