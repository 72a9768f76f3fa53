"""``bactools report``."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bactools.cli.report import report
from bactools.testing import simulate_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study."""
    folder = tmp_path_factory.mktemp("made") / "study"
    simulate_study(folder, 12)
    return folder


def test_writes_one_file(study: Path, tmp_path: Path) -> None:
    table = tmp_path / "ct.csv"
    table.write_text("subject,date,mass_mg\nS00000,2015-07-01,10\n")
    options = ["-o", f"{tmp_path / 'report.html'}", "--truth", f"{study}", "--reference", f"{table}"]
    found = CliRunner().invoke(report, [f"{study}", *options, "--group", "race"])
    assert found.exit_code == 0, found.output
    assert "report written" in found.output
    assert f"{tmp_path}" not in found.output
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "race: Caucasian" in page
    assert {file.name for file in tmp_path.iterdir()} == {"report.html", "ct.csv"}


def test_errors_are_words_without_a_path(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = f"{tmp_path / 'r.html'}"
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("BROWSER_PATH", "no-such-browser")
    for arguments, told in (
        ([f"{study}", "-o", out, "--group", "shoes"], "no such covariate"),
        ([f"{tmp_path / 'other'}", "-o", out], "study"),
        ([f"{study}", "-o", f"{tmp_path / 'none' / 'r.html'}"], "FileNotFoundError"),
        ([f"{study}", "-o", out, "--pdf", f"{tmp_path / 'r.pdf'}"], "no Chrome or Chromium"),
    ):
        found = CliRunner().invoke(report, arguments)
        assert found.exit_code == 1
        assert told in found.output
        assert "Traceback" not in found.output
        assert f"{tmp_path}" not in found.output
