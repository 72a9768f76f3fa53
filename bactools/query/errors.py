"""What is said when a query cannot be answered: what, where in the query, and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

_PATHS = re.compile(r"[^\s'\"(]*[/\\][^\s'\")]*")
_LONGEST_LINE = 160


class QueryError(ValueError):
    """A query that cannot be answered.

    Attributes
    ----------
    line, column : int
        Where in the query, from 1; 0 where no place can be told.
    suggestion : str
        The name that may have been meant; empty if none is near.
    """

    def __init__(self, message: str, *, line: int = 0, column: int = 0, suggestion: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.suggestion = suggestion


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is nearest to this one, or an empty text."""
    by_lower = {other.lower(): other for other in known}
    found = get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.5)
    return by_lower[found[0]] if found else ""


def refusal(
    said: Mapping[str, Any], sql: str, *, columns: Iterable[str], views: Iterable[str], seconds: float
) -> QueryError:
    """Return the error to raise for what the query's process said.

    Parameters
    ----------
    said : mapping
        ``message``, ``kind``, ``at`` (bytes from the query's beginning), ``name``.
    sql : str
    columns, views : iterable of str
        What there is.
    seconds : float
        The limit of time.
    """
    kind, name = str(said.get("kind", "")), str(said.get("name", ""))
    if kind == "time":
        return QueryError(f"the query took longer than {seconds:g} s and was stopped: ask for less at once")
    if kind == "memory":
        return QueryError("the query needs more memory than is allowed: ask for less at once")
    message, suggestion = str(said.get("message", "")), ""
    if kind == "column":
        message = f"there is no column {name[:60]!r}"
        suggestion = nearest(name.rpartition(".")[2], columns)
    elif kind == "view":
        suggestion = nearest(name, views)
        message += f": there are {', '.join(views)}"
    elif kind == "source":
        message += f": ask {', '.join(views)}"
    elif kind == "function":
        if said.get("candidates") is not None:
            message = f"there is no function {name[:60]}"
        suggestion = str(said.get("candidates", "")).partition(",")[0].strip('" ')
    message = _without_paths(message, sql)
    at = said.get("at")
    line, column, shown = _place(sql, at, name) if isinstance(at, int) else (0, 0, "")
    where = f" (line {line}, column {column})" if line else ""
    meant = f". Did you mean {suggestion}?" if suggestion else ""
    return QueryError(f"{message}{where}{meant}{shown}", line=line, column=column, suggestion=suggestion)


def _without_paths(message: str, sql: str) -> str:
    """Take out whatever looks like a path that the asker did not write."""
    return _PATHS.sub(lambda found: found[0] if found[0] in sql else "…", message)


def _place(sql: str, at: int, name: str) -> tuple[int, int, str]:
    """Return line and column, and the line with a mark under the place."""
    before = sql.encode()[:at].decode(errors="ignore")
    line, start = before.count("\n") + 1, before.rfind("\n") + 1
    column = len(before) - start + 1
    text = sql[start:].partition("\n")[0]
    first = max(0, column - 1 - _LONGEST_LINE // 2)
    shown = text[first : first + _LONGEST_LINE].replace("\t", " ")
    rest = text[column - 1 :]
    word = re.match(r"[\w.]+|\"[^\"]*\"", rest)
    width = len(word[0]) if word else 1
    width = len(name) if name and rest.startswith(name) else width
    return line, column, f"\n  {shown}\n  {' ' * (column - 1 - first)}{'^' * max(1, width)}"
