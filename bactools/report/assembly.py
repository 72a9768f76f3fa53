"""The report put together: its sections in order, in one page that asks nothing of a network."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from bactools.explore import Cohort, Source, read_cohort
from bactools.figures.html import draw_script, plotly_script
from bactools.report import (
    agreement,
    breast_ct,
    citation,
    cohort,
    methods,
    networks,
    progression,
    quality,
    risk,
    thresholds,
    views,
)
from bactools.report.drawn import drawn_table, read_drawn
from bactools.report.material import Material
from bactools.report.parts import ReportError, Section, safe
from bactools.report.style import CSS, FIT

_SECTIONS = (
    methods.methods,
    cohort.cohort,
    agreement.agreement,
    breast_ct.breast_ct,
    progression.progression,
    risk.risk,
    thresholds.thresholds,
    views.views,
    networks.networks,
    quality.quality,
    citation.citation,
)

_LARGEST = 15 * 10**6
_RESEARCH = (
    "For research only. This is not a medical device: nothing in this report may guide the care of a patient."
)
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:;"
    " base-uri 'none'; form-action 'none'"
)
"""Nothing is fetched from anywhere, whatever the data say."""


def write_report(
    study: str | os.PathLike[str] | Source,
    path: str | os.PathLike[str],
    *,
    truth: str | os.PathLike[str] | Source | pd.DataFrame | None = None,
    reference: pd.DataFrame | None = None,
    group: str | None = None,
    cohort: Cohort | str | None = None,
    pdf: str | os.PathLike[str] | None = None,
) -> Path:
    """Write the findings of a study as one HTML file.

    Parameters
    ----------
    study : path or Source
        A study folder with a finished run; it is only read.
    path : path
        The HTML file; replaced only when the new one is complete.
    truth : path, Source or DataFrame, optional
        A second study of the same images, such as a reader's masks measured; or the table of an
        evaluation, as ``Evaluation.images`` is or as ``bactools evaluate --csv`` writes it.
    reference : DataFrame, optional
        Readings of a breast CT, see `bactools.stats.reference_measures.table.read_reference`.
    group : str, optional
        A covariate of women by which tables and rates are split; ``ckd`` by default if there is one, ``""``
        for none.
    cohort : Cohort or str, optional
        Who is reported; everyone by default. As text: a link of the dashboard, what follows its question
        mark, or the name of a saved cohort, see `bactools.explore.read_cohort`.
    pdf : path, optional
        Also print it to this file.

    Returns
    -------
    pathlib.Path
        The HTML file.

    Raises
    ------
    StudyError
        If a folder is no study, or has no finished run.
    StatsError
        If there is no such group or cohort, or the readings cannot be used; the message says why.
    ReportError
        If the page would be larger than 15 MB, or cannot be printed.
    """
    file = Path(path)
    page = html_report(study, truth=truth, reference=reference, group=group, cohort=cohort)
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    if pdf is not None:
        from bactools.report.printing import print_page

        print_page(file, Path(pdf))
    return file


def html_report(
    study: str | os.PathLike[str] | Source,
    *,
    truth: str | os.PathLike[str] | Source | pd.DataFrame | None = None,
    reference: pd.DataFrame | None = None,
    group: str | None = None,
    cohort: Cohort | str | None = None,
) -> str:
    """Return the page that `write_report` writes.

    Parameters
    ----------
    study, truth, reference, group, cohort
        See `write_report`.
    """
    source = study if isinstance(study, Source) else Source(study)
    other, drawn = _truth(truth)
    chosen = read_cohort(source, cohort) if isinstance(cohort, str) else cohort or Cohort()
    material = Material(source, other, drawn, reference, chosen, group)
    # what cannot be used at all stops here, what cannot be estimated is said in its place
    _ = material.group, material.reference_measures, other.cube if other is not None else None
    sections = [write(material) for write in _SECTIONS]
    page = _page(material, sections)
    if len(page.encode()) > _LARGEST:
        raise ReportError(f"the report would be larger than {_LARGEST // 10**6} MB: choose a smaller cohort")
    return page


def _truth(
    truth: str | os.PathLike[str] | Source | pd.DataFrame | None,
) -> tuple[Source | None, pd.DataFrame | None]:
    """Return the second study, or the table of drawn masks."""
    if truth is None or isinstance(truth, Source):
        return truth, None
    if isinstance(truth, pd.DataFrame):
        return None, drawn_table(truth)
    return (None, read_drawn(Path(truth))) if Path(truth).is_file() else (Source(truth), None)


def _page(material: Material, sections: list[Section]) -> str:
    title = f"Breast arterial calcification: {material.source.name}"
    contents = "".join(f'<li><a href="#{part.slug}">{safe(part.title)}</a></li>' for part in sections)
    notes = dict.fromkeys(
        source.note for source in (material.source, material.other) if source is not None and source.note
    )
    told = "".join(f"<p>Weights: {safe(note)}.</p>" for note in notes)
    made = f"{datetime.now(UTC):%Y-%m-%d} by bactools {version('bactools')}"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{safe(title)}</title>
<link rel="icon" href="data:,">
<style>{CSS}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the findings</a>
<header>
<p class="kicker">bactools report</p>
<h1>{safe(title)}</h1>
<p class="small">Made {safe(made)}. Cohort: {safe(material.cohort.words())}.</p>
<div class="banner" role="note" aria-label="Research use"><p><strong>{_RESEARCH}</strong></p>{told}</div>
<noscript><p class="missing">Figures need JavaScript; words and numbers are all here.</p></noscript>
<nav aria-label="Contents"><ol>{contents}</ol></nav>
</header>
<main id="content">
{"".join(part.html() for part in sections)}
</main>
<footer><p>{_RESEARCH}</p><p>Made {safe(made)}.</p></footer>
<script>{plotly_script()}</script>
<script>{draw_script()}</script>
<script>{FIT}</script>
</body>
</html>
"""
