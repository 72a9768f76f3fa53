"""Estimates and results say what they are, and what could not be estimated."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
import pytest

from bactools.stats.result import Estimate, Result, frame, number, p_words


@dataclass(frozen=True, eq=False, repr=False)
class _Found(Result):
    value: Estimate
    reason: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        return "Something <found>"

    def to_frame(self) -> pd.DataFrame:
        return frame({"value": self.value})

    def _words(self) -> str:
        return f"It is {self.value.words(units='mm2')}."


def test_an_estimate_in_words() -> None:
    assert Estimate(12.3456, 10, 15.04).words(units="mm2") == "12.35 mm2 (10 to 15.04)"
    assert Estimate(0.5).words() == "0.5"
    assert Estimate.missing("one woman").words() == "not estimable: one woman"
    assert float(Estimate(2.5)) == 2.5


def test_another_scale_takes_value_and_interval_along() -> None:
    logged = Estimate(0.0, -1.0, 1.0, se=0.5, p=0.2)
    ratio = logged.mapped(math.exp)
    assert (ratio.value, ratio.low, ratio.high) == (1.0, math.exp(-1), math.exp(1))
    assert math.isnan(ratio.se)
    assert ratio.p == 0.2
    assert Estimate.missing("why").mapped(math.exp).reason == "why"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1234567.0, "1234567"), (0.00012345, "0.0001234"), (-2.1176, "-2.118"), (99.996, "100"),
     (1e9, "1.000e+09"), (3e-7, "3.000e-07"), (math.nan, "")],
)  # fmt: skip
def test_numbers_keep_four_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_p_values_in_words() -> None:
    assert p_words(0.0301) == "p = 0.03"
    assert p_words(1e-9) == "p < 0.001"
    assert p_words(math.nan) == "p not available"


def test_a_result_shows_table_words_and_note_and_runs_nothing() -> None:
    found = _Found(Estimate(1.5, 1, 2), note="phantom <weights>")
    assert found.interpret() == "It is 1.5 mm2 (1 to 2). Note: phantom <weights>."
    shown = found._repr_html_()
    assert "Something &lt;found&gt;" in shown
    assert "phantom &lt;weights&gt;" in shown
    assert "<td>1.5</td>" in shown
    assert "value" in repr(found)


def test_what_is_not_estimable_says_why_everywhere() -> None:
    found = _Found(Estimate.missing("all are zero"), reason="all are zero")
    assert not found.estimable
    assert found.interpret() == "Not estimable: all are zero."
    assert "not estimable: all are zero" in repr(found)
    assert "<table" not in found._repr_html_()
    assert frame({"value": found.value})["reason"].tolist() == ["all are zero"]
    assert "reason" not in frame({"value": Estimate(1.0)})
