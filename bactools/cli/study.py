"""What a study holds: cube, overlay, evaluate."""

from __future__ import annotations

from pathlib import Path

import click

from bactools.cli.common import FILE, FOLDER, NEW, plain, stop


@click.command()
@click.argument("study", type=FOLDER)
@click.option("--csv", "csv_file", metavar="FILE", help="Write the long table as CSV; - for stdout.")
@click.option("--parquet", "parquet_file", metavar="FILE", help="Write it as Parquet; - for stdout.")
def cube(study: Path, csv_file: str | None, parquet_file: str | None) -> None:
    """Print STUDY's cube, or write its long table, one row per image."""
    import xarray as xr

    from bactools.cube import open_cube, to_table, write_table

    try:
        stored = open_cube(study, axis="exam")
        if csv_file is not None:
            write_table(to_table(stored), csv_file, form="csv")
        if parquet_file is not None:
            write_table(to_table(stored), parquet_file, form="parquet")
        if csv_file is None and parquet_file is None:
            with xr.set_options(display_max_rows=200):
                click.echo(stored)
    except (ValueError, OSError) as error:
        stop(plain(error))


@click.command()
@click.argument("study", type=FOLDER)
@click.option("--out", required=True, type=NEW, metavar="FOLDER", help="Where the pictures go.")
@click.option("--linkage", type=FILE, help="Linkage file  [default: STUDY.linkage.csv]")
def overlay(study: Path, out: Path, linkage: Path | None) -> None:
    """Draw each image of STUDY with its mask in green, as the paper's Figure 6."""
    from bactools.overlay import draw_study
    from bactools.study import open_study

    try:
        count = draw_study(open_study(study), out, linkage=linkage)
    except (ValueError, OSError) as error:
        stop(plain(error))
    click.echo(f"{count} pictures written")


@click.command()
@click.argument("study", type=FOLDER)
@click.option("--truth", required=True, type=FOLDER, metavar="DIR", help="Folder with truth/images.csv.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--csv", "csv_file", type=NEW, metavar="FILE", help="Write a table, one row per image.")
@click.option("--network", metavar="NAME", help="Keep the table in STUDY for the dashboard, by this name.")
@click.option("--key", type=NEW, help="Key file of the study's pseudonyms.")
def evaluate(
    study: Path, truth: Path, as_json: bool, csv_file: Path | None, network: str | None, key: Path | None
) -> None:
    """Say how well STUDY's masks agree with drawn ones."""
    from bactools.cube import write_table
    from bactools.evaluation import evaluate as compare
    from bactools.study.networks import keep_scores

    try:
        found = compare(study, truth, key=key)
        if csv_file is not None:
            write_table(found.images, csv_file, form="csv")
        if network is not None:
            keep_scores(study, network, found.images)
    except (ValueError, OSError) as error:
        stop(plain(error))
    click.echo(found.to_json() if as_json else found)
