"""What to cite."""

from __future__ import annotations

from importlib.metadata import version

from bactools.report.material import Material
from bactools.report.parts import Section

PAPER = (
    "Guo X, O'Neill WC, Vey B, Yang TC, Kim TJ, Ghassemi M, Pan I, Gichoya JW, Trivedi H, Banerjee I."
    " SCU-Net: A deep learning method for segmentation and quantification of breast arterial calcifications"
    " on mammograms. Med Phys 2021;48(10):5851-5861. doi:10.1101/2021.07.30.21261406"
)
"""As in CITATION.cff."""


def citation(material: Material) -> Section:
    """Return paper and tool."""
    section = Section("Citation")
    section.words("Please cite the paper whose network and metrics this implements, and the tool:")
    section.items(
        [
            PAPER,
            f"The bactools developers. bactools, version {version('bactools')}. Apache-2.0.",
            f"Say which recipe ({material.recipe.name}, {material.recipe.hash}) and which weights"
            f" ({material.weights['name']}, SHA-256 {material.weights.get('sha256', 'unknown')}) were used.",
        ]
    )
    return section
