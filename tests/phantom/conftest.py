"""A little cohort, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bactools.phantom.cohorts import make_cohort
from bactools.phantom.plan import plan
from bactools.phantom.subjects import Subject, draw_subject
from bactools.truth import Truth

SCALE, SEED = 0.15, 3


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Two women of cohort B, four views each; do not change it."""
    return make_cohort("B", tmp_path_factory.mktemp("cohorts") / "B", seed=SEED, scale=SCALE, women=2)


@pytest.fixture(scope="session")
def first() -> Subject:
    """The first of them."""
    return draw_subject("B", 1, seed=SEED, scale=SCALE, views=plan("B", seed=SEED)[0])


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file's bytes by relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
