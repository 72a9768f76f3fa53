"""Patches cut out of annotated images, kept on disk: one table, and one file per image.

A file holds an image's patches one behind the other, not compressed, so that any patch is read by itself
and memory does not grow with their number.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bactools.recipe import Recipe, named
from bactools.study.files import write_atomic
from bactools.training.cut import Cutting, Job, cut_all
from bactools.truth import Truth

TABLE = "patches.parquet"
_COLUMNS = ("file", "position", "subject", "y", "x", "label_area", "is_positive")


class PatchError(ValueError):
    """Patches that cannot be cut or used; the message says what to do."""


@dataclass(frozen=True, eq=False)
class PatchSet:
    """Patches on disk.

    Attributes
    ----------
    folder : pathlib.Path
    table : pandas.DataFrame
        One row per patch: ``file`` and ``position`` in it, ``subject`` (a running number of the woman),
        ``y`` and ``x`` of its corner on the analysis grid, ``label_area`` [pixel], ``is_positive``.
    patch : int
        Side of a patch [pixel].
    failed : int
        Images that could not be used; ``failed.csv`` says why.
    """

    folder: Path
    table: pd.DataFrame
    patch: int
    failed: int

    def __len__(self) -> int:
        return len(self.table)

    def load(self, row: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return a patch and its label.

        Parameters
        ----------
        row : int
            Position in `table`.

        Returns
        -------
        uint8 and bool arrays, shape (patch, patch)
        """
        name, position = str(self.table["file"].iloc[row]), int(self.table["position"].to_numpy()[row])
        record = np.load(self.folder / name, mmap_mode="r")[position]
        return np.array(record["image"]), np.unpackbits(record["label"], axis=1).astype(bool)

    def __repr__(self) -> str:
        women = self.table["subject"].nunique()
        positive = int(self.table["is_positive"].sum())
        return f"<PatchSet: {len(self)} patches of {women} women, {positive} positive>"


def cut_patches(
    truth: Truth | Sequence[Truth],
    out: str | os.PathLike[str],
    *,
    recipe: str | Recipe = "default",
    patch: int = 512,
    overlap: int = 64,
    negatives: float = 0.0,
    seed: int = 0,
    processes: int | None = None,
    progress: bool = False,
    say: Callable[[str], None] | None = None,
) -> PatchSet:
    """Cut annotated images into patches; run again to go on where it stopped.

    The grid covers the whole image in steps of ``patch - overlap``, the last row and column moved inwards.
    Patches with less than 5 % breast are left out. All with calcium are kept, and of the others a random
    choice. An image that fails is noted by its row and left out.

    Parameters
    ----------
    truth : Truth or sequence of Truth
        Annotated images. The same ``patient_id`` is the same woman in all of them.
    out : path
        Folder of the patches, new or begun with the same settings.
    recipe : str or Recipe
        How images are prepared.
    patch, overlap : int
        Side of a patch, a multiple of 8, and how much neighbours share [pixel].
    negatives : float
        Patches without calcium per patch with calcium, as far as there are so many; an image gives at
        most this times its patches with calcium, or times 4 if it has fewer.
    seed : int
        Of the choice among patches without calcium.
    processes : int, optional
        Processes; by default one per core, none for a few images.
    progress : bool
        Show a bar.
    say : callable, optional
        Is told of every image that failed.

    Raises
    ------
    PatchError
        If the folder was begun with other settings, or no patch holds calcium.

    References
    ----------
    Guo X, et al. Med Phys 2021;48:5851-5861, section II.C.
    """
    truths = [truth] if isinstance(truth, Truth) else list(truth)
    cutting = Cutting(named(recipe), patch=patch, overlap=overlap, negatives=negatives, seed=seed)
    folder = Path(out)
    _begin(folder, settings(truths, cutting))
    jobs = [
        Job(number, source.folder, row)
        for number, (source, row) in enumerate(
            (source, row) for source in truths for row in range(len(source))
        )
    ]
    waiting = [job for job in jobs if not (folder / job.file).exists()]
    failures: dict[int, str] = {}
    sources = {source.folder: source for source in truths}
    for job, message in cut_all(waiting, sources, cutting, folder, processes=processes, progress=progress):
        if message:
            failures[job.number + 1] = message
            if say is not None:
                say(f"left out: {message}")
    _write_failures(folder, failures)
    table = _table(folder, jobs, truths, cutting)
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    write_atomic(folder / TABLE, buffer.getvalue())
    if not table["is_positive"].any():
        raise PatchError(
            f"no patch with calcium in {len(jobs)} images ({len(failures)} failed, see failed.csv): "
            "check the masks, or take smaller patches"
        )
    return open_patches(folder)


def open_patches(folder: str | os.PathLike[str]) -> PatchSet:
    """Open what `cut_patches` wrote.

    Raises
    ------
    PatchError
        If there is nothing, or the table lacks a column.
    """
    root = Path(folder)
    if not (root / TABLE).is_file() or not (root / "patches.json").is_file():
        raise PatchError("no patches in this folder: cut them first")
    table = pd.read_parquet(root / TABLE)
    missing = [column for column in _COLUMNS if column not in table]
    if missing:
        raise PatchError(f"{TABLE} lacks {', '.join(missing)}: cut the patches again")
    stated = json.loads((root / "patches.json").read_text(encoding="utf-8"))
    failures = pd.read_csv(root / "failed.csv")
    return PatchSet(root, table, int(stated["patch"]), len(failures))


def settings(truths: Sequence[Truth], cutting: Cutting) -> dict[str, Any]:
    """Return all that decides which patches there are; the data by the hash of its tables."""
    tables = [hashlib.sha256((truth.folder / "truth" / "images.csv").read_bytes()) for truth in truths]
    return {
        "recipe": cutting.recipe.hash,
        "patch": cutting.patch,
        "overlap": cutting.overlap,
        "negatives": cutting.negatives,
        "seed": cutting.seed,
        "data": [table.hexdigest() for table in tables],
    }


def digest(stated: Mapping[str, Any]) -> str:
    """Return twelve hex digits that change with any setting."""
    return hashlib.sha256(json.dumps(dict(stated), sort_keys=True).encode()).hexdigest()[:12]


def _begin(folder: Path, stated: Mapping[str, Any]) -> None:
    manifest = folder / "patches.json"
    if manifest.is_file():
        before = json.loads(manifest.read_text(encoding="utf-8"))
        other = [key for key in stated if before.get(key) != stated[key]]
        if other:
            raise PatchError(
                f"the patches in this folder were cut with another {other[0]}: take another folder"
            )
    else:
        write_atomic(manifest, json.dumps(dict(stated), indent=1).encode())


def _write_failures(folder: Path, failures: Mapping[int, str]) -> None:
    rows = pd.DataFrame({"image": list(failures), "message": list(failures.values())})
    write_atomic(folder / "failed.csv", rows.to_csv(index=False).encode())


def _table(folder: Path, jobs: Sequence[Job], truths: Sequence[Truth], cutting: Cutting) -> pd.DataFrame:
    """List the patches on disk: all with calcium, and the wanted share of the others."""
    patients = [str(patient) for truth in truths for patient in truth.images["patient_id"]]
    women = {patient: number for number, patient in enumerate(sorted(set(patients)), start=1)}
    parts = [
        _rows(folder, job.file, women[patient])
        for job, patient in zip(jobs, patients, strict=True)
        if (folder / job.file).exists()
    ]
    if not parts:
        raise PatchError(f"none of {len(jobs)} images could be used: failed.csv says why")
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    positive = table["is_positive"].to_numpy()
    others = np.flatnonzero(~positive)
    count = min(len(others), math.ceil(cutting.negatives * np.count_nonzero(positive)))
    chosen = np.random.default_rng([cutting.seed, 1]).permutation(others)[:count]
    return table.loc[np.sort(np.concatenate([np.flatnonzero(positive), chosen]))].reset_index(drop=True)


def _rows(folder: Path, file: str, woman: int) -> pd.DataFrame:
    records = np.load(folder / file, mmap_mode="r")
    areas = np.bitwise_count(records["label"]).sum(axis=(1, 2), dtype=np.int64)
    return pd.DataFrame(
        {
            "file": file,
            "position": np.arange(len(records)),
            "subject": woman,
            "y": records["y"].astype(np.int64),
            "x": records["x"].astype(np.int64),
            "label_area": areas,
            "is_positive": areas > 0,
        },
        columns=list(_COLUMNS),
    )
