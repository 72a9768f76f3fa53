"""The views of a study as files that any process can map: made once per version of the cube."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

import pyarrow as pa
import xarray as xr

from bactools.cube import fingerprint, open_cube, stamp
from bactools.query.views import FORMAT, VIEWS, view

CACHE = "query"
"""The folder inside a study; it may be deleted at any time."""

_known: dict[tuple[Path, bool], tuple[object, Tables]] = {}
_lock = RLock()


@dataclass(eq=False)
class Tables:
    """The views of one version of a cube.

    Attributes
    ----------
    folder : Path
        The study.
    version : str
        SHA-256 of the cube, see `bactools.cube.fingerprint`.
    """

    folder: Path
    version: str
    keep: bool = True
    _kept: Path | None = None
    _lock: RLock = field(default_factory=RLock)

    @classmethod
    def of(cls, folder: str | Path, *, keep: bool = True) -> Tables:
        """Return the views of a study as it is now.

        Parameters
        ----------
        folder : path
        keep : bool
            Whether views that are made may be kept inside the study; else they last as long as this process.

        Raises
        ------
        FileNotFoundError
            If the study has no cube yet.
        """
        folder = Path(folder).resolve()
        with _lock:
            now = stamp(folder)
            found = _known.get((folder, keep))
            if found is None or found[0] != now:
                found = _known[folder, keep] = (now, cls(folder, fingerprint(folder), keep))
            return found[1]

    def files(self, names: Sequence[str] = VIEWS) -> dict[str, Path]:
        """Return an Arrow file for each view asked for, made if it is not there."""
        with self._lock:
            missing = [name for name in names if self._file(name) is None]
            if missing:
                self._make(missing)
            return {name: path for name in names if (path := self._file(name)) is not None}

    def read(self, names: Sequence[str] = VIEWS) -> dict[str, pa.Table]:
        """Return views, mapped into memory."""
        found = {}
        for name, path in self.files(names).items():
            with pa.memory_map(str(path)) as file:
                found[name] = pa.ipc.open_file(file).read_all()
        return found

    @property
    def _inside(self) -> Path:
        return self.folder / CACHE / f"{self.version[:16]}-{FORMAT}"

    def _file(self, name: str) -> Path | None:
        places = [self._inside] if self._kept is None else [self._kept, self._inside]
        return next((path for place in places if (path := place / f"{name}.arrow").is_file()), None)

    def _make(self, names: list[str]) -> None:
        cube = open_cube(self.folder, axis="exam").drop_vars("joint_histogram", errors="ignore")
        if self.keep and self._kept is None:
            try:
                self._inside.mkdir(parents=True, exist_ok=True)
                self._write(cube, names, self._inside)
            except OSError:
                pass  # a study that cannot be written to can still be read
            else:
                self._tidy()
                return
        if self._kept is None:
            self._kept = Path(tempfile.mkdtemp(prefix="bactools-query-"))
            weakref.finalize(self, shutil.rmtree, self._kept, ignore_errors=True)
        self._write(cube, names, self._kept)

    def _write(self, cube: xr.Dataset, names: list[str], place: Path) -> None:
        for name in names:
            table = view(cube, name)
            part = place / f".{name}.{os.getpid()}.{secrets.token_hex(4)}.part"
            try:
                with pa.OSFile(str(part), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                    writer.write_table(table)
                part.replace(place / f"{name}.arrow")
            finally:
                part.unlink(missing_ok=True)

    def _tidy(self) -> None:
        """Remove the views of earlier versions; who has them open keeps them."""
        for other in (self.folder / CACHE).glob("*-*"):
            if other != self._inside and other.is_dir():
                with suppress(OSError):
                    shutil.rmtree(other)
