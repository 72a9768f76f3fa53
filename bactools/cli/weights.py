"""Trained weights: list, add, get."""

from __future__ import annotations

from pathlib import Path

import click

from bactools.cli.common import FILE, plain, stop


@click.group()
def weights() -> None:
    """List, add or download trained weights."""


@weights.command("list")
def weights_list() -> None:
    """List registered weights and whether they are on this machine."""
    from bactools.networks.weights import WeightsError, registry, resolve

    for spec in registry().values():
        try:
            resolve(spec.name)
            state = "here"
        except WeightsError:
            state = "not here"
        click.echo(f"{spec.name:18}{spec.output:13}{spec.sha256[:16]}  {state}")


@weights.command("add")
@click.argument("path", type=FILE)
@click.option("--name", help="Name for a file of your own.")
@click.option("--output", type=click.Choice(["probability", "logit"]), help="What its last layer gives.")
def weights_add(path: Path, name: str | None, output: str | None) -> None:
    """Register the checkpoint PATH and copy it into the cache."""
    from bactools.networks.checkpoint import add
    from bactools.networks.weights import WeightsError

    try:
        added = add(path, name=name, output=output)
    except (WeightsError, OSError) as error:
        stop(plain(error))
    click.echo(f"{added.spec.name} is here")


@weights.command("get")
@click.argument("name")
@click.option("--url", help="A mirror; the file is checked all the same.")
def weights_get(name: str, url: str | None) -> None:
    """Download the registered weights NAME, checked by sha256."""
    from bactools.networks.weights import WeightsError, get

    try:
        found = get(name, url=url)
    except (WeightsError, OSError) as error:
        stop(plain(error))
    click.echo(f"{found.spec.name} is here")
