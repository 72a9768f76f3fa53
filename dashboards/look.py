"""How pages look, and what a screen reader is told of their parts."""

from __future__ import annotations

from typing import Any

import panel as pn

BLUE = "#0b5cad"
_DEEP = "#0b3557"

WORDS = """
:host { color: inherit; }
p { margin: 0 0 6px; max-width: 84ch; line-height: 1.5; overflow-wrap: anywhere; }
h1 { font-size: 26px; line-height: 1.2; font-weight: 600; letter-spacing: -.01em; margin: 6px 0 2px; }
h2 { font-size: 18px; line-height: 1.3; font-weight: 600; margin: 14px 0 2px; }
h3 { font-size: 15px; line-height: 1.3; font-weight: 600; margin: 8px 0 2px; }
"""
"""Of words and headings."""

SMALL = """
p { margin: 0 0 2px; font-size: 13px; line-height: 1.45; overflow-wrap: anywhere; opacity: .87; }
p.first { font-size: 15px; font-weight: 600; opacity: 1; }
h2 { font-size: 13px; font-weight: 600; letter-spacing: .02em; margin: 4px 0 0; }
"""
"""Of words in the side bar."""

FIGURE = """
:host { mix-blend-mode: var(--bac-blend, normal); min-width: 720px; }
.svg-container { filter: invert(var(--bac-dark, 0)) hue-rotate(calc(var(--bac-dark, 0) * 180deg)); }
.modebar-group { background: transparent !important; }
@media (max-width: 599px) { .nsewdrag, .drag { touch-action: pan-x pan-y !important; } }
"""
"""Of figures: they are drawn for paper, and turned where the page is dark."""

TABLE = """
.tabulator { font-size: 13.5px; border-radius: 6px; }
.tabulator .tabulator-header .tabulator-col .tabulator-col-title { font-weight: 600; white-space: normal; }
.tabulator-row .tabulator-cell { font-variant-numeric: tabular-nums; }
.tabulator:focus-visible, .tabulator-tableholder:focus-visible, .tabulator-page:focus-visible {
  outline: 2px solid #1f7ae0; outline-offset: -2px; }
"""
"""Of tables."""

BANNER = """
div { font-size: 13px; line-height: 1.4; padding: 3px 12px; border-radius: 6px;
  background: var(--bac-note, #fff3dc); color: var(--bac-note-text, #5c3a00); }
"""

HEADER = """
div { color: #fff; font-size: 15px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
"""

_FOCUS = {"&.Mui-focusVisible": {"outline": "2px solid #1f7ae0", "outlineOffset": "-2px"}}
_PARTS = {"MuiButtonBase": {"styleOverrides": {"root": _FOCUS}}}

THEME: dict[str, Any] = {
    "light": {
        "palette": {
            "primary": {"main": BLUE, "contrastText": "#ffffff"},
            "background": {"default": "#f6f8fa", "paper": "#ffffff"},
            "text": {"primary": "#1b2733", "secondary": "#4c5a67"},
        },
        "components": _PARTS,
    },
    "dark": {
        "palette": {
            "primary": {"main": "#7ab8f5", "contrastText": "#06192b"},
            "background": {"default": "#12161b", "paper": "#171c22"},
            "text": {"primary": "#e6ebf0", "secondary": "#b3bec8"},
        },
        "components": _PARTS,
    },
}
"""Colours of the page, both ways."""

PAGE: dict[str, Any] = {
    "& .MuiToolbar-root": {"minHeight": "52px !important"},
    "& .header.MuiAppBar-root": {
        "backgroundColor": f"{_DEEP} !important", "backgroundImage": "none !important", "boxShadow": "none",
        "color": "#fff !important",
    },
    "& .title": {"fontSize": "20px !important", "fontWeight": 600, "color": "#fff !important"},
    "& .main-content": {"padding": "10px 20px 48px", "boxSizing": "border-box"},
    "@media (max-width: 599px)": {"& .main-content": {"padding": "6px 6px 48px"}},
}  # fmt: skip
"""Of the parts of the page."""

OWN_COLOURS = """
// the page's frame would paint figures in its own colours, and move their legends and margins
{
  const kind = window.Bokeh?.Models?.get("panel.models.plotly.PlotlyPlot")
  if (kind && !kind.bactools) {
    kind.bactools = true
    const set = kind.prototype.setv
    kind.prototype.setv = function (changed, options) {
      if (changed?.layout?.annotationdefaults && changed.layout.ternary) return
      return set.call(this, changed, options)
    }
  }
}
"""
"""A script that keeps figures as they are drawn."""

TEMPLATE = f"""{{% extends "base.html" %}}
{{% block contents %}}
<script>{OWN_COLOURS}</script>
{{{{ super() }}}}
{{% endblock %}}
"""
"""Of the document: what must be there before anything is drawn."""


class _Named:
    """What a screen reader is told of a part of the page."""

    attributes: dict[str, str] = {}  # noqa: RUF012  (each sets its own)

    def _get_model(self, *args: Any, **options: Any) -> Any:
        made: Any = super()
        model = made._get_model(*args, **options)
        model.html_attributes = dict(self.attributes)
        return model


class Plot(_Named, pn.pane.Plotly):
    """A figure with an accessible name."""


class Table(_Named, pn.widgets.Tabulator):
    """A table with an accessible name."""


def plot(drawn: Any, told: str, **options: Any) -> Plot:
    """Return a figure that a screen reader calls what is told."""
    made = Plot(drawn, **options)
    made.attributes = {"role": "figure", "aria-label": told}
    return made


def table(frame: Any, told: str, **options: Any) -> Table:
    """Return a table that a screen reader calls what is told."""
    made = Table(frame, **options)
    made.attributes = {"role": "region", "aria-label": told}
    return made
