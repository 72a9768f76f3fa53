"""An exam: up to four mammograms of one woman on one day as DICOM files, and what is true of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bactools.conventions import VIEWS
from bactools.dicom.encode import LOSSLESS, dataset_of, save
from bactools.phantom.header import Exam, attributes
from bactools.phantom.view import SPACING, View, render
from bactools.phantom.woman import Woman

SYNTAXES = ("jpeg_ls", "rle", "explicit")
"""How pixels may be stored; the first is the smallest and quick enough."""

Row = dict[str, Any]


class ExamError(ValueError):
    """An exam that cannot be made as asked; the message says what to choose."""


def write_view(path: Path, view: View, *, exam: Exam, syntax: str = SYNTAXES[0]) -> Row:
    """Write one mammogram as a Digital Mammography X-Ray Image for presentation.

    Parameters
    ----------
    path : pathlib.Path
        Of the file; its folder is made.
    view : View
    exam : Exam
    syntax : {"jpeg_ls", "rle", "explicit"}
        Lossless all three; of a full-size view of 13.6 megapixels JPEG-LS makes 3.7 MB, RLE 5.4 MB.

    Returns
    -------
    dict
        What is true of the image, without the names of files: a row of ``truth/images.csv``.

    Raises
    ------
    ExamError
        If there is no such syntax.
    """
    if syntax not in SYNTAXES:
        raise ExamError(f"syntax {syntax!r}: choose one of {', '.join(SYNTAXES)}")
    values = attributes(view, exam)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(dataset_of(values), path, pixels=view.image, syntax=LOSSLESS[syntax])
    drawn = int(np.count_nonzero(view.mask))
    return {
        "sop_instance_uid": values["SOPInstanceUID"],
        "patient_id": exam.patient_id,
        "date": exam.date.isoformat(),
        "exam": exam.number,
        "laterality": view.laterality,
        "view": view.name,
        "age": round(exam.age, 2),
        "thickness_mm": round(view.position.thickness, 2),
        "magnification": round(view.position.magnification, 4),
        "calcium_mass_mg": round(view.calcium_mg, 4),
        "calcium_pixels": int(np.count_nonzero(view.calcified)),
        "mask_pixels": drawn,
        "mask_mm2": round(drawn * SPACING**2, 3),
    }


def write_exam(
    folder: Path,
    woman: Woman,
    *,
    exam: Exam,
    views: Sequence[str] = VIEWS,
    syntax: str = SYNTAXES[0],
) -> list[Row]:
    """Take the mammograms of one exam, and write them with their truth into a truth folder.

    Parameters
    ----------
    folder : pathlib.Path
        The truth folder, see `bactools.truth`; files of the same exam are replaced.
    woman : Woman
    exam : Exam
    views : sequence of str
        Some of ``LCC``, ``LMLO``, ``RCC``, ``RMLO``.
    syntax : str
        See `write_view`.

    Returns
    -------
    list of dict
        A row of ``truth/images.csv`` for each view. The columns ``file``, ``mask`` and ``calcium`` name
        the image, the mask that a reader would draw, and the mask of the pixels over calcium.

    Raises
    ------
    ExamError
        If there is no such view or syntax.
    """
    unknown = [name for name in views if name not in VIEWS]
    if unknown:
        raise ExamError(f"view {unknown[0]!r}: choose some of {', '.join(VIEWS)}")
    rows: list[Row] = []
    lines: dict[str, list[list[list[float]]]] = {}
    day = f"{exam.date:%Y%m%d}"
    for name in views:
        view = render(woman, name[0], name[1:], exam=exam.number, age=exam.age)
        files = {
            "file": f"images/{exam.patient_id}/{day}/{name}.dcm",
            "mask": f"truth/masks/{exam.patient_id}_{day}_{name}.png",
            "calcium": f"truth/calcium/{exam.patient_id}_{day}_{name}.png",
        }
        row = write_view(folder / files["file"], view, exam=exam, syntax=syntax)
        _write_mask(folder / files["mask"], view.mask)
        _write_mask(folder / files["calcium"], view.calcified)
        lines[name] = [np.round(line, 1).tolist() for line in view.lines]
        rows.append({**row, **files, "density": woman.density})
    path = folder / "truth" / "lines" / f"{exam.patient_id}_{day}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(lines), encoding="utf-8")
    return rows


def _write_mask(path: Path, mask: NDArray[np.bool_]) -> None:
    """Write a picture of one bit per pixel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path, compress_level=1)
