"""Several processes behind one port: no orphan, a visitor stays with her process, a dead one is replaced."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboards.processes import Processes
from dashboards.serve import ServeError, Serving
from tests.dashboards.conftest import ROOT, Server

_BROKEN = """
import sys
from dashboards import processes
processes._CHILD = "raise SystemExit(3)"
# more than a pipe holds: the child ends while it is still being told
processes.Processes(2, {"folders": ["a" * 2**18]}).run(int(sys.argv[1]), "127.0.0.1")
"""
_SLOW = """
import sys, time
from pathlib import Path
from dashboards.pages import PAGES
from dashboards.serve import serve
def show(self):
    print("computing", flush=True)
    time.sleep(120)
PAGES[0].show = show
serve([Path(sys.argv[2])], port=int(sys.argv[1]))
"""


def _children(parent: int) -> list[int]:
    told = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
    return [int(each) for each in told.split()]


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def _until(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_orphan_and_a_free_port(serving: Callable[..., Server], study: Path, sign: signal.Signals) -> None:
    server = serving(study, processes=2)
    held = _children(server.process.pid)
    assert len(held) == 2
    server.process.send_signal(sign)
    assert server.process.wait(10) == (-9 if sign == signal.SIGKILL else 0)
    assert _until(lambda: not any(map(_runs, held)), 8)
    assert _free(server.port)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_visitors_are_shared_stay_and_survive_the_end_of_a_process(
    serving: Callable[..., Server], study: Path, chromium: Any
) -> None:
    server = serving(study, processes=2)
    seen, wrong = set(), []
    contexts = [chromium.new_context() for _ in range(2)]
    for context in contexts:
        page = context.new_page()
        page.on("console", lambda said: wrong.extend([said.text] if said.type == "error" else []))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        for _ in range(2):
            page.goto(server.url)
            page.wait_for_function("location.search.includes('page=')", timeout=30_000)
            at = [each for each in context.cookies() if each["name"] == "bactools_at"]
            assert [each["httpOnly"] for each in at] == [True]
        seen.add(at[0]["value"])
    assert seen == {"0", "1"}
    assert wrong == []
    first = _children(server.process.pid)
    os.kill(first[0], signal.SIGKILL)
    assert _until(lambda: len(set(_children(server.process.pid)) - set(first)) == 1, 20)
    assert first[1] in _children(server.process.pid)
    for context in contexts:
        page = context.pages[0]
        page.goto(server.url)
        page.wait_for_function("location.search.includes('page=')", timeout=40_000)
        context.close()
    assert "is started anew" in server.log


def test_it_gives_up_on_processes_that_keep_ending() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    ended = subprocess.run(
        [sys.executable, "-c", _BROKEN, str(port)], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 1
    assert "ProcessesError: the processes keep ending" in ended.stderr
    assert _free(port)


def test_what_is_begun_slowly_or_nonsense_holds_nobody_up(
    serving: Callable[..., Server], study: Path
) -> None:
    server = serving(study, processes=2)
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as slow:
        for piece in (b"GET /liven", b"ess HTTP/1.1\r\nHost: x\r\n", b"Connection: close\r\n\r\n"):
            slow.sendall(piece)
            time.sleep(0.1)
        assert slow.recv(64).startswith(b"HTTP/1.1 200")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as odd:
        odd.sendall(b"\x00\xff\x00 nonsense\r\n\r\n")
        assert not odd.recv(64).startswith(b"HTTP/1.1 200")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as huge:
        huge.sendall(b"GET / HTTP/1.1\r\nA: " + b"a" * 2**16)
        huge.settimeout(15)
        assert not huge.recv(64).startswith(b"HTTP/1.1 200")
    assert urllib.request.urlopen(f"{server.url}/liveness", timeout=10).status == 200
    # a connection on which nothing is said is let go after a while
    idle[0].settimeout(15)
    assert idle[0].recv(1) == b""
    for each in idle:
        each.close()


@pytest.mark.parametrize(
    ("cookie", "place"),
    [
        ("bactools_at=2", 2), ("a=b; bactools_at=0; c=d", 0), ("a=b;bactools_at=1", 1),
        ("x_bactools_at=2", None), ("bactools_at=3", None), ("bactools_at=-1", None),
        ("bactools_at=22222", None), ("bactools_at=1x", None),
    ],
)  # fmt: skip
def test_the_cookie_that_says_where(cookie: str, place: int | None) -> None:
    shared = Processes(3, {})
    head = f"GET / HTTP/1.1\r\nHost: h\r\nCookie: {cookie}\r\nOther: bactools_at=1\r\n\r\n".encode()
    found = {shared._place(head) for _ in range(6)}
    assert found == ({0, 1, 2} if place is None else {place})


def test_how_many() -> None:
    Serving(processes=4).check()
    for count in (0, 33):
        with pytest.raises(ServeError, match="processes"):
            Serving(processes=count).check()


def test_it_ends_in_the_middle_of_a_computation(study: Path, tmp_path: Path, chromium: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    log = tmp_path / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-c", _SLOW, str(port), str(study)], cwd=ROOT, stdout=out, stderr=out
        )
    try:
        assert _until(lambda: b"serving" in log.read_bytes(), 60)
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        assert _until(lambda: b"computing" in log.read_bytes(), 30)
        server.send_signal(signal.SIGTERM)
        assert server.wait(6) == 0
        page.close()
    finally:
        server.kill()
        server.wait()
