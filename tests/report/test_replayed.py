"""The paper's cohort B replayed, reported with drawn masks as truth and with readings of a breast CT."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import pandas as pd
import pytest

import bactools.accessor  # noqa: F401
from bactools import replay as replay_module
from bactools.cube import open_cube
from bactools.figures.figure5 import METRICS
from bactools.networks.weights import Weights
from bactools.phantom.plan import DESIGNS
from bactools.replay import replay
from bactools.report import html_report, write_report
from bactools.stats.result import StatsError
from bactools.testing import simulate_study


@pytest.fixture
def cohort(tmp_path: Path, toy_weights: Weights, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """What evaluating the replayed cohort found, one row per image; the study is ``B``."""
    monkeypatch.setattr(replay_module, "DESIGNS", {"B": DESIGNS["B"]})
    options = {"scale": 0.1, "weights": "toy", "workers": 0, "progress": False, "seed": 7}
    return dict(replay(tmp_path, women=3, **options))["B"].images  # type: ignore[arg-type]


def test_masks_and_breast_ct_stand_in_it(tmp_path: Path, cohort: pd.DataFrame) -> None:
    readings = _readings(tmp_path)
    cohort.to_csv(tmp_path / "masks.csv", index=False)
    written = write_report(
        tmp_path / "B", tmp_path / "r.html", truth=tmp_path / "masks.csv", reference=readings
    )
    assert written.stat().st_size < 15e6
    page = written.read_text(encoding="utf-8")
    assert _bare(page) == _bare(html_report(tmp_path / "B", truth=cohort, reference=readings))
    cube = open_cube(tmp_path / "B", axis="exam")
    rows = re.search(r"<caption>R² and limits.*?</table>", page)
    assert rows
    for metric in METRICS:
        found = cube.bac.regression(metric, against=cohort)
        assert found.n == 12
        assert f'<th scope="row">{metric}</th>' in rows[0]
        assert escape(found.r2.words()) in rows[0]
    assert "ct_mass_mg" in page
    assert "Against tam_100 of drawn masks" in page
    # neither folders nor identities
    assert str(tmp_path) not in page
    assert "PHANTOM-B" not in page


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: table.drop(columns="subject"), "no column 'subject'"),
        (lambda table: table[["subject", "view", "date"]], "no column 'tam_100_truth'"),
        (lambda table: table.assign(am_truth="=1+1"), "no number"),
        (lambda table: table.assign(date="May"), "date of the table of drawn masks"),
    ],
)
def test_a_wrong_table_says_what_is_wrong(tmp_path: Path, change: object, told: str) -> None:
    simulate_study(tmp_path / "s", 3)
    table = pd.DataFrame(
        {
            "subject": ["S00000"],
            "view": ["LCC"],
            "date": ["2012-05-01"],
            "status": ["done"],
            "am_truth": [1.0],
        }
    )
    change(table).to_csv(tmp_path / "t.csv", index=False)  # type: ignore[operator]
    with pytest.raises(StatsError, match=told):
        html_report(tmp_path / "s", truth=tmp_path / "t.csv")


def _readings(folder: Path) -> pd.DataFrame:
    """Return what the breast CT read, with pseudonyms for identities."""
    read = pd.read_csv(folder / "cohorts" / "B" / "truth" / "breasts.csv", dtype={"patient_id": str})
    names = pd.read_csv(folder / "B.linkage.csv", dtype=str)[["patient_id", "subject"]].drop_duplicates()
    return read.merge(names, on="patient_id")[["subject", "laterality", "date", "ct_mass_mg", "ct_voxels"]]


def _bare(page: str) -> str:
    return re.sub(r"<script.*?</script>", "", page, flags=re.S)
