"""Training: train and finetune."""

from __future__ import annotations

from typing import Any

import click

from bactools.cli.common import FILE, FOLDER, NEW, plain, stop


@click.command()
@click.argument("config", type=FILE)
@click.option("--minutes", type=click.FloatRange(0), help="Stop after so long; run again to go on.")
@click.option("--fresh", is_flag=True, help="Begin anew.")
def train(**options: Any) -> None:
    """Train a network as CONFIG (TOML) says; run again to go on where it stopped."""
    _train("train_file", options)


@click.command()
@click.argument("weights")
@click.argument("data", type=FOLDER)
@click.option("--out", required=True, type=NEW, metavar="DIR", help="Folder of the result.")
@click.option("--epochs", type=click.IntRange(1), help="[default: 10]")
@click.option("--learning-rate", type=click.FloatRange(0), help="[default: 1e-4]")
@click.option("--minutes", type=click.FloatRange(0), help="Stop after so long; run again to go on.")
def finetune(**options: Any) -> None:
    """Train WEIGHTS further on the annotated images in DATA."""
    _train("finetune_folder", options)


def _train(name: str, options: dict[str, Any]) -> None:
    from bactools.figures.training import write_curve
    from bactools.training import command

    try:
        trained = getattr(command, name)(**options, say=click.echo)
        write_curve(trained.table, trained.folder / "curve.html")
    except (ValueError, OSError) as error:
        stop(plain(error))
    click.echo(trained.summary())
