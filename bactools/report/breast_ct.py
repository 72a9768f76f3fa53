"""Mammographic metrics beside readings of a breast CT, as in the paper's cohort B."""

from __future__ import annotations

from bactools.figures.reference_measures import reference_forest, reference_scatter
from bactools.report.material import Material
from bactools.report.parts import Section


def breast_ct(material: Material) -> Section:
    """Return R² of every metric with every reading."""
    section = Section("Breast CT")
    if material.reference is None:
        section.missing("No table of breast-CT readings was given: give one as --reference.")
        return section
    section.part("Metrics against readings", lambda: _both(section, material))
    return section


def _both(section: Section, material: Material) -> None:
    found = material.reference_measures
    if found is not None:
        section.words(found.joined.interpret())
        section.result(found, reference_forest, reference_scatter)
