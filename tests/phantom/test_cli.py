"""The command: bactools phantom cohort."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from bactools.cli import main
from bactools.truth import Truth

from .conftest import SCALE, SEED, files_of

OPTIONS = ["--seed", str(SEED), "--scale", str(SCALE), "--processes", "1"]


def test_the_command_makes_what_the_function_makes(cohort: Truth, tmp_path: Path) -> None:
    out = tmp_path / "B"
    result = CliRunner().invoke(main, ["phantom", "cohort", "B", "--out", str(out), "--women", "2", *OPTIONS])
    assert result.exit_code == 0, result.output
    assert "cohort B: 8 images of 2 women, 8 images with calcium" in result.output
    assert files_of(out) == files_of(cohort.folder)


def test_it_says_what_is_wrong(cohort: Truth) -> None:
    arguments = ["phantom", "cohort", "B", "--out", str(cohort.folder), "--women", "1", *OPTIONS]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "bactools: this folder holds 2 women" in result.output
    assert str(cohort.folder) not in result.output


def test_making_images_needs_no_network_library() -> None:
    """Worker processes start quickly and stay small."""
    program = "import sys, bactools.phantom.cohorts; print(*sorted({'torch', 'monai'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split() == []
