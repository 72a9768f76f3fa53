"""Women for training and women for validation: never an image, never a patch."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bactools.training.checks import ConfigError


def split_by_woman(
    table: pd.DataFrame, *, share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide patches so that no woman is on both sides.

    Women with calcium and women without are divided each by themselves, so that both sides have both.

    Parameters
    ----------
    table : pandas.DataFrame
        With ``subject`` and ``is_positive``, one row per patch.
    share : float
        Share of the women for validation; above 0, at least one with calcium.
    seed : int
        The same seed and women give the same division.

    Returns
    -------
    int64 arrays
        Rows for training and rows for validation.

    Raises
    ------
    ConfigError
        If there are too few women with calcium to divide.
    """
    positive = table.groupby("subject")["is_positive"].any().sort_index()
    random = np.random.default_rng([seed, 2])
    held: list[int] = []
    for group in (True, False):
        women = np.array(positive.index[positive == group])
        count = round(share * len(women))
        if group and share > 0:
            if len(women) < 2:
                raise ConfigError(
                    f"validation={share}: needs at least two women with calcium, there is {len(women)}; "
                    "add data or choose validation=0"
                )
            count = min(max(count, 1), len(women) - 1)
        held += random.permutation(women)[:count].tolist()
    validation = table["subject"].isin(held).to_numpy()
    return np.flatnonzero(~validation), np.flatnonzero(validation)
