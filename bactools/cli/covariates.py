"""What is known of the women beside their images: covariates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bactools.cli.common import FILE, FOLDER, NEW, plain, stop


@click.command()
@click.argument("study", type=FOLDER)
@click.argument("file", type=FILE)
@click.option("--subject-column", required=True, metavar="NAME", help="Column that says whose row it is.")
@click.option("--date-column", metavar="NAME", help="Column of days, if rows are about a day.")
@click.option(
    "--window", "window_days", type=click.IntRange(min=0), default=180, show_default=True, metavar="DAYS",
    help="How far from an exam a value may be.",
)  # fmt: skip
@click.option("--dictionary", type=FILE, help="REDCap's data dictionary, CSV.")
@click.option("--schema", type=FILE, help="What is known of the columns, TOML or CSV.")
@click.option("--only", metavar="NAMES", help="Columns to take in, with commas between.")
@click.option("--constant", metavar="NAMES", help="Columns that are the same at all exams, with commas.")
@click.option(
    "--ids", type=click.Choice(["pseudonym", "original"]), default="pseudonym", show_default=True,
    help="What the subject column holds: the study's pseudonyms, or the hospital's numbers.",
)  # fmt: skip
@click.option("--key", type=NEW, help="Key file of the study's pseudonyms.")
@click.option(
    "--issuer", default="", metavar="NAME", help="Issuer of the hospital's numbers, if headers say."
)
@click.option(
    "--dates",
    type=click.Choice(["original", "shifted"]),
    help="What the days are, if the study's are shifted.",
)
@click.option("--replace", is_flag=True, help="Replace covariates of the same names.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@click.option("--report", type=NEW, metavar="FILE", help="Write what was found as CSV.")
def covariates(
    study: Path, file: Path, key: Path | None, report: Path | None, only: str | None, constant: str | None,
    **options: Any,
) -> None:  # fmt: skip
    """Add what FILE (CSV, Parquet, REDCap) says of the women to STUDY.

    What is impossible becomes missing and is reported by row. Columns that identify women, free text and
    days are left out.
    """
    from bactools.cube import write_table
    from bactools.study import open_study

    try:
        opened = open_study(study)
        names = None
        if options["ids"] == "original" or options["dates"] == "original":
            from bactools.evaluation.match import study_names

            names = study_names(opened, key)
        found = opened.add_covariates(
            file, names=names, only=_listed(only), constant=_listed(constant), **options
        )
        if report is not None:
            write_table(found.to_frame(), str(report), form="csv")
    except (ValueError, OSError) as error:
        stop(plain(error))
    click.echo(found)


def _listed(told: str | None) -> list[str]:
    return [name.strip() for name in (told or "").split(",") if name.strip()]
