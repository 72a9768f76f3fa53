"""The findings as one file: report."""

from __future__ import annotations

from pathlib import Path

import click

from bactools.cli.common import FILE, FOLDER, NEW, plain, stop


@click.command()
@click.argument("study", type=FOLDER)
@click.option("-o", "--out", required=True, type=NEW, metavar="FILE", help="The HTML file to write.")
@click.option(
    "--truth",
    type=click.Path(exists=True, path_type=Path),
    metavar="STUDY2|CSV",
    help="A second study of the same images, or the table of bactools evaluate --csv.",
)
@click.option(
    "--reference", type=FILE, metavar="CSV", help="Breast-CT readings, one row per woman or breast."
)
@click.option(
    "--group", metavar="NAME", help="Covariate to split by; '' for none  [default: ckd, if there is one]"
)
@click.option(
    "--cohort",
    metavar="TEXT",
    help="Whom to report: a link of the dashboard, what follows its question mark, or a saved cohort.",
)
@click.option("--pdf", type=NEW, metavar="FILE", help="Also print it, with a Chrome or Chromium.")
def report(
    study: Path,
    out: Path,
    truth: Path | None,
    reference: Path | None,
    group: str | None,
    cohort: str | None,
    pdf: Path | None,
) -> None:
    """Write STUDY's findings as one HTML file that needs no network connection.

    All of it is held in memory: for a million exams that is 6 GB, and takes some minutes. Figures of many
    points draw some at random, numbers are of all; thresholds are searched in some 2,000 images.
    """
    from bactools.report import write_report
    from bactools.stats.reference_measures.table import read_reference

    try:
        readings = None if reference is None else read_reference(reference)
        written = write_report(
            study, out, truth=truth, reference=readings, group=group, cohort=cohort, pdf=pdf
        )  # fmt: skip
        size = written.stat().st_size / 1e6
    except (ValueError, OSError) as error:
        stop(plain(error))
    click.echo(f"report written, {size:.1f} MB" + (", and printed" if pdf is not None else ""))
