"""A run that is killed or stopped midway, in a process of its own, and taken up again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bactools import open_study
from bactools.cluster import Interrupted, work
from bactools.quantify import quantify
from bactools.study import Study

from ..study.made import DATES, measure, pieces, same, write_key, write_woman

PROGRAM = "from bactools.cli import main; main()"


@pytest.fixture(scope="module")
def sixteen(toy_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Study]:
    """A folder, and its study from an uninterrupted run with the command line's recipe."""
    folder = tmp_path_factory.mktemp("sixteen")
    for woman in ("P1", "P2"):
        write_woman(folder / "in", woman, dates=DATES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(toy_home))
        return folder / "in", measure(folder / "in", folder / "reference", recipe="default")


def interrupt(folder: Path, out: Path, number: int, *, workers: int) -> tuple[int, str]:
    """Start the command line, send it and its children a signal after the first finished image."""
    key = write_key(out.with_name("key"))
    command = [sys.executable, "-c", PROGRAM, "run", str(folder), "--out", str(out)]
    command += ["--weights", "toy", "--key", str(key), "--workers", str(workers)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, start_new_session=True, **pipes) as process:
        try:
            deadline = time.monotonic() + 100
            while not list(out.glob("journal/*/??/*.json")):
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline
                time.sleep(0.01)
            os.killpg(process.pid, number)
            told = process.communicate(timeout=180)[0]
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, told


def test_killed_and_resumed_is_as_never_killed(sixteen, tmp_path, toy_weights) -> None:
    folder, reference = sixteen
    code, _ = interrupt(folder, tmp_path / "out", signal.SIGKILL, workers=0)
    assert code == -signal.SIGKILL
    part = pieces(open_study(tmp_path / "out"))
    assert 1 <= len(part) < 16
    assert not (tmp_path / "out" / "cube.zarr").exists()
    told: list[str] = []
    resumed = measure(folder, tmp_path / "out", recipe="default", say=told.append)
    assert told[-1] == f"{16 - len(part)} of 16 eligible images to measure"
    assert part.items() <= pieces(resumed).items()
    same(resumed, reference)


@pytest.mark.parametrize("workers", [0, 1])
def test_control_c_keeps_what_is_finished(sixteen, tmp_path, toy_weights, workers: int) -> None:
    """Ctrl-C in a terminal reaches the workers too."""
    folder, reference = sixteen
    code, told = interrupt(folder, tmp_path / "out", signal.SIGINT, workers=workers)
    assert code == 130, told
    part = open_study(tmp_path / "out")
    done = part.counts["done"]
    assert f"stopped by you: {done} of 16 images done; run the same command again" in told
    assert "Traceback" not in told
    assert 1 <= done < 16
    assert int((part.cube(axis="exam").status == 1).sum()) == done
    same(measure(folder, tmp_path / "out", recipe="default"), reference)


@pytest.mark.parametrize(("presses", "finished"), [(1, 3), (2, 2)])
def test_control_c_waits_for_the_image_once(
    sixteen, tmp_path, toy_weights, monkeypatch, presses: int, finished: int
) -> None:
    """In the middle of a library it could leave a lock taken; pressed again, it counts at once."""
    measured: list[str] = []

    def pressed(image_id: str, *arguments, **options):
        measured.append(image_id)
        if len(measured) == 3:
            for _ in range(presses):
                signal.raise_signal(signal.SIGINT)
        return quantify(image_id, *arguments, **options)

    monkeypatch.setattr(work, "quantify", pressed)
    with pytest.raises(Interrupted, match=f"stopped by you: {finished} of 16 images done"):
        measure(sixteen[0], tmp_path / "out")
    assert open_study(tmp_path / "out").counts["done"] == finished
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
