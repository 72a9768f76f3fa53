"""Agreement with truth or a second measurement: the paper's grid, and the limits in words."""

from __future__ import annotations

import pandas as pd

from bactools.figures.agreement import bland_altman
from bactools.figures.figure5 import METRICS, grid
from bactools.report.material import METRIC, Material
from bactools.report.parts import Section


def agreement(material: Material) -> Section:
    """Return regression and Bland–Altman of every metric, then of the first in full."""
    section = Section("Agreement")
    if not material.compared:
        section.missing(
            "There is nothing to compare with: no second study was given, and this one holds no truth. Give"
            " as --truth the study of a reader's masks, or of another method, or the table that"
            " bactools evaluate --csv writes."
        )
        return section
    other = "the truth that the study holds"
    if material.other is not None:
        other = f"study {material.other.name}"
    elif material.drawn is not None:
        other = "the masks that were drawn on the images, measured by the same recipe"
    section.words(
        f"Every image is compared with the same image (subject, view, date) of {other}. Images that only one"
        " of the two has are left out."
    )
    shown = [metric for metric in METRICS if metric in material.compared]
    section.part(
        "All metrics",
        lambda: section.table(_summary(material), "R² and limits of agreement, 95 % intervals in brackets"),
    )
    if shown:
        section.part("Metric by metric", lambda: _grid(section, material, shown))
    first = METRIC if METRIC in material.compared else next(iter(material.compared))
    section.part(f"Bland–Altman of {first}", lambda: section.result(material.agreements[first], bland_altman))
    section.part(f"Regression of {first}", lambda: section.result(material.regressions[first]))
    for metric in (name for name in shown if name != first):
        section.part(f"In words: {metric}", lambda metric=metric: _words(section, material, metric))  # type: ignore[misc]
    return section


def _grid(section: Section, material: Material, shown: list[str]) -> None:
    drawn = grid(material.regressions, material.agreements, metrics=shown)
    section.figure(drawn, _missing_metrics(shown))


def _summary(material: Material) -> pd.DataFrame:
    """Return R², bias and limits of every metric, one row each."""
    rows = []
    for metric, found in material.agreements.items():
        line = material.regressions[metric]
        terms = {"R²": line.r2, "bias": found.bias, "lower limit": found.lower, "upper limit": found.upper}
        told = {name: estimate.words() for name, estimate in terms.items()}
        rows.append({"metric": metric, "unit": found.units if found.units != "1" else "", **told})
    return pd.DataFrame(rows)


def _words(section: Section, material: Material, metric: str) -> None:
    section.words(material.regressions[metric].interpret())
    section.words(material.agreements[metric].interpret())


def _missing_metrics(shown: list[str]) -> str:
    absent = [metric for metric in METRICS if metric not in shown]
    told = "Above: each metric against the other measurement, with line and R². Below: their differences."
    return told + (f" No counterpart is known of {', '.join(absent)}." if absent else "")
