"""Who may look: passwords, the users' file, and the log-in as a person meets it."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from dashboards.auth import Accounts, AuthError, user_line
from tests.dashboards.conftest import HOSTILE, Looker, Server

RIGHT = "correct horse battery"


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """A users' file with one user."""
    file = tmp_path / "users"
    file.write_text(f"# people\n{user_line('anna', RIGHT)}\n", encoding="utf-8")
    file.chmod(0o600)
    return file


def test_the_file_holds_no_password_and_two_lines_of_one_differ() -> None:
    line = user_line("anna", RIGHT)
    assert RIGHT not in line
    assert line != user_line("anna", RIGHT)


@pytest.mark.parametrize(
    ("name", "password"),
    [("", RIGHT), ("a:b", RIGHT), (HOSTILE, RIGHT), ("anna", "short"), ("anna", "x" * 300)],
)
def test_names_and_passwords_that_will_not_do(name: str, password: str) -> None:
    with pytest.raises(AuthError):
        user_line(name, password)


def test_only_the_right_password_of_the_right_user(users: Path) -> None:
    accounts = Accounts(users)
    assert accounts.correct("anna", RIGHT)
    for name, password in (("anna", RIGHT + " "), ("anna", ""), ("bert", RIGHT), ("", ""), ("nobody", RIGHT)):
        assert not accounts.correct(name, password)


def test_a_ticket_ends_with_the_password_and_with_the_user(users: Path) -> None:
    accounts = Accounts(users)
    ticket = accounts.ticket("anna")
    assert accounts.holder(ticket) == "anna"
    for forged in ("anna", "anna:", "bert:" + ticket.partition(":")[2], "", "anna:\u00e9"):
        assert accounts.holder(forged) is None
    users.write_text(user_line("anna", "another password") + "\n", encoding="utf-8")
    assert accounts.holder(ticket) is None
    users.unlink()
    assert not accounts.correct("anna", "another password")


@pytest.mark.parametrize(
    "text", ["", "anna:plain", "anna", f"{HOSTILE}:x", "anna:scrypt$9999999999$8$1$YQ==$YQ=="]
)
def test_a_file_that_is_not_understood_is_refused_without_its_words(users: Path, text: str) -> None:
    users.write_text(text, encoding="utf-8")
    with pytest.raises(AuthError) as refused:
        Accounts(users)
    assert str(users.parent) not in str(refused.value)


def test_a_file_that_others_can_read_is_refused(users: Path) -> None:
    users.chmod(0o640)
    with pytest.raises(AuthError, match="600"):
        Accounts(users)


def _opener() -> tuple[urllib.request.OpenerDirector, CookieJar]:
    jar = CookieJar()
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar)), jar


def _status(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_log_in_wrong_then_right_in_a_browser(
    serving: Callable[..., Server], study: Path, users: Path, looker: Looker
) -> None:
    server = serving(study, auth=str(users), prefix="/bac")
    page = looker.page
    page.goto(f"{server.url}/bac/?exams=2")
    assert "/bac/login" in page.url
    assert "study-a" not in page.content()
    for password, told in (("wrong password", True), (RIGHT, False)):
        page.fill("#username", "anna")
        page.fill("#password", password)
        page.click("button")
        if told:
            page.get_by_text("is not right").wait_for(timeout=10_000)
    page.wait_for_selector("h1:has-text('Agreement'), h1:has-text('Cohort')", timeout=30_000)
    page.wait_for_function("location.search.includes('exams=2')", timeout=10_000)
    held = {cookie["name"]: cookie for cookie in page.context.cookies()}["bactools_user"]
    assert held["httpOnly"]
    assert held["sameSite"] == "Lax"
    assert RIGHT not in server.log
    assert "anna" not in server.log
    page.goto(f"{server.url}/bac/logout")
    page.goto(f"{server.url}/bac/")
    assert "/bac/login" in page.url


def test_what_the_server_gives_without_a_log_in(
    serving: Callable[..., Server], study: Path, users: Path
) -> None:
    server = serving(study, auth=str(users), secure=True)
    upgrade = {
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": server.url,
    }  # fmt: skip
    assert _status(f"{server.url}/ws", **upgrade) == 403
    forged = {"Cookie": "bactools_user=anna"}
    opener, jar = _opener()
    with opener.open(urllib.request.Request(server.url, headers=forged), timeout=10) as answer:
        assert answer.url.startswith(f"{server.url}/login")
    form = urllib.parse.urlencode({"username": "anna", "password": RIGHT}).encode()
    for away in ("//evil.example/x", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
        opener, jar = _opener()
        to = f"{server.url}/login?next={urllib.parse.quote(away)}"
        with opener.open(to, form, timeout=10) as answer:
            assert answer.url.startswith(server.url)
    assert [cookie.secure for cookie in jar if cookie.name == "bactools_user"] == [True]
    foreign = urllib.request.Request(f"{server.url}/login", form, {"Sec-Fetch-Site": "cross-site"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(foreign, timeout=10)
