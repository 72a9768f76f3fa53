"""How a training went."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from bactools.figures import style

_LOSSES = {"training_loss": "training", "validation_loss": "validation"}
_SCORES = {"dice": "Dice", "recall": "recall", "precision": "precision"}


def training_curve(table: pd.DataFrame) -> go.Figure:
    """Draw losses and validation scores over the epochs.

    Parameters
    ----------
    table : pandas.DataFrame
        The log of a training, one row per epoch: ``epoch``, ``training_loss``, ``validation_loss``,
        ``dice``, ``recall``, ``precision``.

    Returns
    -------
    plotly.graph_objects.Figure
        Losses above, scores below, the epoch of the best Dice marked.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    missing = [column for column in ("epoch", *_LOSSES, *_SCORES) if column not in table]
    if missing:
        raise ValueError(f"no log of a training: column {missing[0]} is missing")
    figure = make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.08,
        subplot_titles=("loss", "validation patches"),
    )
    for row, names in ((1, _LOSSES), (2, _SCORES)):
        for column, name in names.items():
            line = go.Scatter(x=table["epoch"], y=table[column], name=name, mode="lines+markers")
            figure.add_trace(line, row=row, col=1)
    if table["dice"].notna().any():
        place = int(np.nanargmax(table["dice"].to_numpy(dtype=float)))
        epoch, dice = table["epoch"].to_numpy()[place], float(table["dice"].to_numpy()[place])
        figure.add_trace(
            go.Scatter(
                x=[epoch],
                y=[dice],
                name=f"best Dice {dice:.3f}",
                mode="markers",
                marker={"size": 14, "symbol": "circle-open", "line": {"width": 2}},
            ),
            row=2,
            col=1,
        )
    few = {"dtick": 1} if len(table) <= 20 else {}
    figure.update_xaxes(title_text="epoch", row=2, col=1)
    figure.update_xaxes(**few)
    figure.update_yaxes(range=[0, 1], row=2, col=1)
    return style.finish(figure, title="Training", height=640)


def write_curve(table: pd.DataFrame, path: Path) -> None:
    """Write `training_curve` as a page that needs no network connection.

    Parameters
    ----------
    table : pandas.DataFrame
    path : pathlib.Path
    """
    training_curve(table).write_html(path, include_plotlyjs=True)
