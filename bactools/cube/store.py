"""The cube on disk: a zarr store with checksums, rewritten whole and swapped in by rename.

A store is written beside its final name as ``.part``, renamed to ``.next`` when complete, and put in
place after the old one has been moved to ``.previous``. Whatever the moment of a crash, a complete
version is there, and both readers and the next writer find it.
"""

from __future__ import annotations

import os
import shutil
import warnings
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import dask
import xarray as xr
from zarr.abc.store import ByteRequest
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

Chunks = dict[str, int] | Literal["auto"]

NAME = "cube.zarr"
_SUBJECTS_PER_CHUNK = 2048
_WRITERS = 4


def write_cube(cube: xr.Dataset, path: str | Path) -> None:
    """Write a cube, replacing the one at `path` only when the new one is complete.

    Parameters
    ----------
    cube : Dataset
        Stored form, from `assemble`; lazy variables are computed and written chunk by chunk.
    path : str or Path
        The store, such as ``STUDY/cube.zarr``. Only one process may write it at a time.

    Raises
    ------
    ValueError
        If the cube is the literal form, which is never stored.

    Notes
    -----
    zarr format 3, zstd, and a CRC-32C checksum on every chunk. Every chunk is written, also one of
    missing values only, so that a lost file is noticed on reading.
    """
    if "exam" not in cube.dims:
        raise ValueError("only the stored form is written: open the cube with axis='exam', or use on_exams")
    path = Path(path)
    part, complete, previous = _siblings(path)
    _settle(path)
    _write(cube, part)
    part.rename(complete)
    if path.exists():
        path.rename(previous)
    complete.rename(path)
    shutil.rmtree(previous, ignore_errors=True)


def open_stored(path: str | Path, *, chunks: Chunks | None = None) -> xr.Dataset:
    """Open a cube in its stored form, lazily.

    Parameters
    ----------
    path : str or Path
        A study folder, or the store itself.
    chunks : dict or "auto", optional
        Chunks for dask, as in `xarray.open_zarr`; those on disk by default.

    Returns
    -------
    Dataset
        On (subject, view, exam), every data variable a dask array.

    Raises
    ------
    FileNotFoundError
        If there is no cube.
    ValueError
        On reading a chunk: if it is damaged or missing, or the cube was rewritten after opening.
    """
    opened: xr.Dataset = xr.open_zarr(_Files(_readable(Path(path))), chunks=chunks or {}, consolidated=True)
    for name, variable in opened.variables.items():
        if variable.dtype.kind == "T":
            # numpy's own string type is new enough to surprise pandas and older xarray.
            opened[name] = opened[name].astype(object)
    return opened.drop_encoding()


def fingerprint(path: str | Path) -> str:
    """Return the SHA-256 of a cube as it is on disk, but for its joint histogram.

    Parameters
    ----------
    path : str or Path
        A study folder, or the store itself.

    Returns
    -------
    str
        In hexadecimal; the same numbers written anew by the same libraries have the same.

    Raises
    ------
    FileNotFoundError
        If there is no cube.
    """
    root = _readable(Path(path))
    total = sha256()
    for file in sorted(root.rglob("*"), key=lambda file: file.relative_to(root).as_posix()):
        inside = file.relative_to(root)
        if inside.parts[0] != "joint_histogram" and file.is_file():
            content = file.read_bytes()
            total.update(f"{inside.as_posix()}\n{len(content)}\n".encode() + content)
    return total.hexdigest()


def stamp(path: str | Path) -> tuple[int, int] | None:
    """Return what changes, at no cost to tell, when a cube is written anew.

    Raises
    ------
    FileNotFoundError
        If there is no cube.
    """
    return _version(_readable(Path(path)))


class _Files(LocalStore):
    """Local files in which every chunk must exist and belong to the version that was opened.

    Plain zarr takes a missing chunk for one of missing values, and would mix two versions of a cube
    in one lazy array.
    """

    def __init__(self, root: Path | str, *, read_only: bool = True) -> None:
        super().__init__(root, read_only=read_only)
        self._version = _version(self.root)

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the bytes of a key; None for absent metadata only."""
        return self._checked(key, await super().get(key, prototype, byte_range))

    def get_sync(
        self, key: str, *, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the bytes of a key, for callers that do not await."""
        return self._checked(key, super().get_sync(key, prototype=prototype, byte_range=byte_range))

    def _checked(self, key: str, found: Buffer | None) -> Buffer | None:
        if _version(self.root) != self._version:
            raise ValueError("the cube was rewritten since it was opened: open it again")
        if found is None and (key.endswith("/c") or "/c/" in key):
            raise ValueError(f"the cube lacks a chunk of {key.split('/')[0]!r}: rebuild it from the study")
        return found


def _version(root: Path) -> tuple[int, int] | None:
    """Return what tells one directory from another of the same name."""
    try:
        state = root.stat()
    except FileNotFoundError:
        return None
    return state.st_ino, state.st_mtime_ns


def _siblings(path: Path) -> tuple[Path, Path, Path]:
    part, complete, previous = (path.with_name(f"{path.name}.{end}") for end in ("part", "next", "previous"))
    return part, complete, previous


def _readable(path: Path) -> Path:
    """Return the newest complete store of a study folder or a store's name."""
    for store in (path / NAME, path):
        _, complete, previous = _siblings(store)
        for candidate in (store, complete, previous):
            if (candidate / "zarr.json").is_file():
                return candidate
    raise FileNotFoundError("no cube here: give a study folder with results, or a cube.zarr")


def _settle(path: Path) -> None:
    """Finish or undo what a crash left half swapped, and clear the rest away."""
    part, complete, previous = _siblings(path)
    for candidate in (complete, previous):
        if candidate.exists() and not path.exists():
            candidate.rename(path)
    for leftover in (part, complete, previous):
        if leftover.exists():
            shutil.rmtree(leftover)


def _write(cube: xr.Dataset, part: Path) -> None:
    cube = cube.drop_encoding()
    encoding: dict[str, dict[str, Any]] = {}
    for name in map(str, cube.variables):
        chunks = _chunks(cube[name])
        if cube[name].dtype == object:
            cube[name] = cube[name].compute()
        elif cube[name].chunks is not None:
            cube[name] = cube[name].chunk(chunks)
        encoding[name] = {
            "chunks": tuple(chunks.values()),
            "compressors": (ZstdCodec(level=3), Crc32cCodec()),
        }
    encoding["date"] |= {"units": "days since 1970-01-01", "dtype": "int32", "_FillValue": -(2**31)}
    # The threads of this process, also when a dask cluster is connected: one writer.
    with warnings.catch_warnings(), dask.config.set(scheduler="threads", num_workers=_WRITERS):
        # zarr-python reads consolidated metadata in every 3.x; only other readers may ignore it.
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        cube.to_zarr(part, zarr_format=3, consolidated=True, encoding=encoding, write_empty_chunks=True)
    if hasattr(os, "sync"):
        os.sync()


def _chunks(variable: xr.DataArray) -> dict[str, int]:
    """Return chunk sizes: whole axes, but for the subjects; a lazy variable keeps its own of those."""
    lazy = {} if variable.chunks is None else {"subject": max(variable.chunksizes["subject"], default=1)}
    sizes = {str(dim): max(1, size) for dim, size in variable.sizes.items()}
    if "subject" in sizes:
        sizes["subject"] = max(1, min(sizes["subject"], lazy.get("subject", _SUBJECTS_PER_CHUNK)))
    return sizes
