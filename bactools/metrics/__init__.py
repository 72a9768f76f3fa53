"""Metrics: what is measured on an image, each a small function in one registry.

A new metric is a function with ``@metric(units=...)`` in a file of its own, and its import here.
"""

from __future__ import annotations

# Importing a family registers its metrics; areas imports sums, so those come first.
from bactools.metrics import areas, sums
from bactools.metrics.evidence import Evidence, evidence
from bactools.metrics.histogram import above, joint_histogram
from bactools.metrics.registry import METRICS, MetricSpec, compute, metric, variables
from bactools.metrics.rethreshold import from_histogram
from bactools.metrics.segmentation import Scores, segmentation_scores
from bactools.metrics.sums import THRESHOLDS

__all__ = [
    "METRICS",
    "THRESHOLDS",
    "Evidence",
    "MetricSpec",
    "Scores",
    "above",
    "areas",
    "compute",
    "evidence",
    "from_histogram",
    "joint_histogram",
    "metric",
    "segmentation_scores",
    "sums",
    "variables",
]
