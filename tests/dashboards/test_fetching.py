"""Without a browser nothing is put off: what is fetched is shown in its order."""

from __future__ import annotations

from functools import partial

from dashboards.fetching import one_by_one


def test_without_a_browser_each_is_shown_before_the_next_is_fetched() -> None:
    done: list[str] = []

    def fetch(name: str) -> str:
        done.append(f"fetch {name}")
        return name

    one_by_one([(partial(fetch, name), done.append) for name in ("first", "second")])
    assert done == ["fetch first", "first", "fetch second", "second"]
