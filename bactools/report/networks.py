"""Networks: scores against drawn masks of every network that was evaluated on the study's images."""

from __future__ import annotations

from bactools.explore.models import SCORES, Evaluations
from bactools.figures.comparison import scores_and_differences
from bactools.figures.networks import parameter_bubbles
from bactools.report.material import Material
from bactools.report.parts import Section
from bactools.stats.comparison.methods import compare

_SCORE = "dice"


def networks(material: Material) -> Section:
    """Return scores, which is better, and size against accuracy, as the dashboard shows them at first."""
    section = Section("Networks")
    everything = material.source.evaluations
    for problem in everything.problems:
        section.missing(problem)
    if not everything.networks:
        section.missing(
            "No network was evaluated against drawn masks in this study: bactools evaluate STUDY --truth DIR"
            " --network NAME keeps scores in its folder."
        )
        return section
    found = everything.within(material.cube)
    if not found.networks:
        section.missing("None of the evaluated images is in the cohort of this report.")
        return section
    section.part("Scores of whole images, mean ± SD", lambda: _scores(section, found))
    if len(found.networks) > 1:
        section.part("Which is better", lambda: _tests(section, found))
    section.part("Size against accuracy", lambda: _sizes(section, material, found))
    return section


def _scores(section: Section, found: Evaluations) -> None:
    section.words(found.words)
    section.table(found.told(), "Scores of networks, mean ± SD")


def _tests(section: Section, found: Evaluations) -> None:
    wide, keys = found.side_by_side(_SCORE)
    tested = compare(
        wide, keys=keys, test="t", adjust="holm", reference=found.usual, name=SCORES[_SCORE], n_bootstrap=400
    )
    section.result(tested, scores_and_differences)


def _sizes(section: Section, material: Material, found: Evaluations) -> None:
    table = found.sizes(_SCORE)
    if not (table["parameters"] > 0).any():
        section.missing("How large these networks are is not known.")
        return
    drawn = parameter_bubbles(
        table, score=f"mean {SCORES[_SCORE]}", highlight=found.usual, note=material.source.note
    )
    section.figure(drawn, "")
