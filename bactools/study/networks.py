"""Where scores of networks are kept in a study, and what a network may be called."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from bactools.cube import write_table

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ +-]{0,39}")
NAME_WORDS = "up to 40 letters, digits, spaces and . _ + -"
"""What it allows."""


def keep_scores(folder: Path, name: str, table: pd.DataFrame) -> None:
    """Put a network's scores into a study, where the dashboard finds them.

    Parameters
    ----------
    folder : Path
        The study folder.
    name : str
        What the network is called; a table of the same name is replaced.
    table : DataFrame
        `bactools.evaluation.Evaluation.images`.

    Raises
    ------
    ValueError
        If the name cannot be one.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"a network's name may have {NAME_WORDS}")
    place = folder / "evaluations"
    place.mkdir(exist_ok=True)
    write_table(table, place / f"{name}.csv", form="csv")
