"""The findings as one file: report."""

from __future__ import annotations

from pathlib import Path

import click

from bactools.cli.common import FILE, FOLDER, NEW, plain, stop


@click.command()
@click.argument("study", type=FOLDER)
@click.option("-o", "--out", required=True, type=NEW, metavar="FILE", help="The HTML file to write.")
@click.option("--truth", type=FOLDER, metavar="STUDY2", help="A second study of the same images.")
@click.option(
    "--reference", type=FILE, metavar="CSV", help="Breast-CT readings, one row per woman or breast."
)
@click.option(
    "--group", metavar="NAME", help="Covariate to split by; '' for none  [default: ckd, if there is one]"
)
@click.option("--pdf", type=NEW, metavar="FILE", help="Also print it, with a Chrome or Chromium.")
def report(
    study: Path,
    out: Path,
    truth: Path | None,
    reference: Path | None,
    group: str | None,
    pdf: Path | None,
) -> None:
    """Write STUDY's findings as one HTML file that needs no network connection."""
    from bactools.report import write_report
    from bactools.stats.reference_measures.table import read_reference

    try:
        readings = None if reference is None else read_reference(reference)
        written = write_report(study, out, truth=truth, reference=readings, group=group, pdf=pdf)
        size = written.stat().st_size / 1e6
    except (ValueError, OSError) as error:
        stop(plain(error))
    click.echo(f"report written, {size:.1f} MB" + (", and printed" if pdf is not None else ""))
