"""Provenance, losses and drift, against counts made by another route."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.dicom.eligibility import REASONS
from bactools.explore.quality import drift, evenly, exclusions, failures, provenance
from bactools.testing import simulate_cube


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return simulate_cube(30)


def test_exclusions_count_every_file_once_and_say_what_to_do() -> None:
    index = pd.DataFrame(
        {"eligible": [True, False, False, False, False], "reason": ["", "spot", "spot", None, "<b>x</b>"]}
    )
    found = exclusions(index)
    assert found["files"].sum() == 4
    assert found.iloc[0].to_dict() == {"reason": "spot", "files": 2, "share": 0.4, "meaning": REASONS["spot"]}
    assert set(found["reason"]) == {"spot", "unknown", "<b>x</b>"}


def test_no_file_is_excluded_of_an_empty_index() -> None:
    assert exclusions(pd.DataFrame(columns=["image_id", "eligible"])).empty


def test_failures_leave_out_messages_which_may_name_files() -> None:
    images = pd.DataFrame(
        {"status": ["done", "failed"], "failure": ["", "decode"], "failure_message": ["", "/secret/a.dcm"]}
    )
    found = failures(images)
    assert found.to_dict("records") == [{"failure": "decode", "images": 1, "share": 0.5}]


def test_provenance_tells_known_parts_only() -> None:
    found = provenance({"weights": {"name": "w", "sha256": "a" * 64}, "source": "/secret", "recipe": None})
    assert found["name"].tolist() == ["name", "sha256"]
    assert not found.isin(["/secret"]).any().any()


def test_drift_counts_every_measured_image(cube: xr.Dataset) -> None:
    found = drift(cube, "tam_100")
    values = cube["tam_100"].transpose("subject", "view", "exam").values
    years = cube["date"].dt.year.broadcast_like(cube["tam_100"]).transpose("subject", "view", "exam").values
    assert found["images"].sum() == np.isfinite(values).sum()
    year = found["year"].iloc[0]
    assert found.loc[found["year"] == year, "images"].sum() == np.isfinite(values[years == year]).sum()
    assert np.allclose(found.groupby("year")["share"].sum(), 1)


def test_drift_finds_a_jump_of_one_vendor(cube: xr.Dataset) -> None:
    late = (cube["date"].dt.year >= 2015) & (cube["vendor"] == "GE")
    found = drift(cube.assign(breast_area=xr.where(late, 10.0, 20.0)), "tam_100")
    jumped = found["breast_area"] == 10
    assert jumped.any()
    assert (jumped == ((found["year"] >= 2015) & (found["vendor"] == "GE"))).all()


def test_drift_counts_images_that_were_scaled_by_their_own_content(cube: xr.Dataset) -> None:
    late = (cube["date"].dt.year >= 2015) & (cube["vendor"] == "GE")
    found = drift(cube.assign(scaling=xr.where(late, "robust", "window")), "tam_100")
    guessed = found["guessed"] == 1
    assert guessed.any()
    assert (guessed == ((found["year"] >= 2015) & (found["vendor"] == "GE"))).all()
    assert (found.loc[~guessed, "guessed"] == 0).all()
    assert "guessed" not in drift(cube.drop_vars("scaling", errors="ignore"), "tam_100")


def test_drift_without_vendor_and_without_images(cube: xr.Dataset) -> None:
    assert set(drift(cube.drop_vars("vendor"), "tam_100")["vendor"]) == {"unknown"}
    assert drift(cube.assign(status=cube["status"] * 0), "tam_100").empty


def test_evenly_keeps_first_and_last(cube: xr.Dataset) -> None:
    some = evenly(cube, 7)
    assert some.sizes["subject"] == 7
    assert some["subject"].values[[0, -1]].tolist() == cube["subject"].values[[0, -1]].tolist()
    assert evenly(cube, 100) is cube
