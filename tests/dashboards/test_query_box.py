"""The box for SQL: ask, read what was wrong, take it as the cohort, send the link to somebody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

import panel as pn
import panel_material_ui as pmui
import pytest

from bactools.explore import Cohort, Source, question
from bactools.query import Limits
from bactools.study import Study
from bactools.testing import simulate_study
from dashboards.cohort_bar import CohortBar
from dashboards.query_box import QueryBox
from dashboards.state import State
from tests.dashboards.conftest import HOSTILE, Looker, Server

OLDER = "SELECT subject\nFROM subjects\nWHERE age >= 60"
ATTACKS = (
    "SELECT * FROM read_text('/etc/passwd')", "COPY subjects TO 'x.csv'", "ATTACH 'x.db'",
    "INSTALL httpfs", "SELECT 1; SELECT 2", "SELECT getenv('HOME')",
)  # fmt: skip


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study with a saved cohort."""
    made = simulate_study(tmp_path_factory.mktemp("chosen") / "study-q", 40, seed=9)
    made.cohort("SELECT subject FROM subjects WHERE ckd", name="with-ckd")
    return made


@pytest.fixture(scope="module")
def asking(chosen: Study, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server([chosen.folder], tmp_path_factory.mktemp("log") / "server.log")
    yield running
    running.stop()


def women(state: State) -> set[str]:
    return set(state.cube("status")["subject"].values)


def said(box: QueryBox) -> str:
    return " ".join(
        str(part.object) for kind in (pn.pane.HTML, pmui.Alert) for part in box._told.select(kind)
    )


def ask(box: QueryBox, sql: str) -> str:
    """Ask as a visitor does, and return what is said."""
    box._text.value = sql
    box._ask.clicks += 1
    return said(box)


def test_what_is_asked_is_taken_as_the_cohort_and_dropped_again(chosen: Study) -> None:
    state = State([Source(chosen.folder)])
    bar = CohortBar(state)
    bar.view()
    box = bar._box
    box.open()
    told = ask(box, OLDER)
    older = set(chosen.sql(OLDER)["subject"])
    assert f"{len(older)} women with" in told
    assert state.cohort == Cohort()
    assert not box._take.disabled
    box._take.clicks += 1
    assert women(state) == older
    assert 0 < len(older) < 40
    assert not box.dialog.open
    assert f"{len(older)} of 40 women" in bar._told.object
    assert "WHERE age &gt;= 60" in bar._told.object
    drop = next(each for each in bar._place.select(pmui.Button) if each.label == "Drop the query")
    assert drop.visible
    drop.clicks += 1
    assert state.cohort == Cohort()
    assert not drop.visible


def test_saved_cohorts_are_listed_and_chosen(chosen: Study) -> None:
    state = State([Source(chosen.folder)])
    bar = CohortBar(state)
    bar.view()
    field = next(each for each in bar._place.select(pmui.Select) if each.label == "Saved cohort")
    saved = chosen.cohort(name="with-ckd")
    assert list(field.options) == ["None", f"with-ckd@1: {saved.n_subjects} women"]
    field.value = "with-ckd@1"
    assert women(state) == set(saved.members["subject"])
    assert state.write()["cohort"] == "with-ckd@1"
    assert "Cohort with-ckd, version 1" in bar._told.object
    state.cohort = Cohort()
    assert field.value == ""


def test_rates_by_group_are_a_table_and_no_cohort(chosen: Study) -> None:
    box = QueryBox(State([Source(chosen.folder)]))
    box.open()
    sql = str(box._examples[1][1].object)
    told = ask(box, "SELECT ckd, avg(tam_100_per_year) AS rate FROM subjects GROUP BY ckd")
    assert "2 rows" in told
    assert box._take.disabled
    shown = box._told.select(pn.widgets.Tabulator)[0].value
    assert list(shown.columns) == ["ckd", "rate"]
    assert "GROUP BY race" in sql
    for button in box._examples.select(pmui.Button):
        button.clicks += 1
        assert "row" in ask(box, box._text.value)
    listed = box._columns.select(pn.widgets.Tabulator)[0].value
    assert set(listed["view"]) == {"images", "exams", "subjects"}


@pytest.mark.parametrize(
    "sql", ["", "SELECT aeg FROM subjects", f"SELECT '{HOSTILE}' FROM nowhere", *ATTACKS]
)
def test_what_cannot_be_asked_is_said_in_words(chosen: Study, sql: str) -> None:
    state = State([Source(chosen.folder)])
    box = QueryBox(state)
    told = ask(box, sql)
    assert box._told.select(pmui.Alert)[0].severity == "error"
    assert box._take.disabled
    assert "<img" not in told
    assert "root:" not in told
    assert "Traceback" not in told
    assert str(chosen.folder) not in told
    assert "aeg" not in sql or "line 1, column 8" in told
    assert len(women(state)) == 40


def test_a_link_with_a_bad_query_leaves_the_cohort_as_it_was(chosen: Study) -> None:
    state = State([Source(chosen.folder)])
    state.read({"sql": "SELECT subject FROM subjects WHERE aeg > 60", "r.age": "60~"})
    assert state.cohort == Cohort()
    assert "line 1, column 36" in state.problem
    assert "Did you mean age?" in state.problem
    state.problem = ""
    state.read({"sql": OLDER})
    older = women(state)
    state.read({"sql": "SELECT subject FROM nowhere"})
    assert "there is no view" in state.problem
    assert state.cohort == Cohort(sql=OLDER)
    assert women(state) == older
    state.read({"cohort": "nobody"})
    assert "no cohort 'nobody'" in state.problem


def test_a_cohort_that_a_new_version_cannot_answer_lets_everyone_in(
    chosen: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = State([Source(chosen.folder)])
    state.read({"sql": OLDER})
    assert state.problem == ""
    monkeypatch.setattr(question, "_MEMBERS", Limits(rows=3))
    monkeypatch.setattr(state.source, "_reading", type(state.source._reading)(chosen, "another"))
    monkeypatch.setattr(state.source, "_stamp", lambda: "another")
    state.param.trigger("cohort")
    assert state.cohort == Cohort()
    assert "more exams than can be taken" in state.problem


def fill(looker: Looker, sql: str) -> Any:
    """Open the box, write a query and ask it."""
    page = looker.page
    if not page.get_by_role("dialog").count():
        page.get_by_role("button", name="Ask in SQL").click()
    page.get_by_label("Query").fill(sql)
    page.get_by_role("button", name="Ask", exact=True).click()
    return page.get_by_role("dialog")


def test_a_colleague_sees_the_same_women_and_words(
    asking: Server, looker: Looker, chosen: Study, chromium: Any
) -> None:
    older = chosen.sql(OLDER)["subject"].nunique()
    looker.open(asking.url)
    box = fill(looker, OLDER)
    box.get_by_text(f"{older} women with").wait_for(timeout=20_000)
    box.get_by_role("button", name="Take as the cohort").click()
    count, words = f"{older} of 40 women", "chosen by the query SELECT subject FROM subjects WHERE age >= 60"
    looker.page.get_by_text(count).wait_for(timeout=20_000)
    looker.page.get_by_text(words).first.wait_for(timeout=10_000)
    looker.page.wait_for_function("location.search.includes('sql=')", timeout=10_000)
    link = looker.page.url
    assert dict(parse_qsl(link.partition("?")[2]))["sql"] == OLDER
    context = chromium.new_context()
    other = Looker(context.new_page())
    other.open(link)
    other.page.get_by_text(count).wait_for(timeout=20_000)
    other.page.get_by_text(words).first.wait_for(timeout=10_000)
    assert other.page.url == link
    assert other.wrong == looker.wrong == []
    context.close()


def test_hostile_questions_are_words_on_the_page(asking: Server, looker: Looker, chosen: Study) -> None:
    looker.open(asking.url)
    box = fill(looker, "SELECT * FROM read_text('/etc/passwd')")
    box.get_by_text("cannot be read from").wait_for(timeout=20_000)
    box = fill(looker, f"SELECT '{HOSTILE}' AS \"{HOSTILE}\", subject FROM subjects")
    box.get_by_text("40 women with").wait_for(timeout=20_000)
    box.get_by_text(HOSTILE).first.wait_for(timeout=20_000)
    fill(looker, "COPY subjects TO 'x.csv'").get_by_text("not allowed").wait_for(timeout=20_000)
    assert "root:" not in box.inner_text()
    looker.page.keyboard.press("Escape")
    box.wait_for(state="detached", timeout=10_000)
    assert not looker.page.evaluate("[...document.querySelectorAll('img')].some(e => e.onerror)")
    assert looker.wrong == []


def test_a_stranger_s_bad_link_is_said_with_the_place(asking: Server, looker: Looker) -> None:
    bad = f"SELECT subject FROM subjects WHERE aeg > 60 AND race <> '{HOSTILE}'"
    looker.open(f"{asking.url}/?{urlencode({'sql': bad, 'page': 'cohort'})}")
    words = looker.page.get_by_text("The query was not answered, so the cohort is everyone")
    words.wait_for(timeout=20_000)
    assert "line 1, column 36" in words.inner_text()
    assert "Did you mean age?" in words.inner_text()
    looker.page.get_by_text("40 of 40 women").wait_for(timeout=20_000)
    looker.page.wait_for_function("!location.search.includes('sql=')", timeout=10_000)
    assert "Traceback" not in asking.log
    assert looker.wrong == []
