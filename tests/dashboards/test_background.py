"""Pages are computed beside the event loop: nobody waits for another, and the last question is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from threading import Event
from types import SimpleNamespace
from typing import Any

import panel as pn
import pytest
from panel.io.state import set_curdoc

from dashboards import background


class Document:
    """As much of a session's document as the work asks for."""

    def __init__(self) -> None:
        self.session_context: Any = SimpleNamespace(destroyed=False)
        self.loop = asyncio.get_running_loop()

    def add_next_tick_callback(self, callback: Callable[[], None]) -> None:
        """Run it on the event loop."""
        self.loop.call_soon(callback)


def started(document: Document, *args: Any, **options: Any) -> None:
    with set_curdoc(document):  # type: ignore[arg-type]
        background.run(*args, **options)


async def until(is_so: Callable[[], object]) -> None:
    for _ in range(500):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to pass")


def served(story: Callable[[Document], Coroutine[Any, Any, None]]) -> None:
    async def told() -> None:
        await story(Document())

    asyncio.run(told())


def test_without_a_browser_it_is_done_at_once() -> None:
    found: list[int] = []
    background.run(lambda: 7, then=found.append)
    assert found == [7]


def test_the_loop_goes_on_while_work_is_done() -> None:
    async def story(document: Document) -> None:
        go = Event()
        found: list[bool] = []
        started(document, lambda: go.wait(10), then=found.append)
        await asyncio.sleep(0.05)
        assert not found  # we are here: the loop was not kept
        go.set()
        await until(lambda: found)
        assert found == [True]

    served(story)


def test_many_visitors_are_served_side_by_side() -> None:
    async def story(document: Document) -> None:
        both = [Event(), Event()]
        found: list[bool] = []

        def meet(mine: int) -> bool:
            both[mine].set()
            return both[1 - mine].wait(10)

        for mine in (0, 1):
            started(document, lambda mine=mine: meet(mine), then=found.append)
        await until(lambda: len(found) == 2)
        assert found == [True, True]

    served(story)


def test_what_is_outdated_is_done_again() -> None:
    async def story(document: Document) -> None:
        tries: list[int] = []
        found: list[int] = []

        def work() -> int:
            tries.append(1)
            if len(tries) < 3:
                raise background.Outdated
            return len(tries)

        started(document, work, then=found.append)
        await until(lambda: found)
        assert found == [3]

    served(story)


def test_what_nobody_wants_is_not_done() -> None:
    async def story(document: Document) -> None:
        done: list[int] = []
        document.session_context.destroyed = True
        started(document, lambda: done.append(1), then=done.append)
        other = Document()
        started(other, lambda: done.append(2), then=done.append, wanted=lambda: False)
        await asyncio.sleep(0.1)
        assert done == []

    served(story)


def test_an_error_is_told_and_the_page_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[BaseException] = []
    monkeypatch.setattr(pn.config, "exception_handler", told.append)

    async def story(document: Document) -> None:
        found: list[object] = []
        started(document, lambda: 1 // 0, then=found.append)
        await until(lambda: found)
        assert found == [None]
        assert [type(error) for error in told] == [ZeroDivisionError]

    served(story)
