"""The journal: one small checked file per finished image, so that nothing finished is ever lost."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bactools.study.files import write_atomic

Histogram = NDArray[np.int64]


class Journal(Mapping[str, dict[str, Any]]):
    """Finished images by image id, as rows of plain values.

    An image is finished when its piece is here, whole and checked, for the same recipe and weights: the
    folder's name is made of both hashes. A torn or altered piece counts as not there.

    Parameters
    ----------
    folder : Path
        ``STUDY/journal``.
    run : str
        Recipe hash and weights hash, joined.
    """

    def __init__(self, folder: Path, *, run: str) -> None:
        self.folder = folder / run

    def _piece(self, image_id: str) -> Path:
        return self.folder / image_id[:2] / f"{image_id}.json"

    def write(self, row: Mapping[str, Any], histogram: Histogram | None) -> None:
        """Record a finished image.

        Parameters
        ----------
        row : mapping
            Plain values; ``image_id`` names the piece. NaN is kept.
        histogram : int64 array or None
            Joint histogram; kept without loss.
        """
        packed = None
        if histogram is not None:
            raw = np.ascontiguousarray(histogram, dtype="<i8").tobytes()
            packed = {
                "shape": list(histogram.shape),
                "zlib": base64.b64encode(zlib.compress(raw, 6)).decode("ascii"),
            }
        body = json.dumps({"row": dict(row), "histogram": packed}, separators=(",", ":"))
        content = f"{zlib.crc32(body.encode()):08x}\n{body}\n"
        write_atomic(self._piece(str(row["image_id"])), content.encode())

    def _read(self, image_id: str) -> dict[str, Any] | None:
        try:
            check, body, _ = self._piece(image_id).read_text(encoding="utf-8").split("\n", 2)
        except (OSError, ValueError):
            return None
        if f"{zlib.crc32(body.encode()):08x}" != check:
            return None
        piece: dict[str, Any] = json.loads(body)
        return piece

    def __getitem__(self, image_id: str) -> dict[str, Any]:
        piece = self._read(image_id)
        if piece is None:
            raise KeyError(image_id)
        row: dict[str, Any] = piece["row"]
        return row

    def __iter__(self) -> Iterator[str]:
        for row in self.rows():
            yield row["image_id"]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the row of every finished image, each piece read once."""
        for path in sorted(self.folder.glob("??/*.json")):
            piece = self._read(path.stem)
            if piece is not None:
                yield piece["row"]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def histogram(self, image_id: str) -> Histogram | None:
        """Return the joint histogram of a finished image, or None where there is none."""
        piece = self._read(image_id)
        if piece is None or piece["histogram"] is None:
            return None
        raw = zlib.decompress(base64.b64decode(piece["histogram"]["zlib"]))
        return np.frombuffer(raw, dtype="<i8").reshape(piece["histogram"]["shape"]).astype(np.int64)

    def done_with(self, image_id: str, *, fingerprint: str) -> bool:
        """Whether the image is finished and the file has not changed since."""
        row = self.get(image_id)
        return row is not None and row.get("fingerprint") == fingerprint


class Histograms(Mapping[str, "Histogram | None"]):
    """The journal's joint histograms by image id, read one at a time."""

    def __init__(self, journal: Journal, image_ids: list[str]) -> None:
        self.journal = journal
        self.image_ids = image_ids

    def __getitem__(self, image_id: str) -> Histogram | None:
        return self.journal.histogram(image_id)

    def __iter__(self) -> Iterator[str]:
        return iter(self.image_ids)

    def __len__(self) -> int:
        return len(self.image_ids)


def plain(value: Any) -> Any:
    """Return a numpy or pandas scalar as a value that JSON keeps."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return math.nan
    return value
