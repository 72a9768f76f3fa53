"""No woman on both sides."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bactools.training import ConfigError
from bactools.training.split import split_by_woman


def made(women: int, *, with_calcium: int) -> pd.DataFrame:
    subjects = np.repeat(np.arange(1, women + 1), 5)
    positive = (subjects <= with_calcium) & (np.tile(np.arange(5), women) == 0)
    return pd.DataFrame({"subject": subjects, "is_positive": positive})


@pytest.mark.parametrize("seed", range(8))
def test_no_woman_in_both_and_each_kind_in_each(seed: int) -> None:
    table = made(20, with_calcium=10).sample(frac=1, random_state=seed).reset_index(drop=True)
    training, validation = split_by_woman(table, share=0.2, seed=seed)
    assert sorted([*training, *validation]) == list(range(100))
    women = [set(table["subject"].iloc[rows]) for rows in (training, validation)]
    assert not women[0] & women[1]
    assert len(women[1]) == 4
    assert len({woman for woman in women[1] if woman <= 10}) == 2


def test_the_order_of_patches_does_not_matter_and_the_seed_does() -> None:
    table = made(20, with_calcium=20)
    held = [
        set(rows["subject"].iloc[split_by_woman(rows, share=0.2, seed=seed)[1]])
        for rows, seed in ((table, 0), (table[::-1], 0), (table, 1))
    ]
    assert held[0] == held[1] != held[2]


def test_few_women() -> None:
    assert len(split_by_woman(made(2, with_calcium=2), share=0.01, seed=0)[1]) == 5
    assert len(split_by_woman(made(1, with_calcium=1), share=0, seed=0)[1]) == 0
    with pytest.raises(ConfigError, match="at least two women with calcium, there is 1"):
        split_by_woman(made(5, with_calcium=1), share=0.5, seed=0)
