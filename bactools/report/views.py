"""Consistency of the views of an exam."""

from __future__ import annotations

from bactools.report.material import METRIC, Material
from bactools.report.parts import Section


def views(material: Material) -> Section:
    """Return CC against MLO, and left against right."""
    section = Section("View consistency")
    section.part(
        "CC and MLO, left and right",
        lambda: section.result(material.cube.bac.view_consistency(METRIC)),
    )
    return section
