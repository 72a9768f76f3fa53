"""Association of burden with outcomes: logistic, Poisson and Cox regression, and Fine and Gray"s model."""

from bactools.stats.association.models import association_table, baseline, cox, fine_gray, logistic, poisson

__all__ = ["association_table", "baseline", "cox", "fine_gray", "logistic", "poisson"]
