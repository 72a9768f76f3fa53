"""What every answer says and does not say, and what is logged: no path, no identifier, no traceback."""

from __future__ import annotations

import logging
import sys
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform, RequestHandler

SORRY = "Something went wrong here. The server's log says what kind of error it was."
AT = "bactools_at"
"""The cookie that says which process holds what a browser shows."""

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
    "Server": "bactools",
}
_log = logging.getLogger("bactools.dashboard")


def headers(place: int | None = None, *, path: str = "/", secure: bool = False) -> type[OutputTransform]:
    """Return what puts the security headers on every answer, whichever handler gives it.

    Parameters
    ----------
    place : int, optional
        Which of several processes this is; a browser that gets a page from it is told to stay with it.
    path, secure : str, bool
        Of that cookie.
    """

    class Headers(OutputTransform):
        def __init__(self, request: HTTPServerRequest) -> None:
            held = request.cookies.get(AT)
            self._stays = place is None or (held is not None and held.value == str(place))

        def transform_first_chunk(
            self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
        ) -> tuple[int, HTTPHeaders, bytes]:
            """Add them."""
            for name, value in _HEADERS.items():
                headers[name] = value
            if not self._stays and headers.get("Content-Type", "").startswith("text/html"):
                only = "; Secure" if secure else ""
                headers.add("Set-Cookie", f"{AT}={place}; Path={path}; HttpOnly; SameSite=Lax{only}")
            return status_code, headers, chunk

    return Headers


def close_cookies(*, secure: bool) -> None:
    """Keep every cookie, Panel's for OAuth too, from scripts, other sites and, if so told, plain HTTP."""
    made = RequestHandler.set_cookie

    def set_cookie(self: RequestHandler, name: str, value: Any, *args: Any, **how: Any) -> None:
        made(self, name, value, *args, **{"samesite": "Lax", **how, "httponly": True, "secure": secure})

    patched: Any = set_cookie
    RequestHandler.set_cookie = patched


def report(error: BaseException) -> None:
    """Log what kind of error it was."""
    _log.error("%s", kind_of(error))


def kind_of(error: BaseException) -> str:
    """Return an error's type, where it came from and the last of ours on the way: no value, no path."""
    trace, place, ours = error.__traceback__, "?", ""
    while trace is not None:
        frame = trace.tb_frame
        place = f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_name}:{trace.tb_lineno}"
        ours = place if place.startswith(("bactools.", "dashboards.")) else ours
        trace = trace.tb_next
    by = f", asked by {ours}" if ours and ours != place else ""
    return f"{type(error).__name__} in {place}{by}"


class _Plain(logging.Formatter):
    """Others' messages without what was put into them, ours as they are; of an error only its kind."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        ours = record.name.startswith("bactools")
        told = record.getMessage() if ours else f"a message of {record.name}"
        if record.exc_info and record.exc_info[1] is not None:
            told += f": {kind_of(record.exc_info[1])}"
        return f"{self.formatTime(record)} {record.levelname.lower()} {told}"


def quiet_log() -> None:
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


def quiet_errors() -> None:
    """Keep tracebacks out of what the websocket answers: bokeh would send them to the browser."""
    from bokeh.protocol.messages.error import error as message

    made: Any = message.create.__func__

    def create(cls: Any, request_id: Any, text: str, **metadata: Any) -> Any:
        answer = made(cls, request_id, SORRY, **metadata)
        answer.content["traceback"] = None
        return answer

    patched: Any = classmethod(create)  # type: ignore[arg-type]
    message.create = patched
