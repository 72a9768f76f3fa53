"""Maps: what is kept is what was asked for, and damage is noticed."""

from __future__ import annotations

import numpy as np
import pytest

from bactools.study import StudyError
from bactools.study.maps import read_map, write_map

from .made import measure, write_image


@pytest.fixture(scope="module")
def studies(toy_home, tmp_path_factory):
    """The same image kept as probability, as mask and not at all."""
    folder = tmp_path_factory.mktemp("maps")
    write_image(folder / "in" / "a.dcm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(toy_home))
        return {
            maps: measure(folder / "in", folder / f"out-{maps}", maps=maps)
            for maps in ("probability", "mask", "none")
        }


def test_the_mask_is_the_probability_above_the_cut(studies) -> None:
    probability, mask = (studies[maps] for maps in ("probability", "mask"))
    (image_id,) = probability.images.image_id
    assert probability.map(image_id).dtype == np.float32
    assert mask.map(image_id).dtype == bool
    cut = np.float32(probability.recipe.cut)
    np.testing.assert_array_equal(mask.map(image_id).values, probability.map(image_id).values > cut)
    assert mask.map(image_id).values.sum() == mask.images.am[0] > 0


def test_small_probabilities_are_stored_as_zero(studies) -> None:
    study = studies["probability"]
    values = study.map(study.images.image_id[0]).values
    assert not ((values > 0) & (values < 1e-3)).any()
    assert ((values >= 1e-3) & (values < 0.5)).any()


def test_a_map_says_how_it_was_made(studies) -> None:
    study = studies["mask"]
    stored = study.map(study.images.image_id[0])
    assert stored.attrs["recipe"] == study.recipe.hash
    assert stored.attrs["weights"] == study.weights["sha256"]
    assert stored.attrs["spacing_mm"] == pytest.approx(0.07)
    assert stored.dims == ("y", "x")


def test_numbers_do_not_depend_on_which_map_is_kept(studies) -> None:
    cubes = [study.cube(axis="exam").load() for study in studies.values()]
    assert cubes[0].identical(cubes[1])
    assert cubes[0].identical(cubes[2])


def test_no_map_kept(studies) -> None:
    study = studies["none"]
    assert not (study.folder / "maps.zarr").exists()
    with pytest.raises(KeyError, match="no map"):
        study.map(study.images.image_id[0])


@pytest.mark.parametrize("dtype", [bool, np.float32])
@pytest.mark.parametrize("shape", [(1, 1), (7, 2050), (1500, 1030)])
def test_round_trip(tmp_path, dtype, shape) -> None:
    random = np.random.default_rng(0).random(shape)
    array = random > 0.5 if dtype is bool else random.astype(np.float32)
    write_map(tmp_path, "ab12", np.zeros((5, 5), dtype=bool), attrs={})
    write_map(tmp_path, "ab12", array, attrs={"recipe": "r"})  # replaces an earlier one
    stored = read_map(tmp_path, "ab12")
    np.testing.assert_array_equal(stored.values, array)
    assert stored.dtype == dtype
    assert stored.attrs["recipe"] == "r"


def _chunks(folder):
    return sorted(
        path for path in (folder / "ab12").rglob("*") if path.is_file() and path.name != "zarr.json"
    )


def test_a_missing_chunk_is_noticed(tmp_path) -> None:
    write_map(tmp_path, "ab12", np.eye(1500, dtype=np.float32), attrs={})
    _chunks(tmp_path)[0].unlink()
    with pytest.raises(ValueError, match="ab12 is damaged"):
        read_map(tmp_path, "ab12")


@pytest.mark.parametrize("metadata", [b"", b"{}", b'{"zarr_format": 3, "node_type": "array"}'])
def test_damaged_metadata_is_noticed(tmp_path, metadata: bytes) -> None:
    write_map(tmp_path, "ab12", np.eye(5, dtype=bool), attrs={})
    (tmp_path / "ab12" / "zarr.json").write_bytes(metadata)
    with pytest.raises(ValueError, match="ab12 is damaged"):
        read_map(tmp_path, "ab12")


@pytest.mark.parametrize("damage", ["flipped", "torn", "empty"])
def test_a_damaged_chunk_is_noticed(tmp_path, damage: str) -> None:
    array = np.random.default_rng(0).random((300, 300)).astype(np.float32)
    write_map(tmp_path, "ab12", array, attrs={})
    (chunk,) = _chunks(tmp_path)
    content = chunk.read_bytes()
    flipped = content[:500] + bytes([content[500] ^ 4]) + content[501:]
    chunk.write_bytes({"flipped": flipped, "torn": content[:-100], "empty": b""}[damage])
    with pytest.raises(ValueError, match="ab12 is damaged"):
        read_map(tmp_path, "ab12")


def test_reading_never_makes_a_map(tmp_path) -> None:
    with pytest.raises(KeyError):
        read_map(tmp_path / "maps.zarr", "ab12")
    assert not (tmp_path / "maps.zarr").exists()


def test_study_errors_are_value_errors() -> None:
    assert issubclass(StudyError, ValueError)
