"""Stored pixel values out of a DICOM file: bounds first, then the fastest exact decoder.

A trap outside our reach: python-gdcm imports a module named ``dl``, so a folder or file of that name in
the working directory breaks ``import pydicom``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from pydicom import uid as uids
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder

from bactools.dicom import codestream
from bactools.dicom.facts import uid_name
from bactools.dicom.headers import Header, header_of
from bactools.dicom.quiet import quiet, silent_stderr
from bactools.dicom.stream import DEFLATED, HEADER_LIMIT, NATIVE, Excluded, Parsed, open_regular, parse

Stored = npt.NDArray[np.uint16] | npt.NDArray[np.int16]

MAX_COMPRESSED = 2**29
_SLACK = 2**20  # bytes that may follow the pixel data of a deflated file

# Fastest exact decoder first, measured on 4096 x 3328 pixels of 12 bits; the others follow.
_JPEG = ("gdcm", "pillow")
_JPEG_2000 = ("pylibjpeg", "pillow", "gdcm")
_JPEG_LS = ("pyjpegls", "gdcm")
_PREFERRED: dict[str, tuple[str, ...]] = {
    **{str(uid): _JPEG for uid in uids.JPEGTransferSyntaxes},
    **{str(uid): _JPEG_LS for uid in uids.JPEGLSTransferSyntaxes},
    **{str(uid): _JPEG_2000 for uid in uids.JPEG2000TransferSyntaxes},
    **{str(uid): ("pylibjpeg",) for uid in (uids.HTJ2KLossless, uids.HTJ2KLosslessRPCL, uids.HTJ2K)},
    str(uids.RLELossless): ("pylibjpeg", "pydicom", "gdcm"),
}
_PACKAGES = {
    "gdcm": "python-gdcm",
    "pillow": "pillow",
    "pylibjpeg": "pylibjpeg-openjpeg pylibjpeg-rle",
    "pyjpegls": "pyjpegls",
    "pydicom": "pydicom",
}


class ImageFailure(ValueError):
    """An image that cannot be read.

    Parameters
    ----------
    code : str
        ``truncated``, ``decode``, ``missing_codec``, ``missing_tag``, ``too_large``, ``unsupported`` or
        ``unreadable``.
    message : str
        What is wrong and what to do; never what a header says, and no path.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True, repr=False)
class StoredImage:
    """Stored values, shape (y, x), with the header and the dataset (pixel data left out)."""

    values: Stored
    header: Header
    dataset: Dataset


def read_stored(path: Path) -> StoredImage:
    """Read the stored values of a single grey image.

    Raises
    ------
    ImageFailure
        For anything that is wrong with the file.
    Excluded
        For a header that cannot be read; `bactools.dicom.pixels` turns it into an ImageFailure.
    """
    with open_regular(path) as stream:
        parsed = parse(stream)
        header = header_of(parsed)
        _check(header)
        if not parsed.complete:
            stream.seek(0)
            parsed = parse(stream, inflate_limit=HEADER_LIMIT + header.pixel_bytes + _SLACK)
            if not parsed.complete:
                raise ImageFailure(
                    "too_large", "the file inflates to more than its image needs: fetch it again"
                )
            header = header_of(parsed)
        if header.truncated:
            raise ImageFailure("truncated", "the file ends before its pixel data do: fetch it again")
        content = _pixel_bytes(parsed, header)
    values = _decode(parsed.dataset, header, content)
    return StoredImage(_stored_bits(values, header), header, parsed.dataset)


def _check(header: Header) -> None:
    """Refuse what is not one grey image of up to 16 bits."""
    if not header.has_pixels:
        raise ImageFailure("missing_tag", "PixelData is missing: the file holds no image")
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "PhotometricInterpretation"):
        if not header.text(keyword):
            raise ImageFailure("missing_tag", f"{keyword} is missing or damaged: fetch the file again")
    rows, columns = header.integer("Rows", 0), header.integer("Columns", 0)
    if min(rows, columns) < 1:
        raise ImageFailure("unreadable", f"{rows} x {columns} pixels: fetch the file again")
    if header.frames > 1:
        raise ImageFailure("unsupported", f"{header.frames} frames: only single images are measured")
    grey = header.word("PhotometricInterpretation") in ("MONOCHROME1", "MONOCHROME2")
    if not grey or header.integer("SamplesPerPixel", 1) != 1:
        raise ImageFailure("unsupported", "a colour image: export it in grey")
    allocated, stored = header.integer("BitsAllocated", 0), header.integer("BitsStored", 0)
    if allocated not in (8, 16) or not 1 <= stored <= allocated:
        raise ImageFailure("unsupported", f"{stored} bits stored in {allocated}: 8 to 16 bits are read")


def _pixel_bytes(parsed: Parsed, header: Header) -> bytes:
    if parsed.pixels is None:
        raise ImageFailure("missing_tag", "PixelData is missing: the file holds no image")
    if header.syntax in NATIVE and parsed.pixels.length is None:
        raise ImageFailure("decode", "pixel data of undefined length in an uncompressed file: fetch it again")
    wanted = header.pixel_bytes if header.syntax in NATIVE else parsed.pixels.length
    limit = MAX_COMPRESSED if wanted is None else wanted
    if limit > MAX_COMPRESSED:
        raise ImageFailure("too_large", f"more than {MAX_COMPRESSED} bytes of compressed pixel data")
    parsed.stream.seek(parsed.pixels.offset)
    content = parsed.stream.read(limit)
    if wanted is None and parsed.stream.read(1):
        raise ImageFailure("too_large", f"more than {MAX_COMPRESSED} bytes of compressed pixel data")
    return content


def _decode(dataset: Dataset, header: Header, content: bytes) -> npt.NDArray[np.generic]:
    source = _pixel_module(dataset, header, content)
    if header.syntax in NATIVE:
        return _try_decoder(source, header.syntax, "")
    name = uid_name(header.syntax)
    _check_codestream(header, content, name)
    available = get_decoder(uids.UID(header.syntax)).available_plugins
    wanted = _PREFERRED[header.syntax]
    plugins = [plugin for plugin in wanted if plugin in available]
    if not plugins:
        packages = " or ".join(_PACKAGES[plugin] for plugin in wanted)
        raise ImageFailure("missing_codec", f"no decoder for {name}: pip install {packages}")
    failed = []
    for plugin in plugins:
        try:
            return _try_decoder(source, header.syntax, plugin)
        except ImageFailure as failure:
            failed.append(f"{plugin} {failure.message}")
    raise ImageFailure("decode", f"{name}: {', '.join(failed)}: fetch the file again")


def _pixel_module(dataset: Dataset, header: Header, content: bytes) -> Dataset:
    """Return a dataset of nothing but what decoding needs."""
    source = Dataset()
    source.Rows, source.Columns = header.integer("Rows", 0), header.integer("Columns", 0)
    source.BitsAllocated, source.BitsStored = (
        header.integer("BitsAllocated", 0),
        header.integer("BitsStored", 0),
    )
    source.HighBit = source.BitsStored - 1
    source.SamplesPerPixel = 1
    source.PixelRepresentation = _signed(header)
    source.PhotometricInterpretation = "MONOCHROME2"
    source.PixelData = content
    source["PixelData"].VR = "OW" if source.BitsAllocated > 8 or header.syntax in NATIVE else "OB"
    source["PixelData"].is_undefined_length = header.syntax not in NATIVE
    source.file_meta = FileMetaDataset()
    # A deflated file is explicit little endian once it is inflated.
    native = uids.ExplicitVRLittleEndian if header.syntax == DEFLATED else uids.UID(header.syntax)
    source.file_meta.TransferSyntaxUID = native
    implicit, little = dataset.original_encoding
    source.set_original_encoding(bool(implicit), bool(little))
    return source


def _signed(header: Header) -> int:
    return 1 if header.integer("PixelRepresentation", 0) == 1 else 0


def _try_decoder(source: Dataset, syntax: str, plugin: str) -> npt.NDArray[np.generic]:
    decoder = get_decoder(source.file_meta.TransferSyntaxUID)
    # Natively stored values are masked below; JPEG values need no masking at all.
    options: dict[str, Any] = {"correct_unused_bits": False}
    try:
        with quiet(), silent_stderr():
            values, _ = decoder.as_array(source, index=0, raw=True, decoding_plugin=plugin, **options)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a codec in Rust panics with a BaseException
        raise ImageFailure("decode", f"could not decode it ({type(error).__name__})") from None
    if values.shape != (source.Rows, source.Columns):
        raise ImageFailure("decode", "decoded another shape")
    return np.asarray(values)


def _check_codestream(header: Header, content: bytes, name: str) -> None:
    """Compare what the compressed image says about itself with the header, before decoding."""
    if header.syntax == uids.RLELossless:
        return  # RLE states no size; its decoders fill Rows x Columns
    try:
        frame = next(generate_frames(content, number_of_frames=1))
    except Exception as error:
        raise ImageFailure("decode", f"{name}: damaged fragments ({type(error).__name__})") from None
    found = codestream.stated(frame)
    if found is None:
        raise ImageFailure("decode", f"{name}: the pixel data do not begin with such an image")
    expected = (header.integer("Rows", 0), header.integer("Columns", 0), 1)
    if (found.rows, found.columns, found.components) != expected:
        raise ImageFailure(
            "decode",
            f"{name}: holds {found.rows} x {found.columns} where {expected[0]} x {expected[1]} are declared",
        )


def _stored_bits(values: npt.NDArray[np.generic], header: Header) -> Stored:
    """Keep the Bits Stored bits below High Bit (PS3.5 8.1.1); what else is in the word is not image."""
    allocated, stored = header.integer("BitsAllocated", 0), header.integer("BitsStored", 0)
    signed = _signed(header)
    word = cast(Stored, values.astype(np.int16 if signed else np.uint16, copy=False))
    if header.syntax not in NATIVE and header.syntax != uids.RLELossless:
        return word
    high = header.integer("HighBit", stored - 1)
    high = high if stored - 1 <= high < allocated else stored - 1
    up, down = 15 - high, 16 - stored
    if not up and not down:
        return word
    return cast(Stored, np.right_shift(np.left_shift(word, up), down))


__all__ = ["Excluded", "ImageFailure", "Stored", "StoredImage", "read_stored"]
