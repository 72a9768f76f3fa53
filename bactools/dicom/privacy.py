"""Pseudonyms that only the holder of a key can make, shifted dates, and the file that links them back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

import pandas as pd

KEY_VARIABLE = "BACTOOLS_KEY"
_KEY_BYTES = 32


class PrivatePath:
    """A file's path that cannot get into a message by accident: it prints as ``<private path>``.

    Parameters
    ----------
    path : str or path
        The path; `open_path` gives it back.
    """

    __slots__ = ("_path",)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)

    def open_path(self) -> Path:
        """Return the path, for opening the file and nothing else."""
        return Path(self._path)

    def __repr__(self) -> str:
        return "<private path>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PrivatePath) and self._path == other._path

    def __hash__(self) -> int:
        return hash(self._path)


class Pseudonymiser:
    """Keyed one-way names. The same key gives the same names, on any machine.

    Parameters
    ----------
    key : bytes
        At least 16 secret bytes, see `load_key`.

    Raises
    ------
    ValueError
        If the key is shorter.

    Notes
    -----
    A plain hash of a patient number can be undone by trying all numbers; an HMAC (RFC 2104) with a
    secret key cannot.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError(f"pseudonym key of {len(key)} bytes: use at least 16, or let load_key make one")
        self._key = bytes(key)

    def __repr__(self) -> str:
        return "Pseudonymiser(<key>)"

    @property
    def check(self) -> str:
        """Eight hex digits that tell keys apart and say nothing of them."""
        return self._digest("check", b"").hex()[:8]

    def subject(self, patient_id: str, issuer: str = "") -> str:
        """Return ``S`` and twelve characters (60 bits) for a patient of an issuer."""
        digest = self._digest("", f"{issuer}|{patient_id}".encode("utf-8", "surrogateescape"))
        return "S" + base64.b32encode(digest).decode("ascii")[:12]

    def image_id(self, uid_or_relative_path: str) -> str:
        """Return sixteen hex digits for an image."""
        return self._digest("image", uid_or_relative_path.encode("utf-8", "surrogateescape")).hex()[:16]

    def fingerprint(self, content: bytes) -> str:
        """Return sixteen hex digits for a content or its checksum."""
        return self._digest("content", content).hex()[:16]

    def date_shift(self, subject: str, max_days: int) -> int:
        """Return the days by which all dates of a subject are moved: -max … -1 or 1 … max, 0 for max 0.

        Raises
        ------
        ValueError
            If `max_days` is negative.
        """
        if max_days < 0:
            raise ValueError(f"shift of {max_days} days: choose 0 (none) or a positive number")
        if max_days == 0:
            return 0
        step = int.from_bytes(self._digest("shift", subject.encode()), "big") % (2 * max_days)
        return step - max_days if step < max_days else step - max_days + 1

    def _digest(self, domain: str, content: bytes) -> bytes:
        prefix = f"{domain}\0".encode() if domain else b""
        return hmac.new(self._key, prefix + content, hashlib.sha256).digest()


def key_file() -> Path:
    """Return where the key lives: ``BACTOOLS_KEY``, else the user's configuration folder."""
    named = os.environ.get(KEY_VARIABLE)
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_config_dir("bactools")) / "pseudonym.key"


def load_key(path: str | os.PathLike[str] | None = None) -> bytes:
    """Return the secret key, made on first use.

    Parameters
    ----------
    path : path, optional
        The key file; by default see `key_file`.

    Returns
    -------
    bytes
        32 bytes. The file holds them as 64 hex digits, mode 0600 in a folder of mode 0700.

    Raises
    ------
    ValueError
        If others may read the file, or it holds no key.
    """
    target = key_file() if path is None else Path(path)
    if not target.exists():
        _make_key(target)
    mode = target.stat().st_mode
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise ValueError(f"others may read the pseudonym key (mode {stat.S_IMODE(mode):o}): chmod 600 it")
    try:
        key = bytes.fromhex(target.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise ValueError(f"not a pseudonym key: expected {2 * _KEY_BYTES} hex digits; name another file")
    return key


def _make_key(target: Path) -> None:
    """Write a new key completely before it gets its name; the first of several makers wins."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        _write_private(draft, (secrets.token_bytes(_KEY_BYTES).hex() + "\n").encode())
        os.link(draft, target)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)


def write_linkage(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write the private table that links pseudonyms to patients.

    Parameters
    ----------
    table : pandas.DataFrame
        `Index.linkage`.
    path : path
        CSV file; replaced at once, readable by its owner alone from the first byte.

    Notes
    -----
    A text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    target = Path(path)
    safe = table.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]) and not pd.api.types.is_datetime64_any_dtype(
            safe[name]
        ):
            safe[name] = safe[name].map(_harmless)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        _write_private(draft, safe.to_csv(index=False).encode("utf-8", "surrogateescape"))
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _harmless(value: object) -> object:
    return "'" + value if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") and value else value


def _write_private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
