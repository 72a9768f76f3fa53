"""Table 1: who the women are."""

from bactools.stats.cohort.description import Table1, table1

__all__ = ["Table1", "table1"]
