"""Writing DICOM files: plain values become a dataset, pixels are encoded losslessly."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, FileDataset, dcmread, uid
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate

Pixels = NDArray[np.integer[Any]]

LOSSLESS: dict[str, str] = {
    "implicit": str(uid.ImplicitVRLittleEndian),
    "explicit": str(uid.ExplicitVRLittleEndian),
    "big_endian": str(uid.ExplicitVRBigEndian),
    "deflated": str(uid.DeflatedExplicitVRLittleEndian),
    "rle": str(uid.RLELossless),
    "jpeg_ls": str(uid.JPEGLSLossless),
    "jpeg_2000": str(uid.JPEG2000Lossless),
    "jpeg_lossless": str(uid.JPEGLossless),
    "jpeg_lossless_sv1": str(uid.JPEGLosslessSV1),
}
"""Transfer syntaxes that `save` writes, by a short name."""

_BY_GDCM = {
    str(uid.JPEGLossless): "JPEGLosslessProcess14",
    str(uid.JPEGLosslessSV1): "JPEGLosslessProcess14_1",
}


def dataset_of(values: Mapping[str, Any]) -> Dataset:
    """Return a dataset of plain values.

    Parameters
    ----------
    values : mapping
        Values by keyword; a list of mappings is a sequence, an empty list or string an empty element.
    """
    dataset = Dataset()
    for keyword, value in values.items():
        sequence = isinstance(value, list) and all(isinstance(item, Mapping) for item in value)
        setattr(dataset, keyword, [dataset_of(item) for item in value] if sequence else value)
    return dataset


def save(dataset: Dataset, path: str | os.PathLike[str], *, pixels: Pixels, syntax: str) -> None:
    """Write a dataset with its pixels as a DICOM file.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Without pixel data; Rows, Columns and the like are those of `pixels`.
    path : path
    pixels : int, shape (y, x)
        Stored values, 8 or 16 bits.
    syntax : str
        Transfer syntax UID, one of `LOSSLESS`. RLE, JPEG-LS and JPEG 2000 are encoded by pydicom's
        plugins, JPEG lossless by gdcm.

    Raises
    ------
    ValueError
        If `syntax` is none of `LOSSLESS`, or the image cannot be encoded in it.

    References
    ----------
    DICOM PS3.10 section 7; PS3.5 annex A.
    """
    if syntax not in LOSSLESS.values():
        raise ValueError(f"syntax {syntax!r}: choose one of {', '.join(LOSSLESS.values())}")
    chosen = uid.UID(syntax)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.get(
        "SOPClassUID", uid.DigitalMammographyXRayImageStorageForPresentation
    )
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3")
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian if chosen.is_encapsulated else chosen
    little = chosen != uid.ExplicitVRBigEndian
    file = FileDataset(
        Path(path),
        dataset,
        preamble=b"\0" * 128,
        file_meta=meta,
        is_implicit_VR=chosen == uid.ImplicitVRLittleEndian,
        is_little_endian=little,
    )
    words = np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder("<" if little else ">"), copy=False)
    file.PixelData = words.tobytes() + b"\0" * (pixels.nbytes % 2)
    file["PixelData"].VR = "OW"
    if syntax in _BY_GDCM:
        _jpeg_lossless(file, chosen)
    elif chosen.is_encapsulated:
        file.compress(chosen, generate_instance_uid=False)
    file.save_as(path, enforce_file_format=True)


def _jpeg_lossless(file: FileDataset, syntax: uid.UID) -> None:
    """Let gdcm encode a plain copy, and take the compressed frame from it."""
    import gdcm  # type: ignore[import-untyped]

    with tempfile.TemporaryDirectory() as folder:
        plain, packed = str(Path(folder) / "plain.dcm"), str(Path(folder) / "packed.dcm")
        file.save_as(plain, enforce_file_format=True)
        reader = gdcm.ImageReader()
        reader.SetFileName(plain)
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, _BY_GDCM[str(syntax)])))
        writer = gdcm.ImageWriter()
        writer.SetFileName(packed)
        if not reader.Read():
            raise ValueError("gdcm cannot read the image: choose another syntax")
        change.SetInput(reader.GetImage())
        if not change.Change():
            raise ValueError("gdcm cannot encode the image: choose another syntax")
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        if not writer.Write():
            raise ValueError("gdcm cannot write the image: choose another syntax")
        frames = dcmread(packed).PixelData
    file.PixelData = frames if frames[:4] == b"\xfe\xff\x00\xe0" else encapsulate([frames])
    file["PixelData"].is_undefined_length = True
    file["PixelData"].VR = "OB"
    file.file_meta.TransferSyntaxUID = syntax
