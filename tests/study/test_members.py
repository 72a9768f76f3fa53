"""Which exams are named: by a rule that is slow and plain."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bactools.study.members import matched

numbers = st.lists(st.integers(-5, 30), max_size=40)


@given(every=numbers, asked=numbers)
def test_matching_is_membership(every: list[int], asked: list[int]) -> None:
    chosen, there_is = matched(np.array(every, dtype=np.int64), np.array(asked, dtype=np.int64))
    assert chosen.tolist() == [each in asked for each in every]
    assert there_is.tolist() == [each in every for each in asked]
