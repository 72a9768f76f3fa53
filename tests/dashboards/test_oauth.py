"""Log-in through an OAuth provider: a small one of our own, which browsers are sent to and come back from."""

from __future__ import annotations

import json
import secrets
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.conftest import Looker, Server

KEY, SECRET = "the-dashboard", "a secret between the two"


class Provider(ThreadingHTTPServer):
    """Authorizes everybody who asks in the right way, once for each code."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.codes: set[str] = set()
        self.tokens: set[str] = set()
        self.asked: list[str] = []
        self.person: dict[str, str] = {"email": "anna@hospital.example"}


class _Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        held = dict(urllib.parse.parse_qsl(query))
        self.server.asked.append(path)
        if path == "/authorize" and held.get("client_id") == KEY and held.get("response_type") == "code":
            code = secrets.token_hex(8)
            self.server.codes.add(code)
            back = urllib.parse.urlencode({"code": code, "state": held["state"]})
            self.send_response(302)
            self.send_header("Location", f"{held['redirect_uri']}?{back}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path == "/user" and self.headers.get("Authorization", "")[7:] in self.server.tokens:
            self._say(self.server.person)
        else:
            self._say({"error": "refused"}, 401)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        held = dict(urllib.parse.parse_qsl(body))
        self.server.asked.append(self.path)
        if held.get("client_secret") == SECRET and held.get("code") in self.server.codes:
            self.server.codes.remove(held["code"])
            token = secrets.token_hex(16)
            self.server.tokens.add(token)
            self._say({"access_token": token, "token_type": "Bearer", "expires_in": 3600})
        else:
            self._say({"error": "invalid_grant"}, 400)

    def _say(self, what: dict[str, Any], status: int = 200) -> None:
        told = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A provider that runs, and an environment that names it."""
    running = Provider()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    for name, value in {
        "OAUTH_KEY": KEY, "OAUTH_SECRET": SECRET, "OAUTH_AUTHORIZE_URL": f"{running.url}/authorize",
        "OAUTH_TOKEN_URL": f"{running.url}/token", "OAUTH_USER_URL": f"{running.url}/user",
        "OAUTH_ENCRYPTION": "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"PANEL_{name}", value)
    yield running
    running.shutdown()
    running.server_close()


def _opener() -> tuple[urllib.request.OpenerDirector, CookieJar]:
    jar = CookieJar()
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar)), jar


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **how: Any) -> None:
        """Follow nothing."""


def _refused(request: urllib.request.Request | str) -> urllib.error.HTTPError:
    with pytest.raises(urllib.error.HTTPError) as found:
        urllib.request.build_opener(_Stay).open(request, timeout=10)
    found.value.close()
    return found.value


def test_a_browser_is_sent_there_and_lands_on_the_application(
    serving: Callable[..., Server], study: Path, provider: Provider, looker: Looker
) -> None:
    server = serving(study, oauth="generic", prefix="/bac")
    page = looker.page
    page.goto(f"{server.url}/bac/?page=quality")
    page.wait_for_selector("h1", timeout=30_000)
    assert page.url.startswith(f"{server.url}/bac/")
    assert provider.asked[0] == "/authorize"
    assert {"/token", "/user"} < set(provider.asked)
    held = {each["name"]: each for each in page.context.cookies()}
    for name in ("user", "access_token"):
        assert held[name]["httpOnly"]
        assert held[name]["sameSite"] == "Lax"
    assert "anna" not in held["access_token"]["value"]
    assert not provider.tokens & {held["access_token"]["value"]}
    assert [wrong for wrong in looker.wrong if not wrong.startswith("asked outside: " + provider.url)] == []
    for secret in (SECRET, "anna", *provider.tokens):
        assert secret not in server.log


def test_what_is_given_without_it(serving: Callable[..., Server], study: Path, provider: Provider) -> None:
    server = serving(study, oauth="generic", secure=True)
    sent = _refused(server.url)
    assert sent.code == 302
    assert "/login" in sent.headers["Location"]
    upgrade = {
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": server.url, "Cookie": "user=anna",
    }  # fmt: skip
    assert _refused(urllib.request.Request(f"{server.url}/ws", headers=upgrade)).code == 403
    there = _refused(f"{server.url}/login")
    assert there.headers["Location"].startswith(f"{provider.url}/authorize?")
    for cookie in there.headers.get_all("Set-Cookie", []):
        assert "; Secure" in cookie
        assert "; HttpOnly" in cookie
        assert "; SameSite=Lax" in cookie
    # a code that a stranger puts into a link, with a state that this browser was never given
    assert _refused(f"{server.url}/login?code=abc&state=forged").code == 401
    assert "/token" not in provider.asked
    assert "forged" not in server.log


def test_a_provider_that_knows_nobody_lets_nobody_in(
    serving: Callable[..., Server], study: Path, provider: Provider
) -> None:
    provider.person = {"error": "nobody"}
    server = serving(study, oauth="generic")
    opener, jar = _opener()
    with pytest.raises(urllib.error.HTTPError) as refused:
        opener.open(server.url, timeout=10)
    with refused.value:
        body = refused.value.read().decode()
    assert refused.value.code == 401
    assert "user" not in {cookie.name for cookie in jar}
    for secret in ("Traceback", SECRET, *provider.tokens):
        assert secret not in body
        assert secret not in server.log
