"""Comparison of networks or readers on the same images."""

from bactools.stats.comparison.methods import Comparison, compare

__all__ = ["Comparison", "compare"]
