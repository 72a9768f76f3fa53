"""Figures as parts of one HTML page that needs no network connection: data here, plotly.js once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

_WIDTH, _HEIGHT = 940, 560
_MOST_OF_FIGURE = 8_000
"""Points of a whole figure; more make a page slow, and its print large."""

_MARKERS = ("scatter", "scattergl")


@dataclass(frozen=True)
class Fragment:
    """A figure, ready for a page.

    Attributes
    ----------
    data : str
        ``data`` and ``layout`` as JSON without ``<``, ``>`` or ``&``: safe inside a script element.
    title : str
        Of the figure, as text.
    width, height : int
        [CSS pixel]
    drawn, points : int
        Points that are drawn, and that there are, in traces that were thinned out; both 0 if none was.
    """

    data: str
    title: str
    width: int
    height: int
    drawn: int = 0
    points: int = 0


def fragment(figure: go.Figure, *, most: int = 2_500) -> Fragment:
    """Return a figure as a part of a page.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Left as it is.
    most : int
        Points per trace of markers, fewer if a figure has many traces; of larger ones as many are drawn at
        random, always the same.

    Returns
    -------
    Fragment
        Its points know their values, but no longer whose they are: a page may be sent to others.
    """
    if most < 1:
        raise ValueError(f"most={most}: give 1 or more")
    # not to_dict: it packs arrays, which could then not be thinned out
    traces = [trace.to_plotly_json() for trace in figure.data]
    layout: dict[str, Any] = figure.layout.to_plotly_json()
    drawn = points = 0
    clouds = sum(trace.get("mode") == "markers" for trace in traces)
    most = max(1, min(most, _MOST_OF_FIGURE // max(1, clouds)))
    for trace in traces:
        # vector graphics print everywhere, WebGL does not
        trace["type"] = "scatter" if trace.get("type") == "scattergl" else trace.get("type", "scatter")
        had = _thin(trace, most)
        drawn, points = drawn + (most if had else 0), points + had
        _forget(trace)
    title = layout.pop("title", None) or {}
    text = str(title.get("text") or "") if isinstance(title, dict) else str(title)
    if text and isinstance(layout.get("margin"), dict) and "t" in layout["margin"]:
        layout["margin"]["t"] = max(30, layout["margin"]["t"] - 20)
    layout["width"] = int(layout.get("width") or _WIDTH)
    layout["height"] = int(layout.get("height") or _HEIGHT)
    # typed arrays, dates and NaN become JSON only by plotly's own encoder
    data = go.Figure({"data": traces, "layout": layout}).to_json()
    for sign in "<>&\u2028\u2029":
        data = data.replace(sign, f"\\u{ord(sign):04x}")
    return Fragment(data, _text(text), layout["width"], layout["height"], drawn, points)


def plotly_script() -> str:
    """Return plotly.js, for one script element of the page."""
    script: str = get_plotlyjs()
    return script.replace("</script", "<\\/script")


def draw_script() -> str:
    """Return the script that draws every fragment of a page: see the attributes ``data-figure``."""
    return _DRAW


def _thin(trace: dict[str, Any], most: int) -> int:
    """Leave out points of a trace of too many, and return how many there were; 0 if it was not."""
    if trace["type"] not in _MARKERS or trace.get("mode") != "markers":
        return 0
    held = {name: np.asarray(trace[name]) for name in ("x", "y") if trace.get(name) is not None}
    sizes = {len(values) for values in held.values()}
    if len(sizes) != 1 or (size := sizes.pop()) <= most:
        return 0
    rows = np.sort(np.random.default_rng(0).choice(size, most, replace=False))

    def kept(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: kept(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple | np.ndarray) and len(value) == size:
            return [value[row] for row in rows]
        return value

    for key in list(trace):
        trace[key] = kept(trace[key])
    trace |= {name: values[rows] for name, values in held.items()}
    return size


def _forget(trace: dict[str, Any]) -> None:
    """Take from a trace whose each point is."""
    known = trace.pop("customdata", None) is not None
    template = trace.get("hovertemplate")
    if not known or not isinstance(template, str):
        if known:
            trace.pop("hovertemplate", None)
        return
    body, extra, _ = template.partition("<extra>")
    lines = [line for line in body.split("<br>") if "customdata" not in line]
    trace["hovertemplate"] = "<br>".join(lines) + (f"{extra}</extra>" if extra else "")


def _text(title: str) -> str:
    """Return a title of plotly's as plain text."""
    for tag in ("<br>", "<br/>"):
        title = title.replace(tag, " ")
    for tag in ("<b>", "</b>", "<i>", "</i>", "<sub>", "</sub>", "<sup>", "</sup>"):
        title = title.replace(tag, "")
    return title.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


_OPTIONS = json.dumps({"displaylogo": False, "responsive": False, "showSendToCloud": False})
_DRAW = f"""
(async () => {{
  const options = {_OPTIONS};
  for (const place of document.querySelectorAll("[data-figure]")) {{
    try {{
      const told = JSON.parse(document.getElementById(place.dataset.figure).textContent);
      await Plotly.newPlot(place, told.data, told.layout, options);
      place.dataset.drawn = "yes";
    }} catch (error) {{
      place.textContent = "This figure could not be drawn by this browser.";
      console.error(error);
    }}
  }}
  document.documentElement.dataset.ready = "yes";
}})();
"""
