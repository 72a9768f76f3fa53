"""Statistics on measurements of arterial calcification: arrays or parts of a cube in, frozen results out."""

from bactools.stats.result import Estimate, Result, StatsError

__all__ = ["Estimate", "Result", "StatsError"]
