"""Serving the dashboard: who may ask, what every answer says, how it stops, what is logged."""

from __future__ import annotations

import logging
import secrets
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import panel as pn
from tornado.httputil import HTTPHeaders
from tornado.web import OutputTransform

from bactools.explore import Source, controls
from bactools.study import StudyError
from dashboards.auth import Accounts, AuthError, FileAuth

LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
_SECRET = 32
_POLICY = "; ".join((
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:", "font-src 'self' data:", "connect-src 'self' blob: data:",
    "worker-src 'self' blob:", "object-src 'none'", "base-uri 'self'", "form-action 'self'",
    "frame-ancestors 'self'",
))  # fmt: skip
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
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
        The log-in cookie of a users' file travels over TLS only; an OAuth provider's are the proxy's to mark.
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

    @property
    def path(self) -> str:
        """The prefix as it stands in addresses: empty, or with one slash before it."""
        inner = self.prefix.strip("/")
        return f"/{inner}" if inner else ""

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
    accounts = Accounts(how.auth) if how.auth else None
    sources = [Source(folder) for folder in folders]
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise ServeError("two of the studies have the same name: rename one folder")
    _quiet_log()
    _quiet_errors()
    server = _server(sources, how, accounts)
    server._tornado.transforms.append(_headers())
    try:
        server.start()
    except OSError as error:
        raise ServeError(f"port {how.port} cannot be used: {error.strerror}") from None
    # read before anybody waits for it
    for source in sources:
        _warmed(source)
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *told: server.io_loop.add_callback_from_signal(server.io_loop.stop))
    _log.warning("serving on port %d", how.port)
    server.io_loop.start()
    server.stop(wait=False)


def _warmed(source: Source) -> None:
    try:
        controls(source.cube)
    except StudyError:
        _log.warning("a study has no finished run yet")


def _server(sources: Sequence[Source], how: Serving, accounts: Accounts | None) -> Any:
    secret = how.cookie_secret or secrets.token_urlsafe(48)
    more: dict[str, Any] = {"oauth_provider": how.oauth} if how.oauth else {}
    if accounts is not None:
        more["auth_provider"] = FileAuth(accounts, how.path, secure=how.secure)
    own = [f"{host}:{how.port}" for host in ("127.0.0.1", "localhost")]
    try:
        return pn.io.server.get_server(
            _told(sources), port=how.port, address=how.address, title="bactools", liveness=True, start=False,
            cookie_secret=secret, cookie_path=f"{how.path}/", prefix=how.path,
            websocket_origin=list(how.origins) or own, xsrf_cookies=False,
            unused_session_lifetime_milliseconds=30_000, check_unused_sessions_milliseconds=10_000, **more,
        )  # fmt: skip
    except OSError as error:
        raise ServeError(f"port {how.port} cannot be used: {error.strerror}") from None


def _told(sources: Sequence[Source]) -> Callable[[], Any]:
    """Return what builds the application, or says why there is none."""
    from dashboards import parts
    from dashboards.app import build

    pn.config.exception_handler = _handled

    def built() -> Any:
        try:
            return build(sources)
        except StudyError as error:
            return parts.notice(str(error), kind="warning")
        except Exception as error:
            _report(error)
            return parts.notice(_SORRY, kind="error")

    return built


_SORRY = "Something went wrong here. The server's log says what kind of error it was."


def _handled(error: BaseException) -> None:
    """Say to the visitor that something failed, and log what kind of thing."""
    _report(error)
    if pn.state.notifications:
        pn.state.notifications.error(_SORRY)


def _report(error: BaseException) -> None:
    _log.error("%s", kind_of(error))


def kind_of(error: BaseException) -> str:
    """Return an error's type and the function it came from: no value, no path."""
    trace, place = error.__traceback__, "?"
    while trace is not None:
        frame = trace.tb_frame
        place = f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} in {place}"


def _headers() -> type[OutputTransform]:
    """Return what puts the security headers on every answer, whichever handler gives it."""

    class Headers(OutputTransform):
        def transform_first_chunk(
            self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
        ) -> tuple[int, HTTPHeaders, bytes]:
            """Add them."""
            for name, value in _HEADERS.items():
                headers[name] = value
            headers["Server"] = "bactools"
            return status_code, headers, chunk

    return Headers


class _Plain(logging.Formatter):
    """Others' messages without what was put into them, ours as they are; of an error only its kind."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        ours = record.name.startswith("bactools")
        told = record.getMessage() if ours else f"a message of {record.name}"
        if record.exc_info and record.exc_info[1] is not None:
            told += f": {kind_of(record.exc_info[1])}"
        return f"{self.formatTime(record)} {record.levelname.lower()} {told}"


def _quiet_log() -> None:
    """Log no address, identifier or path: one handler, at the root, for everybody."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain())
    logging.getLogger().handlers = [handler]
    logging.getLogger().setLevel(logging.WARNING)
    for name in list(logging.root.manager.loggerDict):
        held = logging.getLogger(name)
        held.handlers, held.propagate = [], True
        held.setLevel(max(held.level, logging.WARNING))
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)


def _quiet_errors() -> None:
    """Keep tracebacks out of what the websocket answers: bokeh would send them to the browser."""
    from bokeh.protocol.messages.error import error as message

    made: Any = message.create.__func__

    def create(cls: Any, request_id: Any, text: str, **metadata: Any) -> Any:
        answer = made(cls, request_id, _SORRY, **metadata)
        answer.content["traceback"] = None
        return answer

    patched: Any = classmethod(create)  # type: ignore[arg-type]
    message.create = patched


__all__ = ["AuthError", "ServeError", "Serving", "kind_of", "serve"]
