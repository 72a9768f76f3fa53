"""Laws of a woman's arteries and breasts, before any image."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bactools.phantom.calcium import Course
from bactools.phantom.grid import Grid
from bactools.phantom.position import Position, take
from bactools.phantom.vessels import calcium_map
from bactools.phantom.woman import Woman, draw_woman

SCALE, AGE = 0.2, 70.0
GRID = Grid((1600, 1200), 0.07)


def calcified(seed: int = 11, **change: object) -> Woman:
    """A woman whose arteries have calcified for 25 years."""
    woman = Woman(seed, "B", 90.0, Course(onset=AGE - 25, rate=0.09), SCALE)
    return replace(woman, **change)  # type: ignore[arg-type]


def uncut(woman: Woman, side: str, view: str, **change: float) -> Position:
    """A position in which nothing of the breast is out of the field."""
    position = take(woman.seed, 0, side, view, woman.breasts[side].half_axes)
    return replace(position, pulled=-15.0, **change)


def projected(woman: Woman, side: str, position: Position, *, age: float = AGE) -> NDArray[np.float32]:
    return calcium_map(woman.walls(side, age), position, woman.breasts[side].half_axes, GRID)


@pytest.mark.parametrize("side", ["L", "R"])
@pytest.mark.parametrize("view", ["CC", "MLO"])
@pytest.mark.parametrize("thickness", [12.0, 60.0])
def test_no_view_and_no_magnification_changes_the_mass(side: str, view: str, thickness: float) -> None:
    woman = calcified()
    true = woman.calcium_mg(side, AGE)
    found = projected(woman, side, uncut(woman, side, view, thickness=thickness)).sum(dtype=np.float64)
    assert true > 1
    assert found == pytest.approx(true, rel=1e-3)


def test_magnification_follows_the_height_over_the_detector() -> None:
    position = uncut(calcified(), "L", "CC", thickness=40.0)
    assert position.magnification == pytest.approx(700 / (700 - 20 - 20))
    assert replace(position, thickness=80.0).magnification > position.magnification


def test_twice_the_calcium_is_twice_as_much_everywhere() -> None:
    woman = calcified()
    position = uncut(woman, "L", "MLO")
    once = projected(woman, "L", position)
    twice = projected(woman.with_calcium(2), "L", position)
    assert once.max() > 0
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-4, atol=1e-7)


def test_calcium_never_goes_away() -> None:
    woman = calcified()
    position = uncut(woman, "L", "CC")
    before, after = (projected(woman, "L", position, age=age) for age in (AGE, AGE + 10))
    assert (after >= before - 1e-6).all()
    assert after.sum() > 1.1 * before.sum()


def test_there_is_none_before_the_onset() -> None:
    woman = calcified()
    assert woman.calcium_mg("L", AGE - 25) == 0
    assert calcified(course=Course(onset=math.inf, rate=0.1)).calcium_mg("L", 90) == 0
    masses = [woman.calcium_mg("L", age) for age in range(45, 95, 5)]
    assert (np.diff(masses) >= 0).all()


@pytest.mark.parametrize("side", ["L", "R"])
def test_both_views_show_one_tree(side: str) -> None:
    """What either shows of the distance from the chest wall is the same once the geometry is undone."""
    woman = calcified()
    breast = woman.breasts[side]
    depths = {}
    for view in ("CC", "MLO"):
        position = replace(uncut(woman, side, view), turn=0.0, roll=0.0)
        placed = [position.project(artery.points, breast.half_axes) for artery in breast.arteries]
        depths[view] = [
            (line[:, 0] * (700 - 20 - line[:, 2]) / 700 + position.pulled) / position.spread
            for line in placed
        ]
        masses = [
            calcium_map([wall], position, breast.half_axes, GRID).sum(dtype=np.float64)
            for wall in woman.walls(side, AGE)
        ]
        np.testing.assert_allclose(masses, [wall.mass_mg for wall in woman.walls(side, AGE)], rtol=1e-3)
    for artery, cc, mlo in zip(breast.arteries, depths["CC"], depths["MLO"], strict=True):
        np.testing.assert_allclose(cc, mlo, atol=1e-9)
        np.testing.assert_allclose(cc, artery.points[:, 0], atol=1e-9)


def test_views_look_at_a_tree_from_different_sides() -> None:
    woman = calcified()
    breast = woman.breasts["L"]
    heights = []
    for view in ("CC", "MLO"):
        position = replace(uncut(woman, "L", view), turn=0.0, roll=0.0)
        points = np.concatenate([artery.points for artery in breast.arteries])
        heights.append(position.project(points, breast.half_axes)[:, 1])
    assert np.abs(heights[0] - heights[1]).mean() > 2


def test_arteries_stay_inside_the_breast() -> None:
    for seed in range(5):
        for breast in calcified(seed).breasts.values():
            for artery in breast.arteries:
                assert (np.linalg.norm(artery.points / breast.half_axes, axis=1) < 1).all()
                assert 0.2 <= artery.radius.min() <= artery.radius.max() <= 1.6


def test_most_women_have_no_calcium() -> None:
    women = [draw_woman(seed) for seed in range(400)]
    free = np.mean([math.isinf(woman.course.onset) for woman in women])
    assert 0.6 < free < 0.9
    old = np.mean([math.isinf(draw_woman(seed, age=80).course.onset) for seed in range(400)])
    young = np.mean([math.isinf(draw_woman(seed, age=45).course.onset) for seed in range(400)])
    assert old < young - 0.2


def test_density_orders_the_amount_of_gland() -> None:
    for seed in (1, 2):
        shares = []
        for density in "ABCD":
            breast = calcified(seed, density=density).breasts["L"]
            _, volumes = breast.gland()
            shares.append(float(volumes.sum()) / math.prod(breast.half_axes))
        assert (np.diff(shares) > 0).all()


def test_a_woman_follows_from_her_seed() -> None:
    assert draw_woman(5) == draw_woman(5) != draw_woman(6)
    lengths = [[a.length for a in calcified(seed).breasts["L"].arteries] for seed in (5, 5, 6)]
    assert lengths[0] == lengths[1] != lengths[2]
    assert calcified(5).calcium_mg("L", AGE) == calcified(5).calcium_mg("L", AGE)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"density": "E"}, "density 'E': choose one of A, B, C, D"),
        ({"size": 20}, "20 mm: choose 40 to 160"),
        ({"scale": 2}, "scale 2: choose 0.1 to 1"),
    ],
)
def test_impossible_women_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        calcified(**change)
