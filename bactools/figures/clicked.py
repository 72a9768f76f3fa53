"""Which image a click on a figure means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from bactools.figures.style import KEYS


def clicked(figure: go.Figure, point: Mapping[str, Any]) -> dict[str, str]:
    """Return what a clicked point says of itself.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        From `bactools.figures`.
    point : mapping
        As a browser tells it, who may tell anything: ``customdata`` of a point; of a square of an
        aggregated scatter ``curveNumber``, ``x`` and ``y`` inside it.

    Returns
    -------
    dict of str to str
        subject, view, date and image_id; empty where the click means no single image.
    """
    told = point.get("customdata")
    if told is None:
        told = _of_square(figure, point)
    if not isinstance(told, list) or len(told) != len(KEYS):
        return {}
    return dict(zip(KEYS, map(str, told), strict=True))


def _of_square(figure: go.Figure, point: Mapping[str, Any]) -> Any:
    number = point.get("curveNumber")
    if not isinstance(number, int) or not 0 <= number < len(figure.data):
        return None
    trace = figure.data[number]
    if trace.type != "heatmap" or trace.customdata is None:
        return None
    column, row = _place(trace.x, point.get("x")), _place(trace.y, point.get("y"))
    shape = np.shape(trace.z)
    if column is None or row is None or row >= shape[0] or column >= shape[1]:
        return None
    found = trace.customdata[row][column]
    return [str(each) for each in found] if found is not None and len(found) else None


def _place(edges: Any, value: Any) -> int | None:
    """Return between which edges a value lies."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    at = int(np.searchsorted(np.asarray(edges, dtype=np.float64), value, side="right")) - 1
    return at if at >= 0 else None
