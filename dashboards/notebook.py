"""The dashboard in a cell of a notebook."""

from __future__ import annotations

import os
from typing import Any

import panel as pn

from bactools.explore import Source
from bactools.study import Study

Shown = Study | str | os.PathLike[str]


def show(study: Shown, *others: Shown, height: int = 900) -> Any:
    """Return the dashboard of studies, for the last line of a cell.

    Its scripts are put into the notebook, so that it needs no network; strip the outputs before the
    notebook is committed.

    Parameters
    ----------
    study, *others : Study or path
        What to show; further ones to compare with.
    height : int
        Of the cell [pixel].

    Returns
    -------
    panel.viewable.Viewable
        What JupyterLab draws.

    Raises
    ------
    StudyError
        If there is no such study.
    """
    from dashboards.app import build

    # without inline=True the scripts come from the internet, and a cell without it stays blank in silence
    pn.extension("plotly", "tabulator", notifications=True, inline=True)
    folders = [each.folder if isinstance(each, Study) else each for each in (study, *others)]
    page = build([Source(folder) for folder in folders])
    return pn.Column(*page.sidebar, *page.main, sizing_mode="stretch_width", height=height, scroll=True)
