"""Lines between two methods that both have error: Deming, Passing–Bablok and Theil–Sen."""

from __future__ import annotations

from bactools.stats.deming import deming
from bactools.stats.method_comparison_result import MethodComparison
from bactools.stats.passing_bablok import passing_bablok, theil_sen

__all__ = ["MethodComparison", "deming", "passing_bablok", "theil_sen"]
