"""Covariates of a study that was really measured, by the command, and what a later run makes of them."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from bactools.cli import main
from bactools.study import Study, open_study

from .made import measure, write_folder, write_key, write_woman


@pytest.fixture
def grown(tmp_path: Path, toy_weights: object) -> Study:
    """Two women, whom the hospital calls P1 and P2, on days that are moved by up to 200 days."""
    write_folder(tmp_path / "in")
    return measure(tmp_path / "in", tmp_path / "STUDY", shift_dates=200)


def call(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def test_by_the_hospital_s_numbers_and_days_and_a_later_run_keeps_them(grown: Study, tmp_path: Path) -> None:
    (tmp_path / "women.csv").write_text(
        "mrn;day;systolic;smoker\nP1;2020-01-02;120;yes\nP1;2022-03-05;130;yes\nP2;2020-01-20;900;no\nP9;;;\n"
    )
    key = write_key(tmp_path / "key")
    options = ("--subject-column", "mrn", "--date-column", "day", "--window", 1, "--constant", "smoker")
    options = (*options, "--ids", "original", "--key", key)
    told = call("covariates", grown.folder, tmp_path / "women.csv", *options).output
    assert "2 covariates of 2 women added as version 1" in told
    assert "systolic: 1 set to missing, above 320: row 4" in told
    linked = pd.read_csv(tmp_path / "STUDY.linkage.csv", dtype=str)
    name = dict(zip(linked["patient_id"], linked["subject"], strict=True))
    for again in (False, True):
        if again:  # one more woman is measured, and the cube is made anew from the journal
            write_woman(tmp_path / "in", "P4")
            measure(tmp_path / "in", tmp_path / "STUDY", shift_dates=200)
        cube = open_study(grown.folder).cube(axis="exam")
        assert cube.sizes["subject"] == 3 + again  # the third failed
        assert cube["systolic"].sel(subject=name["P1"]).values.tolist() == [120.0, 130.0]
        assert cube["systolic"].sel(subject=name["P2"]).isnull().all()
        assert [float(cube["smoker"].sel(subject=name[woman])) for woman in ("P1", "P2")] == [1.0, 0.0]
    assert "joint_histogram" in cube
    printed = call("cube", grown.folder, "--csv", "-").output
    table = pd.read_csv(io.StringIO(printed))
    assert set(table.loc[table["subject"] == name["P2"], "smoker"]) == {0.0}
    kept = b"".join(path.read_bytes() for path in (grown.folder / "covariates").iterdir())
    for number in ("P1", "P2", "P9"):
        assert number not in told
        assert number.encode() not in kept


def test_the_report_as_a_file_and_a_dry_run(grown: Study, tmp_path: Path) -> None:
    one = str(open_study(grown.folder).cube(axis="exam")["subject"].values[0])
    (tmp_path / "a.csv").write_text(f"subject,bmi,=evil\n{one},25,1\nnobody,30,2\n")
    told = call(
        "covariates", grown.folder, tmp_path / "a.csv", "--subject-column", "subject", "--dry-run",
        "--report", tmp_path / "found.csv", "--only", "bmi, =evil",
    ).output  # fmt: skip
    assert "nothing was written" in told
    found = pd.read_csv(tmp_path / "found.csv")
    assert found.loc[found["what"] == "added", "column"].tolist() == ["'=evil", "bmi"]
    assert not (grown.folder / "covariates").exists()


def test_what_cannot_be_done_is_said_in_plain_words(grown: Study, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "a.csv").write_text("mrn,bmi\nP1,25\n")
    file = tmp_path / "a.csv"
    told = call("covariates", grown.folder, file, "--subject-column", "mrn", code=1).stderr
    assert "if they are the hospital's numbers" in told
    assert "P1" not in told
    original = ("--subject-column", "mrn", "--ids", "original")
    told = call("covariates", grown.folder, file, *original, "--key", tmp_path / "nosuch", code=1).stderr
    assert "there is no pseudonym key" in told
    other = tmp_path / "other"
    other.write_text("ab" * 32 + "\n")
    other.chmod(0o600)
    told = call("covariates", grown.folder, file, *original, "--key", other, code=1).stderr
    assert "another key" in told
    key = write_key(tmp_path / "key")
    told = call("covariates", grown.folder, file, *original, "--key", key, "--issuer", "H", code=1).stderr
    assert "no row is of a woman of this study" in told
