"""The dashboard in a cell of a notebook."""

from __future__ import annotations

import base64
import hashlib
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
_BUNDLE = Path(pmui.__file__).with_name("dist") / "panel-material-ui.bundle.js"
_OF_BUNDLE = hashlib.sha256(str(_BUNDLE).encode()).hexdigest()
_HELD = f"bactools-parts-{pmui.__version__}"
_TAKEN = f"""
const held = window["{_HELD}"] ??= Promise.withResolvers()
export default (await held.promise).default
"""
_ICONS: dict[str, Any] = {
    "fontFamily": '"Material Icons"', "fontFeatureSettings": '"liga"', "fontWeight": 400, "lineHeight": 1,
    "letterSpacing": "normal", "textTransform": "none", "whiteSpace": "nowrap",
}  # fmt: skip
_OWN: dict[str, Any] = {
    # a served page has this in a file of styles, which inline scripts leave out
    "components": {"MuiIcon": {"styleOverrides": {"root": _ICONS}}},
    "typography": {"fontFamily": "var(--jp-ui-font-family, Roboto, Helvetica, Arial, sans-serif)"},
}
_PAPER = {"light": "#ffffff", "dark": "#111111"}


def _theme(way: str) -> dict[str, Any]:
    """Return the look of a served page on a notebook's paper."""
    theme, paper = look.THEME[way], {"default": _PAPER[way], "paper": _PAPER[way]}
    return {
        **theme, **_OWN, "palette": {**theme["palette"], "background": paper},
        "components": {**theme["components"], **_OWN["components"]},
    }  # fmt: skip


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
    before = Before(font=_icons(), parts=_BUNDLE.read_text(encoding="utf-8"), width=0, height=0, margin=0)
    shown = pmui.Row(
        side,
        main,
        sizing_mode="stretch_width",
        height=height,
        margin=0,
        theme_config={way: _theme(way) for way in _PAPER},
    )
    return _Whole(before, shown, sizing_mode="stretch_width", height=height, design=_Bare)


class _Bare(pmui.MaterialDesign):
    """The design of all else, with nothing put around the cell: `Before` must not wait for what it brings."""

    def _wrapper(self, shown: Any) -> Any:
        return shown


class _Whole(pn.Row):
    """The cell, whose parts come with one copy of the scripts that each would bring along."""

    def _preprocess(self, root: Any, *args: Any, **options: Any) -> None:
        super()._preprocess(root, *args, **options)
        for model in root.references():
            if getattr(model, "bundle", None) == _OF_BUNDLE:
                model.update(bundle=_HELD, esm=_TAKEN)


class Before(pn.custom.JSComponent):
    """What a served page has before anything is drawn, and a notebook lacks."""

    font = param.String(default="", doc="Of the icons, in base64.")
    parts = param.String(default="", doc="The scripts of the parts.")

    _esm = f"""
// nothing is rendered, not even this, before what all wait for is there
export function initialize({{model}}) {{
  const held = window["{_HELD}"] ??= Promise.withResolvers()
  if (!held.came) {{
    held.came = true
    held.resolve(importShim(URL.createObjectURL(new Blob([model.parts], {{type: "text/javascript"}}))))
  }}
}}

export function render({{model}}) {{
  {look.OWN_COLOURS}
  if (model.font) {{
    const font = new FontFace("Material Icons", `url(data:font/woff2;base64,${{model.font}})`)
    font.load().then(loaded => document.fonts.add(loaded))
  }}
  // figures and notes are as dark as the notebook is
  const darken = () => {{
    const dark = document.body.dataset.jpThemeLight === "false", style = document.documentElement.style
    const ways = {{
      "--bac-dark": ["0", "1"], "--bac-blend": ["normal", "screen"],
      "--bac-note": ["#fff3dc", "#33270f"], "--bac-note-text": ["#5c3a00", "#ffdf9e"],
    }}
    for (const [name, way] of Object.entries(ways)) style.setProperty(name, way[Number(dark)])
  }}
  const watcher = new MutationObserver(darken)
  watcher.observe(document.body, {{attributeFilter: ["data-jp-theme-light"]}})
  model.on("remove", () => watcher.disconnect())
  darken()
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
