"""Served for real: headers, origins, traversal, clean ends, new versions, words instead of tracebacks."""

from __future__ import annotations

import http.client
import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import TimeoutError

from bactools.cli.dashboard import dashboard
from bactools.explore import Source
from bactools.testing import simulate_study
from dashboards.answers import kind_of
from dashboards.auth import Accounts
from dashboards.serve import ServeError, Serving, serve
from tests.dashboards.conftest import HOSTILE, Looker, Server


def _get(server: Server, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    asked = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    asked.request("GET", path, headers=headers)
    answer = asked.getresponse()
    found = (
        answer.status,
        {k.lower(): v for k, v in answer.getheaders()},
        answer.read().decode("utf-8", "replace"),
    )
    asked.close()
    return found


@pytest.mark.parametrize(
    "path",
    ["/", "/liveness", "/nothing", "/static/js/bokeh.min.js", "/static/../../etc/passwd",
     "/?page=%3Cscript%3E",
     "/static/extensions/panel/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/components/x/y/z",
     "/components/panel.io.server/__doc__/../../../etc/passwd", "/autoload.js", "/%00", "//etc/passwd"],
)  # fmt: skip
def test_every_answer_has_the_headers_and_no_path_or_file(server: Server, study: Path, path: str) -> None:
    status, headers, body = _get(server, path)
    assert status < 600
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["referrer-policy"] == "no-referrer"
    assert "tornado" not in headers["server"].lower()
    for secret in ("root:x:0", "Traceback", str(study.parent), str(Path(__file__).parents[2])):
        assert secret not in body
    for cookie in filter(None, [headers.get("set-cookie")]):
        assert "HttpOnly" in cookie


def test_a_foreign_page_cannot_open_a_websocket(server: Server) -> None:
    asked = {
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    assert _get(server, "/ws", **asked, Origin="http://evil.example")[0] == 403
    assert _get(server, "/ws", **asked, Origin=f"http://evil.example:{server.port}")[0] == 403
    assert _get(server, "/liveness")[2] == '{"/liveness": true}' or _get(server, "/liveness")[0] == 200


def test_it_ends_clean_when_asked(serving: Callable[..., Server], study: Path) -> None:
    server = serving(study)
    assert _get(server, "/")[0] == 200
    began = time.monotonic()
    server.stop()
    while time.monotonic() - began < 10:
        try:
            _get(server, "/liveness")
        except OSError:
            break
        time.sleep(0.1)
    with pytest.raises(ConnectionError):
        _get(server, "/liveness")


def test_the_study_is_only_read_and_a_new_version_is_seen(
    serving: Callable[..., Server], tmp_path: Path, looker: Looker
) -> None:
    folder, larger = tmp_path / "growing", tmp_path / "larger"
    simulate_study(folder, 20)
    simulate_study(larger, 35)
    before = _files(folder)
    server = serving(folder)
    looker.open(server.url)
    looker.page.get_by_text("20 of 20 women").first.wait_for(timeout=10_000)
    assert _files(folder) == before
    for name in ("cube.zarr", "study.json"):
        _replace(larger / name, folder / name)
    _comes(looker, server.url, "35 of 35 women")
    assert looker.wrong == []


def _comes(looker: Looker, url: str, words: str) -> None:
    """Open a page anew until it says something: a server looks for new versions now and then."""
    for _ in range(15):
        looker.page.goto(url)
        try:
            looker.page.get_by_text(words).first.wait_for(timeout=3_000)
        except TimeoutError:
            continue
        return
    raise AssertionError(f"the page never said {words!r}")


def _files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def _replace(new: Path, old: Path) -> None:
    if old.is_dir() and not old.is_symlink():
        shutil.rmtree(old)
    elif old.is_symlink() or old.exists():
        old.unlink()
    target = new.resolve()
    (shutil.copytree if target.is_dir() else shutil.copy)(target, old)


def test_the_version_changes_with_the_cube(tmp_path: Path) -> None:
    folder, other = tmp_path / "a", tmp_path / "b"
    simulate_study(folder, 10)
    simulate_study(other, 12)
    source = Source(folder)
    first, women = source.version, source.cube.sizes["subject"]
    for name in ("cube.zarr", "study.json"):
        _replace(other / name, folder / name)
    assert source.version != first
    assert (women, source.cube.sizes["subject"]) == (10, 12)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"address": "0.0.0.0"}, "--auth"), ({"address": "::"}, "--allow-public"),
        ({"cookie_secret": "short"}, "32"), ({"origins": ("*",)}, "host"), ({"prefix": "/a b"}, "prefix"),
    ],
)  # fmt: skip
def test_what_is_not_safe_is_refused(options: dict[str, object], word: str) -> None:
    with pytest.raises(ServeError, match=word):
        Serving(**options).check()  # type: ignore[arg-type]


def test_what_may_be_open_when_told_so() -> None:
    Serving(address="0.0.0.0", public=True).check()
    Serving(address="0.0.0.0", oauth="azure").check()
    Serving(prefix="/research/bac").check()


def test_two_studies_of_one_name_are_refused(tmp_path: Path) -> None:
    folders = [tmp_path / each / "same" for each in "ab"]
    for folder in folders:
        folder.parent.mkdir()
        simulate_study(folder, 5)
    with pytest.raises(ServeError, match="same name"):
        serve(folders)


def test_the_command_refuses_in_words_and_makes_users(study: Path, tmp_path: Path) -> None:
    run = CliRunner()
    refused = run.invoke(dashboard, [str(study), "--address", "0.0.0.0"])
    assert refused.exit_code == 1
    assert "--allow-public" in refused.output
    assert run.invoke(dashboard, []).exit_code == 2
    typed = "correct horse battery\n" * 2
    made = run.invoke(dashboard, ["--add-user", "anna"], input=typed)
    assert made.exit_code == 0
    file = tmp_path / "users"
    file.write_text(made.stdout.strip().splitlines()[-1], encoding="utf-8")
    file.chmod(0o600)
    assert Accounts(file).correct("anna", "correct horse battery")


def test_what_is_logged_of_an_error_holds_no_value_and_no_path(study: Path) -> None:
    try:
        (study / HOSTILE).read_text(encoding="utf-8")
    except OSError as error:
        told = kind_of(error)
    assert told.startswith("FileNotFoundError in ")
    assert HOSTILE not in told
    assert os.sep not in told


def test_a_failure_in_the_middle_is_words_for_the_browser(
    serving: Callable[..., Server], tmp_path: Path, looker: Looker
) -> None:
    folder = tmp_path / "breaking"
    simulate_study(folder, 10)
    server = serving(folder)
    (folder / "cube.zarr").rename(folder / "gone.zarr")
    _comes(looker, server.url, "no finished run")
    assert str(tmp_path) not in looker.page.content()
    assert "Traceback" not in looker.page.content()
    assert str(tmp_path) not in server.log
    assert logging.getLogger("bactools").name == "bactools"
