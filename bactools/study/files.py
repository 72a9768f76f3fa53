"""Writing files so that a crash leaves the old one or the new one, never a half."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` beside `path`, force it to disk and rename it into place.

    Parameters
    ----------
    path : Path
        Its folder is made when missing.
    content : bytes
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def linkage_of(folder: Path) -> Path:
    """Return where the linkage file of a study lies by default: beside its folder, never inside."""
    return folder.with_name(f"{folder.name}.linkage.csv")
