"""From a folder to a study: index and run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bactools.cli.common import FILE, FOLDER, NEW, plain, stop
from bactools.recipe import PRESETS


def _index_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which files count and whose they are."""
    for option in reversed(
        (
            click.option("--key", type=NEW, help="Key file of the pseudonyms; made when missing."),
            click.option("--subjects-csv", type=FILE, help="CSV: subject and one of file, patient_id."),
            click.option("--files-csv", type=FILE, help="CSV: file, subject, view, date."),
            click.option("--name-pattern", help="Regular expression of picture names, with named groups."),
            click.option(
                "--shift-dates",
                type=click.IntRange(0, 3650),
                default=0,
                metavar="DAYS",
                help="Shift each subject's dates by up to so many days; intervals are kept.",
            ),
            click.option("--keep-for-processing", is_flag=True, help="Keep raw images without a twin."),
            click.option("--keep-synthesized", is_flag=True, help="Keep synthesized 2D images."),
        )
    ):
        command = option(command)
    return command


def _index_arguments(options: dict[str, Any]) -> dict[str, Any]:
    """Translate command line options into those of `index_folder`."""
    arguments = {
        "key": options["key"],
        "subjects_csv": options["subjects_csv"],
        "files_csv": options["files_csv"],
        "shift_dates": options["shift_dates"],
        "for_processing": "keep" if options["keep_for_processing"] else "twin",
        "synthesized": "keep" if options["keep_synthesized"] else "exclude",
    }
    if options["name_pattern"]:
        arguments["name_pattern"] = options["name_pattern"]
    return arguments


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--csv", "csv_file", type=NEW, help="Write the table, one row per file, without paths.")
@_index_options
def index(folder: Path, csv_file: Path | None, **options: Any) -> None:
    """Show what is in FOLDER: what is eligible, what is not, and why."""
    from bactools.dicom import index_folder

    try:
        found = index_folder(folder, progress=True, **_index_arguments(options))
    except (ValueError, OSError) as error:
        stop(plain(error))
    click.echo(found.summary())
    if csv_file is not None:
        from bactools.cube import write_table

        write_table(found.table, str(csv_file), form="csv")


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--out", required=True, type=NEW, metavar="STUDY", help="Study folder, new or to go on with.")
@click.option("--recipe", type=click.Choice(list(PRESETS)), default="default", show_default=True)
@click.option("--weights", metavar="NAME|FILE", help="Weights other than the recipe's own.")
@click.option("--maps", type=click.Choice(["probability", "mask", "none"]), help="What to keep of each map.")
@click.option("--workers", type=click.IntRange(0), help="Worker processes; 0 measures in this one.")
@click.option("--scheduler", metavar="ADDRESS", help="A running dask scheduler.")
@click.option("--scheduler-file", type=FILE, help="Its file.")
@click.option("--linkage", type=NEW, help="Linkage file, outside STUDY  [default: STUDY.linkage.csv]")
@click.option("--retry-failed", is_flag=True, help="Try images again that failed before.")
@click.option("--strict", is_flag=True, help="Exit with 3 when any image failed.")
@_index_options
def run(folder: Path, out: Path, scheduler: str | None, scheduler_file: Path | None, **options: Any) -> None:
    """Segment and quantify FOLDER into a study; run again to go on where it stopped."""
    from bactools.cluster import CannotStart, Interrupted
    from bactools.cluster import run as run_folder

    strict = options.pop("strict")
    names = ("recipe", "weights", "maps", "workers", "linkage", "retry_failed")
    arguments = {name: options.pop(name) for name in names} | _index_arguments(options)
    try:
        with _client(scheduler, scheduler_file) as client:
            study = run_folder(folder, out, client=client, say=click.echo, **arguments)
    except Interrupted as error:
        stop(error, code=130 if error.by_user else 4)
    except (ValueError, OSError, CannotStart) as error:
        stop(plain(error))
    counts = study.counts
    click.echo(study.summary())
    click.echo(f"{counts['done']} done, {counts['excluded']} excluded, {counts['failed']} failed")
    if strict and counts["failed"]:
        sys.exit(3)


def _client(scheduler: str | None, scheduler_file: Path | None) -> Any:
    """Return a context manager that gives a client of the named scheduler, or None."""
    import contextlib

    if scheduler is None and scheduler_file is None:
        return contextlib.nullcontext(None)
    from bactools.cluster import remote_client

    return remote_client(scheduler, scheduler_file=scheduler_file)
