"""Lines between two methods that both have error: Deming, Passing–Bablok and Theil–Sen."""

from __future__ import annotations

from bactools.stats.method_comparison.deming import deming
from bactools.stats.method_comparison.passing_bablok import passing_bablok, theil_sen
from bactools.stats.method_comparison.result import MethodComparison

__all__ = ["MethodComparison", "deming", "passing_bablok", "theil_sen"]
