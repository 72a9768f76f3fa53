"""The project's own files agree with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement

import bactools

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = {
    Requirement(line).name.lower().replace("_", "-"): Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
}


def test_environment_holds_python_and_the_project_and_nothing_else() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, packages = environment["dependencies"]
    assert python == "python=" + PROJECT["requires-python"].removeprefix(">=")
    assert pip == "pip"
    assert packages == {"pip": ["--constraint constraints.txt", "--editable ."]}


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    wanted = [Requirement(text) for text in PROJECT["dependencies"]]
    extras = PROJECT["optional-dependencies"]
    own, *others = extras["dev"]
    assert own == "bactools[docs,lab]"
    wanted += [Requirement(text) for text in [*others, *extras["docs"], *extras["lab"]]]
    for requirement in wanted:
        pin = PINS[requirement.name.lower()]
        version = next(iter(pin.specifier)).version
        assert re.fullmatch(r"==.+", str(pin.specifier)), requirement.name
        assert requirement.specifier.contains(version), requirement.name


def test_torch_is_pinned_and_the_gpl_decoder_is_not_asked_for() -> None:
    assert str(PINS["torch"].specifier) == "==2.13.0"
    assert not any("+" in str(pin.specifier) for pin in PINS.values())
    assert "pylibjpeg-libjpeg" not in PINS
    assert "torchvision" not in PINS


def test_versions_agree() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"]
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_top_level_holds_what_the_house_says() -> None:
    rooms = {"bactools", "notebooks", "dashboards", "data", "docs", "tests", "benchmarks"}
    files = {"README.md", "environment.yml", "pyproject.toml", "Makefile", "constraints.txt"}
    files |= {"LICENSE", "CITATION.cff", "CHANGELOG.md"}
    made = {"demo", "build", "dist", "training", "replay"}
    seen = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert {name for name in seen if not name.endswith(".egg-info")} - made <= rooms | files


def test_public_names_are_there() -> None:
    assert sorted(bactools.__all__) == dir(bactools)
    for name in bactools.__all__:
        assert getattr(bactools, name).__doc__
