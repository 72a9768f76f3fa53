"""The dashboard in a cell of a notebook."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from bactools.explore import Source
from bactools.study import Study
from dashboards import look

Shown = Study | str | os.PathLike[str]

_SIDE = 300


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
    from dashboards.app import build, extend

    # without inline=True the scripts come from the internet, and a cell without it stays blank in silence
    extend(inline=True)
    folders = [each.folder if isinstance(each, Study) else each for each in (study, *others)]
    page = build([Source(folder) for folder in folders])
    tall = {"height": f"{height}px", "overflow-y": "auto"}
    side = pn.Column(*page.sidebar, width=_SIDE, styles={**tall, "flex": "none"})
    main = pn.Column(
        *page.main, sizing_mode="stretch_width", styles={**tall, "min-width": "0", "padding-left": "12px"}
    )
    before = Before(font=_icons(), width=0, height=0, margin=0)
    return pn.Row(before, side, main, sizing_mode="stretch_width", height=height)


class Before(pn.custom.JSComponent):
    """What a served page has before anything is drawn, and a notebook lacks."""

    font = param.String(default="", doc="Of the icons, in base64.")

    _esm = f"""
export function render({{model}}) {{
  {look.OWN_COLOURS}
  if (model.font) {{
    const font = new FontFace("Material Icons", `url(data:font/woff2;base64,${{model.font}})`)
    font.load().then(loaded => document.fonts.add(loaded))
  }}
  return document.createElement("div")
}}
"""


def _icons() -> str:
    """Return the font of the icons, which inline scripts leave out."""
    held = sorted(Path(pmui.__file__).with_name("dist").glob("material-icons-*.woff2"))
    font = next((path for path in held if "outlined" not in path.name), None)
    if font is None:
        return ""
    return base64.b64encode(font.read_bytes()).decode()
