"""Published numbers computed again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from bactools.cli.common import FOLDER, NEW, stop


@click.command()
@click.option("--reference", type=FOLDER, help="A folder of further cases: expected/*.json and data/*.csv.")
@click.option("--csv", "table", type=NEW, help="Write every answer to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print every answer as JSON instead of the table.")
@click.option(
    "--coverage",
    type=click.IntRange(20),
    metavar="N",
    help="Instead, simulate N studies and count how often 95 % intervals hold the truth.",
)
def certify(reference: Path | None, table: Path | None, as_json: bool, coverage: int | None) -> None:
    """Check the statistics against published answers; ends with 1 if one disagrees.

    Without --reference: the cases that come with bactools and the packages it needs.
    """
    from bactools.certify import CaseError
    from bactools.certify import certify as certify_cases

    if coverage is not None:
        _coverage(coverage)
        return
    try:
        found = certify_cases(reference)
    except CaseError as error:
        stop(error)
    if table is not None:
        found.answers.to_csv(table, index=False)
    if as_json:
        click.echo(json.dumps(json.loads(found.answers.to_json(orient="records")), indent=2))
    else:
        click.echo(found.to_text())
    sys.exit(0 if found.passed else 1)


def _coverage(replicates: int) -> None:
    from bactools.certify.coverage import coverage, to_text

    click.echo(to_text(coverage(replicates)))
