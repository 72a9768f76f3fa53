"""The published answers: bactools gives them, and says so when it does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from bactools.certify import CaseError, certify
from bactools.certify.builtin import Builtin
from bactools.certify.case import Reference
from bactools.certify.registry import SOLVERS, Solver, solves
from bactools.certify.run import load_solvers
from bactools.cli import main

load_solvers()


@pytest.mark.parametrize("case", sorted(SOLVERS))
def test_every_published_answer_agrees(case: str, shared: Path) -> None:
    reference = Reference(shared / "reference")
    expected = next(found for found in reference.cases() if found.name == case)
    solver = SOLVERS[case]
    tested = {answer.name: answer for answer in expected.answers if answer.tested}
    assert tested
    computed = solver.compute(reference.table)
    missing = set(tested) - set(computed) - set(solver.left_out)
    assert not missing
    off = {
        name: (computed[name], answer.value)
        for name, answer in tested.items()
        if name not in solver.left_out and not answer.agrees(computed[name])
    }
    assert not off


def test_every_case_has_a_solver_and_little_is_left_out(shared: Path) -> None:
    cases = list(Reference(shared / "reference").cases())
    assert len(cases) == 40
    assert {case.name for case in cases} == set(SOLVERS)
    tested = {(case.name, answer.name) for case in cases for answer in case.answers if answer.tested}
    left_out = {(solver.case, name) for solver in SOLVERS.values() for name in solver.left_out}
    assert left_out <= tested
    assert len(left_out) <= 5


@pytest.mark.parametrize(
    "name",
    [
        "pefr_1986",
        "shrout_fleiss_1979",
        "nist_Norris",
        "nist_Longley",
        "bland1995",
        "giavarina_2015",
        "cohen1968_props",
    ],
)
def test_the_tables_that_ship_are_the_published_ones(name: str, shared: Path) -> None:
    ours, theirs = Builtin().table(name), Reference(shared / "reference").table(name)
    pd.testing.assert_frame_equal(ours[list(theirs)], theirs, check_dtype=False)


def test_the_cases_that_ship_agree_everywhere() -> None:
    found = certify()
    assert found.passed
    assert (found.answers["state"] == "agrees").all()
    assert len(found.cases) == 8
    assert len(found.answers) >= 35


def _folder(tmp_path: Path, **change: float) -> Path:
    """Copy the cases that ship, with some expected values changed."""
    folder = tmp_path / "reference"
    shutil.copytree(Builtin().folder, folder)
    path = folder / "expected" / "pefr_1986.json"
    content = json.loads(path.read_text())
    for answer in content["answers"]:
        answer["value"] = change.get(answer["name"], answer["value"])
    path.write_text(json.dumps(content))
    for name in ("nist_longley", "rmcorr_bland1995", "giavarina_2015", "lin_ccc"):
        (folder / "expected" / f"{name}.json").unlink()
    return folder


def test_a_wrong_number_is_seen_and_the_rest_goes_on(tmp_path: Path) -> None:
    found = certify(_folder(tmp_path, pub_bias=-2.3))
    assert not found.passed
    odd = found.answers[found.answers["state"] == "disagrees"]
    assert odd["answer"].tolist() == ["pub_bias"]
    assert "1 disagrees" in found.summary()
    answer = CliRunner().invoke(main, ["certify", "--reference", str(tmp_path / "reference")])
    assert answer.exit_code == 1
    assert "outside its tolerance" in answer.output


def test_a_case_whose_data_is_missing_disagrees_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / "data" / "pefr_1986.csv").unlink()
    found = certify(folder)
    states = found.answers.groupby("case")["state"].unique().map(list).to_dict()
    assert states.pop("pefr_1986") == ["disagrees"]
    assert set(map(tuple, states.values())) == {("agrees",)}
    assert found.answers.loc[found.answers["case"] == "pefr_1986", "why"].str.contains("no table").all()
    assert str(tmp_path) not in found.to_text()


def test_what_is_no_case_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="no cases in this folder"):
        certify(tmp_path)
    folder = _folder(tmp_path)
    (folder / "expected" / "broken.json").write_text('{"case": "x"')
    with pytest.raises(CaseError, match=r"broken\.json is no reference case"):
        certify(folder)


def test_a_case_has_one_solver_with_a_name_for_its_method() -> None:
    def again(tables: object) -> dict[str, float]:
        """Say something."""
        return {}

    with pytest.raises(ValueError, match="a solver already"):
        solves("pefr_1986")(again)
    assert all(solver.method for solver in SOLVERS.values())
    assert Solver("x", again).method == "Say something."


def test_the_command_prints_a_table_and_writes_one(tmp_path: Path) -> None:
    answer = CliRunner().invoke(main, ["certify", "--csv", str(tmp_path / "answers.csv")])
    assert answer.exit_code == 0
    assert "published answers agree (8 cases)" in answer.output
    assert set(pd.read_csv(tmp_path / "answers.csv")["state"]) == {"agrees"}
    told = CliRunner().invoke(main, ["certify", "--json"])
    assert len(json.loads(told.output)) == len(pd.read_csv(tmp_path / "answers.csv"))
