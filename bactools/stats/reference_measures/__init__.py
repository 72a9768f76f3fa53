"""Mammographic metrics against a reference measure: the paper"s comparison with breast CT."""

from bactools.stats.reference_measures.measures import (
    PUBLISHED,
    ReferenceMeasures,
    kind_of,
    reference_measures,
)

__all__ = ["PUBLISHED", "ReferenceMeasures", "kind_of", "reference_measures"]
