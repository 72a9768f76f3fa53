"""The log-in of a users' file: the form, the cookie it leads to, and the way out."""

from __future__ import annotations

import asyncio
import hmac
import html
import math
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from bokeh.server.auth_provider import AuthProvider
from tornado.web import RequestHandler

from dashboards.auth import Accounts, AuthError
from dashboards.login_page import PAGE
from dashboards.tries import Tries

COOKIE = "bactools_user"
KNOWN = "bactools_known"
_DAYS = 1.0
_KNOWN_DAYS = 180.0
_PAUSE = 1.0
_ENVIRONMENT = ("PANEL_OAUTH_KEY", "PANEL_OAUTH_SECRET", "PANEL_OAUTH_ENCRYPTION")
_NOT_OAUTH = ("basic", "password", "pam_basic")
# a hash takes 32 MB and a core for a while
_hashing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="password")


def oauth(provider: str, address: str) -> dict[str, str]:
    """Return what Panel is told of an OAuth provider.

    Parameters
    ----------
    provider : str
        One of Panel's.
    address : str
        Where people reach the dashboard; PANEL_OAUTH_REDIRECT_URI goes before.

    Raises
    ------
    AuthError
        If there is no such provider, or the environment lacks what it needs.
    """
    from panel.auth import AUTH_PROVIDERS

    if provider not in AUTH_PROVIDERS or provider in _NOT_OAUTH:
        raise AuthError("no such OAuth provider; Panel has azure, generic, github, gitlab, google and others")
    missing = [name for name in _ENVIRONMENT if not os.environ.get(name)]
    if missing:
        raise AuthError(f"OAuth asks for {', '.join(missing)} in the environment")
    back = os.environ.get("PANEL_OAUTH_REDIRECT_URI") or f"{address}/login"
    return {"oauth_provider": provider, "oauth_redirect_uri": back}


class FileAuth(AuthProvider):
    """Asks for a name and a password of a users' file.

    Parameters
    ----------
    accounts : Accounts
    prefix : str
        The path below which the application is served, as ``/bac``; empty for none.
    secure : bool
        The cookies travel over TLS only.
    tries : Tries, optional
        How often a password may be tried.
    """

    def __init__(
        self, accounts: Accounts, prefix: str = "", *, secure: bool = False, tries: Tries | None = None
    ) -> None:
        self._accounts, self._prefix, self._secure = accounts, prefix, secure
        self._tries = tries or Tries()
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
        held = {
            "accounts": self._accounts, "prefix": self._prefix, "secure": self._secure, "tries": self._tries,
        }  # fmt: skip
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
    tries: Tries

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
        browser = self._browser(name)
        wait = self.tries.take(name, browser)
        if wait:
            self.set_status(429)
            self.set_header("Retry-After", str(math.ceil(wait)))
            self._ask("Too many tries. Wait a minute, then try again.")
            return
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(_hashing, self.accounts.correct, name, password):
            await asyncio.sleep(_PAUSE)
            self.set_status(401)
            self._ask("The name or the password is not right.")
            return
        self.tries.give_back(name, browser)
        self._keep(COOKIE, self.accounts.ticket(name), _DAYS)
        self._keep(KNOWN, f"{name}:{browser or secrets.token_hex(16)}", _KNOWN_DAYS)
        self.redirect(self._next(), status=303)

    def _keep(self, cookie: str, value: str, days: float) -> None:
        self.set_signed_cookie(
            cookie, value, expires_days=days, path=f"{self.prefix}/", httponly=True, samesite="Lax",
            secure=self.secure,
        )  # fmt: skip

    def _browser(self, name: str) -> str:
        """Return what names this browser, if this person logged in from it before."""
        held = (self.get_signed_cookie(KNOWN, max_age_days=_KNOWN_DAYS) or b"").decode("utf-8", "replace")
        who, _, browser = held.partition(":")
        return browser if hmac.compare_digest(who.encode(), name.encode("utf-8", "replace")) else ""

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
