"""Linear mixed models: what is alike within women, and how their lines differ."""

from bactools.stats.mixed.model import Errors, Mixed, mixed

__all__ = ["Errors", "Mixed", "mixed"]
