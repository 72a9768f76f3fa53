"""The phantom: made-up women whose mammograms are made, with all that is true of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bactools.cli.common import NEW, plain, stop


@click.group()
def phantom() -> None:
    """Make synthetic mammograms of which everything is known."""


@phantom.command()
@click.argument("name", type=click.Choice(["A", "B", "C"]))
@click.option("--out", required=True, type=NEW, metavar="DIR", help="Folder, new or to go on with.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same files.")
@click.option(
    "--scale", type=click.FloatRange(0.1, 1), default=1.0, show_default=True, help="Below 1: smaller breasts."
)
@click.option("--women", type=click.IntRange(1), metavar="N", help="Only the first N women.")
@click.option("--processes", type=click.IntRange(1), help="Worker processes  [default: one per core]")
@click.option(
    "--syntax", type=click.Choice(["jpeg_ls", "rle", "explicit"]), default="jpeg_ls", show_default=True
)
def cohort(name: str, out: Path, **options: Any) -> None:
    """Make cohort NAME, after those of the SCU-Net paper; run again to go on where it stopped.

    A: 216 women, 661 images. B: 10 women with a breast CT, 40 images. C: 26 women, 961 images over years.
    """
    from bactools.phantom.cohorts import make_cohort

    try:
        truth = make_cohort(name, out, progress=True, **options)
    except (ValueError, OSError) as error:
        stop(plain(error))
    images = truth.images
    with_calcium = int((images["calcium_pixels"] > 0).sum())
    click.echo(
        f"cohort {name}: {len(images)} images of {images['patient_id'].nunique()} women, "
        f"{with_calcium} images with calcium, {int((images['mask_pixels'] > 0).sum())} with a drawn mask"
    )
