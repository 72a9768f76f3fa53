"""Which intensity threshold and probability cut agree best with a reference, and how sure that is."""

from bactools.stats.thresholds.surface import Thresholds, thresholds

__all__ = ["Thresholds", "thresholds"]
