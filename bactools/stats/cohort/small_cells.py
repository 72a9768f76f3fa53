"""Small counts hidden, so that a table of a cohort does not tell of single women."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]


def small_cells(
    counts: NDArray[np.int64], *, below: int, margins: bool = True
) -> tuple[BoolArray, BoolArray]:
    """Say which counts to hide, so that none below a limit is seen or follows from the others.

    Parameters
    ----------
    counts : int array, shape (level, column)
        Women by level and column, such as groups and all together; what adds up to a known total is
        in one column, and rows add up as well.
    below : int
        Counts from 1 to `below` - 1 are hidden; zero is shown.
    margins : bool
        Whether columns add up to a total that is shown; if not, only rows do.

    Returns
    -------
    small, hidden : bool array, shape of `counts`
        What is below the limit, and all that is hidden: where one cell alone of a row or column was
        hidden, the next smallest is hidden as well.

    Notes
    -----
    This heuristic protects against subtraction within a row or a column; it does not audit several
    tables of one cohort against each other.

    References
    ----------
    Hundepool A, et al. Statistical disclosure control. Wiley 2012, chapter 4.
    """
    small: BoolArray = (counts > 0) & (counts < below)
    hidden = small.copy()
    changed = True
    while changed:
        changed = False
        views = [(hidden, counts), (hidden.T, counts.T)] if margins else [(hidden, counts)]
        for lines, values in views:
            for line, value in zip(lines, values, strict=True):
                if line.sum() == 1 and line.size > 1:
                    # the smallest that is left; zero last, for it gives little away and hides little
                    order = np.lexsort((value, value == 0, line))
                    line[order[0]] = changed = True
    return small, hidden
