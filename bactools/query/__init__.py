"""Ad hoc questions in SQL: views of a study, and a safe way to ask them."""

from __future__ import annotations

from bactools.query.asking import FOR_STRANGERS, Answer, Limits, ask, close, columns
from bactools.query.errors import QueryError, nearest
from bactools.query.tables import Tables
from bactools.query.views import VIEWS, view

__all__ = [
    "FOR_STRANGERS",
    "VIEWS",
    "Answer",
    "Limits",
    "QueryError",
    "Tables",
    "ask",
    "close",
    "columns",
    "nearest",
    "view",
]
