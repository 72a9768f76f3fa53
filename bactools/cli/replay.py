"""The paper's cohorts replayed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bactools.cli.common import NEW, plain, stop


@click.command()
@click.argument("out", type=NEW)
@click.option(
    "--scale", type=click.FloatRange(0.1, 1), default=0.25, show_default=True, help="Size of breasts."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same images.")
@click.option("--weights", metavar="NAME|FILE", help="By default phantom when registered, else the recipe's.")
@click.option("--women", type=click.IntRange(1), metavar="N", help="Only the first N women of each cohort.")
@click.option("--workers", type=click.IntRange(0), help="Worker processes; 0 does all in this one.")
def replay(out: Path, **options: Any) -> None:
    """Make synthetic cohorts A, B and C in OUT, measure them, and compare with the truth."""
    from bactools.cluster import CannotStart, Interrupted
    from bactools.replay import replay as replay_cohorts

    try:
        for name, found in replay_cohorts(out, say=click.echo, **options):
            click.echo(f"\nCohort {name}\n{found}\n")
    except Interrupted as error:
        stop(error, code=130 if error.by_user else 4)
    except (ValueError, OSError, CannotStart) as error:
        stop(plain(error))
