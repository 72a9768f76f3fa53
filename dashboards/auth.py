"""Who may look: a file of users with hashed passwords, and the page that asks for them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import html
import os
import re
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import Any
from urllib.parse import urlsplit

from bokeh.server.auth_provider import AuthProvider
from tornado.web import RequestHandler

from dashboards.login_page import PAGE

COOKIE = "bactools_user"
_DAYS = 1.0
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_KIND = "scrypt"
_COST = (2**15, 8, 1)
_LEAST, _MOST = 10, 256
_MEMORY = 128 * 2**20
_PAUSE = 1.0


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


class FileAuth(AuthProvider):
    """Asks for a name and a password of a users' file.

    Parameters
    ----------
    accounts : Accounts
    prefix : str
        The path below which the application is served, as ``/bac``; empty for none.
    secure : bool
        The cookie travels over TLS only.
    """

    def __init__(self, accounts: Accounts, prefix: str = "", *, secure: bool = False) -> None:
        self._accounts, self._prefix, self._secure = accounts, prefix, secure
        super().__init__()

    @property
    def get_user(self) -> Callable[[Any], str | None]:
        """Who asks, by the cookie; None before the log-in."""

        def user(handler: Any) -> str | None:
            ticket = handler.get_signed_cookie(COOKIE, max_age_days=_DAYS)
            return self._accounts.holder(ticket.decode("utf-8", "replace")) if ticket else None

        return user

    @property
    def get_user_async(self) -> None:
        """Not used."""
        return

    @property
    def login_url(self) -> str:
        """Where people are sent first; Panel makes it relative, so the prefix is not in it."""
        return "/login"

    @property
    def get_login_url(self) -> None:
        """Not used."""
        return

    @property
    def login_handler(self) -> type[RequestHandler]:
        """The log-in page."""
        held = {"accounts": self._accounts, "prefix": self._prefix, "secure": self._secure}
        return type("BoundLogin", (_Login,), held)

    @property
    def logout_url(self) -> str:
        """Where one logs out."""
        return "/logout"

    @property
    def logout_handler(self) -> type[RequestHandler]:
        """Takes the cookie away."""
        return type("BoundLogout", (_Logout,), {"prefix": self._prefix})

    @property
    def endpoints(self) -> list[tuple[str, type[RequestHandler]]]:
        """The two pages; the server puts the prefix before them."""
        return [("/login", self.login_handler), (self.logout_url, self.logout_handler)]


class _Login(RequestHandler):
    """The page that asks."""

    accounts: Accounts
    prefix: str
    secure: bool

    def get(self) -> None:
        """Show the form."""
        self._ask("")

    async def post(self) -> None:
        """Let in, or say no after a pause."""
        if not self._from_here():
            self.set_status(403)
            self._ask("This form was sent from another site.")
            return
        name, password = (self.get_body_argument(each, "", strip=False) for each in ("username", "password"))
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(None, self.accounts.correct, name, password):
            await asyncio.sleep(_PAUSE)
            self.set_status(401)
            self._ask("The name or the password is not right.")
            return
        self.set_signed_cookie(
            COOKIE, self.accounts.ticket(name), expires_days=_DAYS, path=f"{self.prefix}/", httponly=True,
            samesite="Lax", secure=self.secure,
        )  # fmt: skip
        self.redirect(self._next(), status=303)

    def _next(self) -> str:
        """Return where to go on to: within the application only."""
        wanted = self.get_query_argument("next", "")
        parts = urlsplit(wanted)
        plain = not parts.scheme and not parts.netloc and "\\" not in wanted and wanted.isprintable()
        inside = wanted.startswith(f"{self.prefix}/") and not wanted.startswith("//")
        return wanted if plain and inside else f"{self.prefix}/"

    def _from_here(self) -> bool:
        """Return whether the form was ours: browsers say where a form comes from."""
        return self.request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")

    def _ask(self, problem: str) -> None:
        self.set_header("Cache-Control", "no-store")
        told = f'<p role="alert">{html.escape(problem)}</p>' if problem else ""
        self.finish(PAGE.replace("PROBLEM", told))


class _Logout(RequestHandler):
    """The way out."""

    prefix: str

    def get(self) -> None:
        """Take the cookie away and show the form."""
        self.clear_cookie(COOKIE, path=f"{self.prefix}/")
        self.redirect(f"{self.prefix}/login", status=303)
