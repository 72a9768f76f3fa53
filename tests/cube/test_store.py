"""The store: what was written is what is read, or an error; a crash leaves a whole version."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools import metrics
from bactools.cube import assemble, on_dates, open_cube, open_stored, write_cube
from bactools.cube import store as rooms

from .made import CUT, row, study


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("original") / "cube.zarr"
    cube, _ = assemble(*study(names=("pm", "tam_100")), attrs={"recipe": "{}"})
    write_cube(cube, path)
    return path, cube.compute()


@pytest.fixture
def written(original, tmp_path):
    """A store to read or damage, and what was written into it."""
    return shutil.copytree(original[0], tmp_path / "cube.zarr"), original[1]


def version(number: float) -> xr.Dataset:
    return assemble(
        pd.DataFrame([row(0, "A", "LCC", "2020-01-01", pm=number)]), {"i0000": np.ones((100, 256), int)}
    )[0]


def pm(path: Path) -> float:
    return float(open_stored(path).pm.values[0, 0, 0])


def test_reading_gives_back_what_was_written(written):
    path, cube = written
    stored = open_stored(path)
    assert stored.tam_100.chunks is not None
    xr.testing.assert_identical(stored.compute(), cube)
    xr.testing.assert_identical(open_stored(path.parent).compute(), cube)
    again = metrics.from_histogram(stored.joint_histogram, name="tam", cut=CUT, x=100)
    np.testing.assert_array_equal(again, cube.tam_100)


def test_an_opened_part_can_be_written_again(written, tmp_path):
    path, cube = written
    write_cube(open_stored(path).isel(subject=[3, 1]), tmp_path / "part.zarr")
    xr.testing.assert_identical(open_stored(tmp_path / "part.zarr").compute(), cube.isel(subject=[3, 1]))


@pytest.mark.parametrize("histograms", [None, {}])
def test_an_empty_cube_is_written_and_read(tmp_path, histograms):
    empty, _ = assemble(pd.DataFrame(), histograms)
    write_cube(empty, tmp_path / "cube.zarr")
    read = open_stored(tmp_path).compute()
    assert read.sizes == empty.sizes
    assert set(read.data_vars) == set(empty.data_vars)
    assert open_cube(tmp_path).sizes["date"] == 0


def test_every_array_has_a_checksum(written):
    files = list(written[0].glob("*/zarr.json"))
    assert len(files) == len(written[1].variables)
    assert all('"crc32c"' in file.read_text() for file in files)


@pytest.mark.parametrize("name", ["tam_100", "joint_histogram", "status", "image_id", "date"])
def test_a_flipped_bit_is_noticed(written, name):
    chunk = next(file for file in (written[0] / name / "c").rglob("*") if file.is_file())
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(ValueError, match="checksum"):
        open_stored(written[0])[name].compute()


@pytest.mark.parametrize("name", ["tam_100", "joint_histogram", "flags"])
def test_a_lost_chunk_is_noticed(written, name):
    next(file for file in (written[0] / name / "c").rglob("*") if file.is_file()).unlink()
    with pytest.raises(ValueError, match=f"lacks a chunk of '{name}'"):
        open_stored(written[0])[name].compute()
    files = rooms._Files(written[0])
    assert files.get_sync(f"{name}/zarr.json") is not None
    assert files.get_sync(f"{name}/.zarray") is None
    with pytest.raises(ValueError, match=f"lacks a chunk of '{name}'"):
        files.get_sync(f"{name}/c/9/9")


def test_a_lazy_cube_is_not_mixed_with_a_later_version(tmp_path):
    path = tmp_path / "cube.zarr"
    write_cube(version(1), path)
    lazy, loaded = open_stored(path), open_cube(path)
    write_cube(version(2), path)
    with pytest.raises(ValueError, match="open it again"):
        lazy.pm.compute()
    assert loaded.pm.values[0, 0, 0] == 1
    assert pm(path) == 2


def test_a_lazy_cube_travels_to_other_processes(written):
    lazy = pickle.loads(pickle.dumps(open_stored(written[0])))
    xr.testing.assert_identical(lazy.compute(), written[1])


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_a_crash_at_any_step_of_the_swap_leaves_a_whole_version(tmp_path, monkeypatch, fails_at):
    path = tmp_path / "cube.zarr"
    write_cube(version(1), path)
    renames = []

    def rename(self, target):
        renames.append(self.name)
        if len(renames) == fails_at:
            raise KeyboardInterrupt
        return Path.replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        with pytest.raises(KeyboardInterrupt):
            write_cube(version(2), path)
    before_complete = fails_at == 1
    assert pm(tmp_path) == pm(path) == (2 if fails_at == 3 else 1)
    assert (tmp_path / "cube.zarr.next").exists() != before_complete
    write_cube(version(3), path)
    assert pm(path) == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["cube.zarr"]


def test_a_crash_while_writing_leaves_the_old_version(tmp_path):
    path = tmp_path / "cube.zarr"
    write_cube(version(1), path)
    broken = version(2)
    broken["joint_histogram"] = broken.joint_histogram.copy(
        data=dask.array.from_delayed(dask.delayed(lambda: 1 / 0)(), (1, 4, 1, 100, 256), np.uint32)
    )
    with pytest.raises(ZeroDivisionError):
        write_cube(broken, path)
    assert pm(path) == 1
    write_cube(version(3), path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["cube.zarr"]


def test_a_crash_before_the_old_version_is_cleared_away(tmp_path, monkeypatch):
    path = tmp_path / "cube.zarr"
    write_cube(version(1), path)
    monkeypatch.setattr(rooms.shutil, "rmtree", lambda *args, **kwargs: None)
    write_cube(version(2), path)
    monkeypatch.undo()
    assert (tmp_path / "cube.zarr.previous").exists()
    assert pm(path) == 2
    write_cube(version(3), path)
    assert not (tmp_path / "cube.zarr.previous").exists()


def test_only_the_previous_version_is_left(tmp_path):
    write_cube(version(1), tmp_path / "cube.zarr")
    shutil.move(tmp_path / "cube.zarr", tmp_path / "cube.zarr.previous")
    assert pm(tmp_path) == 1


def test_the_literal_form_is_not_stored(tmp_path):
    with pytest.raises(ValueError, match="axis='exam'"):
        write_cube(on_dates(version(1)), tmp_path / "cube.zarr")


def test_no_cube_is_said_without_naming_the_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="no cube here") as caught:
        open_stored(tmp_path)
    assert tmp_path.name not in str(caught.value)
