"""One file in, one outcome out, whatever the file."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bactools.quantify
from bactools.inference import Predictor, load_predictor
from bactools.quantify import Outcome, quantify
from bactools.testing import LOSSLESS, breast_pixels, write_mammogram

from .study.made import RECIPE, SHAPE, write_image


@pytest.fixture
def predictor(toy_weights) -> Predictor:
    return load_predictor(RECIPE, toy_weights)


def numbers(outcome: Outcome) -> dict:
    """A row without what differs from call to call."""
    assert outcome.status == "done", outcome
    return {name: value for name, value in outcome.row.items() if name not in ("seconds", "peak_memory_mib")}


def alike(one: Outcome, other: Outcome) -> None:
    np.testing.assert_equal(numbers(one), numbers(other))  # equal, NaN to NaN
    np.testing.assert_array_equal(one.histogram, other.histogram)
    np.testing.assert_array_equal(one.map, other.map)


def test_monochrome_twins_are_alike(tmp_path, predictor) -> None:
    drawn = breast_pixels(SHAPE)
    write_mammogram(tmp_path / "2.dcm", pixels=drawn)
    write_mammogram(tmp_path / "1.dcm", pixels=4095 - drawn, photometric="MONOCHROME1")
    bright, dark = (quantify("i", tmp_path / name, predictor) for name in ("2.dcm", "1.dcm"))
    alike(bright, dark)
    assert bright.row["am"] > 0


def test_all_lossless_syntaxes_are_alike(tmp_path, predictor) -> None:
    outcomes = []
    for name, syntax in LOSSLESS.items():
        path = write_mammogram(tmp_path / name, pixels=breast_pixels(SHAPE), syntax=syntax)
        outcomes.append(quantify("i", path, predictor, maps="probability"))
    for outcome in outcomes[1:]:
        alike(outcome, outcomes[0])
    assert len(outcomes) == 9
    assert outcomes[0].row["am"] > 0


def test_a_batch_equals_its_members(tmp_path, predictor) -> None:
    """Measured alone, or between others by the same predictor."""
    paths = [write_image(tmp_path / f"{seed}.dcm", seed=seed) for seed in range(3)]
    alone = [quantify("i", path, predictor) for path in paths]
    for number in (2, 0, 1, 1):
        alike(quantify("i", paths[number], predictor), alone[number])
    assert len({outcome.row["pm"] for outcome in alone}) == 3


def test_a_row_against_a_direct_count(tmp_path, predictor) -> None:
    path = write_image(tmp_path / "a.dcm", spacing=0.07, EstimatedRadiographicMagnificationFactor=1.1)
    outcome = quantify("i", path, predictor, maps="probability")
    row, mask = outcome.row, outcome.map > 0.5
    assert row["am"] == mask.sum() == outcome.histogram[50:].sum()
    assert row["am_mm2"] == pytest.approx(mask.sum() * 0.07**2)
    assert row["am_mm2_corrected"] == pytest.approx(mask.sum() * (0.07 / 1.1) ** 2)
    assert row["am_norm"] == pytest.approx(mask.sum() / row["breast_area"])
    assert row["breast_area"] == outcome.histogram.sum()
    assert (row["analysis_rows"], row["analysis_columns"]) == SHAPE == outcome.map.shape


def test_spacing_is_harmonised(tmp_path, predictor) -> None:
    """Twice as fine a grid over the same breast is brought to 0.07 mm, and areas stay in mm²."""
    fine = np.kron(breast_pixels(SHAPE), np.ones((2, 2), dtype=np.uint16))
    write_mammogram(tmp_path / "fine.dcm", pixels=fine, spacing=0.035)
    row = quantify("i", tmp_path / "fine.dcm", predictor).row
    coarse = quantify("i", write_image(tmp_path / "coarse.dcm"), predictor).row
    assert (row["analysis_rows"], row["analysis_columns"]) == SHAPE
    assert row["analysis_spacing_mm"] == pytest.approx(0.07)
    assert row["breast_area_mm2"] == pytest.approx(coarse["breast_area_mm2"], rel=0.02)


def test_an_unknown_spacing_gives_pixels_and_no_mm2(tmp_path, predictor) -> None:
    row = quantify("i", write_image(tmp_path / "a.dcm", spacing=None), predictor).row
    assert row["am"] > 0
    assert math.isnan(row["am_mm2"])


def test_what_is_kept_of_the_map(tmp_path, predictor) -> None:
    path = write_image(tmp_path / "a.dcm")
    kept = {maps: quantify("i", path, predictor, maps=maps).map for maps in ("probability", "mask", "none")}
    assert kept["none"] is None
    assert kept["probability"].dtype == np.float32
    assert kept["mask"].dtype == bool
    np.testing.assert_array_equal(kept["mask"], kept["probability"] > 0.5)


def test_a_black_image_has_no_breast(tmp_path, predictor) -> None:
    path = write_mammogram(tmp_path / "a.dcm", pixels=np.zeros(SHAPE, dtype=np.uint16))
    assert quantify("i", path, predictor).code == "no_breast"


def test_missing_and_truncated_files_are_outcomes(tmp_path, predictor) -> None:
    assert quantify("i", tmp_path / "absent.dcm", predictor).code == "unreadable"
    path = write_image(tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes()[:-9])
    outcome = quantify("i", path, predictor)
    assert (outcome.status, outcome.code) == ("failed", "truncated")
    assert (outcome.row, outcome.histogram, outcome.map) == ({}, None, None)


@pytest.fixture(scope="module")
def shared_predictor(toy_home) -> Predictor:
    from bactools.networks.weights import resolve

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(toy_home))
        return load_predictor(RECIPE, resolve("toy"))


heads = st.sampled_from([b"", b"\0" * 128 + b"DICM", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*"])


@given(heads, st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_junk_never_raises(shared_predictor, head: bytes, junk: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "junk.dcm"
        path.write_bytes(head + junk)
        outcome = quantify("i", path, shared_predictor)
    assert outcome.status == "failed"
    assert outcome.code not in ("", "unexpected")


@given(st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_a_damaged_image_never_raises(shared_predictor, damages) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_mammogram(Path(folder) / "a.dcm", pixels=breast_pixels((64, 48)))
        content = bytearray(path.read_bytes())
        for place, junk in damages:
            at = 132 + int(place * (len(content) - 132))
            content[at : at + len(junk)] = junk
        path.write_bytes(content)
        outcome = quantify("i", path, shared_predictor)
    assert outcome.status in ("done", "failed")
    assert outcome.code != "unexpected"


@pytest.mark.parametrize("error", [ValueError("PLANTED"), KeyError("PLANTED"), RuntimeError("PLANTED")])
def test_the_text_of_an_unexpected_error_does_not_get_out(tmp_path, predictor, monkeypatch, error) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(bactools.quantify, "predict", broken)
    outcome = quantify("i", write_image(tmp_path / "a.dcm"), predictor)
    assert outcome.code == "unexpected"
    assert type(error).__name__ in outcome.message
    assert "PLANTED" not in repr(outcome)


def test_too_little_memory_is_told(tmp_path, predictor, monkeypatch) -> None:
    def hungry(*_: object, **__: object) -> None:
        raise MemoryError("PLANTED")

    monkeypatch.setattr(bactools.quantify, "predict", hungry)
    outcome = quantify("i", write_image(tmp_path / "a.dcm"), predictor)
    assert outcome.code == "out_of_memory"
    assert "PLANTED" not in repr(outcome)


def test_a_network_that_gives_nan_is_a_failure(tmp_path, predictor, monkeypatch) -> None:
    monkeypatch.setattr(
        bactools.quantify, "predict", lambda image, *_, **__: np.full(image.shape, np.nan, dtype=np.float32)
    )
    assert quantify("i", write_image(tmp_path / "a.dcm"), predictor).status == "failed"
