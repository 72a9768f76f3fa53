"""The project's notebooks in JupyterLab: lab."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import click

from bactools.cli.common import NEW, plain, stop

_PLACES = (
    Path(__file__).parents[2] / "notebooks",
    Path(sysconfig.get_path("data")) / "share" / "bactools" / "notebooks",
)
"""Where the notebooks are: in a checkout, and where they are installed."""
_QUIET = (
    # a hospital's machine asks nothing of the internet
    "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    "--LabApp.news_url=",
    "--LabApp.extension_manager=readonly",
)


@click.command()
@click.argument("folder", type=NEW, default=Path("bactools-notebooks"), metavar="[FOLDER]")
@click.option("--port", default=8888, show_default=True, type=click.IntRange(1, 65535), help="Port, if free.")
@click.option("--no-browser", is_flag=True, help="Open no browser; the address is printed.")
def lab(folder: Path, port: int, no_browser: bool) -> None:
    """Copy the notebooks into FOLDER (default: bactools-notebooks) and open them in JupyterLab.

    What is already there is kept as it is.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        stop(ValueError("JupyterLab is not installed: pip install 'bactools[lab]'"))
    try:
        copied, kept = copy_notebooks(folder)
    except (ValueError, OSError) as error:
        stop(plain(error))
    click.echo(f"{copied} files copied into {folder}" + (f"; {kept} were there and are kept" if kept else ""))
    command = [sys.executable, "-m", "jupyterlab", *_QUIET, f"--ServerApp.port={port}"]
    try:
        code = subprocess.call([*command, *(["--no-browser"] if no_browser else [])], cwd=folder)  # noqa: S603
    except KeyboardInterrupt:
        code = 0
    sys.exit(code)


def copy_notebooks(folder: Path) -> tuple[int, int]:
    """Copy the notebooks and what lies beside them; no file is written over.

    Parameters
    ----------
    folder : Path
        Where to.

    Returns
    -------
    tuple of int
        How many files were copied, and how many were there already.

    Raises
    ------
    ValueError
        If the notebooks are not installed, or `folder` is a file.
    """
    source = next((place for place in _PLACES if place.is_dir()), None)
    if source is None:
        raise ValueError("the notebooks are not installed with this copy of bactools")
    if folder.exists() and not folder.is_dir():
        raise ValueError("FOLDER is a file")
    copied = kept = 0
    for path in sorted(source.rglob("*")):
        inner = path.relative_to(source)
        if not path.is_file() or any(part.startswith((".", "__")) for part in inner.parts):
            continue
        target = folder / inner
        if target.exists() or target.is_symlink():
            kept += 1
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        copied += 1
    folder.mkdir(parents=True, exist_ok=True)
    return copied, kept
