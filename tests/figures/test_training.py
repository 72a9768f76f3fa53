"""The curve of a training, read from the figure's data."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bactools.figures.training import training_curve, write_curve

TABLE = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "training_loss": [0.9, 0.5, 0.4],
        "validation_loss": [0.8, 0.6, 0.7],
        "dice": [0.2, 0.6, 0.5],
        "recall": [0.3, 0.7, 0.4],
        "precision": [0.1, 0.5, 0.9],
    }
)


def test_traces_hold_the_table_and_the_best_is_marked() -> None:
    traces = {trace.name: trace for trace in training_curve(TABLE).data}
    names = {"training": "training_loss", "validation": "validation_loss", "Dice": "dice"}
    for name, column in {**names, "recall": "recall", "precision": "precision"}.items():
        assert list(traces[name].x) == [1, 2, 3]
        assert list(traces[name].y) == TABLE[column].to_list()
    best = traces["best Dice 0.600"]
    assert (list(best.x), list(best.y)) == ([2], [0.6])


def test_without_validation_nothing_is_marked() -> None:
    figure = training_curve(TABLE.assign(dice=float("nan")))
    assert not any(str(trace.name).startswith("best") for trace in figure.data)


def test_a_table_of_something_else() -> None:
    with pytest.raises(ValueError, match="column recall is missing"):
        training_curve(TABLE.drop(columns="recall"))


def test_the_page_works_without_a_network(tmp_path: Path) -> None:
    write_curve(TABLE, tmp_path / "curve.html")
    page = (tmp_path / "curve.html").read_text(encoding="utf-8")
    assert "cdn.plot.ly" not in page.split("Plotly.newPlot")[-1]
    assert 'script src="http' not in page
    assert len(page) > 1_000_000
