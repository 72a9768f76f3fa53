"""Pictures fetched one by one while the page is there already, each shown when it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import panel as pn
from panel.io.state import set_curdoc

_hands = ThreadPoolExecutor(max_workers=2, thread_name_prefix="picture")

Job = tuple[Callable[[], Any], Callable[[Any], None]]
"""What fetches something, and what shows it: that is given None if fetching failed."""


def one_by_one(jobs: Iterable[Job], *, wanted: Callable[[], bool] = lambda: True) -> None:
    """Fetch and show things in their order, beside the server's event loop if a browser waits.

    Visitors take turns: between two jobs of one, those of others are done. Pages are not kept waiting,
    for these threads are not theirs.

    Parameters
    ----------
    jobs : iterable of (callable, callable)
        Fetching changes nothing that is shown; showing happens on the event loop, once the browser has
        read the page: what is sent before that is lost.
    wanted : callable
        Says whether the rest is still wanted; it is asked before each job and before it is shown.
    """
    waiting, document = iter(jobs), pn.state.curdoc
    if document is None or document.session_context is None:
        for fetch, show in waiting:
            show(fetch())
        return

    loop = document.session_context.server_context.application_context.io_loop

    def there() -> bool:
        context = document.session_context
        return context is not None and not context.destroyed and wanted()

    def shown(show: Callable[[Any], None], found: Any, error: Exception | None) -> None:
        if error is not None and pn.config.exception_handler is not None:
            pn.config.exception_handler(error)
        if there():
            show(found)

    def handed(*told: Any) -> None:
        if there():
            document.add_next_tick_callback(lambda: pn.state.onload(partial(shown, *told)))

    def step() -> None:
        job = next(waiting, None) if there() else None
        if job is None:
            return
        found, failed = None, None
        try:
            with set_curdoc(document):
                found = job[0]()
        except Exception as error:
            failed = error
        loop.add_callback(handed, job[1], found, failed)  # a document is not to be touched from here
        _hands.submit(step)

    _hands.submit(step)
