"""The command line: exit codes, plain words, tables, and one folder of everything that can be wrong."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from bactools import __all__ as public
from bactools import metrics
from bactools.cli import main
from bactools.study import Study, open_study
from bactools.testing import write_mammogram

from .study.made import SHAPE, breast_pixels, truncate, write_image, write_key, write_woman

Call = Callable[..., Result]
FIRST = ["subject", "view", "date"]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a command in this process; anything but a planned exit is an error."""
    monkeypatch.setenv("BACTOOLS_KEY", str(write_key(tmp_path / "key")))

    def command(*arguments: object, code: int = 0) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    return command


@pytest.fixture
def run(call: Call, tmp_path: Path, toy_weights) -> Call:
    """Run ``tmp_path/in`` into ``tmp_path/out`` in this process."""

    def command(*arguments: object, code: int = 0) -> Result:
        given = ("run", tmp_path / "in", "--out", tmp_path / "out", "--weights", "toy", "--workers", 0)
        return call(*given, *arguments, code=code)

    return command


def test_failures_are_counted_and_only_strict_minds(run, tmp_path) -> None:
    write_image(tmp_path / "in" / "good.dcm", seed=1)
    (tmp_path / "in" / "letter.txt").write_text("Dear Erika")
    truncate(write_image(tmp_path / "in" / "torn.dcm", seed=2, laterality="R"))
    told = run().output
    assert told.endswith("1 done, 1 excluded, 1 failed\n")
    assert "failed: truncated" in told
    again = run("--strict", code=3).output
    assert "nothing to do" in again
    assert again.endswith("1 done, 1 excluded, 1 failed\n")
    assert "1 of 2 eligible images to measure" in run("--retry-failed").output


def test_strict_without_failures_is_content(run, tmp_path) -> None:
    write_image(tmp_path / "in" / "good.dcm")
    assert run("--strict").output.endswith("1 done, 0 excluded, 0 failed\n")


def test_every_bad_input_in_one_folder(run, tmp_path) -> None:
    """Each becomes a row with a reason; the run itself ends well."""
    folder = tmp_path / "in"
    write_image(folder / "good.dcm", seed=1)
    truncate(write_image(folder / "truncated.dcm", seed=2, laterality="R"))
    write_image(folder / "huge.dcm", seed=3, view="MLO", Rows=65535, Columns=65535)
    write_image(folder / "no_rows.dcm", seed=4, laterality="R", view="MLO", Rows=None)
    write_image(folder / "no_date.dcm", seed=5, StudyDate=None)
    write_image(
        folder / "no_view.dcm", seed=6, ViewPosition=None, ViewCodeSequence=None, PatientOrientation=None
    )
    write_image(folder / "no_patient.dcm", seed=7, PatientID=None)
    (folder / "empty.dcm").write_bytes(b"")
    (folder / "text.dcm").write_text("not an image\n" * 40)
    plain = write_image(folder / "syntax.dcm", seed=8).read_bytes()
    (folder / "syntax.dcm").write_bytes(plain.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.7\0", 1))
    (folder / "bomb.dcm").write_bytes(_bomb(plain))
    assert len(list(folder.iterdir())) == 11
    told = run("--workers", 0).output
    done, excluded, failed = (int(part.split()[0]) for part in told.splitlines()[-1].split(", "))
    assert done + excluded + failed == 11
    assert done == 1
    study = open_study(tmp_path / "out")
    assert study.counts["to_do"] == 0
    index, images = study.index, study.images
    assert (index.loc[~index.eligible.astype(bool), "reason"] != "").all()
    failures = images.query("status == 'failed'")
    assert (failures.failure != "").all()
    assert not (failures.failure == "unexpected").any()
    assert "truncated" in set(failures.failure)
    reasons = set(index.reason)
    assert {"not_dicom", "unknown_syntax", "too_large", "bad_date", "unknown_view"} <= reasons


def _bomb(plain: bytes) -> bytes:
    """A deflated file whose header alone inflates to 150 MB."""
    head = plain[: plain.index(b"\x08\x00\x08\x00CS")]
    head = head.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99", 1)
    start = head.index(b"\x02\x00\x10\x00UI") + 6
    head = head[:start] + struct.pack("<H", 22) + head[start + 2 :]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(struct.pack("<HH2sHL", 9, 0x1010, b"OB", 0, 150 * 2**20))
    for _ in range(150):
        body += packer.compress(b"\0" * 2**20)
    return head + body + packer.flush()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--weights", "nosuch"], "no weights named 'nosuch'; registered:"),
        (["--weights", "published-8bit"], "bactools weights get published-8bit"),
        (["--linkage", "{out}/link.csv"], "linkage file must lie outside the study"),
        (["--subjects-csv", "{key}"], "subjects CSV"),
        (["--name-pattern", "("], "not a regular expression"),
        (["--scheduler", "tcp://127.0.0.1:9"], "no dask scheduler answers"),
        (["--scheduler-file", "{key}"], "no dask scheduler answers"),
    ],
)
def test_what_cannot_be_done_is_said_in_plain_words(run, tmp_path, monkeypatch, arguments, told) -> None:
    import dask

    monkeypatch.setattr("bactools.networks.weights.DEVELOPMENT", tmp_path / "nowhere")
    write_image(tmp_path / "in" / "good.dcm")
    places = {"out": tmp_path / "out", "key": tmp_path / "key"}
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        result = run(*[text.format(**places) for text in arguments], code=1)
    assert result.stderr.startswith("bactools: ")
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments", [["--recipe", "best"], ["--maps", "contour"], ["--workers", "-1"], ["--shift-dates", "-3"]]
)
def test_bad_options_are_refused_before_anything_is_loaded(run, tmp_path, arguments) -> None:
    (tmp_path / "in").mkdir()
    assert "Invalid value" in run(*arguments, code=2).stderr


def test_a_study_of_another_recipe_is_refused(run, tmp_path) -> None:
    write_image(tmp_path / "in" / "good.dcm")
    run()
    told = run("--recipe", "published", code=1).stderr
    assert "cut: 0.5 there, 0.65 asked" in told


def test_cube_is_printed(call, made_study: Study) -> None:
    told = call("cube", made_study.folder).output
    assert "subject: 3, view: 4, exam: 2" in told
    assert "joint_histogram" in told
    assert made_study.recipe.hash in told


def test_cube_as_csv_and_parquet(call, made_study: Study, tmp_path) -> None:
    out = call("cube", made_study.folder, "--csv", "-").stdout_bytes
    table = pd.read_csv(io.BytesIO(out), parse_dates=["date"])
    assert list(table.columns[:3]) == FIRST
    numbers = [name for name in table.columns if name in ("pm", "am", "sim", "tam_100", "tsim_100")]
    assert numbers == ["pm", "am", "sim", "tam_100", "tsim_100"]
    assert len(table) == 17
    call("cube", made_study.folder, "--csv", tmp_path / "t.csv", "--parquet", tmp_path / "t.parquet")
    assert (tmp_path / "t.csv").read_bytes() == out
    kept = pd.read_parquet(tmp_path / "t.parquet")
    assert list(kept.columns) == list(table.columns)
    images = made_study.images.set_index("image_id")
    for row in kept.itertuples():
        for name in metrics.METRICS:
            np.testing.assert_equal(getattr(row, name), images.loc[row.image_id, name])
    pd.testing.assert_frame_equal(table[[*FIRST, *numbers]], kept[[*FIRST, *numbers]], check_dtype=False)


def test_cube_of_no_study(call, tmp_path) -> None:
    assert call("cube", tmp_path, code=1).stderr.startswith("bactools: FileNotFoundError")


def test_index_shows_reasons_and_writes_a_table(call, made_folder, tmp_path) -> None:
    told = call("index", made_folder, "--csv", tmp_path / "index.csv").output
    assert "18 files: 17 eligible, 1 excluded" in told
    table = pd.read_csv(tmp_path / "index.csv")
    assert len(table) == 18
    assert table.eligible.sum() == 17
    assert str(made_folder) not in (tmp_path / "index.csv").read_text()


def test_subjects_csv_names_women(run, tmp_path) -> None:
    write_woman(tmp_path / "in", "P1")
    (tmp_path / "names.csv").write_text("subject,patient_id\nW007,P1\n")
    run("--subjects-csv", tmp_path / "names.csv")
    assert open_study(tmp_path / "out").cube().subject.values.tolist() == ["W007"]


def test_files_csv_names_files(run, tmp_path) -> None:
    write_image(tmp_path / "in" / "a.dcm", seed=1)
    write_image(tmp_path / "in" / "b.dcm", seed=2)
    (tmp_path / "files.csv").write_text("file,subject,view,date\na.dcm,W1,RMLO,2011-02-03\n")
    assert run("--files-csv", tmp_path / "files.csv").output.endswith("1 done, 0 excluded, 0 failed\n")
    cell = open_study(tmp_path / "out").cube().sel(subject="W1", view="RMLO", date="2011-02-03")
    assert int(cell.status) == 1


def test_shifted_dates_keep_their_intervals(run, call, tmp_path) -> None:
    for date in ("20200102", "20200109"):
        write_image(tmp_path / "in" / f"{date}.dcm", study_date=date)
    run("--shift-dates", 300)
    dates = open_study(tmp_path / "out").cube(axis="exam").date.values[0].astype("datetime64[D]")
    assert (dates[1] - dates[0]).astype(int) == 7
    assert 1 <= abs((dates[0] - np.datetime64("2020-01-02")).astype(int)) <= 300
    assert "--shift-dates 300" in run(code=1).stderr


@pytest.mark.parametrize(("depth", "suffix"), [(8, "png"), (16, "png"), (16, "tiff")])
def test_pictures_by_their_names(run, tmp_path, depth: int, suffix: str) -> None:
    (tmp_path / "in").mkdir()
    drawn = breast_pixels(SHAPE, bits=depth).astype(np.uint8 if depth == 8 else np.uint16)
    Image.fromarray(drawn).save(tmp_path / "in" / f"S001_LCC_20200102.{suffix}")
    Image.fromarray(drawn).save(tmp_path / "in" / f"nameless.{suffix}")
    assert run().output.endswith("1 done, 1 excluded, 0 failed\n")
    cube = open_study(tmp_path / "out").cube()
    cell = cube.sel(subject="S001", view="LCC", date="2020-01-02")
    assert float(cell.am) > 0
    assert np.isnan(float(cell.am_mm2))


def test_a_name_pattern_of_ones_own(run, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    drawn = breast_pixels(SHAPE, bits=8).astype(np.uint8)
    Image.fromarray(drawn).save(tmp_path / "in" / "2020-01-02 RMLO W1.png")
    run("--name-pattern", r"(?P<date>\S+) (?P<view>\w+) (?P<subject>\w+)\.png")
    assert int(open_study(tmp_path / "out").cube().status.sel(subject="W1", view="RMLO").sum()) == 1


def test_weights_are_listed_added_and_got(call, toy_checkpoint, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("bactools.networks.weights.DEVELOPMENT", tmp_path / "nowhere")
    lines = call("weights", "list").output.splitlines()
    here = {line.split()[0]: not line.endswith("not here") for line in lines}
    assert here == dict.fromkeys(("published-8bit", "published-16bit", "published-bce"), False) | {
        "phantom": True  # it comes with bactools
    }
    assert "--name NAME" in call("weights", "add", toy_checkpoint, code=1).stderr
    added = call("weights", "add", toy_checkpoint, "--name", "mine", "--output", "logit")
    assert added.output == "mine is here\n"
    assert any(line.startswith("mine ") and line.endswith("  here") for line in _listed(call))
    assert (
        "is taken"
        in call("weights", "add", _other(tmp_path), "--name", "mine", "--output", "logit", code=1).stderr
    )
    assert "no address" in call("weights", "get", "mine", code=1).stderr
    assert "no weights named 'x'" in call("weights", "get", "x", code=1).stderr


def _listed(call: Call) -> list[str]:
    return call("weights", "list").output.splitlines()


def _other(tmp_path: Path) -> Path:
    (tmp_path / "other.pt").write_bytes(b"not a checkpoint")
    return tmp_path / "other.pt"


def test_help_tells_every_command(call) -> None:
    told = call("--help").output
    for name in ("index", "run", "cube", "overlay", "weights"):
        assert f"  {name} " in told
        assert "Usage" in call(name, "--help").output
    assert "not a medical device" in told
    assert "version 0.1" in call("--version").output


def test_overlay_draws(call, run, tmp_path) -> None:
    write_mammogram(tmp_path / "a.dcm", pixels=breast_pixels(SHAPE))
    (tmp_path / "in").mkdir()
    (tmp_path / "a.dcm").rename(tmp_path / "in" / "a.dcm")
    run()
    assert call("overlay", tmp_path / "out", "--out", tmp_path / "png").output == "1 pictures written\n"
    assert len(list((tmp_path / "png").glob("S*_LCC_2020-01-02.png"))) == 1
    (tmp_path / "out.linkage.csv").unlink()
    assert "no linkage file" in call("overlay", tmp_path / "out", "--out", tmp_path / "p", code=1).stderr


def test_what_the_command_line_does_python_does() -> None:
    assert {"run", "index_folder", "open_cube", "open_study", "to_table", "pair"} <= set(public)
