"""A report of a cohort as a person writes it: the women whom the dashboard shows, said in words."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner

from bactools.cli import main
from bactools.explore import Source
from bactools.study import Study
from bactools.testing import simulate_study
from dashboards.state import State

QUERY = "SELECT subject\nFROM subjects\nWHERE ckd AND age > 55"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return simulate_study(tmp_path_factory.mktemp("reported") / "study-r", 40, n_exam=4, seed=4)


def reported(study: Study, out: Path, text: str) -> tuple[int, str]:
    """Return exit code, and the page or what was said."""
    asked = CliRunner().invoke(main, ["report", str(study.folder), "-o", str(out), "--cohort", text])
    return asked.exit_code, out.read_text(encoding="utf-8") if asked.exit_code == 0 else asked.output


@pytest.mark.parametrize("way", ["link", "query", "name"])
def test_the_women_of_the_dashboard_are_reported(study: Study, tmp_path: Path, way: str) -> None:
    saved = study.cohort(QUERY, name="older-ckd")
    state = State([Source(study.folder)])
    state.read({"r.age": "~80", "sql": QUERY} if way != "name" else {"cohort": "older-ckd"})
    link = urlencode(state.write())
    text = {"link": f"http://host/?{link}", "query": link, "name": "older-ckd@1"}[way]
    code, page = reported(study, tmp_path / "report.html", text)
    assert code == 0, page
    part = state.cube()
    cards = [int(n.replace(",", "")) for n in re.findall(r"<li><b>([\d,]+)</b>", page)]
    assert cards[:2] == [part.sizes["subject"], int((part["status"] == 1).any("view").sum())]
    assert 0 < cards[0] < 40
    words = unescape(page)
    assert "SELECT subject FROM subjects WHERE ckd AND age > 55" in words
    assert (saved.cite in words) == (way == "name")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nobody", "no cohort 'nobody'"), ("older@x", "version as a number"), ("r.agee=1~", "nothing called"),
        ("sql=SELECT subject FROM subjects WHERE aeg > 1", "Did you mean age"), ("page=risk", "no condition"),
        ("sql=SELECT * FROM read_text('/etc/passwd')", "cannot be read from"),
    ],
)  # fmt: skip
def test_who_is_not_understood_is_said_and_nothing_is_written(
    study: Study, tmp_path: Path, text: str, said: str
) -> None:
    code, told = reported(study, tmp_path / "report.html", text)
    assert code != 0
    assert said in told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []
