"""The notebooks, run from top to bottom in a kernel of their own."""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import IMAGES

nbformat = pytest.importorskip("nbformat") if not os.environ.get("CI") else __import__("nbformat")

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
EXPECTED = 11
FIGURES = ("application/vnd.plotly.v1+json", "image/png")
LONGEST = 240
"""Seconds of one cell on a busy machine; a quiet one needs under a minute for a notebook."""


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def code(path: Path) -> list[str]:
    return [cell.source for cell in read(path).cells if cell.cell_type == "code"]


def words(path: Path) -> str:
    return "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def test_they_are_all_there() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{number:02}" for number in range(1, EXPECTED + 1)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped(path: Path) -> None:
    held = json.loads(path.read_text(encoding="utf-8"))
    nbformat.validate(held)
    for cell in held["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    assert set(held["metadata"]) <= {"kernelspec", "language_info"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_import_call_and_show(path: Path) -> None:
    """What needs a function belongs into the package."""
    for source in code(path):
        for node in ast.walk(ast.parse(source)):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.While | ast.Try)
    first = code(path)[0]
    assert "open_" in first or "run(" in first
    for said in (
        f"# {path.name[:2]} · ",
        "## How to read it",
        "## What can go wrong",
        "not a medical device",
    ):
        assert said in words(path), f"{path.name} does not say {said!r}"
    for link in re.findall(r"\]\(([^)#:]+\.ipynb)\)", words(path)):
        assert (FOLDER / link).is_file(), link


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where examples are kept, one place for all processes that test."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "examples"


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(
    path: Path,
    examples: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    nbclient = pytest.importorskip("nbclient") if not os.environ.get("CI") else __import__("nbclient")
    if "films" in "".join(code(path)):
        request.getfixturevalue("mammograms")
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("BACTOOLS_EXAMPLES", str(examples))
    monkeypatch.setenv("XDG_CACHE_HOME", str(IMAGES.parents[2]))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    book = read(path)
    client = nbclient.NotebookClient(
        book, timeout=LONGEST, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    shown = [set(output.get("data", {})) for output in outputs]
    assert any(set(FIGURES) & kinds for kinds in shown)
    told = json.dumps([output for output in outputs if not set(output.get("data", {})) & set(FIGURES)])
    assert "Warning" not in told
    assert "Traceback" not in told
    assert "PHANTOM-" not in told  # the names that the files have; pseudonyms are shown
    assert sys.prefix not in told
    assert not list(FOLDER.glob("*/")) or {held.name for held in FOLDER.glob("*/")} <= {".ipynb_checkpoints"}
