"""Figures of a cohort hold the numbers of its tables, lead to images, and say so when there is nothing."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest

from bactools.figures.cohort import burden_distribution, flow_diagram, missingness_map
from bactools.figures.style import note_below
from bactools.figures.words import no_figure
from bactools.stats.burden import burden
from bactools.stats.cohort.burden_by import burden_by
from bactools.stats.cohort.flow import Flow, flow
from bactools.stats.cohort.missingness import missingness
from bactools.stats.result import Result
from bactools.testing import simulate_cube


def texts(figure: object) -> str:
    return "\n".join(str(note.text) for note in figure.layout.annotations)  # type: ignore[attr-defined]


def test_every_step_and_loss_of_a_flow_is_written() -> None:
    reasons = [f"reason_{k}" for k in range(9) for _ in range(k + 1)]
    index = pd.DataFrame({"image_id": range(45), "eligible": False, "reason": reasons})
    told = texts(flow_diagram(flow(index)))
    assert "files seen<br>n = 45" in told
    assert "eligible images<br>n = 0" in told
    assert "left out: n = 45" in told
    assert "9 reason 8" in told
    assert "10 for 4 other reasons" in told  # 1 + 2 + 3 + 4


def test_a_flow_of_a_cube_has_a_box_per_step_and_an_arrow_between() -> None:
    result = flow(cube=simulate_cube(20, missing_views=0.2, one_exam=0.3))
    figure = flow_diagram(result)
    boxes = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    losing = result.losses["step"].nunique()
    assert len(boxes) == len(result.steps) + losing
    lines = [shape for shape in figure.layout.shapes if shape.type == "line"]
    assert len(lines) == len(result.steps) - 1 + losing
    # from images to exams, from exams to women
    assert [line.line.dash for line in lines].count("dot") == 2
    for box in boxes:
        assert box.y0 < box.y1 <= figure.layout.yaxis.range[0]
    assert "simulated" in texts(figure)


def test_boxes_do_not_overlap() -> None:
    figure = flow_diagram(flow(cube=simulate_cube(20, missing_views=0.4)))
    boxes = sorted((s.x0, s.y0, s.y1) for s in figure.layout.shapes if s.type == "rect")
    for (left, _, bottom), (right, top, _) in itertools.pairwise(boxes):
        assert left != right or bottom <= top


def test_a_reason_is_shown_as_it_is() -> None:
    index = pd.DataFrame({"image_id": [1], "eligible": [False], "reason": ["<b>x</b>"]})
    assert "&lt;b&gt;x&lt;/b&gt;" in texts(flow_diagram(flow(index)))


def test_the_map_holds_the_shares() -> None:
    cube = simulate_cube(20, missing_views=0.2)
    fails = np.random.default_rng(0).random(cube["status"].shape) < 0.1
    cube["status"] = cube["status"].where(~(fails & (cube["status"] == 1).values), 2)
    found = missingness(cube)
    heat, second, bars = missingness_map(found).data
    for trace, name in ((heat, "share_absent"), (second, "share_failed")):
        for row in found.by_view.itertuples():
            shown = trace.z[list(trace.y).index(row.view)][list(trace.x).index(row.year)]
            assert shown == pytest.approx(getattr(row, name))
    assert sum(bars.y) == found.n_exams
    assert heat.zmax == second.zmax


def test_without_failures_there_is_one_map() -> None:
    figure = missingness_map(missingness(simulate_cube(10, missing_views=0.1)))
    assert [trace.type for trace in figure.data] == ["heatmap", "bar"]
    assert "simulated" in texts(figure)
    complete = missingness_map(missingness(simulate_cube(10)))
    assert np.nanmax(complete.data[0].z) == 0


def test_points_lead_to_women_and_lines_are_the_tables() -> None:
    found = burden_by(burden(simulate_cube(40)), "ckd")
    figure = burden_distribution(found)
    points = [trace for trace in figure.data if trace.mode == "markers"]
    assert sum(len(trace.x) for trace in points) == 40
    keys = {(row[0], row[2]) for trace in points for row in trace.customdata}
    expected = set(zip(found.points["subject"], found.points["date"].dt.strftime("%Y-%m-%d"), strict=True))
    assert keys == expected
    medians = [trace.y[0] for trace in figure.data if trace.name == "median"]
    assert medians == found.groups["median"].tolist()
    assert figure.layout.xaxis.ticktext[0].startswith("no<br>n = ")


def test_on_a_log_axis_women_without_burden_are_counted_not_drawn() -> None:
    found = burden_by(burden(simulate_cube(40, without_bac=0.4)), "race")
    figure = burden_distribution(found, log=True)
    drawn = np.concatenate([trace.y for trace in figure.data])
    assert (drawn > 0).all()
    shown = sum(len(trace.x) for trace in figure.data if trace.mode == "markers")
    assert shown == 40 - found.groups["zero"].sum()
    assert f"{found.groups['zero'].iloc[0]} without" in figure.layout.xaxis.ticktext[0]


def test_what_is_not_estimable_is_a_figure_in_words() -> None:
    cube = simulate_cube(3).isel(subject=[])
    assert "the cube holds no exam" in texts(missingness_map(missingness(cube)))
    empty = pd.DataFrame()
    assert "why not" in texts(flow_diagram(Flow(empty, empty, 0, reason="why not")))
    unknown = burden_by(burden(simulate_cube(3).assign(bmi=("subject", [np.nan] * 3))), "bmi")
    assert "the bmi of no woman is known" in texts(burden_distribution(unknown))
    bare = cast(Result, SimpleNamespace(reason="<i>", title="<t>", note="<n>"))
    assert "&lt;i&gt;" in texts(no_figure(bare))
    assert "&lt;n&gt;" in texts(no_figure(bare))


def test_a_note_has_room_beneath() -> None:
    figure = note_below(flow_diagram(flow(cube=simulate_cube(3))), "word " * 60, below=50)
    assert figure.layout.margin.b >= 50 + 3 * 16
