"""The notebooks are copied, never over what is there, and JupyterLab is started on them, or asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bactools.cli import main

LAB = "bactools.cli.lab"


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Path]]:
    """Put fake notebooks in place; return what would be started, and where."""
    source = tmp_path / "installed"
    (source / "pictures").mkdir(parents=True)
    (source / ".ipynb_checkpoints").mkdir()
    (source / "01_first.ipynb").write_text("ours")
    (source / "pictures" / "a.svg").write_text("<svg/>")
    (source / ".ipynb_checkpoints" / "01_first.ipynb").write_text("old")
    calls: list[tuple[list[str], Path]] = []

    def call(command: list[str], *, cwd: Path) -> int:
        calls.append((command, cwd))
        return 0

    monkeypatch.setattr(sys.modules[LAB], "_PLACES", (tmp_path / "nowhere", source))
    monkeypatch.setattr(subprocess, "call", call)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    return calls


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["lab", *map(str, arguments)])
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_notebooks_are_copied_and_opened(started: list[tuple[list[str], Path]], tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert "2 files copied" in run(folder, "--port", 5730, "--no-browser").output
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        "01_first.ipynb", "pictures/a.svg",
    ]  # fmt: skip
    ((command, where),) = started
    assert where == folder
    assert {"jupyterlab", "--no-browser", "--ServerApp.port=5730"} <= set(command)


def test_what_is_there_is_kept(started: list[tuple[list[str], Path]], tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "01_first.ipynb").write_text("mine")
    assert "1 files copied" in (told := run(folder).output)
    assert "1 were there and are kept" in told
    assert (folder / "01_first.ipynb").read_text() == "mine"


def test_a_link_is_not_followed(started: list[tuple[list[str], Path]], tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "01_first.ipynb").symlink_to(tmp_path / "elsewhere")
    run(folder)
    assert not (tmp_path / "elsewhere").exists()


def test_without_jupyterlab_it_says_what_to_install(
    started: list[tuple[list[str], Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'bactools[lab]'" in run(tmp_path / "mine", code=1).output
    assert not (tmp_path / "mine").exists()
    assert not started


def test_without_notebooks_it_says_so(
    started: list[tuple[list[str], Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr(sys.modules[LAB], "_PLACES", ())
    assert "notebooks are not installed" in run(tmp_path / "mine", code=1).output
    assert not started
