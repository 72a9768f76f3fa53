"""Questions in SQL: query."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bactools.cli.common import FOLDER, plain, stop


@click.command()
@click.argument("study", type=FOLDER)
@click.argument("sql", required=False)
@click.option("--csv", "csv_file", metavar="FILE", help="Write the answer as CSV; - for stdout.")
@click.option("--save", metavar="NAME", help="Save the women and exams as a cohort of this name.")
@click.option("--columns", "show_columns", is_flag=True, help="Say what can be asked for.")
@click.option("--cohorts", "show_cohorts", is_flag=True, help="List the saved cohorts.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=1_000_000, show_default=True, help="Rows at most."
)
def query(
    study: Path,
    sql: str | None,
    csv_file: str | None,
    save: str | None,
    show_columns: bool,
    show_cohorts: bool,
    limit: int,
) -> None:
    """Ask STUDY in SQL: one SELECT on the views images, exams and subjects; - reads it from stdin."""
    from bactools.cube import write_table
    from bactools.query import Limits, ask
    from bactools.study import open_study

    if sum([sql is not None, show_columns, show_cohorts]) != 1:
        raise click.UsageError("give a query, or --columns, or --cohorts")
    if save is not None and sql is None:
        raise click.UsageError("--save needs a query")
    try:
        opened = open_study(study)
        if sql == "-":
            sql = sys.stdin.read()
        if save is not None and sql is not None:
            cohort = opened.cohort(sql, name=save)
            click.echo(cohort.cite, err=csv_file == "-")
            if csv_file is not None:
                write_table(cohort.members, csv_file, form="csv")
            return
        if sql is not None:
            answer = ask(study, sql, limits=Limits(rows=limit))
            table = answer.table
            if answer.capped or csv_file is None:
                click.echo(answer.words, err=True)
            if opened.note:
                click.echo(opened.note, err=True)
        else:
            table = opened.columns if show_columns else opened.cohorts
        if csv_file is not None:
            write_table(table, csv_file, form="csv")
        elif len(table.columns):
            click.echo(table.to_string(index=False, max_rows=60, na_rep="", max_colwidth=100))
    except (ValueError, OSError) as error:
        stop(plain(error))
