"""What the commands share: kinds of arguments, and how an error ends one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW = click.Path(path_type=Path)


def stop(error: Exception, *, code: int = 1) -> NoReturn:
    """End with the error's own words."""
    click.echo(f"bactools: {error}", err=True)
    sys.exit(code)


def plain(error: Exception) -> Exception:
    """Return an error whose words are fit to print: the system's own may hold a path."""
    if isinstance(error, OSError) and not isinstance(error, ValueError):
        return OSError(f"{type(error).__name__}: {error.strerror or 'the system refused'}")
    return error
