"""Small made-up mammograms for tests, docs and notebooks: a breast, a thin bright tube, a valid header."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, uid

from bactools.dicom.encode import LOSSLESS, save
from bactools.dicom.quiet import quiet, silent_stderr

Pixels = npt.NDArray[np.integer]

PRESENTATION = str(uid.DigitalMammographyXRayImageStorageForPresentation)
PROCESSING = str(uid.DigitalMammographyXRayImageStorageForProcessing)
_VIEW_CODES = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}
_ROOT = "1.2.826.0.1.3680043.8.498."


def breast_pixels(
    shape: tuple[int, int] = (640, 512), *, seed: int = 0, bits: int = 12, laterality: str = "L"
) -> npt.NDArray[np.uint16]:
    """Draw a breast: a half disc on the chest wall with smooth tissue, noise and one calcified vessel.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    seed : int
        The same seed gives the same picture.
    bits : int
        Bits stored, 8 to 16; the brightest pixels are near ``2**bits - 1``.
    laterality : {"L", "R"}
        A left breast lies on the left edge of the picture, a right one on the right.

    Returns
    -------
    uint16, shape `shape`
        Calcium bright, background 0.
    """
    random = np.random.default_rng(seed)
    y, x = np.indices(shape, dtype=np.float64)
    y, x = y / shape[0] - 0.5, x / shape[1]
    inside = np.hypot(x / 0.75, y / 0.42)
    phases = random.uniform(0, 6, 4)
    tissue = 0.45 + 0.08 * np.sin(9 * x + phases[0]) * np.cos(11 * y + phases[1])
    skin = np.clip((1.0 - inside) * 6, 0, 1)
    vessel = 0.12 * np.sin(6 * x + phases[2]) + 0.02 * phases[3] / 6
    calcified = np.exp(-(((y - vessel) * shape[0] / 2.0) ** 2)) * ((x > 0.15) & (x < 0.5))
    grey = skin * (tissue + 0.45 * calcified + random.normal(0, 0.01, shape)) * (inside < 1)
    picture: npt.NDArray[np.uint16] = np.round(np.clip(grey, 0, 1) * (2**bits - 1)).astype(np.uint16)
    return picture if laterality == "L" else picture[:, ::-1]


def write_mammogram(
    path: str | os.PathLike[str],
    *,
    pixels: Pixels | None = None,
    view: str = "CC",
    laterality: str = "L",
    patient_id: str = "P1",
    patient_name: str = "Test^Patient",
    study_date: str = "20200102",
    photometric: str = "MONOCHROME2",
    bits_stored: int = 12,
    window: tuple[float, float] | None = None,
    syntax: str = LOSSLESS["explicit"],
    spacing: float | None = 0.07,
    seed: int = 0,
    **header: Any,
) -> Path:
    """Write a small, valid Digital Mammography X-Ray Image for presentation.

    Parameters
    ----------
    path : path
        The file to write.
    pixels : int, shape (y, x), optional
        Stored values, 8 or 16 bits, signed or unsigned; by default `breast_pixels`, inverted for
        MONOCHROME1.
    view, laterality : str
        ``CC`` or ``MLO``; ``L`` or ``R``.
    patient_id, patient_name, study_date : str
        Header values.
    photometric : {"MONOCHROME2", "MONOCHROME1"}
        Whether high stored values are bright.
    bits_stored : int
        Bits Stored.
    window : (center, width), optional
        Window Center and Width.
    syntax : str
        Transfer syntax UID, one of `LOSSLESS`. RLE, JPEG-LS and JPEG 2000 are encoded by pydicom's
        plugins, JPEG lossless by gdcm.
    spacing : float, optional
        Imager Pixel Spacing [mm].
    seed : int
        Seed of the picture and of the UIDs.
    **header
        Further attributes by keyword; None removes one.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ValueError
        If `syntax` is none of `LOSSLESS`.

    References
    ----------
    DICOM PS3.3 A.26 (Digital Mammography X-Ray Image IOD).
    """
    if syntax not in LOSSLESS.values():
        raise ValueError(f"syntax {syntax!r}: choose one of {', '.join(LOSSLESS.values())}")
    target = Path(path)
    if pixels is None:
        drawn = breast_pixels(seed=seed, bits=bits_stored, laterality=laterality)
        pixels = 2**bits_stored - 1 - drawn if photometric == "MONOCHROME1" else drawn
    with quiet(), silent_stderr():  # wrong values are wanted in tests
        dataset = _dataset(pixels, photometric, bits_stored)
        _identify(dataset, f"{patient_id}|{study_date}|{laterality}|{view}|{seed}")
        dataset.PatientID, dataset.PatientName, dataset.StudyDate = patient_id, patient_name, study_date
        dataset.ImageLaterality, dataset.ViewPosition = laterality, view
        dataset.PatientOrientation = _orientation(view, laterality)
        if view in _VIEW_CODES:
            dataset.ViewCodeSequence = [code_item("SCT", *_VIEW_CODES[view])]
        if window is not None:
            dataset.WindowCenter, dataset.WindowWidth = window
        if spacing is not None:
            dataset.ImagerPixelSpacing = [spacing, spacing]
        for keyword, value in header.items():
            if value is None:
                dataset.pop(keyword, None)
            else:
                setattr(dataset, keyword, value)
        save(dataset, target, pixels=pixels, syntax=syntax)
    return target


def code_item(scheme: str, value: str, meaning: str = "", modifiers: tuple[Dataset, ...] = ()) -> Dataset:
    """Return an item of a code sequence, with view modifiers nested in it (PS3.3 C.8.11.7)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning or "test"
    if modifiers:
        item.ViewModifierCodeSequence = list(modifiers)
    return item


def _dataset(pixels: Pixels, photometric: str, bits_stored: int) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.Modality = PRESENTATION, "MG"
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.ImageType = ["DERIVED", "PRIMARY", ""]
    dataset.StudyTime = dataset.AcquisitionTime = "101500"
    dataset.Manufacturer, dataset.BodyPartExamined = "bactools", "BREAST"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, photometric
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    dataset.BitsStored = min(bits_stored, dataset.BitsAllocated)
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PresentationLUTShape = "INVERSE" if photometric == "MONOCHROME1" else "IDENTITY"
    dataset.BurnedInAnnotation, dataset.BreastImplantPresent, dataset.PartialView = "NO", "NO", "NO"
    return dataset


def _identify(dataset: Dataset, entropy: str) -> None:
    for keyword, level in (
        ("SOPInstanceUID", "image"),
        ("SeriesInstanceUID", "series"),
        ("StudyInstanceUID", "study"),
    ):
        setattr(dataset, keyword, uid.generate_uid(prefix=_ROOT, entropy_srcs=[entropy, level]))


def _orientation(view: str, laterality: str) -> list[str]:
    medial = "R" if laterality == "L" else "L"
    return ["A", medial if view == "CC" else "F" + medial]
