"""The table of an evaluation as what a report compares with: the metrics of drawn masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from bactools.metrics import METRICS
from bactools.stats.result import StatsError

_KEYS = ("subject", "view", "date")
_LARGEST = 500 * 2**20


def read_drawn(path: Path) -> pd.DataFrame:
    """Read the table that ``bactools evaluate --csv`` writes.

    Parameters
    ----------
    path : Path

    Returns
    -------
    DataFrame
        As `drawn_table` returns it.

    Raises
    ------
    StatsError
        If it cannot be read, or is no such table.
    """
    wanted = {*_KEYS, "status", *(f"{name}_truth" for name in METRICS)}
    try:
        if path.stat().st_size > _LARGEST:
            raise StatsError(f"the table of drawn masks is larger than {_LARGEST // 2**20} MB: is it one?")
        table = pd.read_csv(
            path, dtype=dict.fromkeys((*_KEYS, "status"), str), usecols=lambda name: name in wanted
        )
    except StatsError:
        raise
    except (ValueError, OSError) as error:
        raise StatsError(f"the table of drawn masks cannot be read ({type(error).__name__})") from None
    return drawn_table(table)


def drawn_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the images of an evaluation whose masks were measured.

    Parameters
    ----------
    table : DataFrame
        ``Evaluation.images``, or that as read from a file.

    Returns
    -------
    DataFrame
        Subject, view, date, and each metric of the drawn masks as ``am_truth`` and so on.

    Raises
    ------
    StatsError
        If columns are missing, or hold no numbers.
    """
    held = [name for name in (f"{metric}_truth" for metric in METRICS) if name in table]
    lacking = [name for name in _KEYS if name not in table]
    if lacking or not held:
        what = lacking[0] if lacking else "tam_100_truth"
        raise StatsError(
            f"the table of drawn masks has no column {what!r}: give the one that bactools evaluate --csv"
            " writes"
        )
    done = table[table["status"] == "done"] if "status" in table else table
    found = done[list(_KEYS)].reset_index(drop=True)
    for name in held:
        values = pd.to_numeric(done[name], errors="coerce").to_numpy(np.float64)
        if (np.isnan(values) & done[name].notna().to_numpy()).any() or np.isinf(values).any():
            raise StatsError(f"column {name!r} of the table of drawn masks holds something that is no number")
        found[name] = values
    days = pd.to_datetime(found["date"], errors="coerce", format="ISO8601").dt.normalize()
    if days.isna().any():
        raise StatsError("a date of the table of drawn masks cannot be read: write 2014-05-02")
    return found.assign(date=days)
