"""The paper's five sums: PM, AM, SIM, TAM_X and TSIM_X.

References
----------
Guo X, et al. Med Phys 2021;48:5851-5861, equations 3 and 4.
"""

from __future__ import annotations

from bactools.metrics.evidence import Evidence
from bactools.metrics.registry import MetricFunction, metric
from bactools.metrics.rethreshold import from_histogram

THRESHOLDS = (50, 75, 100, 150, 200)
"""The paper's intensity thresholds X [8-bit grey level]."""


@metric(units="1")
def pm(evidence: Evidence) -> float:
    """Sum of the calcification probabilities of all pixels."""
    return evidence.probability_sum


@metric(units="1")
def am(evidence: Evidence) -> float:
    """Count of the pixels called calcified."""
    return float(from_histogram(evidence.histogram, name="am", cut=evidence.cut))


@metric(units="1")
def sim(evidence: Evidence) -> float:
    """Sum of the grey levels of the pixels called calcified."""
    return float(from_histogram(evidence.histogram, name="sim", cut=evidence.cut))


def thresholded_area(evidence: Evidence, x: float) -> float:
    """Return TAM_X [pixel]."""
    counts, cut, comparison = evidence.histogram, evidence.cut, evidence.comparison
    return float(from_histogram(counts, name="tam", cut=cut, x=x, comparison=comparison))


def thresholded_intensity(evidence: Evidence, x: float) -> float:
    """Return TSIM_X [grey level]."""
    counts, cut, comparison = evidence.histogram, evidence.cut, evidence.comparison
    return float(from_histogram(counts, name="tsim", cut=cut, x=x, comparison=comparison))


def _tam(x: int) -> MetricFunction:
    def tam(evidence: Evidence) -> float:
        return thresholded_area(evidence, x)

    tam.__name__ = f"tam_{x}"
    tam.__doc__ = f"Count of the pixels called calcified whose grey level passes the threshold {x}."
    return tam


def _tsim(x: int) -> MetricFunction:
    def tsim(evidence: Evidence) -> float:
        return thresholded_intensity(evidence, x)

    tsim.__name__ = f"tsim_{x}"
    tsim.__doc__ = (
        f"Sum of the grey levels of the pixels called calcified whose grey level passes the threshold {x}."
    )
    return tsim


for _make in (_tam, _tsim):
    for _x in THRESHOLDS:
        metric(units="1")(_make(_x))
