"""The dashboard in a cell: everything it needs is in the notebook."""

from __future__ import annotations

from pathlib import Path

import panel as pn
import pytest

from bactools.testing import simulate_study
from dashboards.notebook import show

pytestmark = pytest.mark.filterwarnings(
    "ignore:The inplace keyword", "ignore:Both .variant. and:PendingDeprecationWarning"
)


def test_scripts_are_inline_and_the_page_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}
    monkeypatch.setattr(pn, "extension", lambda *names, **options: asked.update(options, names=names))
    study = simulate_study(tmp_path / "study", 6, n_exam=3)
    shown = show(study)
    assert asked["inline"] is True
    assert {"plotly", "tabulator"} <= set(asked["names"])
    words = " ".join(str(each.object) for each in shown.select(pn.pane.HTML))
    assert "Not a medical device" in words
    assert str(tmp_path) not in words
