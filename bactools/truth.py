"""What is known about images beforehand: drawn masks, calcium, subjects. Tools and people write such folders.

=============================  ======================================================================
file                           content
=============================  ======================================================================
``truth/images.csv``           one row per image: ``sop_instance_uid``, ``patient_id``, ``file`` and
                               ``mask`` (both relative to the folder), and any measure known of it
``truth/masks/*.png``          what an annotator would draw, 0 or 255, on the stored pixel grid
``truth/subjects.csv``         one row per ``patient_id``: covariates and outcomes; optional
``truth/breasts.csv``          one row per exam and breast: the reading of a breast CT; optional
``images/``                    the images, wherever ``file`` says
=============================  ======================================================================

The folder holds identities, as the images do: it is a source, not a study.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

REQUIRED = ("sop_instance_uid", "patient_id", "file", "mask")
"""Columns that ``truth/images.csv`` must have."""

_MOST_PIXELS = 200_000_000


class TruthError(ValueError):
    """A truth folder that cannot be used; the message names the row and says what to do."""


@dataclass(frozen=True, eq=False)
class Truth:
    """A folder of annotated images.

    Attributes
    ----------
    folder : pathlib.Path
    images : pandas.DataFrame
        One row per annotated image; at least the columns `REQUIRED`, all of them text.
    """

    folder: Path
    images: pd.DataFrame

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"<Truth: {len(self)} images of {self.images['patient_id'].nunique()} subjects>"

    @property
    def synthetic(self) -> bool:
        """Whether these are made-up women: a cohort of `bactools.phantom`."""
        return (self.folder / "cohort.json").is_file()

    def path(self, row: int) -> Path:
        """Return where the image of a row lies."""
        return self._inside(row, "file")

    def mask(self, row: int, *, column: str = "mask") -> NDArray[np.bool_]:
        """Return a drawn mask.

        Parameters
        ----------
        row : int
            Position in `images`.
        column : str
            ``mask``, or another column of mask files, such as a phantom's ``calcium``.

        Returns
        -------
        bool array, shape (y, x)
            On the stored pixel grid of the image.

        Raises
        ------
        TruthError
            If the file is missing, no picture or too large.
        """
        path = self._inside(row, column)
        try:
            with Image.open(path) as picture:
                if picture.width * picture.height > _MOST_PIXELS:
                    raise TruthError(f"{self._where(row, column)}: a mask of more than {_MOST_PIXELS} pixels")
                return np.asarray(picture.convert("L")) > 127
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise TruthError(
                f"{self._where(row, column)}: the mask cannot be read ({type(error).__name__})"
            ) from None

    def table(self, name: str) -> pd.DataFrame:
        """Return ``truth/<name>.csv`` (subjects or breasts) with `patient_id` as text.

        Raises
        ------
        TruthError
            If there is no such table.
        """
        path = self.folder / "truth" / f"{name}.csv"
        if name not in ("subjects", "breasts") or not path.is_file():
            raise TruthError(f"this truth folder has no table truth/{name}.csv")
        return pd.read_csv(path, dtype={"patient_id": str})

    def _where(self, row: int, column: str) -> str:
        return f"truth/images.csv row {row + 1}, column {column}"

    def _inside(self, row: int, column: str) -> Path:
        named = self.images[column].iloc[row]
        relative = PurePosixPath(str(named))
        if pd.isna(named) or relative.is_absolute() or ".." in relative.parts or "\\" in str(named):
            raise TruthError(f"{self._where(row, column)}: give a path inside the truth folder")
        return self.folder / relative


def open_truth(folder: str | os.PathLike[str]) -> Truth:
    """Open a folder of annotated images.

    Parameters
    ----------
    folder : path
        A phantom cohort, or a folder of one's own with ``truth/images.csv`` (see the module).

    Raises
    ------
    TruthError
        If the table is missing, lacks a column, or names one image twice.
    """
    root = Path(folder)
    table = root / "truth" / "images.csv"
    if not table.is_file():
        raise TruthError("no truth/images.csv in this folder: is it one that holds annotations?")
    texts = dict.fromkeys(REQUIRED, str)
    try:
        images = pd.read_csv(table, dtype=texts)
    except (ValueError, UnicodeDecodeError) as error:
        raise TruthError(f"truth/images.csv cannot be read ({type(error).__name__})") from None
    missing = [column for column in REQUIRED if column not in images]
    if missing:
        raise TruthError(f"truth/images.csv lacks {', '.join(missing)}; needed: {', '.join(REQUIRED)}")
    twice = images["sop_instance_uid"].duplicated(keep=False).to_numpy()
    if twice.any():
        raise TruthError(f"truth/images.csv row {int(np.argmax(twice)) + 1}: its image is named twice")
    return Truth(root, images)
