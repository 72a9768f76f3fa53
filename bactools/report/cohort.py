"""The cohort: who is in it, who is not and why, and how much calcification there is."""

from __future__ import annotations

from bactools.figures.cohort import burden_distribution, flow_diagram, missingness_map
from bactools.report.material import METRIC, Material
from bactools.report.parts import Section, counted
from bactools.stats.burden import Burden
from bactools.stats.cohort.burden_by import burden_by


def cohort(material: Material) -> Section:
    """Return flow, Table 1, burden by age and group, and missing views."""
    section, cube = Section("Cohort"), material.cube
    n_women = int((cube["status"] == 1).any(["view", "exam"]).sum())
    n_exams = int((cube["status"] == 1).any("view").sum())
    section.blocks.append(
        '<ul class="cards">'
        + "".join(
            "<li><b>{}</b><span>{}</span></li>".format(*told.split(" ", 1))
            for told in (
                counted(n_women, "woman", "women"),
                counted(n_exams, "exam"),
                counted(int((cube["status"] == 1).sum()), "image measured", "images measured"),
                counted(int((cube["status"] == 2).sum()), "image that failed", "images that failed"),
            )
        )
        + "</ul>"
    )
    section.part("Flow of inclusion and exclusion", lambda: _flow(section, material))
    section.part("Table 1", lambda: _table1(section, material))
    burden: Burden = cube.bac.burden(METRIC)
    for by in ("age", material.group):
        if by:
            section.part(f"Burden at first exam, by {by}", lambda by=by: _by(section, burden, by))  # type: ignore[misc]
    section.part("Missing views", lambda: section.result(cube.bac.missingness(), missingness_map))
    return section


def _flow(section: Section, material: Material) -> None:
    found = material.source.flow.of_part(material.cube)
    # its words already hold every number
    section.result(found, flow_diagram, numbers=False)


def _by(section: Section, burden: Burden, by: str) -> None:
    if not burden.estimable:
        section.missing(burden.interpret())
    elif by not in burden.table or burden.table[by].isna().all():
        section.missing(f"No exam with a burden states {by}.")
    else:
        section.result(burden_by(burden, by), burden_distribution)


def _table1(section: Section, material: Material) -> None:
    group = material.group or None
    found = material.cube.bac.table1(group=group, p_values=group is not None)
    if group is None:
        section.words("No covariate of women to split by was found or asked for: all women in one column.")
    section.result(found)
