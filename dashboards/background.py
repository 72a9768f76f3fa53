"""Work that would keep other visitors waiting, done beside the server's event loop."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import panel as pn
from panel.io.state import set_curdoc
from tornado.ioloop import IOLoop

_hands = ThreadPoolExecutor(max_workers=max(4, os.cpu_count() or 1), thread_name_prefix="page")

_AT_ONCE = 0.15
"""How long a page that is being opened waits for what may be known already [s]."""
_Told = tuple[Any, Exception | None]


class Outdated(Exception):
    """What was asked for changed while it was computed."""


def run(
    work: Callable[[], Any], *, then: Callable[[Any], None], wanted: Callable[[], bool] = lambda: True
) -> None:
    """Do work in a thread if a browser waits for it, else at once.

    Parameters
    ----------
    work : callable
        Makes things; it changes nothing that is shown already.
    then : callable
        Is given what came of it, or None if it failed, on the event loop, once the browser is there.
    wanted : callable
        Says whether the work is still wanted; it is asked before each attempt.
    """
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        then(work())
        return
    loop = IOLoop.current()

    def done() -> _Told | None:
        while wanted() and not _gone(document):
            try:
                with set_curdoc(document):
                    return work(), None
            except Outdated:
                continue
            except Exception as error:
                return None, error
        return None

    def tell(found: Any, error: Exception | None) -> None:
        handle = pn.config.exception_handler
        if error is not None and handle is not None:
            handle(error)
        then(found)

    def handed(future: Future[_Told | None]) -> None:
        told = future.result()
        # what is sent before the browser has read the page would be lost
        if told is not None and not _gone(document):
            document.add_next_tick_callback(lambda: pn.state.onload(partial(tell, *told)))

    future = _hands.submit(done)
    if not pn.state.loaded:
        # what is there at once goes out with the page
        wait([future], timeout=_AT_ONCE)
        if future.done():
            told = future.result()
            if told is not None:
                tell(*told)
            return
    future.add_done_callback(partial(loop.add_callback, handed))


def _gone(document: Any) -> bool:
    """Whether the visitor left."""
    return document.session_context is None or bool(document.session_context.destroyed)
