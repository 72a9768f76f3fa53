"""Serving the dashboard: who may ask, how it starts, and how it stops."""

from __future__ import annotations

import json
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import panel as pn
from tornado.ioloop import PeriodicCallback
from tornado.iostream import IOStream

from bactools.explore import Source
from bactools.study import StudyError
from dashboards import answers
from dashboards.auth import Accounts, AuthError
from dashboards.login import FileAuth, oauth
from dashboards.processes import Processes, ProcessesError, receive
from dashboards.tries import Tries

LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
MOST_PROCESSES = 32
_SECRET = 32
_GRACE = 3.0
_LOOK_AGAIN = 15_000
_MESSAGE, _HEAD, _BODY = 2**21, 2**16, 2**16
_log = logging.getLogger("bactools.dashboard")


class ServeError(ValueError):
    """What keeps the dashboard from being served, in words."""


@dataclass(frozen=True)
class Serving:
    """How to serve.

    Parameters
    ----------
    port, address : int, str
        Where to listen; other addresses than this machine's own ask for `auth`, `oauth` or `public`.
    auth : Path, optional
        A users' file, see `dashboards.auth`.
    oauth : str
        One of Panel's providers, such as ``azure``; its key and secret come from the environment
        (PANEL_OAUTH_KEY, PANEL_OAUTH_SECRET, PANEL_OAUTH_ENCRYPTION).
    cookie_secret : str
        Signs cookies, at least 32 characters; drawn anew at every start if empty.
    origins : tuple of str
        Hosts under which people reach it, as host or host:port; its own address if empty.
    prefix : str
        Path below which it is served behind a proxy.
    public : bool
        Listen beyond this machine with no log-in.
    secure : bool
        All cookies travel over TLS only.
    processes : int
        How many processes share the visitors.
    """

    port: int = 5006
    address: str = "127.0.0.1"
    auth: Path | None = None
    oauth: str = ""
    cookie_secret: str = ""
    origins: tuple[str, ...] = ()
    prefix: str = ""
    public: bool = False
    secure: bool = False
    processes: int = 1

    @property
    def path(self) -> str:
        """The prefix as it stands in addresses: empty, or with one slash before it."""
        inner = self.prefix.strip("/")
        return f"/{inner}" if inner else ""

    @property
    def home(self) -> str:
        """Where people reach it, without a slash at the end."""
        host = self.origins[0] if self.origins else f"127.0.0.1:{self.port}"
        return f"{'https' if self.secure else 'http'}://{host}{self.path}"

    def check(self) -> None:
        """Refuse what would not be safe, or would not work.

        Raises
        ------
        ServeError
        """
        if self.auth and self.oauth:
            raise ServeError("give a users' file or an OAuth provider, not both")
        if self.address not in LOCAL and not (self.auth or self.oauth or self.public):
            raise ServeError(
                "beyond this machine the dashboard asks who is there: give --auth FILE, or --allow-public if"
                " everybody on the network may see the study"
            )
        if self.cookie_secret and len(self.cookie_secret) < _SECRET:
            raise ServeError(f"the cookie secret is of {_SECRET} characters at least")
        if any("*" in origin or "/" in origin for origin in self.origins):
            raise ServeError("an origin is a host or host:port, such as bac.hospital.example")
        if not self.path.replace("/", "").replace("-", "").replace("_", "").isalnum() and self.path:
            raise ServeError("a prefix is of letters, figures, dashes and underscores")
        if not 1 <= self.processes <= MOST_PROCESSES:
            raise ServeError(f"there are 1 to {MOST_PROCESSES} processes")
        if self.processes > 1 and os.name != "posix":
            raise ServeError("several processes ask for Linux or macOS")


def serve(folders: Sequence[Path], *, port: int = 5006, address: str = "127.0.0.1", **options: Any) -> None:
    """Serve studies until stopped.

    Parameters
    ----------
    folders : sequence of Path
        Study folders, which are only read.
    port, address : int, str
        Where to listen.
    **options
        The other fields of `Serving`.

    Raises
    ------
    ServeError, AuthError, StudyError
    """
    how = Serving(port=port, address=address, **options)
    how.check()
    how = replace(how, cookie_secret=how.cookie_secret or secrets.token_urlsafe(48))
    sources = _sources(folders)
    accounts = Accounts(how.auth) if how.auth else None
    if how.oauth:
        oauth(how.oauth, how.home)
    answers.quiet_log()
    try:
        if how.processes == 1:
            _alone(sources, how, accounts)
        else:
            told = {
                "how": {**asdict(how), "auth": str(how.auth or "")},
                "folders": [str(each) for each in folders],
            }
            Processes(how.processes, told).run(how.port, how.address)
    except ProcessesError as error:
        raise ServeError(str(error)) from None
    except OSError as error:
        raise ServeError(f"port {how.port} cannot be used: {error.strerror}") from None


def child() -> None:
    """Serve the connections that a parent hands over; what to serve is told on the standard input."""
    told = json.load(sys.stdin)
    options = told["how"]
    how = Serving(**{
        **options, "auth": Path(options["auth"]) if options["auth"] else None,
        "origins": tuple(options["origins"]),
    })  # fmt: skip
    answers.quiet_log()
    pipe = socket.socket(fileno=told["pipe"])
    accounts = Accounts(how.auth) if how.auth else None
    _alone(_sources([Path(each) for each in told["folders"]]), how, accounts, pipe=pipe, place=told["place"])
    logging.shutdown()
    # what it holds need not be let go of piece by piece
    os._exit(0)


def _sources(folders: Sequence[Path]) -> list[Source]:
    sources = [Source(folder) for folder in folders]
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise ServeError("two of the studies have the same name: rename one folder")
    return sources


def _alone(
    sources: Sequence[Source],
    how: Serving,
    accounts: Accounts | None,
    *,
    pipe: socket.socket | None = None,
    place: int | None = None,
) -> None:
    """Serve in this process until told to stop."""
    answers.quiet_errors()
    answers.close_cookies(secure=how.secure)
    server = _server(sources, how, accounts, listen=pipe is None)
    server._tornado.transforms.append(answers.headers(place, path=f"{how.path}/", secure=how.secure))
    loop = server.io_loop

    def stop(*told: object) -> None:
        # a computation that is under way does not hold up the end
        last = threading.Timer(_GRACE, os._exit, [0])
        last.daemon = True
        last.start()
        loop.add_callback_from_signal(loop.stop)

    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, stop)
    server.start()
    # read before anybody waits for it
    for source in sources:
        _warmed(source)
    if pipe is not None:
        server._http.stop()
        taken = partial(_taken, server._http)
        threading.Thread(
            target=receive, args=(pipe, partial(loop.add_callback, taken), stop), daemon=True
        ).start()
    PeriodicCallback(partial(_let_go, server._tornado), _LOOK_AGAIN).start()
    _log.warning("serving on port %d", how.port)
    loop.start()
    server.stop(wait=False)


def _taken(http: Any, connection: int) -> None:
    """Answer on a connection that another process accepted."""
    try:
        made = socket.socket(fileno=connection)
        http.handle_stream(IOStream(made, max_buffer_size=http.max_buffer_size), made.getpeername())
    except OSError as error:
        answers.report(error)


async def _let_go(application: Any) -> None:
    """End what is open for those who may not look any more."""
    provider = application.auth_provider
    for client in list(application._clients):
        handler = client._socket
        if provider.get_user_async is not None:
            user = await provider.get_user_async(handler)
        else:
            user = provider.get_user(handler) if provider.get_user is not None else "anybody"
        if user is None:
            handler.close(1008, "log in again")


def _warmed(source: Source) -> None:
    try:
        source.warm()
    except StudyError:
        _log.warning("a study has no finished run yet")
    source.follow()


def _server(sources: Sequence[Source], how: Serving, accounts: Accounts | None, *, listen: bool) -> Any:
    more: dict[str, Any] = oauth(how.oauth, how.home) if how.oauth else {}
    if accounts is not None:
        # each process counts by itself
        tries = Tries(all=max(5, 30 // how.processes), all_every=2.0 * how.processes)
        more["auth_provider"] = FileAuth(accounts, how.path, secure=how.secure, tries=tries)
    own = [f"{host}:{how.port}" for host in ("127.0.0.1", "localhost")]
    return pn.io.server.get_server(
        _told(sources), port=how.port if listen else 0, address=how.address if listen else "127.0.0.1",
        title="bactools", liveness=True, start=False, cookie_secret=how.cookie_secret,
        cookie_path=f"{how.path}/", prefix=how.path, websocket_origin=list(how.origins) or own,
        xsrf_cookies=False, unused_session_lifetime_milliseconds=30_000,
        check_unused_sessions_milliseconds=10_000, sign_sessions=True,
        secret_key=f"session {how.cookie_secret}".encode(), websocket_max_message_size=_MESSAGE,
        http_server_kwargs={"max_header_size": _HEAD, "max_body_size": _BODY}, **more,
    )  # fmt: skip


def _told(sources: Sequence[Source]) -> Callable[[], Any]:
    """Return what builds the application, or says why there is none."""
    from dashboards import parts
    from dashboards.app import build, extend

    extend()
    pn.config.exception_handler = _handled

    def built() -> Any:
        try:
            return build(sources)
        except StudyError as error:
            return parts.notice(str(error), kind="warning")
        except Exception as error:
            answers.report(error)
            return parts.notice(answers.SORRY, kind="error")

    return built


def _handled(error: BaseException) -> None:
    """Say to the visitor that something failed, and log what kind of thing."""
    answers.report(error)
    if pn.state.notifications:
        pn.state.notifications.error(answers.SORRY)


__all__ = ["AuthError", "ServeError", "Serving", "child", "serve"]
