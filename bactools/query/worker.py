"""The process a query runs in: no files, no settings, little memory; killed when it takes too long.

It is started as a file of its own, with nothing in its environment, and imports nothing of bactools. A
request is one line of JSON on standard input; the answer one line of JSON, then an Arrow stream.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from threading import Timer
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa

SETTINGS = {
    "enable_external_access": "false",
    "temp_directory": "",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "python_enable_replacements": "false",
    "python_scan_all_frames": "false",
    "errors_as_json": "true",
}
TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest"})
"""All that may stand in FROM beside the views and the query's own WITH."""

_REFUSED = frozenset(
    {"current_setting", "getenv", "getvariable", "write_log", "which_secret", "query", "query_table"}
    | {"nextval", "currval", "in_search_path", "current_query", "parse_duckdb_log_message"}
)
_REFUSED_BEGINNINGS = ("duckdb_", "pragma_", "pg_", "read_", "write_", "txid_", "enable_", "disable_")
_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_UNKNOWN_COLUMN = re.compile(r'does not have a column named "(.+?)"')
_BATCH = 20_000
_EXPLAIN = "EXPLAIN "


class Refused(Exception):
    """A query that is not run; with the place and the word that it is about."""

    def __init__(self, message: str, at: int | None = None, name: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.place = at
        self.name = name
        self.kind = kind


def connect(tables: Mapping[str, pa.Table], *, memory_mb: int, threads: int) -> duckdb.DuckDBPyConnection:
    """Return a connection in memory that sees these tables and nothing else."""
    limits = {"memory_limit": f"{memory_mb}MB", "threads": str(threads)}
    connection = duckdb.connect(":memory:", config={**SETTINGS, **limits})
    for name, table in tables.items():
        connection.register(name, table)
    connection.execute("SET disabled_filesystems = 'LocalFileSystem'")
    connection.execute("SET lock_configuration = true")
    return connection


def check(connection: duckdb.DuckDBPyConnection, sql: str, views: frozenset[str]) -> None:
    """Refuse all but one SELECT on the views.

    Raises
    ------
    Refused
    """
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        what = f"there are {len(statements)} statements" if statements else "there is nothing"
        raise Refused(f"{what} to run: give one SELECT")
    if statements[0].type != duckdb.StatementType.SELECT:
        kind = statements[0].type.name
        more = "; write a pivot as sums with FILTER (WHERE …)" if kind == "MULTI" else ""
        raise Refused(f"{kind} is not allowed here: give one SELECT{more}")
    found = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()
    parsed = json.loads(found[0][0])
    if parsed.get("error"):
        raise Refused("only a SELECT can be asked")
    nodes = list(_nodes(parsed))
    own = {str(entry["key"]).lower() for node in nodes for entry in _entries(node)}
    for node in nodes:
        _look_at(node, views, own)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _entries(node: dict[str, Any]) -> list[dict[str, Any]]:
    held = node.get("cte_map")
    return list(held.get("map", [])) if isinstance(held, dict) else []


def _look_at(node: dict[str, Any], views: frozenset[str], own: set[str]) -> None:
    kind = str(node.get("type"))
    at = node.get("query_location")
    at = at if isinstance(at, int) and at < 1 << 62 else None
    if kind.endswith("_NODE") and kind not in _NODES:
        raise Refused("only a SELECT can be asked", at)
    if kind == "BASE_TABLE":
        name = str(node.get("table_name", ""))
        outside = node.get("schema_name") or node.get("catalog_name")
        if outside or name.lower() not in views | own:
            raise Refused(f"there is no view {name[:60]!r}", at, name, "view")
    elif kind == "TABLE_FUNCTION":
        function = node.get("function", {})
        name = str(function.get("function_name", "")).lower()
        if name not in TABLE_FUNCTIONS:
            raise Refused(f"{name[:60]}(…) cannot be read from", at, name, "source")
    elif kind == "SHOW_REF" and not node.get("query"):
        raise Refused("only DESCRIBE of a view or query can be shown", at)
    elif node.get("class") == "FUNCTION" or "function_name" in node:
        name = str(node.get("function_name", "")).lower()
        if name in _REFUSED or name.startswith(_REFUSED_BEGINNINGS):
            raise Refused(f"the function {name[:60]} is not allowed here", at, name, "function")


def answer(tables: Mapping[str, pa.Table], request: Mapping[str, Any]) -> tuple[dict[str, Any], pa.Table]:
    """Run a query; return what is said of it, and its rows.

    Parameters
    ----------
    tables : mapping of str to Table
    request : mapping
        ``sql``; ``only``, columns that alone are wanted; and the limits ``rows``, ``bytes``, ``seconds``,
        ``memory_mb``, ``threads``.
    """
    started = time.perf_counter()
    connection = connect(tables, memory_mb=request["memory_mb"], threads=request["threads"])
    timer = Timer(request["seconds"], connection.interrupt)
    timer.daemon = True
    timer.start()
    shift = 0
    try:
        check(connection, request["sql"], frozenset(tables))
        shift = len(_EXPLAIN)
        connection.execute(_EXPLAIN + request["sql"]).fetchall()
        shift = 0
        rows, capped = _fetched(connection, request)
    except Refused as refused:
        said = {"message": str(refused), "at": refused.place, "name": refused.name, "kind": refused.kind}
        return {"error": said}, pa.table({})
    except duckdb.InterruptException:
        return {"error": {"message": "", "kind": "time"}}, pa.table({})
    except (duckdb.OutOfMemoryException, MemoryError):
        return {"error": {"message": "", "kind": "memory"}}, pa.table({})
    except duckdb.Error as error:
        return {"error": _told(str(error), shift)}, pa.table({})
    finally:
        timer.cancel()
        connection.close()
    return {"capped": capped, "seconds": time.perf_counter() - started}, rows


def _fetched(connection: duckdb.DuckDBPyConnection, request: Mapping[str, Any]) -> tuple[pa.Table, bool]:
    """Return the rows up to the limits, and whether there are more."""
    relation = connection.sql(request["sql"])
    if request["only"]:
        kept = [name for name in relation.columns if name.lower() in request["only"]]
        names = ", ".join('"' + name.replace('"', '""') + '"' for name in kept)
        relation = relation.project(names).distinct() if kept else relation.limit(0)
    reader = relation.to_arrow_reader(min(_BATCH, request["rows"] + 1))
    batches, n, size, capped = [], 0, 0, False
    schema = reader.schema
    try:
        for batch in reader:
            capped = n + batch.num_rows > request["rows"] or size > request["bytes"]
            if size <= request["bytes"]:
                batches.append(batch)
            n, size = n + batch.num_rows, size + batch.nbytes
            if capped:
                break
    finally:
        reader.close()
    table = pa.Table.from_batches(batches, schema)
    return _plain(table.slice(0, request["rows"])), capped


def _plain(table: pa.Table) -> pa.Table:
    """Return sums of counts, which DuckDB gives as decimals, as numbers."""
    for at, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(pa.float64(), safe=False))
    return table


def _told(text: str, shift: int) -> dict[str, Any]:
    """Return the engine's own words in parts: message, place, name, kind."""
    start = text.find("{")
    held: dict[str, Any] = {}
    with suppress(ValueError):
        held = json.loads(text[start:]) if start >= 0 else {}
    message = str(held.get("exception_message", text.partition(": ")[2] or text))
    place = held.get("position")
    at = int(place) - shift if place is not None and int(place) >= shift else None
    kind = {"COLUMN_NOT_FOUND": "column", "MISSING_ENTRY": "function"}.get(held.get("error_subtype", ""), "")
    name = str(held.get("name", ""))
    unknown = _UNKNOWN_COLUMN.search(message)
    if unknown:
        kind, name = "column", unknown[1]
    said = {"message": message.splitlines()[0] if message else "", "at": at, "kind": kind, "name": name}
    return {**said, "candidates": str(held.get("candidates", ""))}


def limit_memory(extra_mb: int) -> None:
    """Let this process have no more memory of its own than this; where the system has no such limit, none."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (extra_mb << 20, extra_mb << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more."""
    for line in iter(requests.readline, b""):
        request = json.loads(line)
        tables = {}
        for name, path in request["files"].items():
            with pa.memory_map(path) as file:
                tables[name] = pa.ipc.open_file(file).read_all()
        said, rows = answer(tables, request)
        answers.write(json.dumps(said).encode() + b"\n")
        if "error" not in said:
            with pa.ipc.new_stream(answers, rows.schema) as writer:
                writer.write_table(rows)
        answers.flush()


if __name__ == "__main__":
    limit_memory(int(sys.argv[1]))
    serve(sys.stdin.buffer, sys.stdout.buffer)
