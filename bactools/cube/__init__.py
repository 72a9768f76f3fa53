"""The cube: every measurement on (subject, view, date), and the ways in and out of it."""

from __future__ import annotations

from bactools.cube.assemble import PROVENANCE, assemble
from bactools.cube.literal import MEMORY_LIMIT, on_dates, on_exams
from bactools.cube.opening import open_cube
from bactools.cube.pairing import pair
from bactools.cube.store import fingerprint, open_stored, stamp, write_cube
from bactools.cube.table import csv_bytes, to_table, write_table

__all__ = [
    "MEMORY_LIMIT",
    "PROVENANCE",
    "assemble",
    "csv_bytes",
    "fingerprint",
    "on_dates",
    "on_exams",
    "open_cube",
    "open_stored",
    "pair",
    "stamp",
    "to_table",
    "write_cube",
    "write_table",
]
