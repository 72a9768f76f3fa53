"""Cases every installation can answer: published tables typed in, or shipped by our dependencies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from bactools.certify.case import Reference


class Builtin(Reference):
    """The cases that come with bactools and its dependencies."""

    def __init__(self) -> None:
        super().__init__(Path(__file__).parent / "builtin")

    def table(self, name: str) -> pd.DataFrame:
        """Return a table by name."""
        return _SHIPPED[name]() if name in _SHIPPED else super().table(name)


def _longley() -> pd.DataFrame:
    from statsmodels.datasets import longley

    columns = ["y", *(f"x{number}" for number in range(1, 7))]
    return pd.DataFrame(longley.load_pandas().data.to_numpy(), columns=columns)


def _bland1995() -> pd.DataFrame:
    from pingouin import read_dataset

    return pd.DataFrame(read_dataset("rm_corr").rename(columns={"PacO2": "PaCO2"}))


def _giavarina() -> pd.DataFrame:
    from pingouin import read_dataset

    return pd.DataFrame(read_dataset("blandaltman"))


_SHIPPED: dict[str, Callable[[], pd.DataFrame]] = {
    "nist_Longley": _longley,
    "bland1995": _bland1995,
    "giavarina_2015": _giavarina,
}
