"""The views of a study as files that any process can map: made once per version of the cube."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Iterable
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

_known: dict[Path, tuple[object, Tables]] = {}
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
    _kept: Path | None = None
    _lock: RLock = field(default_factory=RLock)

    @classmethod
    def of(cls, folder: str | Path) -> Tables:
        """Return the views of a study as it is now.

        Raises
        ------
        FileNotFoundError
            If the study has no cube yet.
        """
        folder = Path(folder).resolve()
        with _lock:
            now = stamp(folder)
            found = _known.get(folder)
            if found is None or found[0] != now:
                found = _known[folder] = (now, cls(folder, fingerprint(folder)))
            return found[1]

    def files(self, names: Iterable[str] = VIEWS) -> dict[str, Path]:
        """Return an Arrow file for each view asked for, made if it is not there."""
        with self._lock:
            found = {name: self._place / f"{name}.arrow" for name in names}
            missing = [name for name, path in found.items() if not path.is_file()]
            if missing:
                self._make(missing)
            return {name: self._place / path.name for name, path in found.items()}

    def read(self, names: Iterable[str] = VIEWS) -> dict[str, pa.Table]:
        """Return views, mapped into memory."""
        found = {}
        for name, path in self.files(names).items():
            with pa.memory_map(str(path)) as file:
                found[name] = pa.ipc.open_file(file).read_all()
        return found

    @property
    def _place(self) -> Path:
        return self._kept or self.folder / CACHE / f"{self.version[:16]}-{FORMAT}"

    def _make(self, names: list[str]) -> None:
        cube = open_cube(self.folder, axis="exam").drop_vars("joint_histogram", errors="ignore")
        try:
            self._place.mkdir(parents=True, exist_ok=True)
            self._write(cube, names)
        except OSError:
            # a study that cannot be written to can still be read
            self._kept = Path(tempfile.mkdtemp(prefix="bactools-query-"))
            weakref.finalize(self, shutil.rmtree, self._kept, ignore_errors=True)
            self._write(cube, names)
        self._tidy()

    def _write(self, cube: xr.Dataset, names: list[str]) -> None:
        for name in names:
            table = view(cube, name)
            part = self._place / f".{name}.{os.getpid()}.{secrets.token_hex(4)}.part"
            try:
                with pa.OSFile(str(part), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                    writer.write_table(table)
                part.replace(self._place / f"{name}.arrow")
            finally:
                part.unlink(missing_ok=True)

    def _tidy(self) -> None:
        """Remove the views of earlier versions; who has them open keeps them."""
        for other in (self.folder / CACHE).glob("*-*"):
            if other != self._place and other.is_dir() and self._kept is None:
                with suppress(OSError):
                    shutil.rmtree(other)
