"""The journal: what goes in comes out, and what is not whole is not there."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bactools.study.files import write_atomic
from bactools.study.journal import Histograms, Journal, plain

values = st.one_of(st.text(), st.integers(-(2**53), 2**53), st.floats(), st.booleans(), st.none())


def equal(one, other) -> bool:
    return one == other or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


@given(st.dictionaries(st.text(), values, max_size=6))
@settings(max_examples=50, deadline=None)
def test_rows_come_back_as_they_went_in(row) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder), run="r-w")
        journal.write({**row, "image_id": "ab12"}, None)
        back = journal["ab12"]
        assert back.keys() == {*row, "image_id"}
        assert all(equal(back[name], value) for name, value in row.items() if name != "image_id")
        assert journal.histogram("ab12") is None


def test_histograms_come_back_exactly(tmp_path) -> None:
    counts = np.random.default_rng(0).integers(0, 2**40, (100, 256))
    journal = Journal(tmp_path, run="r-w")
    journal.write({"image_id": "ab12"}, counts)
    np.testing.assert_array_equal(journal.histogram("ab12"), counts)
    lazily = Histograms(journal, ["ab12"])
    assert list(lazily) == ["ab12"]
    np.testing.assert_array_equal(lazily["ab12"], counts)


def test_another_run_does_not_see_the_pieces(tmp_path) -> None:
    Journal(tmp_path, run="r-w").write({"image_id": "ab12"}, None)
    assert len(Journal(tmp_path, run="r-other")) == 0
    assert list(Journal(tmp_path, run="r-w")) == ["ab12"]


def test_every_flipped_byte_is_noticed(tmp_path) -> None:
    journal = Journal(tmp_path, run="r-w")
    journal.write({"image_id": "ab12", "am": 12.0, "text": "é"}, np.ones((2, 3), dtype=np.int64))
    (piece,) = journal.folder.glob("??/*.json")
    content = piece.read_bytes()
    for at in range(len(content) - 1):  # the newline at the end carries nothing
        for bit in (1, 32, 128):
            piece.write_bytes(content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :])
            assert journal.get("ab12") is None, (at, bit)
    for length in range(len(content) - 1):
        piece.write_bytes(content[:length])
        assert "ab12" not in journal
    piece.write_bytes(content)
    assert journal["ab12"]["am"] == 12.0


def test_an_image_is_done_only_with_the_same_content(tmp_path) -> None:
    journal = Journal(tmp_path, run="r-w")
    journal.write({"image_id": "ab12", "fingerprint": "f1"}, None)
    assert journal.done_with("ab12", fingerprint="f1")
    assert not journal.done_with("ab12", fingerprint="f2")
    assert not journal.done_with("cd34", fingerprint="f1")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch) -> None:
    write_atomic(tmp_path / "a", b"old")

    def broken(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        write_atomic(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("value", "expected"), [(np.float32(0.5), 0.5), (np.int64(3), 3), (np.bool_(True), True), ("x", "x")]
)
def test_plain_values(value, expected) -> None:
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)
