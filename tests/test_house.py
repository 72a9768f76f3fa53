"""The house rules, read from the source: who may import whom, what is light, what is documented."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import bactools

PACKAGE = Path(bactools.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# Who may use whom: what is named, and what those use in turn.
ALLOWED: dict[str, set[str]] = {
    "conventions": set(),
    "truth": set(),
    "recipe": set(),
    "card": set(),
    "dicom": {"card", "conventions"},
    "preprocess": {"recipe"},
    "networks": set(),
    "inference": {"networks", "preprocess", "recipe"},
    "metrics": {"conventions"},
    "cube": {"conventions", "metrics"},
    "query": {"card", "conventions", "cube", "metrics", "stats"},
    "study": {"card", "conventions", "cube", "query", "recipe"},
    "quantify": {"conventions", "dicom", "inference", "metrics", "preprocess"},
    "cluster": {"conventions", "dicom", "inference", "networks", "quantify", "recipe", "study"},
    "overlay": {"dicom", "preprocess", "study"},
    "evaluation": {"card", "dicom", "metrics", "preprocess", "study", "truth"},
    "training": {
        "card",
        "conventions",
        "dicom",
        "inference",
        "metrics",
        "networks",
        "preprocess",
        "recipe",
        "study",
        "truth",
    },
    "phantom": {"conventions", "dicom", "truth"},
    "replay": {"cluster", "evaluation", "networks", "phantom", "recipe"},
    "stats": {"card", "conventions", "cube", "metrics"},
    "certify": {"stats"},
    "figures": {"stats"},
    "explore": {"conventions", "cube", "dicom", "metrics", "preprocess", "query", "stats", "study"},
    "report": {
        "accessor",
        "conventions",
        "cube",
        "explore",
        "figures",
        "metrics",
        "recipe",
        "stats",
        "study",
    },
    "accessor": set(),
    "demo": set(),
    "testing": {"accessor", "conventions", "cube", "dicom", "recipe", "study"},
    "examples": {"accessor", "cluster", "demo", "dicom", "phantom", "study", "testing", "truth"},
    "cli": {"recipe"},
    "__init__": set(),
}
"""Rooms that a room imports when it is loaded."""

LATER: dict[str, set[str]] = {
    "cli": {
        "certify",
        "cluster",
        "cube",
        "demo",
        "dicom",
        "evaluation",
        "figures",
        "networks",
        "overlay",
        "phantom",
        "query",
        "replay",
        "report",
        "stats",
        "study",
        "training",
    },
    "accessor": {"card", "explore", "stats"},
    "__init__": {"cluster", "cube", "dicom", "recipe", "study"},
}
"""Rooms that it may import inside a function or for types only."""

HOMES = {
    "torch": {"preprocess", "networks", "inference", "training"},
    "monai": {"preprocess", "networks", "inference", "training"},
    "pydicom": {"dicom", "testing"},
    "gdcm": {"dicom", "testing"},
    "distributed": {"cluster"},
    "dask.distributed": {"cluster"},
    "plotly": {"figures"},
    "panel": set(),
    "statsmodels": {"stats", "certify"},
    "pingouin": {"stats", "certify"},
    "tableone": {"stats"},
    "duckdb": {"query"},
    "pandera": {"study"},
}
"""Where a heavy library may be imported."""


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _targets(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def _loaded_at_once(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs when the module is imported."""
    for child in ast.iter_child_nodes(node):
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        if not inside and not typing:
            yield child
            yield from _loaded_at_once(child)


@cache
def imports(path: Path, *, at_once: bool) -> frozenset[str]:
    nodes = _loaded_at_once(tree(path)) if at_once else ast.walk(tree(path))
    return frozenset(target for node in nodes for target in _targets(node))


def rooms_used(path: Path, *, at_once: bool) -> set[str]:
    """Rooms of bactools that a module imports; the package itself is the room of what is taken from it."""
    found = set()
    for target in imports(path, at_once=at_once):
        parts = target.split(".")
        if parts[0] == "bactools":
            found.add(parts[1] if len(parts) > 1 else "__init__")
    return found - {room(path)}


def test_the_rules_name_every_room_and_no_other() -> None:
    assert {room(path) for path in MODULES} == set(ALLOWED)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_one_way(path: Path) -> None:
    allowed = ALLOWED[room(path)]
    assert rooms_used(path, at_once=True) <= allowed
    assert rooms_used(path, at_once=False) <= allowed | LATER.get(room(path), set())


def test_there_is_no_circle_of_rooms() -> None:
    """By the rules and by the imports."""
    list(TopologicalSorter(ALLOWED).static_order())
    found: dict[str, set[str]] = {}
    for path in MODULES:
        if room(path) != "__init__":  # hands names on, at first use
            found.setdefault(room(path), set()).update(rooms_used(path, at_once=False))
    list(TopologicalSorter(found).static_order())


def test_there_is_no_circle_of_modules() -> None:
    """Not even through an import inside a function; bactools itself hands names on, at first use."""
    names = {name_of(path) for path in MODULES} - {"bactools"}
    found: dict[str, set[str]] = {}
    for path in MODULES:
        used = set()
        for target in imports(path, at_once=False):
            parts = target.split(".")
            prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
            used.add(next((prefix for prefix in prefixes if prefix in names), ""))
        if name_of(path) in names:
            found[name_of(path)] = used - {"", name_of(path)}
    list(TopologicalSorter(found).static_order())


@pytest.mark.parametrize("library", HOMES)
def test_heavy_libraries_have_homes(library: str) -> None:
    users = {
        room(path)
        for path in MODULES
        if any(f"{target}.".startswith(f"{library}.") for target in imports(path, at_once=False))
    }
    assert users <= HOMES[library]
    assert bool(users) == (bool(HOMES[library]) and library != "dask.distributed")


def test_the_command_line_loads_nothing_of_its_own_accord() -> None:
    for path in (PACKAGE / "cli").glob("*.py"):
        outside = {target.split(".")[0] for target in imports(path, at_once=True)}
        assert outside <= {"click", "bactools", *sys.stdlib_module_names}


DASHBOARDS = sorted((PACKAGE.parent / "dashboards").rglob("*.py"))


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_pages_are_thin(path: Path) -> None:
    """What is counted or drawn is counted and drawn elsewhere."""
    outside = {target.split(".")[0] for target in imports(path, at_once=False)}
    assert not outside & {"numpy", "pandas", "plotly", "scipy", "statsmodels", "torch"}
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_the_library_does_not_know_the_dashboard() -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        if any(target.split(".")[0] == "dashboards" for target in imports(path, at_once=False))
    }
    assert users <= {"cli/dashboard.py", "study/study.py"}


def test_no_relative_imports() -> None:
    for path in MODULES:
        for node in ast.walk(tree(path)):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path.name


def test_nothing_that_runs_code_out_of_data() -> None:
    for path in MODULES:
        names = {target.split(".")[0] for target in imports(path, at_once=False)}
        assert not names & {"pickle", "shelve", "marshal", "dill", "joblib"}, path.name
        calls = {ast.unparse(node.func) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)}
        assert not calls & {"eval", "exec", "os.system"}, path.name


def fresh(program: str) -> str:
    """Run in an interpreter of its own."""
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def test_importing_bactools_takes_under_half_a_second() -> None:
    program = "import time; t = time.perf_counter(); import bactools; print(time.perf_counter() - t)"
    assert min(float(fresh(program)) for _ in range(3)) < 0.5


def test_what_statistics_need_loads_without_the_heavy_libraries() -> None:
    program = """
import importlib, pkgutil, sys
import bactools, bactools.accessor, bactools.cube, bactools.study, bactools.metrics, bactools.stats
from bactools.certify.run import load_solvers
load_solvers()
for module in pkgutil.walk_packages(bactools.stats.__path__, "bactools.stats."):
    importlib.import_module(module.name)
print(*sorted({"torch", "monai", "plotly", "panel", "pydicom", "distributed", "cv2"} & set(sys.modules)))
"""
    assert fresh(program).split() == []


def test_help_comes_soon() -> None:
    started = time.perf_counter()
    told = fresh("import sys; sys.argv[1:] = ['--help']\nfrom bactools.cli import main; main()")
    assert "For research only" in told
    assert time.perf_counter() - started < 3


def test_public_names_are_there_and_lead_home() -> None:
    for name in bactools.__all__:
        assert getattr(bactools, name) is not None
    assert dir(bactools) == sorted(bactools.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        _ = bactools.nosuch


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_what_is_public_is_documented(path: Path) -> None:
    module = importlib.import_module(name_of(path))
    assert inspect.getdoc(module)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            inner = any(node in getattr(other, "body", []) for other in _functions(path))
            assert inner or ast.get_docstring(node), f"{path.name}: {node.name}"


def _functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]


def test_modules_stay_small() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}
    assert max(lengths.values()) <= 300, max(lengths, key=lambda name: lengths[name])


def test_no_path_of_anyones_machine() -> None:
    somewhere = re.compile(r"[\"'\s](/(?:home|work|Users|root|tmp|mnt|data)/|[A-Z]:\\)")
    for folder in ("bactools", "tests"):
        for path in sorted((PACKAGE.parent / folder).rglob("*.py")):
            if path != Path(__file__):
                assert not somewhere.search(path.read_text(encoding="utf-8")), path.name


def test_nothing_is_left_for_later() -> None:
    for path in MODULES:
        assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", path.read_text()), path.name
