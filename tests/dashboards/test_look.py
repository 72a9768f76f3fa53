"""How tables read, what the cohort's fields show, and pages on a phone and in the dark."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import panel as pn
import panel_material_ui as pmui
import pytest

from bactools.explore import Cohort, Control, Source
from bactools.explore.readable import cell, readable
from dashboards import cohort_bar, parts
from dashboards.cohort_bar import CohortBar
from dashboards.state import State
from tests.dashboards.conftest import HOSTILE, Looker, Server


@pytest.mark.parametrize(
    ("value", "p", "told"),
    [
        (12.345678, False, "12.35"), (1234567.8, False, "1234568"), (0.0004321, False, "0.0004321"),
        (0.0004321, True, "<0.001"), (0.0, True, "<0.001"), (0.04567, True, "0.046"), (1.0, True, "1.000"),
        (float("inf"), False, "no upper end"), (float("-inf"), False, "no lower end"),
        (float("nan"), False, "–"), (float("nan"), True, "–"), (None, False, "–"), (pd.NaT, False, "–"),
        (pd.Timestamp("2012-03-04"), False, "2012-03-04"),
        (pd.Timestamp("2012-03-04 05:06"), False, "2012-03-04 05:06"),
        (True, False, "yes"), (np.bool_(False), False, "no"), (np.int64(123456), False, "123456"),
        ("<b>", False, "<b>"),
    ],
)  # fmt: skip
def test_a_cell_reads_as_a_person_would_write_it(value: object, p: bool, told: str) -> None:
    assert cell(value, p=p) == told


def test_only_p_values_read_as_p_values() -> None:
    frame = pd.DataFrame({name: [0.0002] for name in ("p", "p_value", "p adjusted", "slope", "prevalence")})
    shown = readable(frame).frame.iloc[0]
    assert list(shown) == ["<0.001", "<0.001", "<0.001", "0.0002", "0.0002"]


def test_a_long_table_still_sorts_as_numbers() -> None:
    frame = pd.DataFrame({"day": pd.date_range("2010-01-01", periods=300), "x": np.linspace(1, 99, 300)})
    shown = readable(frame.assign(n=range(300)))
    assert shown.frame["x"].dtype.kind == "f"
    assert (shown.days, shown.numbers) == (("day",), ("x", "n"))
    assert shown.decimals == {"x": 2, "n": 0}  # four digits of 50


def test_a_table_is_rounded_and_its_file_is_not() -> None:
    exact = 12.3456789012345
    shown = parts.table(pd.DataFrame({HOSTILE: [exact], "b": ["x"]}), name="made-up")
    table, downloads = shown
    assert list(table.value.iloc[0]) == ["12.35", "x"]
    heads = [str(head) for head in (*table.value.columns, *table.titles.values())]
    assert not any("<" in head for head in heads)
    assert repr(exact) in io.TextIOWrapper(downloads[0].callback(), encoding="utf-8").read()


def test_columns_whose_names_are_equal_as_text_are_shown_beside_each_other() -> None:
    shown = parts.table(pd.DataFrame({"a_b": [1], "a b": [2]}), name="made-up")
    assert list(shown[0].value.iloc[0]) == ["1", "2"]


@pytest.fixture
def state(study: Path) -> State:
    """A session of the simulated study."""
    return State([Source(study)])


def _field(bar: pn.Column, label: str) -> Any:
    found = [each for each in bar.select(pmui.widgets.base.MaterialWidget) if each.label == label]
    assert len(found) == 1, label
    return found[0]


def test_fields_show_a_cohort_that_was_set_elsewhere(state: State) -> None:
    bar = CohortBar(state).view()
    told = []
    state.param.watch(lambda event: told.append(event.new), "cohort")
    there = Cohort(
        ranges={"age": (50.0, None)}, choices={"vendor": ("GE",)}, dates=("2005-01-01", ""), views=("LCC",),
        at_least=2,
    )  # fmt: skip
    state.cohort = there
    assert _field(bar, "age [year]").value[0] == 50
    assert _field(bar, "vendor").value == ["GE"]
    assert f"{_field(bar, 'Exams since').value}" == "2005-01-01"
    assert _field(bar, "Exams until").value is None
    assert _field(bar, "Views").value == ["LCC"]
    assert _field(bar, "Exams at least").value == 2
    assert told == [there]  # showing it changes nothing
    state.cohort = Cohort()
    assert _field(bar, "vendor").value == []
    assert len(_field(bar, "Views").value) == 4


def test_everyone_takes_back_all_conditions(state: State) -> None:
    bar = CohortBar(state).view()
    everyone = _field(bar, "Everyone")
    assert everyone.disabled
    _field(bar, "vendor").value = ["GE"]
    assert state.cohort.choices == {"vendor": ("GE",)}
    assert not everyone.disabled
    everyone.clicks += 1
    assert state.cohort == Cohort()
    assert _field(bar, "vendor").value == []


def test_a_day_makes_a_condition(state: State) -> None:
    bar = CohortBar(state).view()
    _field(bar, "Exams until").value = pd.Timestamp("2008-06-30").date()
    assert state.cohort.dates == ("", "2008-06-30")


def test_many_covariates_are_brought_up_when_they_are_wanted(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [Control(f"covariate{at:02}", "choice", choices=("no", "yes")) for at in range(40)]
    monkeypatch.setattr(cohort_bar, "controls", lambda cube: many)
    # conditions on what the study lacks: only the fields are looked at
    monkeypatch.setattr(cohort_bar.background, "run", lambda *args, **options: None)
    bar = CohortBar(state).view()
    fields = bar.select(pmui.widgets.base.MaterialWidget)
    assert len(fields) < 20  # and not forty
    more = _field(bar, "More covariates (35)")
    more.value = ["covariate33"]
    _field(bar, "covariate33").value = ["yes"]
    assert state.cohort.choices == {"covariate33": ("yes",)}
    more.value = []
    assert state.cohort.choices == {}
    state.cohort = replace(state.cohort, choices={"covariate20": ("no",)})
    assert more.value == ["covariate20"]
    assert _field(bar, "covariate20").value == ["no"]


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Looker]]:
    """Open pages on screens of any kind."""
    opened = []

    def new(width: int, height: int, scheme: str = "light") -> Looker:
        opened.append(chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme))
        return Looker(opened[-1].new_page())

    yield new
    for each in opened:
        each.close()


def test_on_a_phone_nothing_is_wider_than_the_screen(server: Server, visit: Callable[..., Looker]) -> None:
    looker = visit(390, 844)
    for place in ("cohort&o.part=burden", "quality"):
        looker.open(f"{server.url}/?page={place}")
        page = looker.page
        page.wait_for_selector("header button[aria-expanded=false]")  # the side bar is shut
        main = page.locator(".main-content")
        assert main.evaluate("e => e.scrollWidth <= e.clientWidth")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Open drawer").click()
    page.get_by_role("button", name="Models", exact=True).click()
    page.wait_for_selector("h1:has-text('Models')")
    page.wait_for_selector("header button[aria-expanded=false]")
    assert not looker.wrong


def test_who_likes_it_dark_gets_it_dark_and_figures_too(server: Server, visit: Callable[..., Looker]) -> None:
    looker = visit(1400, 900, "dark")
    looker.open(f"{server.url}/?page=cohort&o.part=burden")
    page = looker.page
    page.wait_for_selector(".mui-dark")
    figure = page.locator(".js-plotly-plot .svg-container").first
    assert "invert(1)" in figure.evaluate("e => getComputedStyle(e).filter")
    page.get_by_role("button", name="Toggle theme").click()
    page.wait_for_selector(".mui-light")
    assert "invert(0)" in figure.evaluate("e => getComputedStyle(e).filter")
    looker.open(f"{server.url}/?page=quality")  # the choice is remembered
    page.wait_for_selector(".mui-light")
    assert not looker.wrong


def test_the_browser_s_back_button_goes_back(server: Server, looker: Looker) -> None:
    page = looker.page
    looker.open(f"{server.url}/?page=quality&c.vendor=GE")
    page.get_by_role("button", name="Models", exact=True).click()
    page.wait_for_selector("h1:has-text('Models')")
    page.wait_for_function("location.search.includes('page=models')")
    page.get_by_role("button", name="Everyone", exact=True).click()
    page.wait_for_function("!location.search.includes('vendor')")
    page.go_back()
    page.wait_for_selector("p:has-text('vendor GE')")
    page.go_back()
    page.wait_for_selector("h1:has-text('Quality')")
    assert "page=quality" in page.url
    page.go_forward()
    page.wait_for_selector("h1:has-text('Models')")
    assert not looker.wrong
