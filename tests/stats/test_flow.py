"""The flow of inclusion adds up at every step, whatever the tables hold and in whatever order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bactools.cube import assemble, on_dates
from bactools.stats.cohort.flow import Flow, flow
from bactools.stats.result import StatsError
from bactools.study import Study
from bactools.testing import simulate_cube

VIEWS = ("LCC", "LMLO", "RCC", "RMLO")


def rows(subject: str, date: str, views: tuple[str, ...] = VIEWS, **columns: object) -> list[dict]:
    return [
        {"image_id": f"{subject}-{date}-{view}", "subject": subject, "date": pd.Timestamp(date), "view": view}
        | {"status": "done", "failure": ""}
        | columns
        for view in views
    ]


def made() -> tuple[pd.DataFrame, pd.DataFrame, xr.Dataset]:
    """Three women: a with two complete exams, b with one and one that failed in a view, c with two views."""
    images = pd.DataFrame(
        [
            *rows("a", "2020-01-01"),
            *rows("a", "2021-01-01"),
            *rows("b", "2020-02-01"),
            *rows("b", "2021-02-01", VIEWS[:3]),
            *rows("b", "2021-02-01", VIEWS[3:], status="failed", failure="out_of_memory"),
            *rows("c", "2020-03-01", VIEWS[:2]),
            {**rows("c", "2020-03-01", VIEWS[:1])[0], "image_id": "again"},
        ]
    )
    cube, images = assemble(images)
    excluded = ["tomosynthesis", "tomosynthesis", "duplicate"]
    index = pd.DataFrame(
        {
            "image_id": [*images["image_id"], "x1", "x2", "x3", "new"],
            "eligible": [True] * len(images) + [False] * 3 + [True],
            "reason": [""] * len(images) + excluded + [""],
        }
    )
    return index, images, cube


def adds_up(result: Flow) -> None:
    """Within a unit, what is left and what is lost make up what there was."""
    steps = result.steps
    for (_, row), (_, following) in zip(steps[:-1].iterrows(), steps[1:].iterrows(), strict=True):
        lost = result.lost(row["step"])["n"].sum()
        assert row["n"] >= 0
        if row["unit"] == following["unit"]:
            assert row["n"] - lost == following["n"], row["step"]
        else:
            assert lost == 0


def test_every_number_is_the_one_counted_by_hand() -> None:
    result = flow(*made())
    adds_up(result)
    steps = {"seen": 23, "eligible": 20, "measured": 18, "chosen": 17, "exams": 5, "complete_exams": 3}
    steps |= {"women": 3, "women_complete": 2, "women_followed": 1}
    assert dict(zip(result.steps["step"], result.steps["n"], strict=True)) == steps
    assert result.lost("seen")[["reason", "n"]].to_numpy().tolist() == [
        ["tomosynthesis", 2],
        ["duplicate", 1],
    ]
    assert dict(result.lost("eligible")[["reason", "n"]].to_numpy().tolist()) == {
        "to_do": 1,
        "out_of_memory": 1,
    }
    assert result.lost("measured")["n"].tolist() == [1]
    assert "another image of the same view" in result.lost("measured")["label"][0]
    assert dict(result.lost("exams")[["label", "n"]].to_numpy().tolist()) == {
        "lack 1 of 4 views": 1,
        "lack 2 of 4 views": 1,
    }
    assert "3 left out: 2 tomosynthesis; 1 duplicate" in result.interpret()
    assert result.to_frame().query("kind == 'left'")["n"].tolist() == list(steps.values())


def test_order_of_rows_and_form_of_the_cube_do_not_matter() -> None:
    index, images, cube = made()
    expected = flow(index, images, cube)
    other = flow(
        index.sample(frac=1, random_state=0), images.sample(frac=1, random_state=1), on_dates(cube).chunk()
    )
    pd.testing.assert_frame_equal(other.steps, expected.steps)
    pd.testing.assert_frame_equal(other.losses, expected.losses)


def test_each_table_alone_tells_its_part() -> None:
    index, images, cube = made()
    only_index, only_images, only_cube = flow(index), flow(images=images), flow(cube=cube)
    for result in (only_index, only_images, only_cube):
        adds_up(result)
    assert only_index.steps["step"].tolist() == ["seen", "eligible"]
    assert only_images.n("exams") == only_cube.n("exams") == 5
    assert only_images.n("women_followed") == only_cube.n("women_followed") == 1
    assert only_cube.n("in_cube") == 17


def test_a_part_of_the_cube_counts_what_it_leaves_out() -> None:
    index, images, cube = made()
    result = flow(index, images, cube.sel(subject=["a"]))
    adds_up(result)
    assert result.lost("chosen")["n"].tolist() == [9]
    assert (result.n("in_cube"), result.n("women")) == (8, 1)
    left = flow(index, images, cube.sel(view=["LCC", "LMLO"]))
    adds_up(left)
    assert left.n_views == 2
    assert left.n("women_complete") == 3


@pytest.mark.parametrize("seed", range(5))
def test_it_adds_up_for_any_cube(seed: int) -> None:
    cube = simulate_cube(25, missing_views=0.3, one_exam=0.3, seed=seed)
    failed = np.random.default_rng(seed).random(cube["status"].shape) < 0.1
    cube["status"] = cube["status"].where(~(failed & (cube["status"] == 1).values), 2)
    result = flow(cube=cube)
    adds_up(result)
    assert result.n("in_cube") == int((cube["status"] == 1).sum())
    assert result.n("complete_exams") == int((cube["status"] == 1).all("view").sum())
    per_woman = (cube["status"] == 1).all("view").sum("exam")
    assert result.n("women_followed") == int((per_woman >= 2).sum())
    assert "simulated" in result.note


def test_images_measured_before_the_index_excluded_them_are_told() -> None:
    index, images, cube = made()
    index.loc[0, ["eligible", "reason"]] = [False, "spot"]
    result = flow(index, images, cube)
    adds_up(result)
    assert result.n_seen_again == 1
    assert "1 images have results although" in result.interpret()


def test_a_real_study_adds_up(made_study: Study) -> None:
    result = flow(made_study.index, made_study.images, made_study.cube())
    adds_up(result)
    counts = made_study.counts
    assert result.n("seen") == counts["seen"]
    assert result.n("measured") == counts["done"]
    assert result.lost("seen")["n"].sum() == counts["excluded"]
    assert result.lost("eligible")["n"].sum() == counts["failed"] + counts["to_do"]


def test_an_empty_archive_is_no_error() -> None:
    empty = pd.DataFrame({"image_id": [], "eligible": [], "reason": []})
    assert flow(empty).n("seen") == 0
    columns = ["image_id", "status", "subject", "view", "date"]
    assert flow(empty, pd.DataFrame(columns=columns)).n("women_followed") == 0


def test_tables_that_do_not_belong_together_are_refused() -> None:
    index, images, cube = made()
    for arguments, match in (
        ((None, None, None), "nothing to count"),
        ((index.drop(columns="eligible"), None, None), "index lacks the columns eligible"),
        ((pd.concat([index, index[:1]]), None, None), "index names image a-2020-01-01-LCC twice"),
        ((index[1:], images, None), "images has 1 images that the index does not know"),
        ((None, images.drop(columns="view"), None), "images lacks the columns view"),
        ((None, images.assign(status="well"), None), "the status 'well'"),
        (
            (None, images[images["subject"] != "a"], cube),
            "the cube has images that the table of images lacks",
        ),
    ):
        with pytest.raises(StatsError, match=match):
            flow(*arguments)
    with pytest.raises(StatsError, match="no step 'nosuch'"):
        flow(index).n("nosuch")


def test_the_flow_of_a_part_goes_on_from_the_whole() -> None:
    index, images, cube = made()
    whole = flow(index, images, cube)
    for part in (cube, cube.sel(subject=["a", "b"]), cube.isel(exam=[0]), cube.sel(view=["LCC", "RCC"])):
        found, expected = whole.of_part(part), flow(index, images, part)
        pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame())
        assert (found.n_views, found.n_seen_again) == (expected.n_views, expected.n_seen_again)
        assert found.interpret() == expected.interpret()


def test_a_part_with_more_images_than_the_whole_is_refused() -> None:
    _, _, cube = made()
    few = cube.sel(subject=["a"])
    with pytest.raises(StatsError, match="the part has 17 images measured, the whole 8"):
        flow(cube=few).of_part(cube)


def test_exams_are_counted_alike_from_a_cube_and_from_a_table_in_any_order() -> None:
    _, images, cube = made()
    shuffled = cube.isel(subject=[2, 0, 1], exam=slice(None, None, -1))
    of_table = flow(images=images).steps.set_index("step")["n"]
    for each in (cube, shuffled):
        of_cube = flow(cube=each).steps.set_index("step")["n"]
        for step in ("exams", "complete_exams", "women", "women_complete", "women_followed"):
            assert of_cube[step] == of_table[step], step
