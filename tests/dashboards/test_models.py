"""The page of networks: tables, tests and sizes, or what they lack, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import panel as pn
import pytest

from bactools.explore import Cohort, Source
from bactools.testing import simulate_study
from dashboards.pages.models import ModelsPage
from dashboards.state import State
from tests.explore.test_models import put, scored

# bokeh's own, when a table is made
pytestmark = pytest.mark.filterwarnings(
    "ignore:The inplace keyword", "ignore:Both .variant. and:PendingDeprecationWarning"
)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return simulate_study(tmp_path / "study", 6, n_exam=3).folder


def page(study: Path, **options: Any) -> ModelsPage:
    made = ModelsPage(State([Source(study)]))
    made.prepare()
    made.param.update(**options)
    return made


def told(shown: list[Any]) -> str:
    """Return all words of viewables."""
    column = pn.Column(*shown)
    return " ".join(
        str(each.object) for each in column.select() if isinstance(getattr(each, "object", None), str)
    )


def drawn(shown: list[Any]) -> list[Any]:
    """Return the figures of viewables."""
    return [each.object for each in pn.Column(*shown).select(pn.pane.Plotly)]


def test_no_network_is_said_in_words(study: Path) -> None:
    shown = page(study).show()
    assert "No network was evaluated" in told(shown)
    assert not drawn(shown)


def test_one_network_has_scores_but_no_tests(study: Path) -> None:
    put(study, "scunet", scored(study))
    shown = page(study).show()
    assert "scunet is the only network" in told(shown)
    assert len(drawn(shown)) == 1


def test_networks_are_compared_and_drawn_by_size(study: Path) -> None:
    for at, name in enumerate(("scunet", "U-Net", "LinkNet")):
        put(study, name, scored(study, dice=0.5 + at / 10, seed=at).assign(parameters=10**5 * (at + 1)))
    made = page(study)
    shown = made.show()
    assert len(drawn(shown)) == 2
    against_ours = [each.value for each in pn.Column(*shown).select(pn.widgets.Tabulator)][1]
    assert len(against_ours) == 2
    assert list(made.param.reference.objects.values()) == ["", "LinkNet", "U-Net", "*"]
    made.reference = "*"
    shown = made.show()
    tables = [each.value for each in pn.Column(*shown).select(pn.widgets.Tabulator)]
    assert np.isin(["LinkNet", "U-Net", "scunet"], tables[0]["network"]).all()
    assert len(tables[1]) == 3


def test_sizes_that_nobody_knows_are_said_in_words(study: Path) -> None:
    put(study, "a", scored(study, seed=1))
    put(study, "b", scored(study, seed=2))
    assert "How large these networks are is not known" in told(page(study).show())


def test_a_cohort_without_evaluated_images_says_so(study: Path) -> None:
    put(study, "a", scored(study, n=4))
    made = page(study)
    last = str(made.state.source.cube["date"].max().values)[:10]
    made.state.cohort = Cohort(dates=(last, last))
    assert "evaluated images is in this cohort" in told(made.show())


def test_what_a_file_says_is_text_only(study: Path) -> None:
    put(study, "<img src=x onerror=alert(1)>", scored(study))
    shown = told(page(study).show())
    assert "&lt;img" in shown
    assert "<img" not in shown
    assert str(study) not in shown
