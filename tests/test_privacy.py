"""Nothing out of a header, and no path, gets into a study, a table, a picture's name, a message or a log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr
from click.testing import CliRunner

from bactools import open_study
from bactools.cli import main
from bactools.study import Study

from .study.made import KEY, measure, truncate, write_image, write_key

PLANTED = {
    "patient_id": "MRN4711",
    "patient_name": "Mustermann^Erika",
    "PatientBirthDate": "19561117",
    "AccessionNumber": "ACC0815",
    "InstitutionName": "St-Elsewhere",
    "StudyDescription": "Wiedervorlage",
    "SOPInstanceUID": "1.2.999.5555",
    "StudyInstanceUID": "1.2.999.4444",
}
WORDS = (
    *("MRN4711", "MRN4712", "Mustermann", "Erika", "19561117", "1956-11-17", "ACC0815", "Elsewhere"),
    *("Wiedervorlage", "1.2.999", "Geheimordner", "Wanda"),
)
PROGRAM = """
from bactools.cli import main
if __name__ == "__main__":
    main()
"""
POISON = """
import os, signal
from bactools import quantify as room

def dies(path, **options):
    if "poison" in str(path):
        os.kill(os.getpid(), signal.SIGKILL)
    if "unexpected" in str(path):
        raise RuntimeError(f"PLANTED {path} Mustermann^Erika MRN4711")
    return read(path, **options)

read, room.read_image = room.read_image, dies
"""


def found(text: str | bytes) -> list[str]:
    """Return the planted words that occur, in any case and in two encodings."""
    content = (text.encode() if isinstance(text, str) else text).lower()
    return [
        word
        for word in WORDS
        if word.lower().encode() in content or word.lower().encode("utf-16-le") in content
    ]


def write_folder(folder: Path) -> Path:
    """Good, excluded and damaged files with planted headers, in folders with planted names."""
    here = folder / "Geheimordner" / "Wanda"
    good = {**PLANTED, "seed": 1}
    write_image(here / "Erika.dcm", **good)
    second = {**PLANTED, "patient_id": "MRN4712", "SOPInstanceUID": "1.2.999.1", "seed": 2}
    truncate(write_image(here / "Erika_torn.dcm", **second))
    write_image(here / "Wanda_poison.dcm", **{**second, "SOPInstanceUID": "1.2.999.2", "view": "MLO"})
    later = {"SOPInstanceUID": "1.2.999.3", "study_date": "20210101"}
    write_image(here / "Wanda_unexpected.dcm", **{**second, **later})
    for number, header in enumerate(
        (
            {"PhotometricInterpretation": "ERIKA"},
            {"ViewPosition": "ELSEWHERE", "ViewCodeSequence": None},
            {"StudyDate": "Wanda"},
            {"Modality": "MRN4711"},
            {"Manufacturer": "Mustermann Devices"},
        )
    ):
        changed = {**good, "SOPInstanceUID": f"1.2.999.7{number}", "study_date": f"2020030{number + 1}"}
        write_image(here / f"Erika{number}.dcm", **{**changed, **header})
    (here / "MRN4711.txt").write_text("Mustermann")
    (here / "MRN4711.png").write_bytes(b"\x89PNG Mustermann")
    return folder / "Geheimordner"


@pytest.fixture
def command_line(
    tmp_path: Path, toy_weights, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> dict[str, str]:
    """Everything the command line says, by command, with a worker that dies and one that errs on the way."""
    folder, out = write_folder(tmp_path), tmp_path / "study"
    code = tmp_path / "code"
    code.mkdir()
    (code / "poison.py").write_text(POISON)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(code), str(Path(__file__).parents[1])])}
    environment |= {
        "DASK_DISTRIBUTED__WORKER__PRELOAD": "poison",
        "BACTOOLS_KEY": str(write_key(code / "key")),
    }

    command = [sys.executable, "-c", PROGRAM, "run", str(folder), "--out", str(out)]
    command += ["--weights", "toy", "--workers", "1"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    monkeypatch.setenv("BACTOOLS_KEY", environment["BACTOOLS_KEY"])

    def call(*arguments: object) -> str:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        return result.output + "".join(capfd.readouterr())

    return {
        "run": done.stdout + done.stderr,
        "index": call("index", folder),
        "cube": call("cube", out),
        "csv": call("cube", out, "--csv", "-"),
        "overlay": call("overlay", out, "--out", tmp_path / "pictures"),
    }


def test_nothing_planted_gets_out_of_the_command_line(command_line: dict[str, str], tmp_path: Path) -> None:
    for name, told in command_line.items():
        assert found(told) == [], name
    study = open_study(tmp_path / "study")
    failures = set(study.images.failure) - {""}
    assert {"truncated", "killed", "unexpected"} <= failures  # so their messages were among what was searched
    assert study.counts["done"] >= 1
    assert study.counts["excluded"] >= 4
    assert _everything_in(study)
    linkage = (tmp_path / "study.linkage.csv").read_text()
    assert {"MRN4711", "MRN4712", "Geheimordner", "Wanda"} <= set(found(linkage))
    names = [path.name for path in (tmp_path / "pictures").iterdir()]
    assert len(names) == study.counts["done"]
    assert found(" ".join(names)) == []


def _everything_in(study: Study) -> int:
    """Search every file of a study, as it lies there and unpacked; return how many."""
    files = [path for path in study.folder.rglob("*") if path.is_file()]
    for path in files:
        assert found(str(path.relative_to(study.folder))) == []
        assert found(path.read_bytes()) == [], path.name
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
            assert found(table.to_csv()) == [], path.name
            assert str(study.folder.parent) not in table.to_csv()
    for store in (study.folder / "cube.zarr", *(study.folder / "maps.zarr").iterdir()):
        opened = zarr.open(store=store, mode="r")
        arrays = [opened] if isinstance(opened, zarr.Array) else [array for _, array in opened.arrays()]
        for array in arrays:
            assert found(json.dumps(dict(array.attrs), default=str)) == []
            values = np.asarray(array[...])
            if values.dtype.kind in "OTUS":
                assert found("\n".join(map(str, values.ravel()))) == []
    return len(files)


def test_nor_out_of_python(tmp_path: Path, toy_weights, caplog, capfd) -> None:
    told: list[str] = []
    folder = write_folder(tmp_path)
    study = measure(folder, tmp_path / "study", say=told.append, progress=True)
    shown = [
        repr(study),
        study.summary(),
        study._repr_html_(),
        repr(study.cube()),
        study.images.to_csv(),
        *told,
    ]
    for text in (*shown, caplog.text, *capfd.readouterr()):
        assert found(text.replace(str(study.folder), "")) == []
    assert _everything_in(study)


def test_two_keys_give_studies_that_cannot_be_joined(tmp_path: Path, toy_weights) -> None:
    write_image(tmp_path / "in" / "a.dcm", **PLANTED)
    one = measure(tmp_path / "in", tmp_path / "one")
    other = measure(tmp_path / "in", tmp_path / "other", key=KEY[::-1])
    for column in ("subject", "image_id", "fingerprint"):
        assert one.images[column][0] != other.images[column][0]


def test_the_key_is_not_in_the_study(tmp_path: Path, toy_weights) -> None:
    write_image(tmp_path / "in" / "a.dcm")
    study = measure(tmp_path / "in", tmp_path / "out")
    for path in study.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert KEY not in content
            assert KEY.hex().encode() not in content
