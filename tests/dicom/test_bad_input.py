"""Damaged, lying and hostile files: a reason or a coded failure, within bounds, never anything else."""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import sys
import textwrap
import zlib

import numpy as np
import pytest

from bactools.dicom import ImageFailure, read_image
from bactools.dicom.headers import read_header
from bactools.dicom.stream import Excluded
from bactools.testing import LOSSLESS, breast_pixels, write_mammogram

from .conftest import TINY

PIXELS = b"\xe0\x7f\x10\x00"


def code_of(path) -> str:
    with pytest.raises(ImageFailure) as failure:
        read_image(path)
    return failure.value.code


def element(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    if vr in (b"OB", b"OW", b"SQ", b"UN"):
        return struct.pack("<HH2sHL", group, number, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", group, number, vr, len(value)) + value


def with_meta(syntax: bytes, body: bytes) -> bytes:
    return b"\0" * 128 + b"DICM" + element(2, 0x10, b"UI", syntax) + body


@pytest.mark.parametrize("name", ["explicit", "deflated", "rle", "jpeg_ls", "jpeg_2000", "jpeg_lossless"])
def test_truncated(tmp_path, index_here, name):
    """A cut file never gives pixels, whatever the decoder would make of it."""
    path = write_mammogram(tmp_path / "a.dcm", syntax=LOSSLESS[name])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    assert code_of(path) == "truncated"
    row = index_here().table.iloc[0]
    assert row.eligible
    assert "truncated" in row["flags"]


def test_small_files_that_are_nothing(tmp_path):
    for name, content in {"empty": b"", "text": b"hello " * 99, "preamble": b"\0" * 128 + b"DICM"}.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert code_of(path) in ("unreadable", "missing_tag")
    assert code_of(tmp_path / "absent") == "unreadable"
    assert code_of(tmp_path) == "unreadable"


def test_a_pipe_is_not_opened(tmp_path, index_here):
    os.mkfifo(tmp_path / "pipe")
    assert index_here().table.reason.tolist() == ["unreadable"]
    assert code_of(tmp_path / "pipe") == "unreadable"


def test_an_unreadable_file(tmp_path):
    path = write_mammogram(tmp_path / "a.dcm", pixels=TINY)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert code_of(path) == "unreadable"


@pytest.mark.parametrize(
    "keyword", ["Rows", "Columns", "BitsAllocated", "BitsStored", "PhotometricInterpretation"]
)
def test_missing_tags_are_named(tmp_path, keyword):
    path = write_mammogram(tmp_path / "a.dcm", pixels=TINY, **{keyword: None})
    with pytest.raises(ImageFailure, match=keyword) as failure:
        read_image(path)
    assert failure.value.code == "missing_tag"


def test_no_pixel_data(tmp_path):
    path = write_mammogram(tmp_path / "a.dcm", pixels=TINY)
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(PIXELS)])
    assert code_of(path) == "missing_tag"


@pytest.mark.parametrize(
    ("code", "header"),
    [
        ("too_large", {"Rows": 65535, "Columns": 65535}),
        ("too_large", {"Rows": 12000, "Columns": 12000}),
        ("unsupported", {"NumberOfFrames": 2}),
        ("unsupported", {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}),
        ("unsupported", {"BitsAllocated": 32, "BitsStored": 32}),
        ("unsupported", {"BitsStored": 17}),
        ("unreadable", {"Rows": 0}),
        ("truncated", {"Rows": 4000, "Columns": 3000}),
    ],
)
def test_lying_headers(tmp_path, code, header):
    assert code_of(write_mammogram(tmp_path / "a.dcm", pixels=TINY, **header)) == code


@pytest.mark.parametrize("name", ["jpeg_ls", "jpeg_2000", "jpeg_lossless"])
def test_a_codestream_larger_than_its_header_is_not_decoded(tmp_path, name):
    path = write_mammogram(tmp_path / "a.dcm", pixels=breast_pixels((64, 48)), syntax=LOSSLESS[name])
    content = bytearray(path.read_bytes())
    if name == "jpeg_2000":
        start = content.rindex(b"\xff\x4f\xff\x51") + 8
        content[start : start + 8] = struct.pack(">LL", 60000, 60000)
    else:
        marker = b"\xff\xf7" if name == "jpeg_ls" else b"\xff\xc3"
        start = content.rindex(marker) + 5
        content[start : start + 4] = struct.pack(">HH", 60000, 60000)
    path.write_bytes(content)
    with pytest.raises(ImageFailure, match="60000 x 60000 where 64 x 48"):
        read_image(path)


@pytest.mark.parametrize("name", ["jpeg_ls", "jpeg_2000", "jpeg_lossless", "rle"])
def test_garbage_pixels(tmp_path, name, capfd):
    path = write_mammogram(tmp_path / "a.dcm", pixels=breast_pixels((64, 48)), syntax=LOSSLESS[name])
    content = path.read_bytes()
    start = content.rindex(PIXELS) + 12 + 12 + 8 + 4  # element, offset table, fragment, a little of it
    path.write_bytes(content[:start] + b"\x11" * (len(content) - start - 8) + content[-8:])
    assert code_of(path) == "decode"
    assert capfd.readouterr() == ("", "")


def test_wrong_syntax_label(tmp_path):
    path = write_mammogram(tmp_path / "a.dcm", syntax=LOSSLESS["jpeg_ls"])
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.4.80", b"1.2.840.10008.1.2.4.90", 1))
    assert code_of(path) == "decode"


def test_unknown_syntax(tmp_path):
    path = tmp_path / "a.dcm"
    path.write_bytes(with_meta(b"1.2.840.10008.1.2.4.100", element(8, 0x60, b"CS", b"MG")))
    with pytest.raises(Excluded, match="unknown_syntax"):
        read_header(path)
    assert code_of(path) == "unsupported"
    path.write_bytes(b"\0" * 128 + b"DICM" + element(8, 0x60, b"CS", b"MG"))
    with pytest.raises(Excluded, match="TransferSyntaxUID"):
        read_header(path)


def test_sequences_nested_500_deep(tmp_path, index_here):
    body = b""
    for _ in range(500):
        item = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF) + body + struct.pack("<HHL", 0xFFFE, 0xE00D, 0)
        end = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
        body = struct.pack("<HH2sHL", 0x54, 0x220, b"SQ", 0, 0xFFFFFFFF) + item + end
    (tmp_path / "a.dcm").write_bytes(with_meta(b"1.2.840.10008.1.2.1", body))
    table = index_here().table
    assert (table.reason[0], table.detail[0]) == ("unreadable", "RecursionError")
    assert code_of(tmp_path / "a.dcm") == "unreadable"


def bomb(header: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(header)
    for _ in range(150):
        body += packer.compress(b"\0" * 2**20)
    return with_meta(b"1.2.840.10008.1.2.1.99", body + packer.flush())


def test_deflate_bombs(tmp_path, index_here):
    """A private element of 150 MB before the pixels; and 150 MB of pixels for a tiny image."""
    (tmp_path / "header.dcm").write_bytes(bomb(struct.pack("<HH2sHL", 9, 0x1010, b"OB", 0, 150 * 2**20)))
    plain = write_mammogram(tmp_path / "pixels.dcm", pixels=TINY).read_bytes()
    body = plain[plain.index(b"\x08\x00\x08\x00CS") :]
    start = body.rindex(PIXELS)
    pixels = body[: start + 8] + struct.pack("<L", 150 * 2**20)
    (tmp_path / "pixels.dcm").write_bytes(bomb(pixels))
    assert (tmp_path / "pixels.dcm").stat().st_size < 10**6
    assert index_here().table.reason.tolist() == ["too_large", ""]
    assert code_of(tmp_path / "header.dcm") == "too_large"
    assert code_of(tmp_path / "pixels.dcm") == "too_large"


def test_bombs_stay_within_memory(tmp_path):
    """Both in a process of their own, whose peak is measured before and after."""
    test_file = tmp_path / "pixels.dcm"
    plain = write_mammogram(test_file, pixels=TINY).read_bytes()
    body = plain[plain.index(b"\x08\x00\x08\x00CS") :]
    test_file.write_bytes(bomb(body[: body.rindex(PIXELS) + 8] + struct.pack("<L", 150 * 2**20)))
    program = """
        import resource, sys
        from bactools.dicom import ImageFailure, read_image
        from bactools.dicom.headers import read_header
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        read_header(__import__("pathlib").Path(sys.argv[1]))
        try:
            read_image(sys.argv[1])
        except ImageFailure:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(test_file)]
    grown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(grown) < 60 * 1024, "KiB more at the peak"


def test_length_of_four_gigabytes(tmp_path):
    head = with_meta(b"1.2.840.10008.1.2.1", element(8, 0x60, b"CS", b"MG"))
    (tmp_path / "a.dcm").write_bytes(
        head + struct.pack("<HH2sHL", 0x10, 0x4000, b"UN", 0, 0xFFFFFFF0) + b"x" * 10
    )
    assert not read_header(tmp_path / "a.dcm").has_pixels
    assert code_of(tmp_path / "a.dcm") == "missing_tag"


@pytest.mark.parametrize("name", ["explicit", "implicit", "jpeg_ls", "deflated", "rle"])
def test_mutants(tmp_path, index_here, name):
    """Sixty damaged copies for each of five syntaxes: a header or a verdict, an image or a failure."""
    random = np.random.default_rng(7)
    content = write_mammogram(
        tmp_path / "whole.dcm", pixels=breast_pixels((24, 20)), syntax=LOSSLESS[name], window=(2000, 1500)
    ).read_bytes()
    (tmp_path / "whole.dcm").unlink()
    for number in range(60):
        mutant = bytearray(content)
        for place in random.integers(128, len(content), random.integers(1, 12)):
            mutant[place] = random.integers(0, 256)
        if number % 5 == 0:
            del mutant[int(random.integers(132, len(content))) :]
        path = tmp_path / f"{number:03d}.dcm"
        path.write_bytes(mutant)
        with contextlib.suppress(Excluded):
            read_header(path)
        with contextlib.suppress(ImageFailure):
            assert read_image(path).dtype == np.uint8
    assert len(index_here()) == 60
