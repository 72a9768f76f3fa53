"""Grades: none, mild, moderate, severe."""

from __future__ import annotations

from bactools.figures.grades import grade_shares
from bactools.report.material import Material
from bactools.report.parts import Section


def grades(material: Material) -> Section:
    """Return how many exams have which grade."""
    section = Section("Grades")
    if "am_mm2" not in material.cube:
        section.missing(
            "Grades are of the calcified area in mm², which this study does not hold: its images do not"
            " state the size of a pixel."
        )
        return section
    section.part("Calcified area by grade", lambda: section.result(material.cube.bac.grades(), grade_shares))
    return section
