"""Who may look: a file of users with hashed passwords."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import stat
from pathlib import Path
from threading import RLock

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_KIND = "scrypt"
_COST = (2**15, 8, 1)
_LEAST, _MOST = 10, 256
_MEMORY = 128 * 2**20


class AuthError(ValueError):
    """A users' file that cannot be used, in words."""


def user_line(name: str, password: str) -> str:
    """Return the line of a users' file for a person.

    Parameters
    ----------
    name : str
        Letters, figures and ``. _ @ -``.
    password : str
        At least ten characters.

    Raises
    ------
    AuthError
        If one of them will not do.
    """
    if not _NAME.fullmatch(name):
        raise AuthError("a user's name is of 1 to 64 letters, figures, dots, dashes, underscores or @")
    if not _LEAST <= len(password) <= _MOST:
        raise AuthError(f"a password is of {_LEAST} to {_MOST} characters")
    salt = secrets.token_bytes(16)
    cost = "$".join(map(str, _COST))
    return f"{name}:{_KIND}${cost}${_written(salt)}${_written(_hashed(password, salt, _COST))}"


class Accounts:
    """The users of a file; read again when it changes.

    Parameters
    ----------
    file : Path
        A user a line, as `user_line` makes them; lines that begin with # are passed over.

    Raises
    ------
    AuthError
        If others than its owner can read it, or a line is not understood.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = RLock()
        self._stamp: tuple[int, ...] = ()
        self._lines: dict[str, str] = {}
        self._read()
        if not self._lines:
            raise AuthError("the users' file holds no user; add one with bactools dashboard --add-user NAME")
        self._nobody = user_line("nobody", secrets.token_urlsafe(16)).partition(":")[2]

    def correct(self, name: str, password: str) -> bool:
        """Return whether a password is the user's; as slow for a user who does not exist."""
        held = self._held().get(name)
        if not 0 < len(password) <= _MOST:
            return False
        cost, salt, wanted = _parts(held or self._nobody)
        same = hmac.compare_digest(_hashed(password, salt, cost), wanted)
        return same and held is not None

    def ticket(self, name: str) -> str:
        """Return what a cookie says of a user: it is void once her password changes."""
        return f"{name}:{_print(self._held()[name])}"

    def holder(self, ticket: str) -> str | None:
        """Return whose ticket it is; None if it is void."""
        name, _, mark = ticket.partition(":")
        held = self._held().get(name)
        return name if held and hmac.compare_digest(_print(held).encode(), mark.encode()) else None

    def _held(self) -> dict[str, str]:
        """Return the users of now; nobody while the file cannot be used."""
        with self._lock:
            try:
                self._read()
            except AuthError:
                self._lines, self._stamp = {}, ()
            return self._lines

    def _read(self) -> None:
        try:
            about = self._file.stat()
            stamp = (about.st_ino, about.st_mtime_ns, about.st_size, about.st_mode)
            if stamp == self._stamp:
                return
            if os.name == "posix" and stat.S_IMODE(about.st_mode) & 0o077:
                raise AuthError("others can read or write the users' file: set its mode to 600")
            text = self._file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise AuthError(f"the users' file cannot be read: {type(error).__name__}") from None
        self._lines, self._stamp = _users(text), stamp


def _users(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for at, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.strip().partition(":")
        try:
            _parts(rest)
        except ValueError:
            raise AuthError(f"line {at} of the users' file was not understood") from None
        if not _NAME.fullmatch(name) or name in found:
            raise AuthError(f"line {at} of the users' file has no name, or one that was there before")
        found[name] = rest
    return found


def _parts(rest: str) -> tuple[tuple[int, int, int], bytes, bytes]:
    kind, n, r, p, salt, wanted = rest.split("$")
    cost = (int(n), int(r), int(p))
    if kind != _KIND or 128 * cost[0] * cost[1] > _MEMORY or not 1 <= cost[2] <= 16:
        raise ValueError(kind)
    read = (base64.b64decode(salt, validate=True), base64.b64decode(wanted, validate=True))
    if len(read[0]) < 16 or len(read[1]) != 32:
        raise ValueError(kind)
    return cost, *read


def _hashed(password: str, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    n, r, p = cost
    return hashlib.scrypt(
        password.encode("utf-8", "replace"), salt=salt, n=n, r=r, p=p, maxmem=2 * _MEMORY, dklen=32
    )


def _written(held: bytes) -> str:
    return base64.b64encode(held).decode()


def _print(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()[:32]
